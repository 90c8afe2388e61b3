//! The texts of expressions with the names that catalog objects have: for the catalog to keep, or as a search path shows them.

use dictdb_catalog::namespaces;
use dictdb_functions::facts;
use dictdb_functions::resolve::Scope as _;
use dictdb_types::{Oid, Result, Type, quote_identifier};

use crate::bind::BindContext;
use crate::deparse::{self, ObjectNames, QueryText};
use crate::expr::{ColumnId, Expr, Function};
use crate::scope::CatalogScope;

/// The search path that names in kept texts are read along.
const STORED_PATH: &[Oid] = &[namespaces::PG_CATALOG];

impl BindContext<'_> {
    /// The same for texts that the catalog keeps.
    pub(crate) fn for_stored_texts(self) -> Self {
        BindContext { search_path: STORED_PATH, ..self }
    }
}

/// Which text an expression is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// What the catalog keeps: it means the same under any search path.
    Stored,
    /// What a search path shows.
    Shown {
        /// Only with the parentheses that are needed.
        pretty: bool,
    },
}

impl Form {
    /// Whether it is the one that is kept.
    pub fn is_stored(self) -> bool {
        matches!(self, Form::Stored)
    }

    /// Whether parentheses are spared.
    pub fn is_pretty(self) -> bool {
        matches!(self, Form::Shown { pretty: true })
    }
}

/// The text of an expression whose columns are called as `column` says; `query` knows what only a query can write.
pub(crate) fn text(
    expr: &Expr,
    form: Form,
    column: &dyn Fn(ColumnId) -> Option<String>,
    query: Option<&dyn QueryText>,
    cx: BindContext<'_>,
) -> Result<String> {
    let names = deparse::Names {
        env: cx.env,
        column,
        input: &|_| None,
        outer: &|_| None,
        stored: form.is_stored(),
        pretty: form.is_pretty(),
        indented: true,
        level: &Default::default(),
        query,
        objects: &NamesOnPath { cx, stored: form.is_stored() },
    };
    deparse::expression(expr, &names)
}

/// Names with their schemas: where the search path does not lead to them, or always in texts that are kept.
pub(crate) struct NamesOnPath<'a> {
    /// The catalog and the path.
    pub cx: BindContext<'a>,
    /// The text is kept.
    pub stored: bool,
}

impl NamesOnPath<'_> {
    /// Whether a function of a user takes a built-in one's calls: it is nearer in the search path.
    fn is_hidden(&self, function: &Function) -> bool {
        let path = self.cx.search_path;
        let nearer = match path.iter().position(|schema| *schema == namespaces::PG_CATALOG) {
            Some(place) if !self.stored => &path[..place],
            _ => return false,
        };
        let takes = |schema: &Oid| {
            let proc = facts::proc_by_oid(function.oid).filter(|proc| proc.namespace == namespaces::PG_CATALOG);
            let mut named = self.cx.catalog.routines_named(*schema, &function.name);
            proc.is_some_and(|proc| named.any(|own| own.args[..] == proc.args[..]))
        };
        nearer.iter().any(takes)
    }
}

impl ObjectNames for NamesOnPath<'_> {
    fn type_name(&self, ty: Type) -> String {
        let search_path = if self.stored { STORED_PATH } else { self.cx.search_path };
        let scope = CatalogScope { catalog: self.cx.catalog, search_path };
        dictdb_types::type_name_with_modifier(&scope, ty, &|info| scope.qualifier_of_type(info))
    }

    fn function_name(&self, function: &Function) -> String {
        let catalog = self.cx.catalog;
        let Some(routine) = catalog.routine(function.oid) else {
            let name = deparse::function_name(function);
            return if self.is_hidden(function) { format!("pg_catalog.{name}") } else { name };
        };
        let name = quote_identifier(&routine.name);
        let leads = |schema: &&Oid| catalog.routines_named(**schema, &routine.name).next().is_some();
        let visible = self.cx.search_path.iter().find(leads) == Some(&routine.namespace);
        match catalog.schema(routine.namespace).filter(|_| self.stored || !visible) {
            Some(schema) => format!("{}.{name}", quote_identifier(&schema.name)),
            None => name.into_owned(),
        }
    }

    /// As `OPERATOR(schema.name)` where a schema is needed; built-in ones are found from everywhere.
    fn operator_name(&self, function: &Function, name: &str) -> String {
        let catalog = self.cx.catalog;
        let of_function = |code: Oid| code == function.oid;
        if !catalog.has_operators() || facts::operators_named(name).any(|known| of_function(known.code)) {
            return name.to_owned();
        }
        let Some(own) = catalog.operators().find(|own| *own.name == *name && of_function(own.code)) else {
            return name.to_owned();
        };
        let on_path = self.cx.search_path.iter();
        let mut on_path = on_path.filter_map(|schema| catalog.operator_in(*schema, name, own.left, own.right));
        match catalog.schema(own.namespace).filter(|_| self.stored || on_path.next() != Some(own.oid)) {
            Some(schema) => format!("OPERATOR({}.{name})", quote_identifier(&schema.name)),
            None => name.to_owned(),
        }
    }

    fn collation_name(&self, collation: Oid) -> String {
        self.cx.catalog.collation_text(collation, self.cx.search_path, self.stored)
    }
}
