//! ALTER FUNCTION, PROCEDURE and ROUTINE: attributes, RENAME, OWNER TO, SET SCHEMA.

use std::sync::Arc;

use dictdb_catalog::{Change, Dependency, Key, Object, Routine};
use dictdb_parser::utility::{AlterFunction, FunctionRef, ObjectKind, RoleSpec};
use dictdb_types::{Error, Result, SqlState};

use super::options::check_repeated;
use crate::ddl::DdlContext;

impl DdlContext<'_> {
    pub(in crate::ddl) fn alter_function(&mut self, alter: &AlterFunction) -> Result<()> {
        let mut routine = Routine::clone(&*self.find_routine(alter.kind, &alter.function)??);
        check_repeated(&alter.options)?;
        self.apply_routine_options(&mut routine, &alter.options)?;
        self.put(Object::Routine(Arc::new(routine)));
        Ok(())
    }

    pub(in crate::ddl) fn rename_routine(
        &mut self,
        kind: ObjectKind,
        reference: &FunctionRef,
        name: &str,
    ) -> Result<()> {
        let old = self.find_routine(kind, reference)??;
        let new = Routine { name: Arc::from(name), ..Routine::clone(&old) };
        self.move_routine(new)
    }

    pub(in crate::ddl) fn set_routine_schema(
        &mut self,
        kind: ObjectKind,
        reference: &FunctionRef,
        schema: &str,
    ) -> Result<()> {
        let old = self.find_routine(kind, reference)??;
        let catalog = self.view();
        let namespace = self.schema_oid(&catalog, schema)?;
        if namespace == old.namespace {
            return Ok(());
        }
        self.catalog.change(self.store, Change::Undepend { dependent: Key::Function(old.oid) });
        self.depend(Key::Function(old.oid), Key::Schema(namespace), Dependency::Normal);
        self.move_routine(Routine { namespace, ..Routine::clone(&old) })
    }

    /// 42723 when another routine has the name already.
    fn move_routine(&mut self, routine: Routine) -> Result<()> {
        let catalog = self.view();
        let mut there = catalog.routines_named(routine.namespace, &routine.name);
        if there.any(|other| other.args == routine.args && other.oid != routine.oid) {
            let schema = catalog.schema(routine.namespace).map_or_else(String::new, |schema| schema.name.to_string());
            let signature = super::find::signature(&catalog, &[routine.namespace], &routine);
            let signature = signature.replace(',', ", ");
            let message = format!("function {signature} already exists in schema \"{schema}\"");
            return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
        }
        self.put(Object::Routine(Arc::new(routine)));
        Ok(())
    }

    pub(in crate::ddl) fn set_routine_owner(
        &mut self,
        kind: ObjectKind,
        reference: &FunctionRef,
        owner: &RoleSpec,
    ) -> Result<()> {
        let old = self.find_routine(kind, reference)??;
        let owner = self.role_oid(owner)?;
        self.put(Object::Routine(Arc::new(Routine { owner, ..Routine::clone(&old) })));
        Ok(())
    }
}
