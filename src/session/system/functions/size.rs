//! Sizes of tables, indexes and databases: memory in bytes, as storage counts it.

use std::sync::Arc;

use dictdb_catalog::{PG_DEFAULT, PG_GLOBAL, Relation};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_storage::Table;
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::arguments::{oid, session, text};
use crate::StatementEnv;
use crate::instance::Database;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_column_size", pg_column_size),
    // No value is compressed.
    ("pg_column_compression", |_, _| Ok(Datum::Null)),
    ("pg_relation_size(regclass)", |cx, args| of_relation(cx, args, main_size)),
    ("pg_relation_size", pg_relation_size),
    ("pg_table_size", |cx, args| of_relation(cx, args, main_size)),
    ("pg_indexes_size", |cx, args| of_relation(cx, args, |env, relation| sizes(env, relation).indexes)),
    ("pg_total_relation_size", |cx, args| of_relation(cx, args, total_size)),
    ("pg_database_size_name", pg_database_size),
    ("pg_database_size_oid", pg_database_size),
    ("pg_tablespace_size_name", pg_tablespace_size),
    ("pg_tablespace_size_oid", pg_tablespace_size),
    ("pg_relation_filenode", pg_relation_filenode),
    ("pg_relation_filepath", |_, _| Ok(Datum::Null)),
    ("pg_filenode_relation", pg_filenode_relation),
    ("pg_tablespace_location", pg_tablespace_location),
];

/// Memory of a relation in bytes.
#[derive(Default)]
struct Sizes {
    /// Rows and their versions, or the keys of an index.
    main: usize,
    /// The indexes of a table.
    indexes: usize,
}

/// What a table or index takes; anything else takes nothing.
fn sizes(env: &StatementEnv, relation: &Relation) -> Sizes {
    let storage = &env.shared.instance.storage;
    let found = match relation.index() {
        Some(info) if info.partitioned => None,
        Some(info) => {
            let table = env.catalog.relation(info.table).and_then(|table| storage.table(table.storage));
            let index = table.and_then(|table| table.index(relation.storage));
            index.map(|index| Sizes { main: index.bytes(), indexes: 0 })
        }
        None if relation.is_stored() && !relation.is_partitioned() => storage
            .table(relation.storage)
            .map(|table| Sizes { main: row_bytes(&table), indexes: table.stats().index_bytes }),
        None => None,
    };
    found.unwrap_or_default()
}

/// Bytes of a page, in which `relpages` counts.
const PAGE_BYTES: usize = 8192;

/// As many pages as bytes would take.
pub(crate) fn pages(bytes: usize) -> usize {
    bytes.div_ceil(PAGE_BYTES)
}

/// Bytes of the rows of a table, without its indexes.
pub(crate) fn row_bytes(table: &Table) -> usize {
    let stats = table.stats();
    stats.bytes - stats.index_bytes
}

/// Bytes of a table without its indexes, or of an index.
pub(in crate::system) fn main_size(env: &StatementEnv, relation: &Relation) -> usize {
    sizes(env, relation).main
}

fn total_size(env: &StatementEnv, relation: &Relation) -> usize {
    let sizes = sizes(env, relation);
    sizes.main + sizes.indexes
}

fn of_relation(
    cx: &CallContext<'_>,
    args: &[Datum],
    size: impl Fn(&StatementEnv, &Relation) -> usize,
) -> Result<Datum> {
    let env = session(cx)?;
    let relation = env.catalog.relation(oid(args, 0));
    Ok(relation.map_or(Datum::Null, |relation| Datum::Int8(size(env, relation) as i64)))
}

/// Bytes of a value in a row.
fn pg_column_size(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let value = args.first().unwrap_or(&Datum::Null);
    let width = crate::analysis::stored_width(value, cx.arg_type(0), cx.env)?;
    Ok(Datum::Int4(i32::try_from(width).unwrap_or(i32::MAX)))
}

/// `pg_relation_size(relation, fork)`: there is the main fork only.
fn pg_relation_size(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    match text(args, 1) {
        "main" => of_relation(cx, args, main_size),
        "fsm" | "vm" | "init" => of_relation(cx, args, |_, _| 0),
        _ => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid fork name")
            .hint("Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".")),
    }
}

fn pg_database_size(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let instance = &env.shared.instance;
    let wanted = |database: &crate::Database| match args.first() {
        Some(Datum::Text(name)) => *database.name == **name,
        _ => database.oid == oid(args, 0),
    };
    let Some(database) = instance.databases().into_iter().find(|database| wanted(database)) else {
        return match args.first() {
            Some(Datum::Text(name)) => {
                Err(Error::new(SqlState::UNDEFINED_DATABASE, format!("database \"{name}\" does not exist")))
            }
            _ => Ok(Datum::Null),
        };
    };
    Ok(Datum::Int8(bytes_of(env, &database)))
}

/// Bytes of all tables of a database.
pub(in crate::system) fn bytes_of(env: &StatementEnv, database: &crate::Database) -> i64 {
    let catalog = database.catalog.current();
    let tables = catalog.relations().filter_map(|relation| env.shared.instance.storage.table(relation.storage));
    tables.map(|table| table.stats().bytes as i64).sum()
}

/// The memory of the relations in a tablespace; those of all databases are in `pg_default` unless they say another. 42704.
fn pg_tablespace_size(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let tablespace = match args.first() {
        Some(Datum::Text(name)) => env
            .catalog
            .tablespace_named(name)
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("tablespace \"{name}\" does not exist")))?,
        _ => oid(args, 0),
    };
    if env.catalog.tablespace_name(tablespace).is_none() {
        return Ok(Datum::Null);
    }
    if tablespace == PG_GLOBAL {
        return Ok(Datum::Int8(0));
    }
    let kept = if tablespace == PG_DEFAULT { Oid::INVALID } else { tablespace };
    let databases = env.shared.instance.databases();
    let of_database = |database: &Arc<Database>| {
        let catalog = database.catalog.current();
        let inside = catalog.relations().filter(|relation| relation.tablespace == kept);
        let tables = inside.filter_map(|relation| env.shared.instance.storage.table(relation.storage));
        tables.map(|table| table.stats().bytes as i64).sum::<i64>()
    };
    Ok(Datum::Int8(databases.iter().map(of_database).sum()))
}

/// Where a tablespace was made; one without a directory of its own is inside the data directory.
fn pg_tablespace_location(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let wanted = oid(args, 0);
    let own = env.catalog.tablespaces().find(|own| own.oid == wanted);
    let location = own.and_then(|own| own.tablespace()).map_or_else(String::new, |info| match &*info.location {
        "" => format!("pg_tblspc/{wanted}"),
        location => location.to_owned(),
    });
    Ok(Datum::text(location))
}

fn pg_relation_filenode(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let relation = session(cx)?.catalog.relation(oid(args, 0));
    let storage = relation.map(|relation| relation.storage).filter(|storage| storage.is_valid());
    Ok(storage.map_or(Datum::Null, |storage| Datum::Oid(storage.0)))
}

fn pg_filenode_relation(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let wanted = oid(args, 1);
    let found = session(cx)?.catalog.relations().find(|r| wanted != Oid::INVALID && r.storage == wanted);
    Ok(found.map_or(Datum::Null, |relation| Datum::Oid(relation.oid.0)))
}
