//! Further questions about values, relations and the session.

use dictdb_catalog::RelationKind;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Result, quote_identifier};
use jiff::Timestamp;

use super::arguments::{integer, oid, records, session, values};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_typeof", |cx, _| Ok(Datum::Oid(cx.arg_type(0).oid.0))),
    ("pg_collation_for", pg_collation_for),
    ("pg_relation_is_updatable", pg_relation_is_updatable),
    ("pg_column_is_updatable", pg_column_is_updatable),
    ("pg_relation_is_publishable", |_, _| Ok(Datum::Bool(false))),
    ("pg_is_other_temp_schema", |_, _| Ok(Datum::Bool(false))),
    ("pg_my_temp_schema", |_, _| Ok(Datum::Oid(0))),
    ("pg_conf_load_time", |cx, _| Ok(Datum::Timestamp(session(cx)?.shared.instance.started))),
    ("pg_jit_available", |_, _| Ok(Datum::Bool(false))),
    ("pg_encoding_max_length_sql", |_, _| Ok(Datum::Int4(4))),
];

pub(super) const SETS: &[(&str, SetFn)] =
    &[("pg_tablespace_databases", pg_tablespace_databases), ("pg_timezone_names", pg_timezone_names)];

/// `pg_collation_for(value)`: the collation of a type that has one.
fn pg_collation_for(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let ty = cx.env.base_type(cx.arg_type(0)).oid;
    let collation = cx.env.type_info(ty).map_or(dictdb_types::Oid::INVALID, |info| info.collation);
    Ok(match collation.0 {
        0 => Datum::Null,
        100 => Datum::text(quote_identifier("default")),
        _ => Datum::text(quote_identifier("C")),
    })
}

/// Which commands a relation takes: a bit for each of UPDATE (4), INSERT (8), DELETE (16).
fn pg_relation_is_updatable(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    const ALL: i32 = 4 | 8 | 16;
    let relation = session(cx)?.catalog.relation(oid(args, 0));
    let table = relation.is_some_and(|relation| matches!(relation.kind, RelationKind::Table));
    Ok(Datum::Int4(if table { ALL } else { 0 }))
}

fn pg_column_is_updatable(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let attnum = integer(args, 1).unwrap_or(0);
    let table = pg_relation_is_updatable(cx, args)?;
    Ok(Datum::Bool(attnum > 0 && matches!(table, Datum::Int4(commands) if commands != 0)))
}

/// The databases with objects in a tablespace: all are in `pg_default`.
fn pg_tablespace_databases(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let databases = session(cx)?.shared.instance.databases();
    let inside = oid(args, 0).0 == 1663;
    Ok(values(databases.iter().filter(|_| inside).map(|database| Datum::Oid(database.oid.0)).collect()))
}

/// Time zones with their offset now.
fn pg_timezone_names(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let now = Timestamp::from_microsecond(cx.env.statement_timestamp()).unwrap_or(Timestamp::UNIX_EPOCH);
    let database = jiff::tz::db();
    let row = |name: &str| {
        let zone = database.get(name).ok()?;
        let info = zone.to_offset_info(now);
        let micros = i64::from(info.offset().seconds()) * 1_000_000;
        let offset = dictdb_types::Interval { months: 0, days: 0, micros };
        Some(vec![
            Datum::text(name),
            Datum::text(info.abbreviation()),
            Datum::Interval(offset),
            Datum::Bool(info.dst().is_dst()),
        ])
    };
    let rows = database.available().filter_map(|name| row(name.as_str())).collect();
    Ok(records("pg_timezone_names", rows))
}
