//! PostgreSQL's btree order, equality and hash of values.
//!
//! NaN is the largest float, `-0 = 0`; numeric and interval compare by value; arrays, composites and ranges as
//! `array_cmp`, `record_cmp` and `range_cmp`; jsonb as `jsonb_cmp`; text by its bytes, which is the C collation.
//! Both values are of one type. NULL sorts after everything and equals itself, as in keys and DISTINCT; three-valued
//! logic belongs to the caller.
//!
//! Some orders need the type: [`compare_as`] knows that `bpchar` ignores blanks at the end, that `pg_lsn` and `xid8`
//! are unsigned, that `oidvector` sorts by length first, and how addresses and documents sort. Types of elements and fields are in the values. Domains are resolved by the
//! caller.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use crate::stack::with_stack;
use crate::{Array, Bound, Datum, Interval, Jsonb, Oid, Range, Record, network, oids, tsearch};

/// Order of two values of one type.
#[inline]
pub fn compare(a: &Datum, b: &Datum) -> Ordering {
    match (a, b) {
        (Datum::Int4(a), Datum::Int4(b)) => a.cmp(b),
        (Datum::Int8(a), Datum::Int8(b)) => a.cmp(b),
        (Datum::Text(a), Datum::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Datum::Timestamp(a), Datum::Timestamp(b)) | (Datum::Time(a), Datum::Time(b)) => a.cmp(b),
        (Datum::Uuid(a), Datum::Uuid(b)) => a.cmp(b),
        _ => compare_rest(a, b),
    }
}

fn compare_rest(a: &Datum, b: &Datum) -> Ordering {
    match (a, b) {
        (Datum::Null, Datum::Null) => Ordering::Equal,
        (Datum::Null, _) => Ordering::Greater,
        (_, Datum::Null) => Ordering::Less,
        (Datum::Bool(a), Datum::Bool(b)) => a.cmp(b),
        (Datum::Int2(a), Datum::Int2(b)) => a.cmp(b),
        (Datum::Float4(a), Datum::Float4(b)) => compare_floats(f64::from(*a), f64::from(*b)),
        (Datum::Float8(a), Datum::Float8(b)) => compare_floats(*a, *b),
        (Datum::Numeric(a), Datum::Numeric(b)) => a.cmp(b),
        (Datum::Bytea(a), Datum::Bytea(b)) => a.cmp(b),
        (Datum::Date(a), Datum::Date(b)) => a.cmp(b),
        (Datum::TimeTz(a, a_west), Datum::TimeTz(b, b_west)) => timetz_key(*a, *a_west).cmp(&timetz_key(*b, *b_west)),
        (Datum::Interval(a), Datum::Interval(b)) => interval_micros(a).cmp(&interval_micros(b)),
        (Datum::Oid(a), Datum::Oid(b)) | (Datum::Enum(a), Datum::Enum(b)) => a.cmp(b),
        (Datum::Jsonb(a), Datum::Jsonb(b)) => compare_jsonb(a, b),
        (Datum::Array(a), Datum::Array(b)) => compare_arrays(a, b),
        (Datum::Record(a), Datum::Record(b)) => compare_records(a, b),
        (Datum::Range(a), Datum::Range(b)) => compare_ranges(a, b),
        (Datum::Extension(a), Datum::Extension(b)) => a.compare(b),
        _ => compare_mixed(a, b),
    }
}

/// Order of two values of the type `oid`.
#[inline]
pub fn compare_as(oid: Oid, a: &Datum, b: &Datum) -> Ordering {
    match (oid, a, b) {
        (oids::BPCHAR, Datum::Text(a), Datum::Text(b)) => a.trim_end_matches(' ').cmp(b.trim_end_matches(' ')),
        (oids::PG_LSN | oids::XID8, Datum::Int8(a), Datum::Int8(b)) => (*a as u64).cmp(&(*b as u64)),
        (oids::INET | oids::CIDR, Datum::Bytea(a), Datum::Bytea(b)) => network::compare(a, b),
        (oids::OIDVECTOR, Datum::Array(a), Datum::Array(b)) => compare_vectors(a, b),
        (oids::TSVECTOR | oids::TSQUERY, Datum::Bytea(a), Datum::Bytea(b)) => tsearch::compare(oid, a, b),
        _ => compare(a, b),
    }
}

/// Whether two values of one type are equal under its `=`; NULL equals NULL.
#[inline]
pub fn equal(a: &Datum, b: &Datum) -> bool {
    compare(a, b) == Ordering::Equal
}

/// Whether two values of the type `oid` are equal under its `=`; NULL equals NULL.
#[inline]
pub fn equal_as(oid: Oid, a: &Datum, b: &Datum) -> bool {
    compare_as(oid, a, b) == Ordering::Equal
}

