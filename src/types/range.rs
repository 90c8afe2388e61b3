//! Making ranges and multiranges: order of bounds, the empty range, canonical form of discrete ranges.
//!
//! A multirange is an [`Array`] whose element type is the range type: sorted, without empty ranges, and without ranges
//! that touch or overlap. Set operations on ranges are in the functions crate.

use std::cmp::Ordering;

use crate::datetime::calendar::MAX_DATE;
use crate::order::{compare_as, compare_lower, compare_upper};
use crate::{Array, Bound, Datum, Error, Oid, Range, Result, SqlState, oids};

/// A range from its bounds; empty when nothing lies between them.
///
/// 22000 when they are in the wrong order; 22003 and 22008 when the canonical form of a discrete range leaves its
/// subtype.
pub fn make(ty: Oid, subtype: Oid, lower: Bound, upper: Bound) -> Result<Range> {
    let mut bounds = ordered(subtype, lower, upper)?;
    if matches!(ty, oids::INT4RANGE | oids::INT8RANGE | oids::DATERANGE)
        && let Some((lower, upper)) = bounds
    {
        bounds = ordered(subtype, canonical_lower(lower)?, canonical_upper(upper)?)?;
    }
    Ok(Range { ty, bounds })
}

/// The bounds unless nothing lies between them; 22000.
fn ordered(subtype: Oid, lower: Bound, upper: Bound) -> Result<Option<(Bound, Bound)>> {
    use Bound::{Exclusive, Inclusive};
    let (Inclusive(low) | Exclusive(low), Inclusive(high) | Exclusive(high)) = (&lower, &upper) else {
        return Ok(Some((lower, upper)));
    };
    match compare_as(subtype, low, high) {
        Ordering::Greater => {
            let message = "range lower bound must be less than or equal to range upper bound";
            Err(Error::new(SqlState::DATA_EXCEPTION, message))
        }
        Ordering::Equal if !matches!((&lower, &upper), (Inclusive(_), Inclusive(_))) => Ok(None),
        _ => Ok(Some((lower, upper))),
    }
}

/// `(x` becomes `[x+1`.
fn canonical_lower(bound: Bound) -> Result<Bound> {
    match &bound {
        Bound::Exclusive(value) => Ok(next(value)?.map_or(bound, Bound::Inclusive)),
        _ => Ok(bound),
    }
}

/// `x]` becomes `x+1)`.
fn canonical_upper(bound: Bound) -> Result<Bound> {
    match &bound {
        Bound::Inclusive(value) => Ok(next(value)?.map_or(bound, Bound::Exclusive)),
        _ => Ok(bound),
    }
}

/// The value after this one; `None` after an infinite date.
fn next(value: &Datum) -> Result<Option<Datum>> {
    let out_of_range = |what: &str| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{what} out of range"));
    match value {
        Datum::Int4(v) => v.checked_add(1).map(Datum::Int4).map(Some).ok_or_else(|| out_of_range("integer")),
        Datum::Int8(v) => v.checked_add(1).map(Datum::Int8).map(Some).ok_or_else(|| out_of_range("bigint")),
        Datum::Date(i32::MIN | i32::MAX) => Ok(None),
        Datum::Date(v) if *v >= MAX_DATE => Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range")),
        Datum::Date(v) => Ok(Some(Datum::Date(v + 1))),
        _ => Ok(None),
    }
}

/// A multirange of these ranges in any order.
pub fn multirange(range_type: Oid, mut ranges: Vec<Range>) -> Array {
    ranges.sort_by(|a, b| match (&a.bounds, &b.bounds) {
        (Some((a_lower, a_upper)), Some((b_lower, b_upper))) => {
            compare_lower(a_lower, b_lower).then_with(|| compare_upper(a_upper, b_upper))
        }
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    let mut merged: Vec<(Bound, Bound)> = Vec::with_capacity(ranges.len());
    for (lower, upper) in ranges.into_iter().filter_map(|range| range.bounds) {
        match merged.last_mut() {
            Some((_, last)) if touches(last, &lower) => {
                if compare_upper(&upper, last) == Ordering::Greater {
                    *last = upper;
                }
            }
            _ => merged.push((lower, upper)),
        }
    }
    let range = |bounds| Datum::Range(std::sync::Arc::new(Range { ty: range_type, bounds: Some(bounds) }));
    Array::vector(range_type, merged.into_iter().map(range).collect())
}

/// Whether nothing lies between the end of a range and the beginning of one that starts later.
fn touches(upper: &Bound, lower: &Bound) -> bool {
    use Bound::{Exclusive, Inclusive, Unbounded};
    match (upper, lower) {
        (Unbounded, _) | (_, Unbounded) => true,
        (Exclusive(end), Exclusive(start)) => crate::order::compare(start, end) == Ordering::Less,
        (Inclusive(end) | Exclusive(end), Inclusive(start) | Exclusive(start)) => {
            crate::order::compare(start, end) != Ordering::Greater
        }
    }
}
