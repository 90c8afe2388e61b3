//! The system catalogs that objects are found in, and their rows.

use dictdb_executor::VirtualTables;
use dictdb_types::{Array, Datum, Oid, quote_identifier};

use crate::StatementEnv;

/// A catalog whose objects are known by a name, perhaps in a schema, alone.
pub(super) struct Class {
    /// `pg_class.oid`.
    pub oid: Oid,
    /// What `pg_identify_object` calls its objects, and messages too.
    pub kind: &'static str,
    /// The column with the name.
    pub name: &'static str,
    /// The column with the schema.
    pub namespace: Option<&'static str>,
}

const fn class(oid: u32, kind: &'static str, name: &'static str, namespace: Option<&'static str>) -> Class {
    Class { oid: Oid(oid), kind, name, namespace }
}

/// All of them.
pub(super) const NAMED: &[Class] = &[
    class(1213, "tablespace", "spcname", None),
    class(1260, "role", "rolname", None),
    class(1262, "database", "datname", None),
    class(1417, "server", "srvname", None),
    class(2328, "foreign-data wrapper", "fdwname", None),
    class(2601, "access method", "amname", None),
    class(2612, "language", "lanname", None),
    class(2615, "schema", "nspname", None),
    class(3079, "extension", "extname", None),
    class(3466, "event trigger", "evtname", None),
    class(6100, "subscription", "subname", None),
    class(6104, "publication", "pubname", None),
    class(2607, "conversion", "conname", Some("connamespace")),
    class(3381, "statistics object", "stxname", Some("stxnamespace")),
    class(3456, "collation", "collname", Some("collnamespace")),
    class(3600, "text search dictionary", "dictname", Some("dictnamespace")),
    class(3601, "text search parser", "prsname", Some("prsnamespace")),
    class(3602, "text search configuration", "cfgname", Some("cfgnamespace")),
    class(3764, "text search template", "tmplname", Some("tmplnamespace")),
];

/// The facts of a catalog whose objects are known by a name alone.
pub(super) fn named(class: Oid) -> Option<&'static Class> {
    NAMED.iter().find(|known| known.oid == class)
}

/// A row of a system catalog.
pub(super) struct CatalogRow {
    columns: Vec<std::sync::Arc<str>>,
    values: Vec<Datum>,
}

impl CatalogRow {
    fn value(&self, column: &str) -> Option<&Datum> {
        let at = self.columns.iter().position(|name| **name == *column)?;
        self.values.get(at)
    }

    /// An oid; zero when it is NULL.
    pub fn oid(&self, column: &str) -> Oid {
        match self.value(column) {
            Some(Datum::Oid(oid)) => Oid(*oid),
            _ => Oid::INVALID,
        }
    }

    /// A name or letter.
    pub fn text(&self, column: &str) -> String {
        match self.value(column) {
            Some(Datum::Text(text)) => text.to_string(),
            _ => String::new(),
        }
    }

    /// A small number.
    pub fn number(&self, column: &str) -> i32 {
        match self.value(column) {
            Some(Datum::Int2(number)) => (*number).into(),
            Some(Datum::Int4(number)) => *number,
            _ => 0,
        }
    }
}

/// The first row of a catalog in which some columns have these values.
pub(super) fn row_where(env: &StatementEnv, class: Oid, wanted: &[(&str, Datum)]) -> Option<CatalogRow> {
    let relation = env.catalog.relation(class)?;
    let columns: Vec<i16> = relation.live_columns().map(|(attnum, _)| attnum).collect();
    let names = relation.live_columns().map(|(_, column)| column.name.clone()).collect();
    let equals: Option<Vec<(i16, Datum)>> =
        wanted.iter().map(|(name, value)| Some((relation.column_named(name)?.0, value.clone()))).collect();
    let values = env.rows(class, &equals?, &columns).ok()?.into_iter().next()?;
    Some(CatalogRow { columns: names, values })
}

/// The row of a catalog with this oid.
pub(super) fn row(env: &StatementEnv, class: Oid, object: Oid) -> Option<CatalogRow> {
    row_where(env, class, &[("oid", Datum::Oid(object.0))])
}

/// A schema's name; that of the session's own temporary objects is `pg_temp`.
pub(crate) fn schema_name(env: &StatementEnv, schema: Oid) -> Option<String> {
    let found = env.catalog.schema(schema)?;
    let own = env.shared.temporary_schema() == Some(schema);
    Some(if own { "pg_temp".to_owned() } else { found.name.to_string() })
}

/// `schema.name`, each quoted where it must be.
pub(super) fn qualified(env: &StatementEnv, schema: Oid, name: &str) -> String {
    match schema_name(env, schema) {
        Some(schema) => format!("{}.{}", quote_identifier(&schema), quote_identifier(name)),
        None => quote_identifier(name).into_owned(),
    }
}

/// The texts of an array; `None` for NULLs among them.
pub(crate) fn texts(array: &Array) -> Option<Vec<String>> {
    let text = |value: &Datum| match value {
        Datum::Text(text) => Some(text.to_string()),
        _ => None,
    };
    array.items.iter().map(text).collect()
}