/// A hash that agrees with [`equal_as`].
pub fn hash(oid: Oid, value: &Datum) -> u64 {
    let mut state = rustc_hash::FxHasher::default();
    hash_into(oid, value, &mut state);
    state.finish()
}

/// Feeds a value into a hasher; what [`equal_as`] takes for equal feeds the same.
pub fn hash_into<H: Hasher>(oid: Oid, value: &Datum, state: &mut H) {
    match value {
        Datum::Null => state.write_u8(0),
        Datum::Bool(v) => v.hash(state),
        Datum::Int2(v) => v.hash(state),
        Datum::Int4(v) | Datum::Date(v) => v.hash(state),
        Datum::Int8(v) | Datum::Time(v) | Datum::Timestamp(v) => v.hash(state),
        Datum::Float4(v) => float_bits(f64::from(*v)).hash(state),
        Datum::Float8(v) => float_bits(*v).hash(state),
        Datum::Numeric(v) => v.hash(state),
        Datum::Text(v) if oid == oids::BPCHAR => v.trim_end_matches(' ').hash(state),
        Datum::Text(v) => v.hash(state),
        Datum::Bytea(v) => v.hash(state),
        Datum::TimeTz(micros, west) => timetz_key(*micros, *west).hash(state),
        Datum::Interval(v) => interval_micros(v).hash(state),
        Datum::Uuid(v) => v.hash(state),
        Datum::Oid(v) | Datum::Enum(v) => v.hash(state),
        Datum::Jsonb(_) | Datum::Array(_) | Datum::Record(_) | Datum::Range(_) => {
            let mut key = Vec::new();
            crate::sort_key::encode(value, oid, false, false, &mut key);
            state.write(&key);
        }
        Datum::Extension(v) => v.hash_into(state),
    }
}

pub(crate) fn compare_floats(a: f64, b: f64) -> Ordering {
    // Only NaN makes the partial order fail: it equals itself and is above the rest.
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// One bit pattern for all NaNs and one for both zeros.
pub(crate) fn float_bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

/// The instant, then the zone.
pub(crate) fn timetz_key(micros: i64, west: i32) -> (i64, i32) {
    (micros.saturating_add(i64::from(west) * 1_000_000), west)
}

/// An interval with months of 30 days and days of 24 hours, as its order and equality see it.
pub fn interval_micros(value: &Interval) -> i128 {
    const DAY: i128 = 86_400_000_000;
    (i128::from(value.months) * 30 + i128::from(value.days)) * DAY + i128::from(value.micros)
}

fn compare_items(oid: Oid, a: &[Datum], b: &[Datum]) -> Option<Ordering> {
    a.iter().zip(b).map(|(a, b)| compare_as(oid, a, b)).find(|by_item| by_item.is_ne())
}

fn compare_arrays(a: &Array, b: &Array) -> Ordering {
    if let Some(by_item) = compare_items(a.element, &a.items, &b.items) {
        return by_item;
    }
    let shape = |array: &Array| (array.items.len(), array.dims.len());
    let lens = |array: &Array| array.dims.iter().map(|d| d.len).collect::<Vec<_>>();
    let lowers = |array: &Array| array.dims.iter().map(|d| d.lower).collect::<Vec<_>>();
    shape(a).cmp(&shape(b)).then_with(|| lens(a).cmp(&lens(b))).then_with(|| lowers(a).cmp(&lowers(b)))
}

/// Order of two values of `oidvector`: the shorter first, whatever index their first item has.
pub fn compare_vectors(a: &Array, b: &Array) -> Ordering {
    let by_length = a.items.len().cmp(&b.items.len());
    by_length.then_with(|| compare_items(oids::OID, &a.items, &b.items).unwrap_or(Ordering::Equal))
}

fn compare_records(a: &Record, b: &Record) -> Ordering {
    let fields = a.types.iter().zip(a.fields.iter().zip(&b.fields));
    let by_field = fields.map(|(ty, (a, b))| compare_as(*ty, a, b)).find(|by_field| by_field.is_ne());
    by_field.unwrap_or_else(|| a.fields.len().cmp(&b.fields.len()))
}

fn compare_ranges(a: &Range, b: &Range) -> Ordering {
    match (&a.bounds, &b.bounds) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some((a_lower, a_upper)), Some((b_lower, b_upper))) => {
            compare_lower(a_lower, b_lower).then_with(|| compare_upper(a_upper, b_upper))
        }
    }
}

/// Order of two lower bounds: no bound first, and `[x` before `(x`.
pub fn compare_lower(a: &Bound, b: &Bound) -> Ordering {
    compare_bounds(a, b, Ordering::Less)
}

