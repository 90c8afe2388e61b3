//! Domains at run time: NOT NULL and CHECK of a value, those of the domain it is over included.

use std::sync::Arc;

use dictdb_catalog::{Catalog, namespaces};
use dictdb_functions::Registry;
use dictdb_planner::BindContext;
use dictdb_planner::table_expr::bind_domain_check;
use dictdb_types::{Datum, Env, Error, Oid, Result, SqlState, TypeKind, TypeLookup};

use crate::eval::{Code, CompileContext, Scope, compile};

/// What a value of a domain must satisfy.
#[derive(Debug)]
pub struct DomainCode {
    name: Arc<str>,
    schema: Arc<str>,
    not_null: bool,
    /// CHECK constraints: name, owner and condition. The innermost domain's come first, each domain's by name.
    checks: Vec<(Arc<str>, Code)>,
}

impl DomainCode {
    /// Compiles the constraints of a user's domain; `None` when there is no such domain.
    pub fn new(domain: Oid, catalog: &Arc<Catalog>, registry: &Registry, env: &dyn Env) -> Result<Option<Self>> {
        let Some(info) = catalog.type_info(domain) else { return Ok(None) };
        let schema = catalog.schema(info.namespace).map_or_else(|| Arc::from(""), |schema| schema.name.clone());
        let mut code = DomainCode { name: info.name.clone(), schema, not_null: false, checks: Vec::new() };
        code.collect(domain, catalog, registry, env)?;
        Ok(Some(code))
    }

    fn collect(&mut self, domain: Oid, catalog: &Arc<Catalog>, registry: &Registry, env: &dyn Env) -> Result<()> {
        let Some(info) = catalog.type_info(domain) else { return Ok(()) };
        let TypeKind::Domain(base) = &info.kind else { return Ok(()) };
        self.collect(base.oid, catalog, registry, env)?;
        let Some(own) = catalog.domain(domain) else { return Ok(()) };
        self.not_null |= own.not_null;
        let search_path = [namespaces::PG_CATALOG];
        let role = dictdb_catalog::BOOTSTRAP_ROLE;
        let bind = BindContext { catalog, registry, env, search_path: &search_path, role, transient: &[] };
        let mut checks: Vec<_> = own.checks.iter().collect();
        checks.sort_by(|a, b| a.name.cmp(&b.name));
        for check in checks {
            let tree = dictdb_parser::parse_expression(&check.expression)?;
            let bound = bind_domain_check(&tree, &dictdb_parser::Locations::default(), *base, bind)?;
            self.checks.push((check.name.clone(), compile(&bound.expr, &CompileContext::of_table(&**catalog))?));
        }
        Ok(())
    }

    /// 23502, 23514.
    pub fn check(&self, value: &Datum, env: &dyn Env) -> Result<()> {
        if self.not_null && value.is_null() {
            return Err(self.named(Error::new(
                SqlState::NOT_NULL_VIOLATION,
                format!("domain {} does not allow null values", self.name),
            )));
        }
        for (name, code) in &self.checks {
            if matches!(code.eval(Scope::of_domain(env, value))?, Datum::Bool(false)) {
                let message = format!("value for domain {} violates check constraint \"{name}\"", self.name);
                return Err(self.named(Error::new(SqlState::CHECK_VIOLATION, message)).constraint(&**name));
            }
        }
        Ok(())
    }

    fn named(&self, error: Error) -> Error {
        error.schema(&*self.schema).datatype(&*self.name)
    }
}
