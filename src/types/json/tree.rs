//! `jsonb` as a tree: keys unique and ordered as PostgreSQL orders them (length, then bytes), numbers as `numeric`.

use std::cmp::Ordering;
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

/// The order of keys in an object.
fn key_order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

impl Jsonb {
    /// An object of pairs in any order; of several values under one key the last counts.
    pub fn object(mut pairs: Vec<(Arc<str>, Jsonb)>) -> Self {
        // The sort is stable, so equal keys stand in the order in which they came.
        pairs.sort_by(|(a, _), (b, _)| key_order(a, b));
        pairs.reverse();
        pairs.dedup_by(|(later, _), (earlier, _)| later == earlier);
        pairs.reverse();
        Jsonb::Object(pairs)
    }

    /// The value under a key; `None` also for what is no object.
    pub fn get(&self, key: &str) -> Option<&Jsonb> {
        let Jsonb::Object(pairs) = self else { return None };
        let at = pairs.binary_search_by(|(candidate, _)| key_order(candidate, key)).ok()?;
        Some(&pairs[at].1)
    }
}