/// Order of two upper bounds: no bound last, and `x)` before `x]`.
pub fn compare_upper(a: &Bound, b: &Bound) -> Ordering {
    compare_bounds(a, b, Ordering::Greater)
}

/// `outward` is how a bound compares to one that lies further inside at the same value.
fn compare_bounds(a: &Bound, b: &Bound, outward: Ordering) -> Ordering {
    let parts = |bound: &Bound| match bound {
        Bound::Unbounded => None,
        Bound::Inclusive(value) => Some((value.clone(), true)),
        Bound::Exclusive(value) => Some((value.clone(), false)),
    };
    match (parts(a), parts(b)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => outward,
        (Some(_), None) => outward.reverse(),
        (Some((a, a_inclusive)), Some((b, b_inclusive))) => {
            let by_inclusion = match (a_inclusive, b_inclusive) {
                (true, false) => outward,
                (false, true) => outward.reverse(),
                _ => Ordering::Equal,
            };
            compare(&a, &b).then(by_inclusion)
        }
    }
}

/// Ranks of JSON kinds in `jsonb_cmp`.
pub(crate) fn jsonb_rank(value: &Jsonb) -> u8 {
    match value {
        Jsonb::Null => 1,
        Jsonb::String(_) => 2,
        Jsonb::Number(_) => 3,
        Jsonb::Bool(_) => 4,
        Jsonb::Array(_) => 5,
        Jsonb::Object(_) => 6,
    }
}

/// `jsonb_cmp`: at the top level an empty array comes before everything, scalars included.
pub fn compare_jsonb(a: &Jsonb, b: &Jsonb) -> Ordering {
    let empty = |value: &Jsonb| matches!(value, Jsonb::Array(items) if items.is_empty());
    empty(b).cmp(&empty(a)).then_with(|| compare_nodes(a, b))
}

fn compare_nodes(a: &Jsonb, b: &Jsonb) -> Ordering {
    match (a, b) {
        (Jsonb::Bool(a), Jsonb::Bool(b)) => a.cmp(b),
        (Jsonb::Number(a), Jsonb::Number(b)) => a.cmp(b),
        (Jsonb::String(a), Jsonb::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Jsonb::Array(a), Jsonb::Array(b)) => a.len().cmp(&b.len()).then_with(|| {
            let by_item = a.iter().zip(b).map(|(a, b)| with_stack(|| compare_nodes(a, b))).find(|o| o.is_ne());
            by_item.unwrap_or(Ordering::Equal)
        }),
        (Jsonb::Object(a), Jsonb::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
            let pairs = a.iter().zip(b);
            let by_pair = pairs.map(|((a_key, a), (b_key, b))| {
                a_key.as_bytes().cmp(b_key.as_bytes()).then_with(|| with_stack(|| compare_nodes(a, b)))
            });
            by_pair.into_iter().find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        }),
        _ => jsonb_rank(a).cmp(&jsonb_rank(b)),
    }
}

/// Keeps the order total where a caller mixes kinds: by kind.
fn compare_mixed(a: &Datum, b: &Datum) -> Ordering {
    fn rank(value: &Datum) -> u8 {
        match value {
            Datum::Bool(_) => 1,
            Datum::Int2(_) => 2,
            Datum::Int4(_) => 3,
            Datum::Int8(_) => 4,
            Datum::Float4(_) => 5,
            Datum::Float8(_) => 6,
            Datum::Numeric(_) => 7,
            Datum::Text(_) => 8,
            Datum::Bytea(_) => 9,
            Datum::Date(_) => 10,
            Datum::Time(_) => 11,
            Datum::TimeTz(..) => 12,
            Datum::Timestamp(_) => 13,
            Datum::Interval(_) => 14,
            Datum::Uuid(_) => 15,
            Datum::Oid(_) => 16,
            Datum::Enum(_) => 17,
            Datum::Jsonb(_) => 18,
            Datum::Array(_) => 19,
            Datum::Record(_) => 20,
            Datum::Range(_) => 21,
            Datum::Extension(_) => 22,
            Datum::Null => 23,
        }
    }
    rank(a).cmp(&rank(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn samples_are_in_order() {
        // Each group is listed in PostgreSQL's order; `=` marks what equals its predecessor.
        for group in samples::ordered() {
            for (i, (oid, a, _)) in group.iter().enumerate() {
                for (j, (_, b, _)) in group.iter().enumerate() {
                    let rank = |n: usize| group[..=n].iter().filter(|(_, _, equal)| !equal).count();
                    assert_eq!(compare_as(*oid, a, b), rank(i).cmp(&rank(j)), "{oid} {a:?} {b:?}");
                    if rank(i) == rank(j) {
                        assert_eq!(hash(*oid, a), hash(*oid, b), "{oid} {a:?} {b:?}");
                    }
                }
            }
        }
    }
}
