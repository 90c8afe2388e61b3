//! The objects a statement can name, as function and operator resolution sees them: built-in ones and the catalog's.

use std::borrow::Cow;
use std::sync::Arc;

use dictdb_catalog::{Catalog, Operator, Routine, namespaces};
use dictdb_functions::facts::{self, AggregateKind, Cast, Opclass, Strategy, ids};
use dictdb_functions::resolve::opclass::default_opclass;
use dictdb_functions::resolve::{OperatorSignature, Scope, Signature, builtin_functions, builtin_operators};
use dictdb_types::{Error, Oid, Result, SqlState, TypeInfo, TypeLookup};

use crate::BindContext;

/// A catalog version seen along a search path.
pub struct CatalogScope<'a> {
    /// The catalog.
    pub catalog: &'a Arc<Catalog>,
    /// Schemas in order, `pg_catalog` included.
    pub search_path: &'a [Oid],
}

impl BindContext<'_> {
    /// The scope that resolution works in.
    pub(crate) fn scope(&self) -> CatalogScope<'_> {
        CatalogScope { catalog: self.catalog, search_path: self.search_path }
    }
}

impl CatalogScope<'_> {
    /// A user's routine as resolution sees it, at this position of the search path.
    fn signature<'r>(catalog: &Catalog, routine: &'r Routine, path: usize) -> Signature<'r> {
        let element = |array: Oid| catalog.type_info(array).map(|info| info.element).filter(|oid| oid.is_valid());
        let named = routine.params.iter().any(|parameter| !parameter.name.is_empty());
        Signature {
            oid: routine.oid,
            path,
            kind: routine.kind,
            args: Cow::Borrowed(&routine.args),
            all_args: Cow::Borrowed(&routine.all_args),
            modes: Cow::Borrowed(&routine.modes),
            names: if named { routine.params.iter().map(|parameter| &*parameter.name).collect() } else { vec![] },
            variadic: routine.variadic(element),
            default_count: routine.default_count(),
            default_types: Cow::Borrowed(&routine.default_types),
            result: routine.result,
            returns_set: routine.returns_set,
        }
    }

    /// A user's operator, likewise.
    fn operator_signature(operator: &Operator, path: usize) -> OperatorSignature {
        OperatorSignature {
            oid: operator.oid,
            path,
            left: operator.left,
            right: operator.right,
            result: operator.result,
            code: operator.code,
        }
    }

    /// The schemas a name may be in, in order: one when it is qualified, else the search path.
    fn schemas(&self, schema: Option<&str>) -> Result<Vec<Oid>> {
        let Some(schema) = schema else {
            // The temporary schema is not searched, so that nobody is made to call another's function.
            let temporary = |oid: &Oid| self.catalog.schema(*oid).is_some_and(|schema| schema.is_temporary());
            return Ok(self.search_path.iter().copied().filter(|oid| !temporary(oid)).collect());
        };
        match self.catalog.schema_seen(self.search_path, schema) {
            Some(found) => Ok(vec![found.oid]),
            None => Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist"))),
        }
    }
}

impl TypeLookup for CatalogScope<'_> {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.catalog.type_info(oid)
    }
}

impl CatalogScope<'_> {
    /// The default class of a type, unless what it does only functions of users know: 0A000, as nothing but a statement calls them.
    pub fn own_default_opclass(&self, ty: Oid, method: Oid) -> Result<Option<&Opclass>> {
        match default_opclass(self, ty, method) {
            Some(class) if self.catalog.compares_by_users(class) => {
                Err(Error::unsupported(format_args!("comparing by the functions of operator class \"{}\"", class.name)))
            }
            class => Ok(class),
        }
    }

    /// 0A000 where a default class of a type compares by functions of users.
    pub fn refuse_comparing_by_users(&self, ty: Oid) -> Result<()> {
        if self.catalog.operator_classes().next().is_none() {
            return Ok(());
        }
        [ids::BTREE, ids::HASH].into_iter().try_for_each(|method| self.own_default_opclass(ty, method).map(drop))
    }

    /// Functions of a session's own schema are found only where they are named with it.
    fn is_temporary(&self, namespace: Oid) -> bool {
        self.catalog.schema(namespace).is_some_and(|schema| schema.name.starts_with("pg_temp_"))
    }
}

