//! Union, intersection and difference of ranges and multiranges.

use std::sync::Arc;

use dictdb_types::{Array, Bound, Datum, Error, Oid, Range, Result, SqlState, range};

use super::{End, compare_ends, members};

/// Whether two ranges have a value in common.
pub(crate) fn overlaps(subtype: Oid, a: &Range, b: &Range) -> bool {
    let (Some((a_low, a_high)), Some((b_low, b_high))) = (&a.bounds, &b.bounds) else { return false };
    compare_ends(subtype, End::Lower(a_low), End::Upper(b_high)).is_le()
        && compare_ends(subtype, End::Lower(b_low), End::Upper(a_high)).is_le()
}

/// Whether two ranges touch without overlapping.
pub(crate) fn adjacent(subtype: Oid, a: &Range, b: &Range) -> bool {
    let (Some((a_low, a_high)), Some((b_low, b_high))) = (&a.bounds, &b.bounds) else { return false };
    meet(subtype, a_high, b_low) || meet(subtype, b_high, a_low)
}

/// Whether an upper bound ends where a lower one begins.
fn meet(subtype: Oid, upper: &Bound, lower: &Bound) -> bool {
    let (Bound::Inclusive(a) | Bound::Exclusive(a), Bound::Inclusive(b) | Bound::Exclusive(b)) = (upper, lower) else {
        return false;
    };
    matches!(upper, Bound::Inclusive(_)) != matches!(lower, Bound::Inclusive(_))
        && dictdb_types::order::compare_as(subtype, a, b).is_eq()
}

fn lesser_lower(subtype: Oid, a: &Bound, b: &Bound) -> Bound {
    if compare_ends(subtype, End::Lower(a), End::Lower(b)).is_le() { a } else { b }.clone()
}

fn greater_upper(subtype: Oid, a: &Bound, b: &Bound) -> Bound {
    if compare_ends(subtype, End::Upper(a), End::Upper(b)).is_ge() { a } else { b }.clone()
}

/// The smallest range that includes both. `strict`: 22000 if there is a gap between them.
pub(crate) fn union(subtype: Oid, a: &Range, b: &Range, strict: bool) -> Result<Range> {
    let (Some((a_low, a_high)), Some((b_low, b_high))) = (&a.bounds, &b.bounds) else {
        return Ok(if a.bounds.is_none() { b } else { a }.clone());
    };
    if strict && !overlaps(subtype, a, b) && !adjacent(subtype, a, b) {
        return Err(Error::new(SqlState::DATA_EXCEPTION, "result of range union would not be contiguous"));
    }
    range::make(a.ty, subtype, lesser_lower(subtype, a_low, b_low), greater_upper(subtype, a_high, b_high))
}

/// The common part.
pub(crate) fn intersect(subtype: Oid, a: &Range, b: &Range) -> Result<Range> {
    let (Some((a_low, a_high)), Some((b_low, b_high)), true) = (&a.bounds, &b.bounds, overlaps(subtype, a, b)) else {
        return Ok(Range { ty: a.ty, bounds: None });
    };
    let low = if compare_ends(subtype, End::Lower(a_low), End::Lower(b_low)).is_ge() { a_low } else { b_low };
    let high = if compare_ends(subtype, End::Upper(a_high), End::Upper(b_high)).is_le() { a_high } else { b_high };
    range::make(a.ty, subtype, low.clone(), high.clone())
}

/// A bound from the other side: where a range ends another one may begin.
fn flipped(bound: &Bound) -> Bound {
    match bound.clone() {
        Bound::Inclusive(value) => Bound::Exclusive(value),
        Bound::Exclusive(value) => Bound::Inclusive(value),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// What is left of `a` on either side of `b`.
fn remainder(subtype: Oid, a: &Range, b: &Range) -> Result<Vec<Range>> {
    let (Some((a_low, a_high)), Some((b_low, b_high)), true) = (&a.bounds, &b.bounds, overlaps(subtype, a, b)) else {
        return Ok(vec![a.clone()]);
    };
    let mut parts = vec![];
    if compare_ends(subtype, End::Lower(a_low), End::Lower(b_low)).is_lt() {
        parts.push(range::make(a.ty, subtype, a_low.clone(), flipped(b_low))?);
    }
    if compare_ends(subtype, End::Upper(a_high), End::Upper(b_high)).is_gt() {
        parts.push(range::make(a.ty, subtype, flipped(b_high), a_high.clone())?);
    }
    Ok(parts)
}

/// The difference; 22000 if it is in two parts.
pub(crate) fn minus(subtype: Oid, a: &Range, b: &Range) -> Result<Range> {
    if a.bounds.is_none() {
        return Ok(a.clone());
    }
    let mut parts = remainder(subtype, a, b)?;
    if parts.len() > 1 {
        return Err(Error::new(SqlState::DATA_EXCEPTION, "result of range difference would not be contiguous"));
    }
    Ok(parts.pop().unwrap_or(Range { ty: a.ty, bounds: None }))
}

/// Values in either of two multiranges.
pub(crate) fn multi_union(a: &Array, b: &Array) -> Array {
    range::multirange(a.element, members(a).chain(members(b)).cloned().collect())
}

/// Values in both.
pub(crate) fn multi_intersect(subtype: Oid, a: &Array, b: &Array) -> Result<Array> {
    let mut common = vec![];
    for left in members(a) {
        for right in members(b) {
            common.push(intersect(subtype, left, right)?);
        }
    }
    Ok(range::multirange(a.element, common))
}

/// Values of the first that are not in the second.
pub(crate) fn multi_minus(subtype: Oid, a: &Array, b: &Array) -> Result<Array> {
    let mut left: Vec<Range> = members(a).cloned().collect();
    for taken in members(b) {
        let mut rest = vec![];
        for range in &left {
            rest.extend(remainder(subtype, range, taken)?);
        }
        left = rest;
    }
    Ok(range::multirange(a.element, left))
}

/// A range as a multirange.
pub(crate) fn as_multirange(range: &Range) -> Array {
    Array::vector(range.ty, if range.bounds.is_some() { vec![Datum::Range(Arc::new(range.clone()))] } else { vec![] })
}
