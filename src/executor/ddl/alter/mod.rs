//! ALTER TABLE, and what ALTER INDEX, VIEW, SEQUENCE, MATERIALIZED VIEW and TYPE share with it.
//!
//! A statement's actions are sorted into PostgreSQL's passes (drops first, then changes of types, new columns, constraints)
//! and carried out one after the other, each leaving the table whole: an action that changes rows rewrites them at once.

mod action;
mod column;
mod column_type;
mod constraint;
mod identity;
mod new_column;
mod rewrite;
mod settings;
mod used_type;

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_catalog::{Relation, RelationKind};
use dictdb_parser::Locations;
use dictdb_parser::utility::{self, AlterTable, AlterTableAction, Constraint};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState};

pub(super) use self::column::missing_column;
pub(super) use self::new_column::check_system_name;
pub(super) use self::used_type::contains;

use self::action::Pass;
use self::column_type::Retyping;
use super::DdlContext;
use super::names::shown;

/// One thing to do.
enum Step<'a> {
    /// An action as written.
    Action(&'a AlterTableAction),
    /// A constraint that came with a new column: its attnum.
    ColumnConstraint(i16, &'a Constraint),
}

impl<'a> Step<'a> {
    /// The change of a column's type that this is.
    fn retyping(&self) -> Option<Retyping<'a>> {
        let Step::Action(AlterTableAction::AlterType { column, data_type, collation, using, .. }) = self else {
            return None;
        };
        Some(Retyping { name: &column.value, data_type, collation: collation.as_ref(), using: using.as_deref() })
    }
}

/// When an action is carried out: a column that the expression of a change of type mentions goes after that.
fn pass_of(action: &AlterTableAction, alter: &AlterTable) -> Pass {
    let is_mentioned = |name: &str| {
        alter.actions.iter().any(|other| match other {
            AlterTableAction::AlterType { using: Some(using), .. } => {
                dictdb_planner::table_expr::mentions(&using.text, name)
            }
            _ => false,
        })
    };
    match action {
        AlterTableAction::DropColumn { name, .. } if is_mentioned(&name.value) => Pass::DropMentioned,
        action => action::pass(action),
    }
}

type Steps<'a> = BTreeMap<Pass, Vec<Step<'a>>>;