impl Scope for CatalogScope<'_> {
    fn functions(&self, schema: Option<&str>, name: &str) -> Result<Vec<Signature<'_>>> {
        let schemas = self.schemas(schema)?.into_iter().enumerate();
        let mut found: Vec<Signature<'_>> = Vec::new();
        for (path, namespace) in schemas {
            for builtin in builtin_functions(namespace, name, path) {
                found.push(builtin);
            }
            if self.catalog.has_routines() && (schema.is_some() || !self.is_temporary(namespace)) {
                for routine in self.catalog.routines_named(namespace, name) {
                    found.push(Self::signature(self.catalog, routine, path));
                }
            }
        }
        Ok(found)
    }

    fn operators(&self, schema: Option<&str>, name: &str) -> Result<Vec<OperatorSignature>> {
        let mut found = Vec::new();
        for (path, namespace) in self.schemas(schema)?.into_iter().enumerate() {
            if namespace == namespaces::PG_CATALOG {
                found.extend(builtin_operators(name, path));
            }
            if self.catalog.has_operators() {
                let own = self.catalog.operators_named(namespace, name);
                found.extend(own.map(|operator| Self::operator_signature(operator, path)));
            }
        }
        Ok(found)
    }

    fn cast(&self, source: Oid, target: Oid) -> Option<Cast> {
        facts::cast(source, target).or_else(|| self.catalog.cast(source, target)).copied()
    }

    fn aggregate(&self, function: Oid) -> Option<(AggregateKind, usize)> {
        match facts::aggregate(function) {
            Some(known) => Some((known.kind, known.direct_args)),
            None => {
                let own = self.catalog.routine(function)?.aggregate.as_ref()?;
                Some((own.kind, own.direct_args))
            }
        }
    }

    fn default_opclasses(&self, method: Oid) -> Vec<&Opclass> {
        let own = self.catalog.operator_classes().map(|own| &own.class);
        facts::opclasses().iter().chain(own).filter(|class| class.method == method && class.default).collect()
    }

    fn strategies(&self, family: Oid) -> Cow<'_, [Strategy]> {
        match self.catalog.operator_family(family) {
            Some(_) => Cow::Owned(self.catalog.strategies_of(family)),
            None => Cow::Borrowed(facts::strategies_of_family(family)),
        }
    }

    fn function_arg_count(&self, function: Oid) -> usize {
        match self.catalog.routine(function) {
            Some(own) => own.args.len(),
            None => facts::proc_by_oid(function).map_or(1, |proc| proc.args.len()),
        }
    }

    fn multirange_of(&self, range: Oid) -> Option<Oid> {
        self.catalog.multirange_of(range)
    }

    fn inherits(&self, child: Oid, parent: Oid) -> bool {
        let relation_of = |ty: Oid| self.catalog.type_info(ty).map(|info| info.relation).filter(|oid| oid.is_valid());
        let (Some(child), Some(parent)) = (relation_of(child), relation_of(parent)) else { return false };
        let mut open = vec![child];
        while let Some(next) = open.pop() {
            let parents = self.catalog.relation(next).map(|relation| relation.parents.clone()).unwrap_or_default();
            if parents.contains(&parent) {
                return true;
            }
            let of_type = self.catalog.relation(next).map_or(Oid::INVALID, |relation| relation.of_type);
            if relation_of(of_type) == Some(parent) {
                return true;
            }
            open.extend(parents);
        }
        false
    }

    fn type_named(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        let info = match schema {
            Some(schema) => self.catalog.type_in(self.catalog.schema_seen(self.search_path, schema)?.oid, name)?,
            None => self.catalog.type_on_path(&self.schemas(None).ok()?, name)?,
        };
        (!info.relation.is_valid()).then_some(info.oid)
    }

    fn qualifier_of_type(&self, info: &TypeInfo) -> Option<String> {
        let visible =
            self.catalog.type_on_path(self.search_path, &info.name).is_some_and(|found| found.oid == info.oid);
        if visible { None } else { self.catalog.schema(info.namespace).map(|schema| schema.name.to_string()) }
    }
}
