//! Reading the arguments of system functions, and writing rows of set-returning ones.

use std::sync::Arc;

use dictdb_functions::CallContext;
use dictdb_functions::facts::{self, ArgMode};
use dictdb_functions::set_returning::Rows;
use dictdb_types::{Datum, Error, Oid, Record, Result, oids};

use crate::StatementEnv;

/// The session that calls.
pub(super) fn session<'a>(cx: &CallContext<'a>) -> Result<&'a StatementEnv> {
    StatementEnv::of(cx.env).ok_or_else(|| Error::internal("called outside a session"))
}

/// An oid argument; zero when it is absent or NULL.
pub(super) fn oid(args: &[Datum], index: usize) -> Oid {
    match args.get(index) {
        Some(Datum::Oid(oid)) => Oid(*oid),
        _ => Oid::INVALID,
    }
}

/// A text argument; empty when it is absent or NULL.
pub(super) fn text(args: &[Datum], index: usize) -> &str {
    match args.get(index) {
        Some(Datum::Text(text)) => text,
        _ => "",
    }
}

/// An integer argument of either width.
pub(super) fn integer(args: &[Datum], index: usize) -> Option<i32> {
    match args.get(index) {
        Some(Datum::Int2(n)) => Some((*n).into()),
        Some(Datum::Int4(n)) => Some(*n),
        _ => None,
    }
}

/// A boolean argument; false when it is absent.
pub(super) fn flag(args: &[Datum], index: usize) -> bool {
    matches!(args.get(index), Some(Datum::Bool(true)))
}

/// A text, or NULL.
pub(super) fn nullable(text: Option<impl AsRef<str>>) -> Datum {
    text.map_or(Datum::Null, Datum::text)
}

/// Rows of the set-returning function with this C symbol, which has several output parameters.
pub(crate) fn records(source: &str, rows: Vec<Vec<Datum>>) -> Rows {
    let types = output_types(source);
    let record =
        move |fields| Datum::Record(Arc::new(Record { ty: oids::RECORD, types: types.clone(), fields, names: None }));
    Box::new(rows.into_iter().map(move |fields| Ok(record(fields))))
}

/// The value of a function with this C symbol, which has several output parameters and returns one row.
pub(crate) fn record(source: &str, fields: Vec<Datum>) -> Datum {
    Datum::Record(Arc::new(Record { ty: oids::RECORD, types: output_types(source), fields, names: None }))
}

/// The row of such a function when nothing is known: all its output parameters are NULL.
pub(super) fn unknown_record(source: &str) -> Datum {
    record(source, vec![Datum::Null; output_types(source).len()])
}

fn output_types(source: &str) -> Vec<Oid> {
    let proc = facts::procs_with_source(source).next();
    let Some((types, modes)) = proc.and_then(|p| Some((p.all_args.as_ref()?, p.arg_modes.as_ref()?))) else {
        return Vec::new();
    };
    let outputs = types.iter().zip(modes).filter(|(_, mode)| matches!(mode, ArgMode::Out | ArgMode::Table));
    outputs.map(|(oid, _)| *oid).collect()
}

/// Values of a set-returning function with one column.
pub(super) fn values(values: Vec<Datum>) -> Rows {
    Box::new(values.into_iter().map(Ok))
}
