//! `CREATE TABLE` and `ALTER TABLE`.

use sqlparser::ast::{DataType, Expr, Ident, ObjectName};

use super::{
    Behavior, DefElem, ForeignClause, OptionChange, RoleSpec, SequenceOption, SourceExpr, SourceQuery, TableRef,
};

/// `TEMPORARY`, `UNLOGGED` or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    /// An ordinary relation.
    #[default]
    Permanent,
    /// `UNLOGGED`.
    Unlogged,
    /// `TEMPORARY`.
    Temporary,
}

/// `ON COMMIT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCommit {
    /// `PRESERVE ROWS`.
    PreserveRows,
    /// `DELETE ROWS`.
    DeleteRows,
    /// `DROP`.
    Drop,
}

/// `CREATE TABLE`.
#[derive(Clone, Debug)]
pub struct CreateTable {
    /// `TEMPORARY` or `UNLOGGED`.
    pub persistence: Persistence,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The table.
    pub name: ObjectName,
    /// Columns, `LIKE` clauses and table constraints in the order written.
    pub elements: Vec<TableElement>,
    /// `INHERITS`.
    pub inherits: Vec<ObjectName>,
    /// `OF type`.
    pub of_type: Option<ObjectName>,
    /// `PARTITION OF`.
    pub partition_of: Option<(ObjectName, PartitionBoundSpec)>,
    /// `PARTITION BY`.
    pub partition_by: Option<PartitionBy>,
    /// `USING access_method`.
    pub access_method: Option<Ident>,
    /// `WITH (…)`.
    pub options: Vec<DefElem>,
    /// `ON COMMIT`.
    pub on_commit: Option<OnCommit>,
    /// `TABLESPACE`.
    pub tablespace: Option<Ident>,
    /// `CREATE FOREIGN TABLE`: `SERVER` and `OPTIONS`.
    pub foreign: Option<ForeignClause>,
}

/// An item of `CREATE TABLE`'s list.
#[derive(Clone, Debug)]
pub enum TableElement {
    /// A column.
    Column(ColumnDef),
    /// `LIKE`.
    Like(LikeClause),
    /// A table constraint.
    Constraint(Constraint),
}

/// A column definition.
#[derive(Clone, Debug)]
pub struct ColumnDef {
    /// The column.
    pub name: Ident,
    /// Its type; `None` only in `CREATE TABLE OF` and `PARTITION OF`.
    pub data_type: Option<DataType>,
    /// 1-based character position of the type, for errors.
    pub type_position: u32,
    /// `COLLATE`.
    pub collation: Option<ObjectName>,
    /// `COMPRESSION`.
    pub compression: Option<Ident>,
    /// `OPTIONS` of a column of a foreign table.
    pub options: Vec<OptionChange>,
    /// Constraints in the order written. Attributes (`DEFERRABLE` …) have been merged into the one they follow.
    pub constraints: Vec<Constraint>,
}

/// A column or table constraint.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// `CONSTRAINT name`.
    pub name: Option<Ident>,
    /// What it demands.
    pub kind: ConstraintKind,
    /// 1-based character position of its first word, for errors.
    pub position: u32,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    pub initially_deferred: bool,
    /// `NOT VALID`.
    pub not_valid: bool,
    /// `NO INHERIT`.
    pub no_inherit: bool,
}

/// What a constraint demands. As a column constraint the column lists are empty.
#[derive(Clone, Debug)]
pub enum ConstraintKind {
    /// `NULL`.
    Null,
    /// `NOT NULL`.
    NotNull,
    /// `DEFAULT`.
    Default(SourceExpr),
    /// `GENERATED … AS IDENTITY`.
    Identity {
        /// `ALWAYS` (true) or `BY DEFAULT`.
        always: bool,
        /// Options of its sequence.
        options: Vec<SequenceOption>,
    },
    /// `GENERATED ALWAYS AS (…) STORED`.
    Generated(SourceExpr),
    /// `CHECK`.
    Check(SourceExpr),
    /// `PRIMARY KEY`.
    PrimaryKey(KeyConstraint),
    /// `UNIQUE`.
    Unique(KeyConstraint),
    /// `REFERENCES` or `FOREIGN KEY`.
    ForeignKey(ForeignKey),
    /// `EXCLUDE`.
    Exclude(Exclude),
}

