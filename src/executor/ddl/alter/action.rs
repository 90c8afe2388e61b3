//! The actions of ALTER TABLE as facts: when each is carried out, what it locks, which relations take it.

use dictdb_catalog::{Relation, RelationKind};
use dictdb_parser::utility::{
    AlterTableAction as Action, ConstraintKind, Detach, FiringMode, RowSecurity, TriggerSelection,
};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Result, SqlState};

/// PostgreSQL's passes, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pass {
    /// What goes.
    Drop,
    /// Changes of column types.
    AlterType,
    /// Columns that go and that changes of types looked at.
    DropMentioned,
    /// New columns.
    AddColumn,
    /// Properties of columns that need no look at rows other than for NULL.
    ColumnAttributes,
    /// Keys, which others may refer to.
    AddKey,
    /// Other constraints, defaults, identity.
    AddConstraint,
    /// Everything else.
    Other,
}

/// When an action is carried out.
pub(super) fn pass(action: &Action) -> Pass {
    match action {
        Action::DropColumn { .. }
        | Action::DropConstraint { .. }
        | Action::SetDefault { default: None, .. }
        | Action::SetNotNull { not_null: false, .. }
        | Action::DropIdentity { .. }
        | Action::DropExpression { .. } => Pass::Drop,
        Action::AlterType { .. } => Pass::AlterType,
        Action::AddColumn { .. } => Pass::AddColumn,
        Action::SetNotNull { .. } => Pass::ColumnAttributes,
        Action::AddConstraint(constraint) => constraint_pass(&constraint.kind),
        Action::SetDefault { .. } | Action::AddIdentity { .. } => Pass::AddConstraint,
        _ => Pass::Other,
    }
}

/// When a constraint is added.
pub(super) fn constraint_pass(kind: &ConstraintKind) -> Pass {
    match kind {
        ConstraintKind::PrimaryKey(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_) => Pass::AddKey,
        _ => Pass::AddConstraint,
    }
}

/// The lock an action needs (`AlterTableGetLockLevel`): options of a view change what it means.
pub(super) fn lock_mode(action: &Action, relation: &Relation) -> LockMode {
    match action {
        Action::SetOptions { .. } if matches!(relation.kind, RelationKind::View(_)) => LockMode::AccessExclusive,
        Action::SetStatistics { .. }
        | Action::ClusterOn(_)
        | Action::SetColumnOptions { .. }
        | Action::SetOptions { .. }
        | Action::ValidateConstraint(_)
        | Action::DetachPartition(_, Detach::Concurrently | Detach::Finalize) => LockMode::ShareUpdateExclusive,
        Action::AddConstraint(constraint) if matches!(constraint.kind, ConstraintKind::ForeignKey(_)) => {
            LockMode::ShareRowExclusive
        }
        Action::Trigger { .. } => LockMode::ShareRowExclusive,
        _ => LockMode::AccessExclusive,
    }
}

/// Kinds of relations an action is for, as bits.
const TABLE: u8 = 1;
const VIEW: u8 = 2;
const MATERIALIZED: u8 = 4;
const INDEX: u8 = 8;
const SEQUENCE: u8 = 16;
const COMPOSITE: u8 = 32;
const FOREIGN: u8 = 64;

/// 42809 when an action is for another kind of relation.
pub(super) fn check_target(action: &Action, relation: &Relation) -> Result<()> {
    let (words, targets) = facts(action);
    let (kind, plural) = match &relation.kind {
        RelationKind::Table if relation.foreign.is_some() => (FOREIGN, "foreign tables"),
        RelationKind::Table if relation.partition_key.is_some() => (TABLE, "partitioned tables"),
        RelationKind::Table | RelationKind::Virtual => (TABLE, "tables"),
        RelationKind::View(_) => (VIEW, "views"),
        RelationKind::MaterializedView(_) => (MATERIALIZED, "materialized views"),
        RelationKind::Index(index) if index.partitioned => (INDEX, "partitioned indexes"),
        RelationKind::Index(_) => (INDEX, "indexes"),
        RelationKind::Sequence(_) => (SEQUENCE, "sequences"),
        RelationKind::Composite => (COMPOSITE, "composite types"),
    };
    if targets & kind != 0 {
        return Ok(());
    }
    Err(Error::new(
        SqlState::WRONG_OBJECT_TYPE,
        format!("ALTER action {words} cannot be performed on relation \"{}\"", relation.name),
    )
    .detail(format!("This operation is not supported for {plural}.")))
}

