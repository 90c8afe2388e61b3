//! Types, functions and operators as PostgreSQL's messages print them.

use dictdb_types::{Oid, type_name};

use super::Scope;

/// A type's name in messages: `integer`, `my_schema.my_type` when the search path does not find it.
pub fn format_type(scope: &dyn Scope, oid: Oid) -> String {
    let lookup: &dyn dictdb_types::TypeLookup = scope;
    type_name(lookup, oid, &|info| scope.qualifier_of_type(info))
}

/// `name(integer, unknown, note => text)`; the last arguments carry the names.
pub fn function_signature(
    scope: &dyn Scope,
    schema: Option<&str>,
    name: &str,
    args: &[Oid],
    arg_names: &[&str],
) -> String {
    let positional = args.len().saturating_sub(arg_names.len());
    let types = args.iter().enumerate().map(|(i, oid)| {
        let ty = format_type(scope, *oid);
        match i.checked_sub(positional).and_then(|i| arg_names.get(i)) {
            Some(name) => format!("{name} => {ty}"),
            None => ty,
        }
    });
    format!("{}({})", qualified(schema, name), types.collect::<Vec<_>>().join(", "))
}

/// `integer + text`, or `- text` for a prefix operator.
pub fn operator_signature(
    scope: &dyn Scope,
    schema: Option<&str>,
    name: &str,
    left: Option<Oid>,
    right: Oid,
) -> String {
    let left = left.map(|oid| format_type(scope, oid) + " ").unwrap_or_default();
    format!("{left}{} {}", qualified(schema, name), format_type(scope, right))
}

/// A possibly qualified name, as messages print it: without quotes.
pub(super) fn qualified(schema: Option<&str>, name: &str) -> String {
    schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"))
}
