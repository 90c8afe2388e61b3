//! Set-returning functions as iterators.
//!
//! A function with several output columns yields [`Datum::Record`]s. The iterator does not check for cancellation:
//! the executor does between rows.

use std::collections::HashMap;
use std::sync::LazyLock;

use dictdb_types::{Datum, Oid, Record, Result};

use crate::CallContext;

mod arrays;
mod json;
mod series;

/// The rows of one call.
pub type Rows = Box<dyn Iterator<Item = Result<Datum>> + Send>;

/// A set-returning function. Strict ones never see NULL: the caller answers no rows.
pub type SetFn = fn(&CallContext<'_>, &[Datum]) -> Result<Rows>;

pub(crate) const FAMILIES: &[&[(&str, SetFn)]] = &[
    arrays::SETS,
    json::SETS,
    series::SETS,
    crate::datetime::SETS,
    crate::scalar::snapshot::SETS,
    crate::scalar::tsearch::SETS,
    crate::extension::SETS,
    crate::extension::RANDOM_SETS,
    crate::xml::SETS,
];

static BUILTIN: LazyLock<HashMap<&'static str, SetFn>> =
    LazyLock::new(|| FAMILIES.iter().flat_map(|family| family.iter().copied()).collect());

/// The built-in set-returning function by `pg_proc.prosrc`.
pub fn set_returning(prosrc: &str) -> Option<SetFn> {
    BUILTIN.get(prosrc).copied()
}

/// Rows that are all known already.
pub(crate) fn ready(rows: Vec<Datum>) -> Rows {
    Box::new(rows.into_iter().map(Ok))
}

/// A row of several columns.
pub(crate) fn record(ty: Oid, types: &[Oid], fields: Vec<Datum>) -> Datum {
    Datum::Record(Record { ty, types: types.to_vec(), fields, names: None }.into())
}
