//! The comparing operators, which take ranges and multiranges in any combination.

use dictdb_types::{Bound, Datum, Range, Result, order};

use super::setops::{adjacent, overlaps};
use super::{End, compare_ends, range_type, spans, subtype};
use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "range_contains" => |cx; a: &Datum, b: &Datum| contains(cx, a, b),
    "range_contains_multirange" => |cx; a: &Datum, b: &Datum| contains(cx, a, b),
    "multirange_contains_range" => |cx; a: &Datum, b: &Datum| contains(cx, a, b),
    "multirange_contains_multirange" => |cx; a: &Datum, b: &Datum| contains(cx, a, b),
    "range_contained_by" => |cx; a: &Datum, b: &Datum| contains(cx, b, a),
    "range_contained_by_multirange" => |cx; a: &Datum, b: &Datum| contains(cx, b, a),
    "multirange_contained_by_range" => |cx; a: &Datum, b: &Datum| contains(cx, b, a),
    "multirange_contained_by_multirange" => |cx; a: &Datum, b: &Datum| contains(cx, b, a),
    "range_contains_elem" => |cx; a: &Datum, value: &Datum| contains_value(cx, a, value),
    "elem_contained_by_range" => |cx; value: &Datum, a: &Datum| contains_value(cx, a, value),
    "multirange_contains_elem" => |cx; a: &Datum, value: &Datum| contains_value(cx, a, value),
    "elem_contained_by_multirange" => |cx; value: &Datum, a: &Datum| contains_value(cx, a, value),
    "range_overlaps" => |cx; a: &Datum, b: &Datum| overlap(cx, a, b),
    "range_overlaps_multirange" => |cx; a: &Datum, b: &Datum| overlap(cx, a, b),
    "multirange_overlaps_range" => |cx; a: &Datum, b: &Datum| overlap(cx, a, b),
    "multirange_overlaps_multirange" => |cx; a: &Datum, b: &Datum| overlap(cx, a, b),
    "range_adjacent" => |cx; a: &Datum, b: &Datum| touch(cx, a, b),
    "range_adjacent_multirange" => |cx; a: &Datum, b: &Datum| touch(cx, a, b),
    "multirange_adjacent_range" => |cx; a: &Datum, b: &Datum| touch(cx, a, b),
    "multirange_adjacent_multirange" => |cx; a: &Datum, b: &Datum| touch(cx, a, b),
    "range_before" => |cx; a: &Datum, b: &Datum| before(cx, a, b),
    "range_before_multirange" => |cx; a: &Datum, b: &Datum| before(cx, a, b),
    "multirange_before_range" => |cx; a: &Datum, b: &Datum| before(cx, a, b),
    "multirange_before_multirange" => |cx; a: &Datum, b: &Datum| before(cx, a, b),
    "range_after" => |cx; a: &Datum, b: &Datum| before(cx, b, a),
    "range_after_multirange" => |cx; a: &Datum, b: &Datum| before(cx, b, a),
    "multirange_after_range" => |cx; a: &Datum, b: &Datum| before(cx, b, a),
    "multirange_after_multirange" => |cx; a: &Datum, b: &Datum| before(cx, b, a),
    "range_overleft" => |cx; a: &Datum, b: &Datum| not_beyond(cx, a, b),
    "range_overleft_multirange" => |cx; a: &Datum, b: &Datum| not_beyond(cx, a, b),
    "multirange_overleft_range" => |cx; a: &Datum, b: &Datum| not_beyond(cx, a, b),
    "multirange_overleft_multirange" => |cx; a: &Datum, b: &Datum| not_beyond(cx, a, b),
    "range_overright" => |cx; a: &Datum, b: &Datum| not_before(cx, a, b),
    "range_overright_multirange" => |cx; a: &Datum, b: &Datum| not_before(cx, a, b),
    "multirange_overright_range" => |cx; a: &Datum, b: &Datum| not_before(cx, a, b),
    "multirange_overright_multirange" => |cx; a: &Datum, b: &Datum| not_before(cx, a, b),
};

