//! The access method of a table: which one a new table gets, and how a table comes from one to another. All of them keep rows as
//! `heap` does, so what changes is what the catalog says, and where rows are.

use std::sync::Arc;

use dictdb_catalog::{DefinitionKind, Dependency, Key, Relation};
use dictdb_functions::facts::ids;
use dictdb_parser::ast::Ident;
use dictdb_parser::utility::AlterTableAction;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;

/// Why `pg_event_trigger_table_rewrite_reason()` says that rows are written again.
const REWRITTEN_FOR_METHOD: i32 = 8;

impl DdlContext<'_> {
    /// The access method of a new table or materialized view: the one that USING names, or `default_table_access_method`. 42704,
    /// 55000, 0A000.
    pub(super) fn new_table_method(&mut self, given: Option<&Ident>, partitioned: bool) -> Result<Oid> {
        if partitioned {
            return match given {
                Some(_) => {
                    let message = "specifying a table access method is not supported on a partitioned table";
                    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
                }
                None => Ok(Oid::INVALID),
            };
        }
        match given {
            Some(name) => self.table_method_named(&name.value),
            None => match self.row_env().setting("default_table_access_method") {
                Some(name) => self.table_method_named(&name),
                None => Ok(Oid::INVALID),
            },
        }
    }

    /// What [`Relation::access_method`] has for a name. 42704, 55000.
    fn table_method_named(&mut self, name: &str) -> Result<Oid> {
        let catalog = self.view();
        match catalog.table_method_named(name) {
            Some(ids::HEAP) => Ok(Oid::INVALID),
            Some(own) => Ok(own),
            None if catalog.index_method_named(name).is_some() => {
                let message = format!("access method \"{name}\" is not of type TABLE");
                Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message))
            }
            None => {
                let message = format!("access method \"{name}\" does not exist");
                Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
            }
        }
    }

    /// A table goes with the access method that somebody made for it.
    pub(super) fn depend_on_table_method(&mut self, relation: &Relation) {
        if relation.access_method.is_valid() {
            let method = Key::Definition(DefinitionKind::AccessMethod, relation.access_method);
            self.depend(Key::Relation(relation.oid), method, Dependency::Normal);
        }
    }

    /// Refuses what SET ACCESS METHOD cannot do, before anything is done. 42809, 0A000, 42704, 55000.
    pub(super) fn check_method_changes(&mut self, relation: &Relation, actions: &[AlterTableAction]) -> Result<()> {
        let mut is_changed = false;
        for action in actions {
            let AlterTableAction::SetAccessMethod(name) = action else { continue };
            if relation.is_partitioned() {
                let message = "cannot change access method of a partitioned table";
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            if is_changed {
                let message = "cannot have multiple SET ACCESS METHOD subcommands";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            is_changed = self.table_method_named(&name.value)? != relation.access_method;
        }
        Ok(())
    }

    /// `SET ACCESS METHOD`. 42704, 55000.
    pub(super) fn set_table_method(&mut self, relation: &Arc<Relation>, name: &Ident) -> Result<()> {
        let access_method = self.table_method_named(&name.value)?;
        if access_method == relation.access_method {
            return Ok(());
        }
        self.before_rewrite(relation.oid, REWRITTEN_FOR_METHOD)?;
        let old = Key::Definition(DefinitionKind::AccessMethod, relation.access_method);
        self.undepend(Key::Relation(relation.oid), old);
        let changed = self.put_relation(Relation { access_method, ..Relation::clone(relation) });
        self.depend_on_table_method(&changed);
        self.rewrite_table(&changed, changed.columns.to_vec(), &[]).map(drop)
    }
}
