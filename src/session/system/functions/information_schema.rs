//! The functions `information_schema` brings along. PostgreSQL writes them in SQL; their keys are signatures.

use std::sync::Arc;

use dictdb_catalog::RelationKind;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Array, Datum, Oid, Record, Result, oids};

use super::arguments::{integer, nullable, oid, session};
use crate::system::names;
use crate::system::relations::index_attnums;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("_pg_index_position(oid,smallint)", index_position),
    ("_pg_truetypid(pg_attribute,pg_type)", |_, args| Ok(true_type(args, TYPBASETYPE, ATTTYPID))),
    ("_pg_truetypmod(pg_attribute,pg_type)", |_, args| Ok(true_type(args, TYPTYPMOD, ATTTYPMOD))),
    ("_pg_char_max_length(oid,integer)", |_, args| Ok(length(char_max_length(args)))),
    ("_pg_char_octet_length(oid,integer)", |_, args| Ok(length(char_octet_length(args)))),
    ("_pg_numeric_precision(oid,integer)", |_, args| Ok(length(numeric_precision(args)))),
    ("_pg_numeric_precision_radix(oid,integer)", |_, args| Ok(length(numeric_radix(args)))),
    ("_pg_numeric_scale(oid,integer)", |_, args| Ok(length(numeric_scale(args)))),
    ("_pg_datetime_precision(oid,integer)", |_, args| Ok(length(datetime_precision(args)))),
    ("_pg_interval_type(oid,integer)", interval_type),
];

pub(super) const SETS: &[(&str, SetFn)] = &[("_pg_expandarray(anyarray)", expand_array)];

/// Positions of fields in `pg_attribute` and `pg_type`.
const ATTTYPID: usize = 2;
const ATTTYPMOD: usize = 8;
const TYPTYPE: usize = 6;
const TYPBASETYPE: usize = 25;
const TYPTYPMOD: usize = 26;

/// A field of a domain's `pg_type`, or of the attribute itself when its type is no domain.
fn true_type(args: &[Datum], of_domain: usize, of_attribute: usize) -> Datum {
    let field = |row: usize, field: usize| match args.get(row) {
        Some(Datum::Record(record)) => record.fields.get(field).cloned().unwrap_or(Datum::Null),
        _ => Datum::Null,
    };
    match field(1, TYPTYPE) {
        Datum::Text(kind) if *kind == *"d" => field(1, of_domain),
        _ => field(0, of_attribute),
    }
}

fn length(value: Option<i32>) -> Datum {
    value.map_or(Datum::Null, Datum::Int4)
}

/// Type and modifier.
fn typed(args: &[Datum]) -> (Oid, i32) {
    (oid(args, 0), integer(args, 1).unwrap_or(-1))
}

fn char_max_length(args: &[Datum]) -> Option<i32> {
    match typed(args) {
        (_, -1) => None,
        (oids::BPCHAR | oids::VARCHAR, typmod) => Some(typmod - 4),
        (oids::BIT | oids::VARBIT, typmod) => Some(typmod),
        _ => None,
    }
}

fn char_octet_length(args: &[Datum]) -> Option<i32> {
    /// Bytes of the longest character in UTF-8.
    const BYTES_PER_CHAR: i32 = 4;
    match typed(args) {
        (oids::TEXT | oids::BPCHAR | oids::VARCHAR, -1) => Some(1 << 30),
        (oids::TEXT | oids::BPCHAR | oids::VARCHAR, _) => char_max_length(args)?.checked_mul(BYTES_PER_CHAR),
        _ => None,
    }
}

fn numeric_precision(args: &[Datum]) -> Option<i32> {
    match typed(args) {
        (oids::INT2, _) => Some(16),
        (oids::INT4, _) => Some(32),
        (oids::INT8, _) => Some(64),
        (oids::FLOAT4, _) => Some(24),
        (oids::FLOAT8, _) => Some(53),
        (oids::NUMERIC, typmod) if typmod != -1 => Some(((typmod - 4) >> 16) & 0xffff),
        _ => None,
    }
}

fn numeric_radix(args: &[Datum]) -> Option<i32> {
    match typed(args).0 {
        oids::INT2 | oids::INT4 | oids::INT8 | oids::FLOAT4 | oids::FLOAT8 => Some(2),
        oids::NUMERIC => Some(10),
        _ => None,
    }
}

fn numeric_scale(args: &[Datum]) -> Option<i32> {
    match typed(args) {
        (oids::INT2 | oids::INT4 | oids::INT8, _) => Some(0),
        (oids::NUMERIC, typmod) if typmod != -1 => Some((typmod - 4) & 0xffff),
        _ => None,
    }
}

fn datetime_precision(args: &[Datum]) -> Option<i32> {
    /// Digits of a second without a modifier.
    const FULL: i32 = 6;
    match typed(args) {
        (oids::DATE, _) => Some(0),
        (oids::TIME | oids::TIMETZ | oids::TIMESTAMP | oids::TIMESTAMPTZ, typmod) => {
            Some(if typmod < 0 { FULL } else { typmod })
        }
        (oids::INTERVAL, typmod) if typmod < 0 || typmod & 0xffff == 0xffff => Some(FULL),
        (oids::INTERVAL, typmod) => Some(typmod & 0xffff),
        _ => None,
    }
}

/// The fields of an interval, as `YEAR TO MONTH`.
fn interval_type(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (ty, typmod) = typed(args);
    if ty != oids::INTERVAL {
        return Ok(Datum::Null);
    }
    let name = names::formatted(session(cx)?, ty, Some(typmod));
    let fields =
        name.trim_start_matches("interval").trim_start_matches(|c: char| c == '(' || c == ')' || c.is_ascii_digit());
    Ok(nullable(fields.strip_prefix(' ').map(str::to_ascii_uppercase)))
}

/// The place of a column among an index's keys, from one.
fn index_position(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let catalog = &session(cx)?.catalog;
    let wanted = integer(args, 1).unwrap_or(0);
    let Some(RelationKind::Index(index)) = catalog.relation(oid(args, 0)).map(|relation| &relation.kind) else {
        return Ok(Datum::Null);
    };
    let place = index_attnums(index).position(|attnum| i32::from(attnum) == wanted);
    Ok(length(place.map(|place| place as i32 + 1)))
}

/// The elements of an array with their numbers, from one.
fn expand_array(_: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let Some(Datum::Array(array)) = args.first() else { return Ok(Box::new(std::iter::empty())) };
    let array: Arc<Array> = array.clone();
    let types = vec![array.element, oids::INT4];
    let row = move |i: usize| {
        let fields = vec![array.items.get(i).cloned().unwrap_or(Datum::Null), Datum::Int4(i as i32 + 1)];
        Ok(Datum::Record(Arc::new(Record { ty: oids::RECORD, types: types.clone(), fields, names: None })))
    };
    let count = match args.first() {
        Some(Datum::Array(array)) => array.items.len(),
        _ => 0,
    };
    Ok(Box::new((0..count).map(row)))
}
