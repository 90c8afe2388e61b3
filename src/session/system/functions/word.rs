//! Functions that list words: keywords of the language, channels the session listens to, references among the catalogs.

use std::sync::Arc;

use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, facts};
use dictdb_parser::{Category, keywords};
use dictdb_types::{Array, Datum, Result, oids};

use super::arguments::{records, session, values};

pub(super) const SETS: &[(&str, SetFn)] = &[
    ("pg_get_keywords", pg_get_keywords),
    ("pg_listening_channels", pg_listening_channels),
    ("pg_get_catalog_foreign_keys", pg_get_catalog_foreign_keys),
];

fn pg_get_keywords(_: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let row = |(word, category, bare): (&str, Category, bool)| {
        let (code, description) = match category {
            Category::Unreserved => ("U", "unreserved"),
            Category::ColumnName => ("C", "unreserved (cannot be function or type name)"),
            Category::TypeFunctionName => ("T", "reserved (can be function or type name)"),
            Category::Reserved => ("R", "reserved"),
        };
        let bare_description = if bare { "can be bare label" } else { "requires AS" };
        let texts = [description, bare_description].map(Datum::text);
        let [description, bare_description] = texts;
        vec![Datum::text(word), Datum::text(code), Datum::Bool(bare), description, bare_description]
    };
    Ok(records("pg_get_keywords", keywords().map(row).collect()))
}

fn pg_listening_channels(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let shared = &session(cx)?.shared;
    let channels = shared.instance.hub.channels_of(&shared.database.name, shared.backend.pid);
    Ok(values(channels.into_iter().map(Datum::Text).collect()))
}

/// Which columns of catalogs refer to which others: an array or vector of references, perhaps zero for none.
fn pg_get_catalog_foreign_keys(_: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let names = |list: &str| {
        let names = list.trim_matches(['{', '}']).split(',').map(Datum::text).collect();
        Datum::Array(Arc::new(Array::vector(oids::TEXT, names)))
    };
    let mut rows = Vec::new();
    for mut row in facts::table("pg_foreign_keys").into_iter().flat_map(facts::Table::rows) {
        let mut next = || row.nullable().unwrap_or_default();
        let oid = |text: &str| Datum::Oid(text.parse().unwrap_or_default());
        let (table, columns, referenced, keys) = (next(), next(), next(), next());
        let [is_array, is_opt] = [next(), next()].map(|flag| Datum::Bool(flag == "t"));
        rows.push(vec![oid(table), names(columns), oid(referenced), names(keys), is_array, is_opt]);
    }
    Ok(records("pg_get_catalog_foreign_keys", rows))
}
