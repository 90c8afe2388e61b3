//! Full-text search: operators and functions of `tsvector` and `tsquery`, parser, dictionaries, ranking.
//!
//! ```text
//!   text ─ parser ─► tokens ─ config, dictionary ─► lexemes ─ document ─► tsvector ─┐
//!   text ─ query syntax ─► operands ─ the same ─► lexemes ─ morph ─► tsquery ───────┴─ matching ─► yes or no
//! ```

use dictdb_types::tsearch::{Query, Vector};
use dictdb_types::{Datum, Error, Result};

use crate::kernel::ScalarFn;
use crate::set_returning::SetFn;

mod config;
pub mod definition;
mod dictionary;
mod document;
mod headline;
mod json;
mod lexize;
mod matching;
mod morph;
mod parser;
mod query;
mod rank;
mod rank_cover;
mod sets;
pub mod statistics;
mod vector;
mod websearch;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[
    dictionary::KERNELS,
    document::KERNELS,
    headline::KERNELS,
    json::KERNELS,
    matching::KERNELS,
    morph::KERNELS,
    query::KERNELS,
    rank::KERNELS,
    rank_cover::KERNELS,
    vector::KERNELS,
];

/// Set-returning functions of this family.
pub(crate) const SETS: &[(&str, SetFn)] = sets::SETS;

fn vector(bytes: &[u8]) -> Result<Vector> {
    Vector::from_bytes(bytes).ok_or_else(|| Error::internal("malformed tsvector"))
}

fn query(bytes: &[u8]) -> Option<Query> {
    Query::from_bytes(bytes)
}

/// A document as index methods have it.
pub(crate) fn vector_of(value: &Datum) -> Result<Vector> {
    vector(bytes(value)?)
}

/// Likewise a query; `None` asks for nothing.
pub(crate) fn query_of(value: &Datum) -> Result<Option<Query>> {
    Ok(query(bytes(value)?))
}

fn bytes(value: &Datum) -> Result<&[u8]> {
    match value {
        Datum::Bytea(bytes) => Ok(bytes),
        other => Err(Error::internal(format!("{other:?} as text-search value"))),
    }
}