impl DdlContext<'_> {
    pub(super) fn alter_table(&mut self, alter: &AlterTable, locations: &Locations) -> Result<()> {
        let Some(relation) = self.relation_to_alter(&alter.table.name, alter.if_exists)? else { return Ok(()) };
        check_kind(&relation, alter.kind)?;
        for action in &alter.actions {
            action::check_target(action, &relation)?;
        }
        self.check_owner(&relation)?;
        let modes = alter.actions.iter().map(|action| action::lock_mode(action, &relation));
        let mode = modes.max_by_key(|mode| strength(*mode));
        self.lock(relation.oid, mode.unwrap_or(LockMode::AccessExclusive))?;
        self.check_not_in_use(&relation, "ALTER TABLE")?;
        self.refuse_pending(&relation)?;
        self.check_method_changes(&relation, &alter.actions)?;
        let table = relation.oid;
        let recurse = !alter.table.only;
        let mut steps: Steps<'_> = BTreeMap::new();
        for action in &alter.actions {
            steps.entry(pass_of(action, alter)).or_default().push(Step::Action(action));
        }
        while let Some((pass, now)) = steps.pop_first() {
            if pass == Pass::AlterType {
                for action in alter.actions.iter().filter(|action| action::pass(action) == pass) {
                    super::typed::refuse_typed(&*self.table(table)?, action)?;
                }
                let changes: Vec<Retyping<'_>> = now.iter().filter_map(Step::retyping).collect();
                let followers =
                    self.following(table, alter.actions.iter().filter(|action| action::pass(action) == pass))?;
                self.alter_column_types(table, &changes, locations)?;
                for table in followers {
                    self.alter_column_types(table, &changes, locations)?;
                }
            }
            for step in now.into_iter().filter(|step| step.retyping().is_none()) {
                self.alter_step(table, &step, recurse, locations, &mut steps)?;
            }
            debug_assert!(
                steps.keys().all(|later| *later >= pass),
                "an action must not lead to one of an earlier pass"
            );
        }
        Ok(())
    }

    /// The relation an ALTER names; `None` after a notice when it may be missing.
    pub(super) fn relation_to_alter(
        &mut self,
        name: &dictdb_parser::ast::ObjectName,
        if_exists: bool,
    ) -> Result<Option<Arc<Relation>>> {
        if let Some(relation) = self.look_up_relation(name)? {
            return Ok(Some(relation));
        }
        let message = format!("relation \"{}\" does not exist", shown(name));
        if if_exists {
            self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
            return Ok(None);
        }
        Err(self.missing_schema(name).unwrap_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, message)))
    }

    fn alter_step<'a>(
        &mut self,
        table: Oid,
        step: &Step<'a>,
        recurse: bool,
        locations: &Locations,
        steps: &mut Steps<'a>,
    ) -> Result<()> {
        match step {
            Step::Action(action) => self.alter_action(table, action, recurse, locations, steps),
            Step::ColumnConstraint(attnum, constraint) => {
                self.add_table_constraint(table, Some(*attnum as usize - 1), constraint, recurse, locations)
            }
        }
    }

    fn alter_action<'a>(
        &mut self,
        table: Oid,
        action: &'a AlterTableAction,
        recurse: bool,
        locations: &Locations,
        steps: &mut Steps<'a>,
    ) -> Result<()> {
        super::typed::refuse_typed(&*self.table(table)?, action)?;
        for follower in self.following(table, std::iter::once(action))? {
            self.alter_any(follower, action, recurse, locations, steps)?;
        }
        self.alter_any(table, action, recurse, locations, steps)
    }

    /// The typed tables that follow a composite type when its attributes change. 2BP01.
    fn following<'a>(&mut self, table: Oid, actions: impl Iterator<Item = &'a AlterTableAction>) -> Result<Vec<Oid>> {
        let relation = self.table(table)?;
        let mut found = Vec::new();
        for behavior in actions.filter_map(super::typed::attribute_behavior) {
            found = self.typed_tables(&relation, behavior)?;
        }
        for follower in &found {
            self.lock(*follower, LockMode::AccessExclusive)?;
        }
        Ok(found)
    }

    fn alter_any<'a>(
        &mut self,
        table: Oid,
        action: &'a AlterTableAction,
        recurse: bool,
        locations: &Locations,
        steps: &mut Steps<'a>,
    ) -> Result<()> {
        use AlterTableAction as A;
        match action {
            A::AddColumn { if_not_exists, column, .. } => {
                let added = self.reshaping_tables(|ddl| {
                    ddl.changing_fields(table, |ddl| ddl.add_column(table, column, *if_not_exists, recurse, locations))
                })?;
                for (attnum, constraint) in added {
                    let pass = action::constraint_pass(&constraint.kind);
                    steps.entry(pass).or_default().push(Step::ColumnConstraint(attnum, constraint));
                }
                Ok(())
            }
            A::DropColumn { if_exists, name, behavior } => self.reshaping_tables(|ddl| {
                ddl.changing_fields(table, |ddl| ddl.drop_column(table, &name.value, *if_exists, *behavior, recurse))
            }),
            A::AlterType { .. } => Err(Error::internal("a change of type outside its pass")),
            A::SetDefault { column, default } => {
                // PostgreSQL does not know where the expression stands.
                self.set_default(table, &column.value, default.as_deref(), recurse, locations).map_err(|mut error| {
                    error.fields_mut().position = None;
                    error
                })
            }
            A::SetNotNull { column, not_null } => self.set_column_not_null(table, &column.value, *not_null, recurse),
            A::DropExpression { column, if_exists } => self.drop_expression(table, &column.value, *if_exists, recurse),
            A::AddIdentity { column, always, options } => self.add_identity(table, &column.value, *always, options),
            A::SetIdentity { column, always, options } => self.set_identity(table, &column.value, *always, options),
            A::DropIdentity { column, if_exists } => self.drop_identity(table, &column.value, *if_exists),
            A::AddConstraint(constraint) => self.add_table_constraint(table, None, constraint, recurse, locations),
            A::AlterConstraint { name, deferrable, initially_deferred } => {
                self.alter_constraint(table, &name.value, *deferrable, *initially_deferred)
            }
            A::ValidateConstraint(name) => self.validate_constraint(table, &name.value),
            A::DropConstraint { if_exists, name, behavior } => {
                self.drop_named_constraint(table, &name.value, *if_exists, *behavior, recurse)
            }
            A::OwnerTo(role) => self.change_relation_owner(table, role),
            other => self.alter_setting(table, other, recurse, locations),
        }
    }
}

/// 42809 when an ALTER of one kind of relation names another kind.
fn check_kind(relation: &Relation, kind: utility::RelationKind) -> Result<()> {
    use utility::RelationKind as K;
    let wrong =
        |noun: &str| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {noun}", relation.name)));
    match (kind, &relation.kind) {
        _ if relation.is_system_table() => Err(Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("permission denied: \"{}\" is a system catalog", relation.name),
        )),
        (K::View, RelationKind::View(_))
        | (K::Sequence, RelationKind::Sequence(_))
        | (K::Index, RelationKind::Index(_))
        | (K::MaterializedView, RelationKind::MaterializedView(_))
        | (K::Type, RelationKind::Composite) => Ok(()),
        (K::View, _) => wrong("a view"),
        (K::Sequence, _) => wrong("a sequence"),
        (K::Index, _) => wrong("an index"),
        (K::MaterializedView, _) => wrong("a materialized view"),
        (K::ForeignTable, _) if relation.foreign.is_some() => Ok(()),
        (K::ForeignTable, _) => wrong("a foreign table"),
        (K::Type, _) => wrong("a composite type"),
        (K::Table, RelationKind::Composite) => wrong("").map_err(|_: Error| {
            Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is a composite type", relation.name))
                .hint("Use ALTER TYPE instead.")
        }),
        (K::Table, _) => Ok(()),
    }
}

fn strength(mode: LockMode) -> u8 {
    match mode {
        LockMode::AccessShare => 1,
        LockMode::RowShare => 2,
        LockMode::RowExclusive => 3,
        LockMode::ShareUpdateExclusive => 4,
        LockMode::Share => 5,
        LockMode::ShareRowExclusive => 6,
        LockMode::Exclusive => 7,
        LockMode::AccessExclusive => 8,
    }
}
