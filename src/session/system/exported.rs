//! Rows PostgreSQL is born with, from [`dictdb_functions::facts`]: parsed once per server, on first use.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use dictdb_catalog::{BOOTSTRAP_ROLE, Relation, system_relations};
use dictdb_functions::facts::{self, TABLE_NAMES, unescape};
use dictdb_types::{Datum, Type, TypeLookup, env::BareEnv, oids, text};

use super::output::text_array;

/// Rows in full width.
type Rows = Vec<Box<[Datum]>>;

/// The rows of the tables, as far as they have been asked for.
static ROWS: LazyLock<HashMap<&'static str, OnceLock<Rows>>> =
    LazyLock::new(|| TABLE_NAMES.iter().map(|name| (*name, OnceLock::new())).collect());

/// The rows of a system table that every database has, in full width; none for tables without exported rows.
pub(super) fn rows(relation: &str) -> &'static [Box<[Datum]>] {
    ROWS.get_key_value(relation).map_or(&[], |(name, rows)| rows.get_or_init(|| read(name)))
}

/// What a column of the system table is made from.
enum Source {
    /// A field of the exported rows.
    Field(usize, Type),
    /// Not exported, and the same in all rows.
    Constant(Datum),
    /// `pronargs`: counted from the field with the argument types.
    CountOf(usize),
}

fn read(name: &str) -> Rows {
    let relation = system_relations().iter().find(|r| &*r.name == name);
    let (Some(relation), Some(table)) = (relation, facts::table(name)) else { return Vec::new() };
    let header: Vec<&str> = table.columns().collect();
    let env = BareEnv::default();
    let sources: Vec<Source> = sources(relation, &header, &env);
    let rows = table.rows().map(|mut row| {
        let fields: Vec<&'static str> = std::iter::from_fn(|| row.field()).collect();
        sources.iter().map(|source| value(source, &fields, &env)).collect()
    });
    rows.collect()
}

fn sources(relation: &Relation, header: &[&str], env: &BareEnv) -> Vec<Source> {
    let field = |name: &str| header.iter().position(|h| *h == name);
    let source = |name: &str, ty: Type| match field(name) {
        Some(i) => Source::Field(i, env.base_type(ty)),
        None if name.ends_with("owner") => Source::Constant(Datum::Oid(BOOTSTRAP_ROLE.0)),
        None if name == "objsubid" => Source::Constant(Datum::Int4(0)),
        None if name == "pronargs" => field("proargtypes").map_or(Source::Constant(Datum::Null), Source::CountOf),
        None => Source::Constant(Datum::Null),
    };
    relation.columns.iter().map(|column| source(&column.name, column.ty)).collect()
}

/// A field that is malformed is NULL: the tables are part of the program, and a test reads all of them.
fn value(source: &Source, fields: &[&'static str], env: &BareEnv) -> Datum {
    let field = |i: &usize| fields.get(*i).copied().unwrap_or("\\N");
    match source {
        Source::Constant(value) => value.clone(),
        Source::CountOf(i) => Datum::Int2(field(i).split_ascii_whitespace().count() as i16),
        Source::Field(i, _) if field(i) == "\\N" => Datum::Null,
        // The node trees are exported as the SQL they mean.
        Source::Field(i, ty) if ty.oid == oids::PG_NODE_TREE => Datum::text(unescape(field(i))),
        Source::Field(i, ty) if ty.oid == oids::ACLITEM_ARRAY => {
            let items = field(i).trim_matches(['{', '}']).split(',');
            text_array(oids::ACLITEM, &items.map(Arc::from).collect::<Vec<_>>())
        }
        Source::Field(i, ty) => text::input(&unescape(field(i)), *ty, env).unwrap_or(Datum::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exported_field_is_read() {
        // Functions of our own are rows of pg_proc, and foreign keys among the catalogs those of a function.
        let no_relations = ["dictdb_proc", "pg_foreign_keys"];
        for name in TABLE_NAMES.iter().filter(|name| !no_relations.contains(name)) {
            let relation = system_relations().iter().find(|r| r.name.as_ref() == *name).unwrap();
            assert_eq!(rows(name).len(), facts::table(name).unwrap().rows().count(), "{name}");
            for row in rows(name) {
                for (value, column) in row.iter().zip(relation.columns.iter()) {
                    assert!(!value.is_null() || !column.not_null, "{name}.{} of {row:?}", column.name);
                }
            }
        }
    }
}