/// `PRIMARY KEY` and `UNIQUE`.
#[derive(Clone, Debug, Default)]
pub struct KeyConstraint {
    /// Key columns.
    pub columns: Vec<Ident>,
    /// `INCLUDE` columns.
    pub include: Vec<Ident>,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
    /// `WITH (…)`.
    pub options: Vec<DefElem>,
    /// `USING INDEX TABLESPACE`.
    pub tablespace: Option<Ident>,
    /// `USING INDEX`: an index that exists.
    pub using_index: Option<Ident>,
}

/// `REFERENCES`.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    /// Referencing columns.
    pub columns: Vec<Ident>,
    /// The referenced table.
    pub table: ObjectName,
    /// Referenced columns; empty means its primary key.
    pub referenced: Vec<Ident>,
    /// `MATCH`.
    pub match_type: MatchType,
    /// `ON UPDATE`.
    pub on_update: ReferentialAction,
    /// `ON DELETE`.
    pub on_delete: ReferentialAction,
    /// Columns of `ON DELETE SET NULL (…)` or `SET DEFAULT (…)`.
    pub on_delete_columns: Vec<Ident>,
}

/// `MATCH`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatchType {
    /// `SIMPLE`.
    #[default]
    Simple,
    /// `FULL`.
    Full,
    /// `PARTIAL`.
    Partial,
}

/// What a foreign key does when its target changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReferentialAction {
    /// `NO ACTION`.
    #[default]
    NoAction,
    /// `RESTRICT`.
    Restrict,
    /// `CASCADE`.
    Cascade,
    /// `SET NULL`.
    SetNull,
    /// `SET DEFAULT`.
    SetDefault,
}

/// `EXCLUDE`.
#[derive(Clone, Debug)]
pub struct Exclude {
    /// `USING`.
    pub method: Option<Ident>,
    /// Elements with their operators.
    pub elements: Vec<(super::IndexElement, ObjectName)>,
    /// `INCLUDE` columns.
    pub include: Vec<Ident>,
    /// `WITH (…)`.
    pub options: Vec<DefElem>,
    /// `USING INDEX TABLESPACE`.
    pub tablespace: Option<Ident>,
    /// `WHERE`.
    pub predicate: Option<SourceExpr>,
}

/// `LIKE source INCLUDING …`.
#[derive(Clone, Debug)]
pub struct LikeClause {
    /// The source.
    pub source: ObjectName,
    /// `(true, option)` for `INCLUDING`, in the order written.
    pub options: Vec<(bool, LikeOption)>,
}

/// What `LIKE` may include.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikeOption {
    /// `COMMENTS`.
    Comments,
    /// `COMPRESSION`.
    Compression,
    /// `CONSTRAINTS`.
    Constraints,
    /// `DEFAULTS`.
    Defaults,
    /// `GENERATED`.
    Generated,
    /// `IDENTITY`.
    Identity,
    /// `INDEXES`.
    Indexes,
    /// `STATISTICS`.
    Statistics,
    /// `STORAGE`.
    Storage,
    /// `ALL`.
    All,
}

/// `PARTITION BY`.
#[derive(Clone, Debug)]
pub struct PartitionBy {
    /// `RANGE`, `LIST` or `HASH`, as written.
    pub strategy: Ident,
    /// Key columns and expressions.
    pub keys: Vec<super::IndexElement>,
}

/// `PartitionBoundSpec`: which rows a partition takes, and where that is written.
#[derive(Clone, Debug)]
pub struct PartitionBoundSpec {
    /// The bound.
    pub bound: PartitionBound,
    /// 1-based character position of the word after `FOR VALUES`, or of `DEFAULT`.
    pub position: u32,
}

/// Which rows a partition takes.
#[derive(Clone, Debug)]
pub enum PartitionBound {
    /// `FOR VALUES IN (…)`.
    In(Vec<Expr>),
    /// `FOR VALUES FROM (…) TO (…)`.
    Range(Vec<Expr>, Vec<Expr>),
    /// `FOR VALUES WITH (MODULUS m, REMAINDER r)`.
    Hash(u32, u32),
    /// `DEFAULT`.
    Default,
}

