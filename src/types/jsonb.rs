//! `jsonb` as a tree: keys unique and ordered as PostgreSQL orders them (length, then bytes), numbers as `numeric`.

use std::sync::Arc;

use crate::Numeric;

/// A JSON value.
#[derive(Clone, Debug)]
pub enum Jsonb {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; scale is kept, NaN does not occur.
    Number(Numeric),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Vec<Jsonb>),
    /// An object, sorted by key length, then key bytes; no key twice.
    Object(Vec<(Arc<str>, Jsonb)>),
}
