//! ALTER FUNCTION, PROCEDURE and ROUTINE: attributes, RENAME, OWNER TO, SET SCHEMA.

use std::sync::Arc;

use dictdb_catalog::{Key, Object, Routine};
use dictdb_parser::utility::{AlterFunction, FunctionRef, ObjectKind, RoleSpec};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::find::refuse_aggregate;
use super::options::check_repeated;
use crate::ddl::DdlContext;
use crate::ddl::names::shown;
use crate::ddl::ownership::not_owner;

impl DdlContext<'_> {
    pub(in crate::ddl) fn alter_function(&mut self, alter: &AlterFunction) -> Result<()> {
        let mut routine = Routine::clone(&*self.find_routine(alter.kind, &alter.function)??);
        self.check_routine_owner(&routine, &shown(&alter.function.name))?;
        refuse_aggregate(&routine, &shown(&alter.function.name))?;
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
        self.check_function_owner(&old)?;
        self.check_create_in(old.namespace)?;
        let new = Routine { name: Arc::from(name), ..Routine::clone(&old) };
        self.renaming(&old.name, |ddl| ddl.move_routine(new))
    }

    pub(in crate::ddl) fn set_routine_schema(
        &mut self,
        kind: ObjectKind,
        reference: &FunctionRef,
        schema: &str,
    ) -> Result<()> {
        let old = self.find_routine(kind, reference)??;
        let namespace = self.new_schema(schema)?;
        self.check_function_owner(&old)?;
        self.check_move(old.namespace, namespace)?;
        if namespace == old.namespace {
            return Ok(());
        }
        self.put_routine_in(&old, namespace)
    }

    /// Moves a routine to another schema.
    pub(in crate::ddl) fn put_routine_in(&mut self, old: &Routine, namespace: Oid) -> Result<()> {
        self.move_dependency(Key::Function(old.oid), old.namespace, namespace);
        self.renaming(&old.name, |ddl| ddl.move_routine(Routine { namespace, ..Routine::clone(old) }))
    }

    /// 42723 when another routine has the name already.
    fn move_routine(&mut self, routine: Routine) -> Result<()> {
        let catalog = self.view();
        let mut there = catalog.routines_named(routine.namespace, &routine.name);
        if there.any(|other| other.args == routine.args && other.oid != routine.oid) {
            let schema = catalog.schema(routine.namespace).map_or_else(String::new, |schema| schema.name.to_string());
            let signature = self.call_text(&routine.name, &routine.args);
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
        if owner == old.owner {
            return Ok(());
        }
        self.check_function_owner(&old)?;
        self.check_new_owner(owner)?;
        self.give_routine(old.oid, owner)
    }

    /// Gives a routine to a role.
    pub(in crate::ddl) fn give_routine(&mut self, oid: Oid, owner: Oid) -> Result<()> {
        let Some(old) = self.view().routine(oid).cloned() else { return Ok(()) };
        let acl = old.acl.as_ref().map(|acl| self.acl_of_new_owner(acl, old.owner, owner));
        self.put(Object::Routine(Arc::new(Routine { owner, acl, ..Routine::clone(&old) })));
        Ok(())
    }

    /// 42501 unless the role owns the routine, which the error calls by this name.
    pub(in crate::ddl) fn check_routine_owner(&mut self, routine: &Routine, name: &str) -> Result<()> {
        if self.has_privileges_of(routine.owner) {
            return Ok(());
        }
        Err(not_owner(routine.kind_noun(), name))
    }

    /// Likewise where the error calls every kind a function: what is common to all objects is done to them as to one kind.
    pub(in crate::ddl) fn check_function_owner(&mut self, routine: &Routine) -> Result<()> {
        match self.has_privileges_of(routine.owner) {
            true => Ok(()),
            false => Err(not_owner("function", &routine.name)),
        }
    }
}