/// `CREATE TABLE AS`, `CREATE MATERIALIZED VIEW`.
#[derive(Clone, Debug)]
pub struct CreateTableAs {
    /// A materialized view.
    pub materialized: bool,
    /// `TEMPORARY` or `UNLOGGED`.
    pub persistence: Persistence,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The table.
    pub name: ObjectName,
    /// Column names.
    pub columns: Vec<Ident>,
    /// `USING access_method`.
    pub access_method: Option<Ident>,
    /// `WITH (…)`.
    pub options: Vec<DefElem>,
    /// `ON COMMIT`.
    pub on_commit: Option<OnCommit>,
    /// `TABLESPACE`.
    pub tablespace: Option<Ident>,
    /// Where the rows come from.
    pub source: TableSource,
    /// `WITH NO DATA` is false.
    pub with_data: bool,
}

/// Where `CREATE TABLE AS` takes its rows from.
#[derive(Clone, Debug)]
pub enum TableSource {
    /// A query.
    Query(SourceQuery),
    /// `EXECUTE prepared (…)`.
    Execute(super::Execute),
}

/// `ALTER TABLE` and what shares its actions.
#[derive(Clone, Debug)]
pub struct AlterTable {
    /// The word after `ALTER`.
    pub kind: RelationKind,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The relation.
    pub table: TableRef,
    /// The actions.
    pub actions: Vec<AlterTableAction>,
}

/// Kinds of relations as commands name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// `TABLE`.
    Table,
    /// `INDEX`.
    Index,
    /// `SEQUENCE`.
    Sequence,
    /// `VIEW`.
    View,
    /// `MATERIALIZED VIEW`.
    MaterializedView,
    /// `FOREIGN TABLE`.
    ForeignTable,
    /// `TYPE`: a composite type.
    Type,
}