/// Whether a range that is not empty includes another one.
fn includes(subtype: dictdb_types::Oid, a: &Range, b: &Range) -> bool {
    let (Some((a_low, a_high)), Some((b_low, b_high))) = (&a.bounds, &b.bounds) else { return b.bounds.is_none() };
    compare_ends(subtype, End::Lower(a_low), End::Lower(b_low)).is_le()
        && compare_ends(subtype, End::Upper(a_high), End::Upper(b_high)).is_ge()
}

/// Every span of `b` lies in one span of `a`: members of a multirange are apart.
fn contains(cx: &CallContext<'_>, a: &Datum, b: &Datum) -> Result<bool> {
    let subtype = subtype(cx, range_type(a))?;
    let outer = spans(a);
    Ok(spans(b).into_iter().all(|inner| outer.iter().any(|range| includes(subtype, range, inner))))
}

fn contains_value(cx: &CallContext<'_>, a: &Datum, value: &Datum) -> Result<bool> {
    let subtype = subtype(cx, range_type(a))?;
    let compare = |bound: &Datum| order::compare_as(subtype, value, bound);
    Ok(spans(a).into_iter().filter_map(|range| range.bounds.as_ref()).any(|(low, high)| {
        let above = match low {
            Bound::Inclusive(low) => compare(low).is_ge(),
            Bound::Exclusive(low) => compare(low).is_gt(),
            Bound::Unbounded => true,
        };
        let below = match high {
            Bound::Inclusive(high) => compare(high).is_le(),
            Bound::Exclusive(high) => compare(high).is_lt(),
            Bound::Unbounded => true,
        };
        above && below
    }))
}

fn overlap(cx: &CallContext<'_>, a: &Datum, b: &Datum) -> Result<bool> {
    let subtype = subtype(cx, range_type(a))?;
    let others = spans(b);
    Ok(spans(a).into_iter().any(|left| others.iter().any(|right| overlaps(subtype, left, right))))
}

/// The lower bound of the first span and the upper bound of the last; `None` if there is nothing.
fn hull(value: &Datum) -> Option<(&Bound, &Bound)> {
    let spans = spans(value);
    let (first, last) = (spans.first()?.bounds.as_ref()?, spans.last()?.bounds.as_ref()?);
    Some((&first.0, &last.1))
}

/// Only outer ends can touch without anything in between.
fn touch(cx: &CallContext<'_>, a: &Datum, b: &Datum) -> Result<bool> {
    let subtype = subtype(cx, range_type(a))?;
    let (left, right) = (spans(a), spans(b));
    let (Some(a_first), Some(a_last), Some(b_first), Some(b_last)) =
        (left.first(), left.last(), right.first(), right.last())
    else {
        return Ok(false);
    };
    let meets = |end: &Range, start: &Range| adjacent(subtype, end, start) && ends_before(subtype, end, start);
    Ok(meets(a_last, b_first) || meets(b_last, a_first))
}

fn ends_before(subtype: dictdb_types::Oid, a: &Range, b: &Range) -> bool {
    match (&a.bounds, &b.bounds) {
        (Some((_, high)), Some((low, _))) => compare_ends(subtype, End::Upper(high), End::Lower(low)).is_lt(),
        _ => false,
    }
}

/// Wholly to the left.
fn before(cx: &CallContext<'_>, a: &Datum, b: &Datum) -> Result<bool> {
    let subtype = subtype(cx, range_type(a))?;
    Ok(match (hull(a), hull(b)) {
        (Some((_, high)), Some((low, _))) => compare_ends(subtype, End::Upper(high), End::Lower(low)).is_lt(),
        _ => false,
    })
}

/// Does not extend to the right of the other.
fn not_beyond(cx: &CallContext<'_>, a: &Datum, b: &Datum) -> Result<bool> {
    let subtype = subtype(cx, range_type(a))?;
    Ok(match (hull(a), hull(b)) {
        (Some((_, a)), Some((_, b))) => compare_ends(subtype, End::Upper(a), End::Upper(b)).is_le(),
        _ => false,
    })
}

/// Does not extend to the left of the other.
fn not_before(cx: &CallContext<'_>, a: &Datum, b: &Datum) -> Result<bool> {
    let subtype = subtype(cx, range_type(a))?;
    Ok(match (hull(a), hull(b)) {
        (Some((a, _)), Some((b, _))) => compare_ends(subtype, End::Lower(a), End::Lower(b)).is_ge(),
        _ => false,
    })
}
