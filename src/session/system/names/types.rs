//! `regtype`.

use dictdb_types::{Error, Oid, Result, SqlState, Type, TypeInfo, TypeLookup, type_name, type_name_with_modifier};

use crate::StatementEnv;

pub(super) fn by_text(env: &StatementEnv, text: &str) -> Result<Oid> {
    find_type(env, text).map(|ty| ty.oid)
}

/// The type that a type name means: `integer`, `character varying(10)`, `my_schema.my_type[]`.
pub(crate) fn find_type(env: &StatementEnv, text: &str) -> Result<Type> {
    if text.trim_ascii().is_empty() {
        return Err(Error::new(SqlState::SYNTAX_ERROR, format!("invalid type name \"{text}\"")));
    }
    let parsed = dictdb_parser::parse_type_name(text).map_err(|error| in_type_name(error, text))?;
    let path = env.search_path();
    dictdb_planner::bind_type(&parsed, env.bind_context(&path)).map_err(|mut error| {
        error.fields_mut().position = None;
        error
    })
}

/// A syntax error inside a type name is reported as one of that name.
fn in_type_name(mut error: Error, text: &str) -> Error {
    error.fields_mut().position = None;
    error.context(format!("invalid type name \"{text}\""))
}

/// `pg_type_is_visible`; `None` when there is no such type.
pub(crate) fn type_is_visible(env: &StatementEnv, oid: Oid) -> Option<bool> {
    env.type_info(oid).map(|info| is_visible(env, &info))
}

fn is_visible(env: &StatementEnv, info: &TypeInfo) -> bool {
    env.catalog.type_on_path(&env.search_path(), &info.name).is_some_and(|first| first.oid == info.oid)
}

fn qualifier(env: &StatementEnv, info: &TypeInfo) -> Option<String> {
    if is_visible(env, info) { None } else { env.catalog.schema(info.namespace).map(|schema| schema.name.to_string()) }
}

pub(super) fn text(env: &StatementEnv, oid: Oid) -> Option<String> {
    env.type_info(oid)?;
    Some(formatted(env, oid, None))
}

/// `format_type`.
pub(crate) fn formatted(env: &StatementEnv, oid: Oid, typmod: Option<i32>) -> String {
    let qualifier = |info: &TypeInfo| qualifier(env, info);
    match typmod {
        None => type_name(env, oid, &qualifier),
        Some(typmod) => type_name_with_modifier(env, Type::with_typmod(oid, typmod), &qualifier),
    }
}
