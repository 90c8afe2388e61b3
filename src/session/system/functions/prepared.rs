//! What a session has prepared and declared: the functions behind `pg_prepared_statements` and `pg_cursors`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_types::{Array, Datum, Oid, Result, oids};

use super::arguments::{records, session};
use crate::portal::CursorInfo;
use crate::prepared::PreparedStatement;

pub(super) const SETS: &[(&str, SetFn)] = &[("pg_prepared_statement", pg_prepared_statement), ("pg_cursor", pg_cursor)];

fn pg_prepared_statement(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let named = session(cx)?.shared.prepared.lock();
    Ok(records("pg_prepared_statement", named.values().map(|statement| prepared(statement)).collect()))
}

/// All plans are generic: they are shared between sessions and never made for particular values.
fn prepared(statement: &PreparedStatement) -> Vec<Datum> {
    let types = statement.analysis.params.iter().map(|Oid(oid)| Datum::Oid(*oid)).collect();
    vec![
        Datum::Text(statement.name.clone()),
        Datum::Text(statement.text.clone()),
        Datum::Timestamp(statement.prepared_at),
        Datum::Array(Arc::new(Array::vector(oids::REGTYPE, types))),
        Datum::Bool(statement.from_sql),
        Datum::Int8(statement.uses.load(Ordering::Relaxed).cast_signed()),
        Datum::Int8(0),
    ]
}

fn pg_cursor(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let named = session(cx)?.shared.cursors.lock();
    Ok(records("pg_cursor", named.iter().map(|(name, info)| cursor(name, info)).collect()))
}

fn cursor(name: &Arc<str>, info: &CursorInfo) -> Vec<Datum> {
    vec![
        Datum::Text(name.clone()),
        Datum::Text(info.statement.clone()),
        Datum::Bool(info.options.hold),
        Datum::Bool(info.binary),
        Datum::Bool(info.options.scroll || info.options.may_scroll),
        Datum::Timestamp(info.created),
    ]
}
