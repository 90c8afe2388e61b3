//! CREATE CAST and what DROP CAST finds.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Dependency, Key, Object};
use dictdb_functions::facts::{self, Cast, CastContext, CastMethod, ProcKind};
use dictdb_parser::ast::DataType;
use dictdb_parser::utility::{CreateCast, FunctionRef};
use dictdb_types::{Error, Oid, Result, Severity, SqlState, TypeInfo, TypeKind, oids};

use super::function::Named;
use crate::ddl::DdlContext;

/// 42P17.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
}

impl DdlContext<'_> {
    /// 42P17, 42710, 42809, 42501.
    pub(in crate::ddl) fn create_cast(&mut self, create: &CreateCast) -> Result<()> {
        let source = self.cast_type(&create.source)?;
        let target = self.cast_type(&create.target)?;
        let catalog = self.view();
        let names = [source.oid, target.oid].map(|oid| self.shown_type(oid, &catalog));
        for (info, name, side) in [(&source, &names[0], "source"), (&target, &names[1], "target")] {
            if matches!(info.kind, TypeKind::Pseudo) {
                let message = format!("{side} data type {name} is a pseudo-type");
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
        }
        self.check_cast_owner(&source, &target)?;
        self.check_type_usage(source.oid)?;
        self.check_type_usage(target.oid)?;
        for (info, side) in [(&source, "source"), (&target, "target")] {
            if matches!(info.kind, TypeKind::Domain(_)) {
                let message = format!("cast will be ignored because the {side} data type is a domain");
                self.notices.push(Error::with_severity(Severity::Warning, SqlState::WRONG_OBJECT_TYPE, message));
                break;
            }
        }
        let method = match &create.function {
            Some(reference) => CastMethod::Function(self.cast_function(reference, &source, &target)?),
            None if create.inout => CastMethod::InOut,
            None => {
                self.check_same_bytes(&source, &target)?;
                CastMethod::Binary
            }
        };
        let takes_modifier = match method {
            CastMethod::Function(oid) => Named::by_oid(&catalog, oid).is_some_and(|function| function.args.len() > 1),
            _ => false,
        };
        if source.oid == target.oid && !takes_modifier {
            return Err(invalid("source data type and target data type are the same"));
        }
        if facts::cast(source.oid, target.oid).is_some() || catalog.cast(source.oid, target.oid).is_some() {
            let message = format!("cast from type {} to type {} already exists", names[0], names[1]);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let context = match create.context {
            'i' => CastContext::Implicit,
            'a' => CastContext::Assignment,
            _ => CastContext::Explicit,
        };
        let cast = Cast { oid: self.new_oid(), source: source.oid, target: target.oid, context, method };
        let own = Key::Cast(cast.oid);
        for ty in [cast.source, cast.target].into_iter().filter(|oid| *oid >= Oid::FIRST_NORMAL) {
            self.depend(own, Key::Type(ty), Dependency::Normal);
        }
        if let CastMethod::Function(function) = method
            && function >= Oid::FIRST_NORMAL
        {
            self.depend(own, Key::Function(function), Dependency::Normal);
        }
        self.put(Object::Cast(Arc::new(cast)));
        Ok(())
    }

    fn cast_type(&mut self, data_type: &DataType) -> Result<Arc<TypeInfo>> {
        let oid = self.definition_type(data_type)?;
        self.type_info(oid)
    }

    /// 42501 unless the role owns one of the types.
    fn check_cast_owner(&mut self, source: &TypeInfo, target: &TypeInfo) -> Result<()> {
        if self.has_privileges_of(source.owner) || self.has_privileges_of(target.owner) {
            return Ok(());
        }
        let catalog = self.view();
        let [source, target] = [source.oid, target.oid].map(|oid| self.shown_type(oid, &catalog));
        let message = format!("must be owner of type {source} or type {target}");
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    fn cast_function(&mut self, reference: &FunctionRef, source: &TypeInfo, target: &TypeInfo) -> Result<Oid> {
        let named = self.referenced_function(reference)?;
        let arg = |at: usize| named.args.get(at).copied();
        if named.args.is_empty() || named.args.len() > 3 {
            return Err(invalid("cast function must take one to three arguments"));
        }
        if !self.is_same_bytes(source.oid, named.args[0]) {
            let message = "argument of cast function must match or be binary-coercible from source data type";
            return Err(invalid(message));
        }
        if arg(1).is_some_and(|ty| ty != oids::INT4) {
            return Err(invalid("second argument of cast function must be type integer"));
        }
        if arg(2).is_some_and(|ty| ty != oids::BOOL) {
            return Err(invalid("third argument of cast function must be type boolean"));
        }
        if !self.is_same_bytes(named.result, target.oid) {
            let message = "return data type of cast function must match or be binary-coercible to target data type";
            return Err(invalid(message));
        }
        if named.kind != ProcKind::Function {
            return Err(invalid("cast function must be a normal function"));
        }
        if named.returns_set {
            return Err(invalid("cast function must not return a set"));
        }
        Ok(named.oid)
    }

    /// The function that a definition names with its argument types, built in or a user's. 42883.
    pub(in crate::ddl) fn referenced_function(&mut self, reference: &FunctionRef) -> Result<Named> {
        let Some(args) = &reference.args else {
            let routine = self.find_routine(dictdb_parser::utility::ObjectKind::Function, reference)??;
            let catalog = self.view();
            return Named::by_oid(&catalog, routine.oid).ok_or_else(|| Error::internal("a function that is gone"));
        };
        let types = args.iter().map(|param| self.definition_type(&param.data_type)).collect::<Result<Vec<_>>>()?;
        self.named_function(&reference.name, &types)
    }

    /// 42P17 for types whose values are kept differently.
    fn check_same_bytes(&mut self, source: &TypeInfo, target: &TypeInfo) -> Result<()> {
        if !self.is_superuser() {
            let message = "must be superuser to create a cast WITHOUT FUNCTION";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        if (source.len, source.by_value, source.align) != (target.len, target.by_value, target.align) {
            return Err(invalid("source and target data types are not physically compatible"));
        }
        let kinds = [source, target];
        let any = |test: &dyn Fn(&TypeInfo) -> bool| kinds.iter().any(|info| test(info));
        if any(&|info| matches!(info.kind, TypeKind::Composite(_))) {
            return Err(invalid("composite data types are not binary-compatible"));
        }
        if any(&|info| matches!(info.kind, TypeKind::Enum(_))) {
            return Err(invalid("enum data types are not binary-compatible"));
        }
        if any(&TypeInfo::is_array) {
            return Err(invalid("array data types are not binary-compatible"));
        }
        if any(&|info| matches!(info.kind, TypeKind::Domain(_))) {
            return Err(invalid("domain data types must not be marked binary-compatible"));
        }
        Ok(())
    }

    /// The cast a command means; the inner error (42704) says that there is none.
    pub(in crate::ddl) fn find_cast(&mut self, source: &DataType, target: &DataType) -> Result<Result<Key>> {
        let types = self.definition_type(source).and_then(|source| Ok((source, self.definition_type(target)?)));
        let (source, target) = match types {
            Ok(types) => types,
            Err(error) if crate::ddl::drop::is_missing_type(&error) => return Ok(Err(error)),
            Err(error) => return Err(error),
        };
        let catalog = self.view();
        let [from, to] = [source, target].map(|oid| self.shown_type(oid, &catalog));
        if facts::cast(source, target).is_some() {
            let message = format!("cannot drop cast from {from} to {to} because it is required by the database system");
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
        }
        Ok(match catalog.cast(source, target) {
            Some(cast) => Ok(Key::Cast(cast.oid)),
            None => {
                let message = format!("cast from type {from} to type {to} does not exist");
                Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
            }
        })
    }

    /// 42501 unless the role owns one of the types of a cast.
    pub(in crate::ddl) fn check_cast_droppable(&mut self, oid: Oid) -> Result<()> {
        let Some(cast) = self.view().cast_by_oid(oid).copied() else { return Ok(()) };
        let (source, target) = (self.type_info(cast.source)?, self.type_info(cast.target)?);
        self.check_cast_owner(&source, &target)
    }

    /// `cast from integer to text`.
    pub(in crate::ddl) fn describe_cast(&self, oid: Oid, catalog: &Arc<Catalog>) -> String {
        match catalog.cast_by_oid(oid) {
            Some(cast) => {
                let [from, to] = [cast.source, cast.target].map(|oid| self.shown_type(oid, catalog));
                format!("cast from {from} to {to}")
            }
            None => format!("cast {oid}"),
        }
    }
}
