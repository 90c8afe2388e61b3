//! Ranges and multiranges.
//!
//! A multirange is an array of ranges, sorted and apart (see `dictdb_types::range`), so most of its operators are those
//! of its first and last member, or of all pairs.

use std::cmp::Ordering;

use dictdb_types::{Array, Bound, Datum, Oid, Range, Result, TypeInfo, TypeKind, bail, order};

use crate::kernel::{CallContext, ScalarFn};

mod functions;
mod multi;
pub(crate) mod setops;
mod single;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[functions::KERNELS, single::KERNELS, multi::KERNELS];

/// The subtype of a range type.
pub(crate) fn subtype(cx: &CallContext<'_>, range: Oid) -> Result<Oid> {
    match cx.env.type_info(range).as_deref() {
        Some(TypeInfo { kind: TypeKind::Range(subtype), .. }) => Ok(*subtype),
        _ => bail!(INTERNAL_ERROR, "type {range} is not a range type"),
    }
}

/// One end of a range that is not empty.
#[derive(Clone, Copy)]
pub(crate) enum End<'a> {
    Lower(&'a Bound),
    Upper(&'a Bound),
}

impl<'a> End<'a> {
    fn parts(self) -> (bool, Option<&'a Datum>, bool) {
        let (is_lower, bound) = match self {
            End::Lower(bound) => (true, bound),
            End::Upper(bound) => (false, bound),
        };
        match bound {
            Bound::Inclusive(value) => (is_lower, Some(value), true),
            Bound::Exclusive(value) => (is_lower, Some(value), false),
            Bound::Unbounded => (is_lower, None, false),
        }
    }
}

/// Where two ends stand: a place just before, at, or just after a value.
pub(crate) fn compare_ends(subtype: Oid, a: End<'_>, b: End<'_>) -> Ordering {
    let ((a_lower, a_value, a_inclusive), (b_lower, b_value, b_inclusive)) = (a.parts(), b.parts());
    // Just before the value is -1, at it 0, just after it 1.
    let side = |lower: bool, inclusive: bool| match (inclusive, lower) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => -1,
    };
    let infinity = |lower: bool| if lower { -1 } else { 1 };
    match (a_value, b_value) {
        (None, None) => infinity(a_lower).cmp(&infinity(b_lower)),
        (None, Some(_)) => infinity(a_lower).cmp(&0),
        (Some(_), None) => 0.cmp(&infinity(b_lower)),
        (Some(a), Some(b)) => {
            order::compare_as(subtype, a, b).then_with(|| side(a_lower, a_inclusive).cmp(&side(b_lower, b_inclusive)))
        }
    }
}

/// The members of a multirange.
pub(crate) fn members(multirange: &Array) -> impl DoubleEndedIterator<Item = &Range> {
    multirange.items.iter().filter_map(|item| match item {
        Datum::Range(range) => Some(range.as_ref()),
        _ => None,
    })
}

/// A range or the members of a multirange, as a list of ranges that are not empty.
pub(crate) fn spans(value: &Datum) -> Vec<&Range> {
    match value {
        Datum::Range(range) => Some(range.as_ref()).filter(|range| range.bounds.is_some()).into_iter().collect(),
        Datum::Array(array) => members(array).collect(),
        _ => vec![],
    }
}

/// The range type of a range or multirange value.
pub(crate) fn range_type(value: &Datum) -> Oid {
    match value {
        Datum::Range(range) => range.ty,
        Datum::Array(array) => array.element,
        _ => Oid::INVALID,
    }
}
