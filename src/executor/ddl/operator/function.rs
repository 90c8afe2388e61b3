//! The functions that definitions name: found by name and exact argument types, with what has to be known of them.

use dictdb_catalog::Catalog;
use dictdb_functions::facts::{self, ProcKind};
use dictdb_functions::resolve::{self, FunctionCall, Resolution};
use dictdb_parser::ast::ObjectName;
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::ddl::DdlContext;
use crate::ddl::names::{parts, shown};

/// What definitions ask of a function.
#[derive(Clone, Debug)]
pub(in crate::ddl) struct Named {
    pub oid: Oid,
    pub args: Vec<Oid>,
    pub result: Oid,
    pub strict: bool,
    pub returns_set: bool,
    pub kind: ProcKind,
}

impl Named {
    /// The function with this oid.
    pub fn by_oid(catalog: &Catalog, oid: Oid) -> Option<Named> {
        if let Some(own) = catalog.routine(oid) {
            let (args, result) = (own.args.to_vec(), own.result);
            return Some(Named { oid, args, result, strict: own.strict, returns_set: own.returns_set, kind: own.kind });
        }
        let known = facts::proc_by_oid(oid)?;
        let (args, result) = (known.args.to_vec(), known.result);
        Some(Named { oid, args, result, strict: known.strict, returns_set: known.returns_set, kind: known.kind })
    }
}

impl DdlContext<'_> {
    /// Schemas a possibly qualified name may be in. 3F000.
    pub(in crate::ddl) fn namespaces_of(&mut self, name: &ObjectName) -> Result<Vec<Oid>> {
        let catalog = self.view();
        match parts(name).as_slice() {
            [.., schema, _] => Ok(vec![self.schema_oid(&catalog, &schema.value)?]),
            _ => Ok(self.search_path.to_vec()),
        }
    }

    /// The function of this name and exactly these argument types.
    pub(in crate::ddl) fn exact_function(&mut self, name: &ObjectName, args: &[Oid]) -> Result<Option<Named>> {
        let catalog = self.view();
        let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        for namespace in self.namespaces_of(name)? {
            let own = catalog.routines_named(namespace, &bare).find(|routine| *routine.args == *args);
            let built_in = || facts::procs_named(&bare).find(|proc| proc.namespace == namespace && *proc.args == *args);
            let found = own.map(|own| own.oid).or_else(|| built_in().map(|known| known.oid));
            if let Some(oid) = found {
                return Ok(Named::by_oid(&catalog, oid));
            }
        }
        Ok(None)
    }

    /// Likewise; 42883.
    pub(in crate::ddl) fn named_function(&mut self, name: &ObjectName, args: &[Oid]) -> Result<Named> {
        let found = self.exact_function(name, args)?;
        found.ok_or_else(|| self.no_function(name, args))
    }

    pub(in crate::ddl) fn no_function(&mut self, name: &ObjectName, args: &[Oid]) -> Error {
        let message = format!("function {} does not exist", self.call_text(&shown(name), args));
        Error::new(SqlState::UNDEFINED_FUNCTION, message)
    }

    /// `name(type, type)`.
    pub(in crate::ddl) fn call_text(&mut self, name: &str, args: &[Oid]) -> String {
        let catalog = self.view();
        let types: Vec<String> = args.iter().map(|oid| self.shown_type(*oid, &catalog)).collect();
        format!("{name}({})", types.join(", "))
    }

    /// A function that takes arguments of these types without converting them (`lookup_agg_function`), and its result in such a call.
    /// 42883, 42804.
    pub(super) fn step_function(&mut self, name: &ObjectName, args: &[Oid]) -> Result<(Named, Oid)> {
        let found = match self.exact_function(name, args)? {
            Some(exact) => {
                let result = exact.result;
                (exact, result)
            }
            None => self.fitting_function(name, args)?,
        };
        if found.0.returns_set {
            let message = format!("function {} returns a set", self.call_text(&shown(name), args));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok(found)
    }

    fn fitting_function(&mut self, name: &ObjectName, args: &[Oid]) -> Result<(Named, Oid)> {
        let catalog = self.view();
        let scope = CatalogScope { catalog: &catalog, search_path: self.search_path };
        let names = parts(name);
        let schema = names.len().checked_sub(2).and_then(|at| names.get(at)).map(|ident| ident.value.as_str());
        let bare = names.last().map(|ident| ident.value.as_str()).unwrap_or_default();
        let call = FunctionCall { schema, name: bare, args, ..FunctionCall::default() };
        let Ok(Resolution::Call(found)) = resolve::resolve_function(&scope, &call) else {
            return Err(self.no_function(name, args));
        };
        let named = Named::by_oid(&catalog, found.oid).ok_or_else(|| Error::internal("a function that is gone"))?;
        let params: Vec<Oid> = found.param_types().collect();
        let fits = args.iter().zip(&params).all(|(from, to)| self.is_same_bytes(*from, *to));
        if !fits || params.len() != args.len() {
            let message = format!("function {} requires run-time type coercion", self.call_text(&shown(name), &params));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok((named, found.result))
    }

    /// Whether a value of one type may be taken for one of the other as it is (`IsBinaryCoercible`).
    pub(in crate::ddl) fn is_same_bytes(&mut self, from: Oid, to: Oid) -> bool {
        use dictdb_functions::facts::CastContext;
        use dictdb_functions::resolve::Coercion;
        let catalog = self.view();
        let scope = CatalogScope { catalog: &catalog, search_path: self.search_path };
        let path = resolve::coercion_path(&scope, from, to, CastContext::Implicit);
        matches!(path, Some(Coercion::Identity | Coercion::Relabel))
    }
}
