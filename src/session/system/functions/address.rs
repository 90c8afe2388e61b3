//! `pg_describe_object`, `pg_identify_object`, `pg_identify_object_as_address`, `pg_get_object_address`.

use std::sync::Arc;

use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Array, Datum, Error, Result, SqlState, oids};

use super::arguments::{integer, nullable, oid, record, session, text};
use crate::system::address::{self, Address};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_describe_object", pg_describe_object),
    ("pg_identify_object", pg_identify_object),
    ("pg_identify_object_as_address", pg_identify_object_as_address),
    ("pg_get_object_address", pg_get_object_address),
];

/// The address of three arguments; XX000 for a catalog in which there are no objects.
fn address_of(args: &[Datum]) -> Result<Address> {
    let address = Address { class: oid(args, 0), object: oid(args, 1), part: integer(args, 2).unwrap_or(0) };
    match address::kind_of_missing(address.class) {
        Some(_) => Ok(address),
        None => Err(Error::internal(format!("unsupported object class {}", address.class))),
    }
}

/// The object in words; NULL when there is none.
fn pg_describe_object(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    // `pg_depend` has rows without an object for what the system requires.
    if !oid(args, 0).is_valid() && !oid(args, 1).is_valid() {
        return Ok(Datum::Null);
    }
    Ok(nullable(address::describe(session(cx)?, address_of(args)?)))
}

/// Type, schema, name and identity of an object, all of them qualified.
fn pg_identify_object(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let address = address_of(args)?;
    let Some(own) = address::identify(session(cx)?, address) else {
        return Ok(record("pg_identify_object", missing(address, 4)));
    };
    let fields = vec![Datum::text(own.kind), nullable(own.schema), nullable(own.name), Datum::text(own.identity)];
    Ok(record("pg_identify_object", fields))
}

/// Of an object that there is not only the kind is told.
fn missing(address: Address, fields: usize) -> Vec<Datum> {
    let mut row = vec![Datum::Null; fields];
    let kind = if address.part != 0 { Some("table column") } else { address::kind_of_missing(address.class) };
    row[0] = nullable(kind);
    row
}

/// An array of texts.
pub(super) fn text_array(items: &[String]) -> Datum {
    Datum::Array(Arc::new(Array::vector(oids::TEXT, items.iter().map(Datum::text).collect())))
}

/// Type, names and arguments, as `pg_get_object_address` takes them.
fn pg_identify_object_as_address(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let address = address_of(args)?;
    let Some(own) = address::identify(session(cx)?, address) else {
        return Ok(record("pg_identify_object_as_address", missing(address, 3)));
    };
    let fields = vec![Datum::text(own.kind), text_array(&own.names), text_array(&own.args)];
    Ok(record("pg_identify_object_as_address", fields))
}

/// The object of a type, names and arguments. 22023, and what is said of objects that are missing.
fn pg_get_object_address(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let list = |index: usize| match args.get(index) {
        Some(Datum::Array(array)) => address::texts(array).ok_or_else(|| {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, "name or argument lists may not contain nulls")
        }),
        _ => Ok(Vec::new()),
    };
    let found = address::find(session(cx)?, text(args, 0), &list(1)?, &list(2)?)?;
    let fields = vec![Datum::Oid(found.class.0), Datum::Oid(found.object.0), Datum::Int4(found.part)];
    Ok(record("pg_get_object_address", fields))
}
