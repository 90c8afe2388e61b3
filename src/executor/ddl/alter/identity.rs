//! Identity and generated columns: ADD GENERATED, SET, DROP IDENTITY, DROP EXPRESSION.

use std::sync::Arc;

use dictdb_catalog::{Column, Dependency, Identity, Key, Relation, RelationKind};
use dictdb_parser::utility::{Behavior, SequenceOption};
use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::super::DdlContext;
use super::super::column::NewSequence;

impl DdlContext<'_> {
    pub(super) fn add_identity(
        &mut self,
        table: Oid,
        name: &str,
        always: bool,
        options: &[SequenceOption],
    ) -> Result<()> {
        let relation = self.table(table)?;
        let (attnum, column) = self.column_to_alter(&relation, name)?;
        if !matches!(column.ty.oid, oids::INT2 | oids::INT4 | oids::INT8) {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "identity column type must be smallint, integer, or bigint",
            ));
        }
        let refuse = |what: String| Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, what));
        if !column.not_null {
            return refuse(format!(
                "column \"{name}\" of relation \"{}\" must be declared NOT NULL before identity can be added",
                relation.name
            ));
        }
        if column.identity.is_some() {
            return refuse(format!(
                "column \"{name}\" of relation \"{}\" is already an identity column",
                relation.name
            ));
        }
        if column.default.is_some() {
            return refuse(format!("column \"{name}\" of relation \"{}\" already has a default value", relation.name));
        }
        let sequence = self.column_sequence(&relation, &column, attnum, &NewSequence { identity: true, options })?;
        let relation = self.table(table)?;
        self.change_column(&relation, attnum, |column| {
            column.identity = Some(if always { Identity::Always } else { Identity::ByDefault });
            column.default = Some(Arc::from(format!("nextval('{sequence}'::regclass)")));
        })
        .map(drop)
    }

    pub(super) fn set_identity(
        &mut self,
        table: Oid,
        name: &str,
        always: Option<bool>,
        options: &[SequenceOption],
    ) -> Result<()> {
        let relation = self.table(table)?;
        let (attnum, column) = self.column_to_alter(&relation, name)?;
        if column.identity.is_none() {
            return Err(not_identity(&relation, &column));
        }
        if let Some(always) = always {
            let identity = if always { Identity::Always } else { Identity::ByDefault };
            self.change_column(&relation, attnum, |column| column.identity = Some(identity))?;
        }
        if options.is_empty() {
            return Ok(());
        }
        let sequence = self.owned_sequence(table, attnum)?;
        let sequence = sequence.ok_or_else(|| Error::internal("an identity column without its sequence"))?;
        self.alter_sequence_options(&sequence, options)
    }

    pub(super) fn drop_identity(&mut self, table: Oid, name: &str, if_exists: bool) -> Result<()> {
        let relation = self.table(table)?;
        let (attnum, column) = self.column_to_alter(&relation, name)?;
        if column.identity.is_none() {
            let error = not_identity(&relation, &column);
            if if_exists {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", error.message()));
                return Ok(());
            }
            return Err(error);
        }
        self.change_column(&relation, attnum, |column| {
            column.identity = None;
            column.default = None;
        })?;
        if let Some(sequence) = self.owned_sequence(table, attnum)? {
            // It belongs to the column no longer, and so may be dropped on its own.
            self.undepend_all(Key::Relation(sequence.oid));
            self.drop_keys(&[Key::Relation(sequence.oid)], Behavior::Restrict)?;
        }
        Ok(())
    }

    /// The sequence that belongs to a column.
    pub(in crate::ddl) fn owned_sequence(&mut self, table: Oid, attnum: i16) -> Result<Option<Arc<Relation>>> {
        let catalog = self.view();
        let owned = catalog.dependents_of(Key::Column(table, attnum)).find_map(|(dependent, kind)| {
            let Key::Relation(oid) = dependent else { return None };
            let relation = catalog.relation(oid)?;
            (kind != Dependency::Normal && matches!(relation.kind, RelationKind::Sequence(_))).then(|| relation.clone())
        });
        Ok(owned)
    }

    pub(super) fn drop_expression(&mut self, table: Oid, name: &str, if_exists: bool, recurse: bool) -> Result<()> {
        let relation = self.table(table)?;
        if !recurse && !relation.children.is_empty() {
            let message = "ALTER TABLE / DROP EXPRESSION must be applied to child tables too";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let (attnum, column) = self.column_to_alter(&relation, name)?;
        if !column.generated {
            let message =
                format!("column \"{name}\" of relation \"{}\" is not a stored generated column", relation.name);
            if if_exists {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        if column.inherited > 0 {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                "cannot drop generation expression from inherited column",
            ));
        }
        self.drop_expression_here(table, attnum)?;
        let family = self.view().descendants(&relation);
        for child in family.iter().skip(1) {
            self.lock(child.oid, dictdb_storage::LockMode::AccessExclusive)?;
            let own = child.column_named(name).filter(|(_, column)| column.generated).map(|(attnum, _)| attnum);
            if let Some(attnum) = own {
                self.drop_expression_here(child.oid, attnum)?;
            }
        }
        Ok(())
    }

    fn drop_expression_here(&mut self, table: Oid, attnum: i16) -> Result<()> {
        let relation = self.table(table)?;
        self.remove(Key::Default(table, attnum));
        self.forget_column_uses(table, attnum);
        self.change_column(&relation, attnum, |column| {
            column.generated = false;
            column.default = None;
        })
        .map(drop)
    }

    /// Forgets the columns a generated column was computed from.
    pub(super) fn forget_column_uses(&mut self, table: Oid, attnum: i16) {
        let key = Key::Column(table, attnum);
        let kept: Vec<(Key, Dependency)> =
            self.view().dependencies_of(key).filter(|(on, _)| !matches!(on, Key::Column(..))).collect();
        self.undepend_all(key);
        kept.into_iter().for_each(|(on, kind)| self.depend(key, on, kind));
    }
}

fn not_identity(relation: &Relation, column: &Column) -> Error {
    Error::new(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("column \"{}\" of relation \"{}\" is not an identity column", column.name, relation.name),
    )
}