/// One action of `ALTER TABLE`.
#[derive(Clone, Debug)]
pub enum AlterTableAction {
    /// `ADD COLUMN`; for composite types `ADD ATTRIBUTE`.
    AddColumn {
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// The column.
        column: Box<ColumnDef>,
        /// `CASCADE` of `ADD ATTRIBUTE`.
        behavior: Behavior,
    },
    /// `DROP COLUMN`, `DROP ATTRIBUTE`.
    DropColumn {
        /// `IF EXISTS`.
        if_exists: bool,
        /// The column.
        name: Ident,
        /// `CASCADE`.
        behavior: Behavior,
    },
    /// `OPTIONS` of a foreign table.
    ForeignOptions(Vec<OptionChange>),
    /// `ALTER COLUMN … OPTIONS`.
    ColumnForeignOptions(Ident, Vec<OptionChange>),
    /// `ALTER COLUMN … TYPE`.
    AlterType {
        /// The column.
        column: Ident,
        /// Its new type.
        data_type: DataType,
        /// 1-based character position of the type.
        type_position: u32,
        /// `COLLATE`.
        collation: Option<ObjectName>,
        /// `USING`.
        using: Option<Box<SourceExpr>>,
        /// `CASCADE` of `ALTER ATTRIBUTE`.
        behavior: Behavior,
    },
    /// `ALTER COLUMN … SET DEFAULT`, or `DROP DEFAULT` (`None`).
    SetDefault {
        /// The column.
        column: Ident,
        /// The default.
        default: Option<Box<SourceExpr>>,
    },
    /// `ALTER COLUMN … SET NOT NULL` (true), `DROP NOT NULL`.
    SetNotNull {
        /// The column.
        column: Ident,
        /// Set or drop.
        not_null: bool,
    },
    /// `ALTER COLUMN … DROP EXPRESSION`.
    DropExpression {
        /// The column.
        column: Ident,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `ALTER COLUMN … ADD GENERATED … AS IDENTITY`.
    AddIdentity {
        /// The column.
        column: Ident,
        /// `ALWAYS` (true) or `BY DEFAULT`.
        always: bool,
        /// Options of its sequence.
        options: Vec<SequenceOption>,
    },
    /// `ALTER COLUMN … SET GENERATED`, `SET sequence_option`, `RESTART`.
    SetIdentity {
        /// The column.
        column: Ident,
        /// `ALWAYS` (true) or `BY DEFAULT`, if said.
        always: Option<bool>,
        /// Options of its sequence.
        options: Vec<SequenceOption>,
    },
    /// `ALTER COLUMN … DROP IDENTITY`.
    DropIdentity {
        /// The column.
        column: Ident,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `ALTER COLUMN … SET STATISTICS`; indexes name columns by number.
    SetStatistics {
        /// The column.
        column: ColumnRef,
        /// The target.
        target: i64,
    },
    /// `ALTER COLUMN … SET STORAGE`.
    SetStorage {
        /// The column.
        column: Ident,
        /// `PLAIN`, `EXTERNAL` …
        storage: Ident,
    },
    /// `ALTER COLUMN … SET COMPRESSION`.
    SetCompression {
        /// The column.
        column: Ident,
        /// The method.
        method: Ident,
    },
    /// `ALTER COLUMN … SET (…)`, `RESET (…)`.
    SetColumnOptions {
        /// The column.
        column: Ident,
        /// The options.
        options: Vec<DefElem>,
        /// `RESET`.
        reset: bool,
    },
    /// `ADD table_constraint`.
    AddConstraint(Box<Constraint>),
    /// `ALTER CONSTRAINT`.
    AlterConstraint {
        /// The constraint.
        name: Ident,
        /// `DEFERRABLE`.
        deferrable: bool,
        /// `INITIALLY DEFERRED`.
        initially_deferred: bool,
    },
    /// `VALIDATE CONSTRAINT`.
    ValidateConstraint(Ident),
    /// `DROP CONSTRAINT`.
    DropConstraint {
        /// `IF EXISTS`.
        if_exists: bool,
        /// The constraint.
        name: Ident,
        /// `CASCADE`.
        behavior: Behavior,
    },
    /// `ENABLE/DISABLE TRIGGER`.
    Trigger {
        /// Which.
        which: TriggerSelection,
        /// How they fire from now on.
        mode: FiringMode,
    },
    /// `ENABLE/DISABLE RULE`.
    Rule {
        /// The rule.
        name: Ident,
        /// How it fires from now on.
        mode: FiringMode,
    },
    /// `ENABLE/DISABLE/FORCE/NO FORCE ROW LEVEL SECURITY`.
    RowSecurity(RowSecurity),
    /// `CLUSTER ON`, or `SET WITHOUT CLUSTER` (`None`).
    ClusterOn(Option<Ident>),
    /// `SET WITHOUT OIDS`.
    SetWithoutOids,
    /// `SET ACCESS METHOD`.
    SetAccessMethod(Ident),
    /// `SET TABLESPACE`.
    SetTablespace(Ident),
    /// `SET LOGGED` (true), `SET UNLOGGED`.
    SetLogged(bool),
    /// `SET (…)`, `RESET (…)`.
    SetOptions {
        /// The options.
        options: Vec<DefElem>,
        /// `RESET`.
        reset: bool,
    },
    /// `INHERIT` (true), `NO INHERIT`.
    Inherit(ObjectName, bool),
    /// `OF`, `NOT OF` (`None`).
    OfType(Option<ObjectName>),
    /// `OWNER TO`.
    OwnerTo(RoleSpec),
    /// `REPLICA IDENTITY`.
    ReplicaIdentity(ReplicaIdentity),
    /// `ATTACH PARTITION`; indexes have no bound.
    AttachPartition(ObjectName, Option<PartitionBoundSpec>),
    /// `DETACH PARTITION`.
    DetachPartition(ObjectName, Detach),
}

/// How a partition is detached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detach {
    /// At once.
    Now,
    /// `CONCURRENTLY`: first nobody sees it any more, then, when all have gone who did, it is no partition any more.
    Concurrently,
    /// `FINALIZE`: the second half of that.
    Finalize,
}

/// A column by name or number.
#[derive(Clone, Debug)]
pub enum ColumnRef {
    /// By name.
    Name(Ident),
    /// By number, from 1.
    Number(i64),
}

/// Triggers that `ALTER TABLE` names.
#[derive(Clone, Debug)]
pub enum TriggerSelection {
    /// One trigger.
    Name(Ident),
    /// `ALL`.
    All,
    /// `USER`.
    User,
}

/// When triggers and rules fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiringMode {
    /// `ENABLE`.
    Enable,
    /// `ENABLE ALWAYS`.
    EnableAlways,
    /// `ENABLE REPLICA`.
    EnableReplica,
    /// `DISABLE`.
    Disable,
}

/// Row-level security of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSecurity {
    /// `ENABLE`.
    Enable,
    /// `DISABLE`.
    Disable,
    /// `FORCE`.
    Force,
    /// `NO FORCE`.
    NoForce,
}

/// `REPLICA IDENTITY`.
#[derive(Clone, Debug)]
pub enum ReplicaIdentity {
    /// `DEFAULT`.
    Default,
    /// `FULL`.
    Full,
    /// `NOTHING`.
    Nothing,
    /// `USING INDEX`.
    Index(Ident),
}
