//! Typed tables: `CREATE TABLE … OF type`, `ALTER TABLE … OF` and what such a table does not allow.

use std::sync::Arc;

use dictdb_catalog::{Dependency, Key, Relation, RelationKind};
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{AlterTableAction as Action, Behavior};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;

impl DdlContext<'_> {
    /// The composite type of a typed table, as the relation that it is. 42809 for another type.
    pub(super) fn row_type_named(&mut self, name: &ObjectName) -> Result<Arc<Relation>> {
        let info = self.find_type(name)?;
        let found = match info.relation.is_valid() {
            true => Some(self.table(info.relation)?),
            false => None,
        };
        match found.filter(|relation| matches!(relation.kind, RelationKind::Composite)) {
            Some(relation) => {
                self.check_type_usage(info.oid)?;
                Ok(relation)
            }
            None => {
                let catalog = self.view();
                let message = format!("type {} is not a composite type", self.shown_type(info.oid, &catalog));
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
        }
    }

    /// `ALTER TABLE … OF type`: the table has the columns of the type already. 42804, 42809.
    pub(super) fn make_typed(&mut self, relation: &Arc<Relation>, name: &ObjectName) -> Result<()> {
        let of_type = self.row_type_named(name)?;
        if !relation.parents.is_empty() {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "typed tables cannot inherit"));
        }
        let mismatch = |message: String| Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        let mut own = relation.live_columns();
        for (_, wanted) in of_type.live_columns() {
            match own.next() {
                None => return mismatch(format!("table is missing column \"{}\"", wanted.name)),
                Some((_, column)) if column.name != wanted.name => {
                    let message =
                        format!("table has column \"{}\" where type requires \"{}\"", column.name, wanted.name);
                    return mismatch(message);
                }
                Some((_, column)) if column.ty != wanted.ty => {
                    let message =
                        format!("table \"{}\" has different type for column \"{}\"", relation.name, wanted.name);
                    return mismatch(message);
                }
                Some(_) => {}
            }
        }
        if let Some((_, extra)) = own.next() {
            return mismatch(format!("table has extra column \"{}\"", extra.name));
        }
        self.forget_type(relation);
        self.depend(Key::Relation(relation.oid), Key::Relation(of_type.oid), Dependency::Normal);
        self.put_relation(Relation { of_type: of_type.row_type, ..Relation::clone(relation) });
        Ok(())
    }

    /// The tables that a change of a composite type changes too. 2BP01 without CASCADE.
    pub(super) fn typed_tables(&mut self, of_type: &Relation, behavior: Behavior) -> Result<Vec<Oid>> {
        if !matches!(of_type.kind, RelationKind::Composite) {
            return Ok(Vec::new());
        }
        let catalog = self.view();
        let tables: Vec<Oid> =
            catalog.relations().filter(|table| table.of_type == of_type.row_type).map(|table| table.oid).collect();
        if !tables.is_empty() && behavior == Behavior::Restrict {
            let message = format!("cannot alter type \"{}\" because it is the type of a typed table", of_type.name);
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                .hint("Use ALTER ... CASCADE to alter the typed tables too."));
        }
        Ok(tables)
    }

    /// `ALTER TABLE … NOT OF`. 42809.
    pub(super) fn make_untyped(&mut self, relation: &Arc<Relation>) -> Result<()> {
        if !relation.of_type.is_valid() {
            let message = format!("\"{}\" is not a typed table", relation.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        self.forget_type(relation);
        self.put_relation(Relation { of_type: Oid::INVALID, ..Relation::clone(relation) });
        Ok(())
    }

    fn forget_type(&mut self, relation: &Relation) {
        let catalog = self.view();
        let Some(of_type) =
            catalog.relations().find(|other| other.row_type == relation.of_type && relation.of_type.is_valid())
        else {
            return;
        };
        self.undepend(Key::Relation(relation.oid), Key::Relation(of_type.oid));
    }
}

/// 42809 for what only the type of a typed table decides.
pub(super) fn refuse_typed(relation: &Relation, action: &Action) -> Result<()> {
    let message = match action {
        _ if !relation.of_type.is_valid() => return Ok(()),
        Action::AddColumn { .. } => "cannot add column to typed table",
        Action::DropColumn { .. } => "cannot drop column from typed table",
        Action::AlterType { .. } => "cannot alter column type of typed table",
        Action::Inherit(..) => "cannot change inheritance of typed table",
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
}

/// `CASCADE` of a change of an attribute; other actions have none.
pub(super) fn attribute_behavior(action: &Action) -> Option<Behavior> {
    match action {
        Action::AddColumn { behavior, .. }
        | Action::DropColumn { behavior, .. }
        | Action::AlterType { behavior, .. } => Some(*behavior),
        _ => None,
    }
}
