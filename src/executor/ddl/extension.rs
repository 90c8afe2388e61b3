//! What DDL in general has to do with extensions: who may touch them, comments, moving to another schema.

use std::sync::Arc;

use dictdb_catalog::{Dependency, Extension, Key, Object, PG_EXTENSION};
use dictdb_parser::utility::{ObjectKind, ObjectRef};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;

/// 42704.
pub(super) fn missing(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("extension \"{name}\" does not exist"))
}

impl DdlContext<'_> {
    /// 42501 unless the role owns the extension.
    pub(super) fn check_extension_owner(&mut self, oid: Oid) -> Result<()> {
        let Some(extension) = self.view().extension(oid).cloned() else { return Ok(()) };
        match self.has_privileges_of(extension.owner) {
            true => Ok(()),
            false => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("must be owner of extension {}", extension.name),
            )),
        }
    }

    /// ALTER EXTENSION … ADD and DROP. 42704, 55000.
    pub(super) fn change_member(&mut self, name: &str, add: bool, kind: ObjectKind, object: &ObjectRef) -> Result<()> {
        let extension = self.view().extension_named(name).cloned().ok_or_else(|| missing(name))?;
        self.check_extension_owner(extension.oid)?;
        let key = self.member_key(kind, object)?;
        let catalog = self.view();
        let described = self.describe(key, &catalog);
        let whole = Key::Extension(extension.oid);
        let of = catalog.dependencies_of(key).find(|(_, kind)| *kind == Dependency::Extension).map(|(on, _)| on);
        let wrong = |message: String| Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
        if !add {
            if of != Some(whole) {
                return Err(wrong(format!("{described} is not a member of extension \"{name}\"")));
            }
            let kept: Vec<(Key, Dependency)> = catalog.dependencies_of(key).filter(|(on, _)| *on != whole).collect();
            self.undepend_all(key);
            kept.into_iter().for_each(|(on, kind)| self.depend(key, on, kind));
            return Ok(());
        }
        if let Some(Key::Extension(other)) = of {
            let other = catalog.extension(other).map(|other| other.name.to_string()).unwrap_or_default();
            return Err(wrong(format!("{described} is already a member of extension \"{other}\"")));
        }
        if key == Key::Schema(extension.namespace) {
            let schema = catalog.schema(extension.namespace).map(|schema| schema.name.to_string()).unwrap_or_default();
            return Err(wrong(format!(
                "cannot add schema \"{schema}\" to extension \"{name}\" because the schema contains the extension"
            )));
        }
        self.depend(key, whole, Dependency::Extension);
        Ok(())
    }

    /// ALTER EXTENSION … SET SCHEMA: every member moves. 0A000 when the extension has to stay.
    pub(super) fn set_extension_schema(&mut self, name: &str, schema: &str) -> Result<()> {
        let extension = self.view().extension_named(name).cloned().ok_or_else(|| missing(name))?;
        self.check_extension_owner(extension.oid)?;
        let namespace = self.new_schema(schema)?;
        if !extension.relocatable {
            let message = format!("extension \"{name}\" does not support SET SCHEMA");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        if extension.namespace == namespace {
            return Ok(());
        }
        let members = self.view();
        let members = members.dependents_of(Key::Extension(extension.oid));
        let members: Vec<Key> =
            members.filter(|(_, kind)| *kind == Dependency::Extension).map(|(member, _)| member).collect();
        for member in members {
            self.move_member(member, namespace, schema)?;
        }
        self.move_dependency(Key::Extension(extension.oid), extension.namespace, namespace);
        self.put(Object::Extension(Arc::new(Extension { namespace, ..Extension::clone(&extension) })));
        Ok(())
    }

    fn move_member(&mut self, member: Key, namespace: Oid, schema: &str) -> Result<()> {
        let catalog = self.view();
        match member {
            Key::Function(oid) => match catalog.routine(oid).cloned() {
                Some(routine) => self.put_routine_in(&routine, namespace),
                None => Ok(()),
            },
            Key::Type(oid) => self.move_type(oid, namespace, schema),
            Key::Relation(oid) => match catalog.relation(oid).cloned() {
                Some(relation) => self.move_relation(&relation, schema),
                None => Ok(()),
            },
            Key::Operator(oid) => match catalog.operator(oid).cloned() {
                Some(own) => self.move_operator(&own, namespace),
                None => Ok(()),
            },
            Key::Definition(_, oid) => match catalog.definition(oid).cloned() {
                Some(own) => self.put_definition_in(&own, namespace),
                None => Ok(()),
            },
            Key::OperatorClass(_) | Key::OperatorFamily(_) => {
                self.change_class_or_family(member, None, None, Some(namespace))
            }
            _ => Ok(()),
        }
    }

    /// What COMMENT ON EXTENSION is on.
    pub(super) fn commented_extension(&mut self, name: &str) -> Result<(Oid, Oid, i32)> {
        let found: Option<Arc<Extension>> = self.view().extension_named(name).cloned();
        let extension = found.ok_or_else(|| missing(name))?;
        self.check_extension_owner(extension.oid)?;
        Ok((PG_EXTENSION, extension.oid, 0))
    }
}
