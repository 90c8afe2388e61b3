//! `pg_…_is_visible`: whether the search path finds an object by its bare name.

use dictdb_functions::facts;
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Oid, Result};

use super::arguments::{oid, session};
use crate::StatementEnv;
use crate::system::names;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_table_is_visible", |cx, args| answer(cx, args, names::relation_is_visible)),
    ("pg_type_is_visible", |cx, args| answer(cx, args, names::type_is_visible)),
    ("pg_function_is_visible", |cx, args| answer(cx, args, names::proc_is_visible)),
    ("pg_operator_is_visible", |cx, args| answer(cx, args, names::operator_is_visible)),
    ("pg_opclass_is_visible", |cx, args| answer(cx, args, opclass_is_visible)),
    ("pg_opfamily_is_visible", |cx, args| answer(cx, args, opfamily_is_visible)),
    ("pg_collation_is_visible", |cx, args| answer(cx, args, collation_is_visible)),
    ("pg_conversion_is_visible", |cx, args| {
        answer(cx, args, |env, oid| exported(oid, "pg_conversion").or_else(|| definition_is_visible(env, oid)))
    }),
    ("pg_ts_parser_is_visible", |cx, args| {
        answer(cx, args, |env, oid| exported(oid, "pg_ts_parser").or_else(|| definition_is_visible(env, oid)))
    }),
    ("pg_ts_dict_is_visible", |cx, args| {
        answer(cx, args, |env, oid| exported(oid, "pg_ts_dict").or_else(|| definition_is_visible(env, oid)))
    }),
    ("pg_ts_template_is_visible", |cx, args| {
        answer(cx, args, |env, oid| exported(oid, "pg_ts_template").or_else(|| definition_is_visible(env, oid)))
    }),
    ("pg_ts_config_is_visible", |cx, args| {
        answer(cx, args, |env, oid| exported(oid, "pg_ts_config").or_else(|| definition_is_visible(env, oid)))
    }),
    ("pg_statistics_obj_is_visible", |cx, args| answer(cx, args, definition_is_visible)),
];

/// NULL when there is no such object.
fn answer(cx: &CallContext<'_>, args: &[Datum], visible: impl Fn(&StatementEnv, Oid) -> Option<bool>) -> Result<Datum> {
    Ok(visible(session(cx)?, oid(args, 0)).map_or(Datum::Null, Datum::Bool))
}

fn collation_is_visible(env: &StatementEnv, oid: Oid) -> Option<bool> {
    let own = env.catalog.collation(oid)?;
    let first = env.catalog.collation_on_path(&env.search_path(), &own.name);
    Some(first.is_some_and(|first| first.oid == oid))
}

fn opclass_is_visible(env: &StatementEnv, oid: Oid) -> Option<bool> {
    let class = env.catalog.any_opclass(oid)?;
    let path = env.search_path();
    let first = path.iter().find_map(|namespace| env.catalog.opclass_in(*namespace, class.method, &class.name));
    Some(first.is_some_and(|first| first.oid == oid))
}

fn opfamily_is_visible(env: &StatementEnv, oid: Oid) -> Option<bool> {
    if facts::opfamily_by_oid(oid).is_some() {
        return Some(true);
    }
    let family = env.catalog.operator_family(oid)?;
    let path = env.search_path();
    let first = path.iter().find_map(|namespace| env.catalog.opfamily_in(*namespace, family.method, &family.name));
    Some(first == Some(oid))
}

fn definition_is_visible(env: &StatementEnv, oid: Oid) -> Option<bool> {
    let own = env.catalog.definition(oid)?;
    let first = env.catalog.definition_on_path(own.kind(), &env.search_path(), &own.name);
    Some(first.is_some_and(|first| first.oid == oid))
}

/// Objects of these kinds are all in `pg_catalog`, which every search path includes.
fn exported(oid: Oid, table: &str) -> Option<bool> {
    let rows = crate::system::exported::rows(table);
    rows.iter().any(|row| matches!(row.first(), Some(Datum::Oid(own)) if *own == oid.0)).then_some(true)
}