/// An action in words, and the relations that take it.
fn facts(action: &Action) -> (&'static str, u8) {
    match action {
        Action::AddColumn { .. } => ("ADD COLUMN", TABLE | FOREIGN | COMPOSITE),
        Action::DropColumn { .. } => ("DROP COLUMN", TABLE | FOREIGN | COMPOSITE),
        Action::AlterType { .. } => ("ALTER COLUMN ... SET DATA TYPE", TABLE | FOREIGN | COMPOSITE),
        Action::SetDefault { .. } => ("ALTER COLUMN ... SET DEFAULT", TABLE | FOREIGN | VIEW),
        Action::SetNotNull { not_null: true, .. } => ("ALTER COLUMN ... SET NOT NULL", TABLE | FOREIGN),
        Action::SetNotNull { .. } => ("ALTER COLUMN ... DROP NOT NULL", TABLE | FOREIGN),
        Action::DropExpression { .. } => ("ALTER COLUMN ... DROP EXPRESSION", TABLE | FOREIGN),
        Action::AddIdentity { .. } => ("ALTER COLUMN ... ADD IDENTITY", TABLE | FOREIGN | VIEW),
        Action::SetIdentity { .. } => ("ALTER COLUMN ... SET", TABLE | FOREIGN | VIEW),
        Action::DropIdentity { .. } => ("ALTER COLUMN ... DROP IDENTITY", TABLE | FOREIGN | VIEW),
        Action::SetStatistics { .. } => ("ALTER COLUMN ... SET STATISTICS", TABLE | FOREIGN | MATERIALIZED | INDEX),
        Action::SetStorage { .. } => ("ALTER COLUMN ... SET STORAGE", TABLE | FOREIGN | MATERIALIZED),
        Action::SetCompression { .. } => ("ALTER COLUMN ... SET COMPRESSION", TABLE | MATERIALIZED),
        Action::SetColumnOptions { reset: false, .. } => ("ALTER COLUMN ... SET", TABLE | FOREIGN | MATERIALIZED),
        Action::SetColumnOptions { .. } => ("ALTER COLUMN ... RESET", TABLE | FOREIGN | MATERIALIZED),
        Action::AddConstraint(_) => ("ADD CONSTRAINT", TABLE | FOREIGN),
        Action::AlterConstraint { .. } => ("ALTER CONSTRAINT", TABLE),
        Action::ValidateConstraint(_) => ("VALIDATE CONSTRAINT", TABLE | FOREIGN),
        Action::DropConstraint { .. } => ("DROP CONSTRAINT", TABLE | FOREIGN),
        Action::Trigger { which, mode } => (trigger_words(which, *mode), TABLE | FOREIGN),
        Action::Rule { mode, .. } => (rule_words(*mode), TABLE),
        Action::RowSecurity(security) => (row_security_words(*security), TABLE),
        Action::ClusterOn(Some(_)) => ("CLUSTER ON", TABLE | MATERIALIZED),
        Action::ClusterOn(None) => ("SET WITHOUT CLUSTER", TABLE | MATERIALIZED),
        Action::SetWithoutOids => ("SET WITHOUT OIDS", TABLE | FOREIGN),
        Action::SetAccessMethod(_) => ("SET ACCESS METHOD", TABLE | MATERIALIZED),
        Action::SetTablespace(_) => ("SET TABLESPACE", TABLE | MATERIALIZED | INDEX),
        Action::SetLogged(true) => ("SET LOGGED", TABLE | SEQUENCE),
        Action::SetLogged(false) => ("SET UNLOGGED", TABLE | SEQUENCE),
        Action::SetOptions { reset: false, .. } => ("SET", TABLE | VIEW | MATERIALIZED | INDEX),
        Action::SetOptions { .. } => ("RESET", TABLE | VIEW | MATERIALIZED | INDEX),
        Action::Inherit(_, true) => ("INHERIT", TABLE | FOREIGN),
        Action::Inherit(_, false) => ("NO INHERIT", TABLE | FOREIGN),
        Action::OfType(Some(_)) => ("OF", TABLE),
        Action::OfType(None) => ("NOT OF", TABLE),
        Action::OwnerTo(_) => ("OWNER TO", u8::MAX),
        Action::ReplicaIdentity(_) => ("REPLICA IDENTITY", TABLE | MATERIALIZED),
        Action::AttachPartition(..) => ("ATTACH PARTITION", TABLE | INDEX),
        Action::ForeignOptions(_) => ("OPTIONS", FOREIGN),
        Action::ColumnForeignOptions(..) => ("ALTER COLUMN ... OPTIONS", FOREIGN),
        Action::DetachPartition(_, Detach::Finalize) => ("DETACH PARTITION ... FINALIZE", TABLE),
        Action::DetachPartition(..) => ("DETACH PARTITION", TABLE),
    }
}

fn trigger_words(which: &TriggerSelection, mode: FiringMode) -> &'static str {
    match (which, mode) {
        (TriggerSelection::Name(_), FiringMode::Enable) => "ENABLE TRIGGER",
        (TriggerSelection::Name(_), FiringMode::Disable) => "DISABLE TRIGGER",
        (TriggerSelection::All, FiringMode::Enable) => "ENABLE TRIGGER ALL",
        (TriggerSelection::All, FiringMode::Disable) => "DISABLE TRIGGER ALL",
        (TriggerSelection::User, FiringMode::Enable) => "ENABLE TRIGGER USER",
        (TriggerSelection::User, FiringMode::Disable) => "DISABLE TRIGGER USER",
        (_, FiringMode::EnableAlways) => "ENABLE ALWAYS TRIGGER",
        (_, FiringMode::EnableReplica) => "ENABLE REPLICA TRIGGER",
    }
}

fn rule_words(mode: FiringMode) -> &'static str {
    match mode {
        FiringMode::Enable => "ENABLE RULE",
        FiringMode::EnableAlways => "ENABLE ALWAYS RULE",
        FiringMode::EnableReplica => "ENABLE REPLICA RULE",
        FiringMode::Disable => "DISABLE RULE",
    }
}

fn row_security_words(security: RowSecurity) -> &'static str {
    match security {
        RowSecurity::Enable => "ENABLE ROW SECURITY",
        RowSecurity::Disable => "DISABLE ROW SECURITY",
        RowSecurity::Force => "FORCE ROW SECURITY",
        RowSecurity::NoForce => "NO FORCE ROW SECURITY",
    }
}
