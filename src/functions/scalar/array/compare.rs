//! Comparisons, containment and overlap.

use std::cmp::Ordering;
use std::sync::Arc;

use dictdb_types::{Array, Datum, Result, bail, order};

use super::super::comparable::{require_equality, require_order};
use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "array_eq" => |cx; a: &Arc<Array>, b: &Arc<Array>| equal(cx, a, b),
    "array_ne" => |cx; a: &Arc<Array>, b: &Arc<Array>| equal(cx, a, b).map(|equal| !equal),
    "array_lt" => |cx; a: &Arc<Array>, b: &Arc<Array>| compare(cx, a, b).map(Ordering::is_lt),
    "array_le" => |cx; a: &Arc<Array>, b: &Arc<Array>| compare(cx, a, b).map(Ordering::is_le),
    "array_gt" => |cx; a: &Arc<Array>, b: &Arc<Array>| compare(cx, a, b).map(Ordering::is_gt),
    "array_ge" => |cx; a: &Arc<Array>, b: &Arc<Array>| compare(cx, a, b).map(Ordering::is_ge),
    "btarraycmp" => |cx; a: &Arc<Array>, b: &Arc<Array>| compare(cx, a, b).map(|order| order as i32),
    "array_larger" => |cx; a: &Arc<Array>, b: &Arc<Array>| compare(cx, a, b).map(|order| if order.is_gt() { a } else { b }.clone()),
    "array_smaller" => |cx; a: &Arc<Array>, b: &Arc<Array>| compare(cx, a, b).map(|order| if order.is_lt() { a } else { b }.clone()),
    "arraycontains" => |cx; a: &Arc<Array>, b: &Arc<Array>| contains(cx, a, b),
    "arraycontained" => |cx; a: &Arc<Array>, b: &Arc<Array>| contains(cx, b, a),
    "arrayoverlap" => |cx; a: &Arc<Array>, b: &Arc<Array>| overlap(cx, a, b),
};

fn check(cx: &CallContext<'_>, a: &Array, b: &Array) -> Result<()> {
    if a.element != b.element {
        bail!(DATATYPE_MISMATCH, "cannot compare arrays of different element types");
    }
    require_equality(cx, a.element)
}

fn equal(cx: &CallContext<'_>, a: &Arc<Array>, b: &Arc<Array>) -> Result<bool> {
    check(cx, a, b)?;
    Ok(order::compare(&Datum::Array(a.clone()), &Datum::Array(b.clone())).is_eq())
}

fn compare(cx: &CallContext<'_>, a: &Arc<Array>, b: &Arc<Array>) -> Result<Ordering> {
    if a.element == b.element {
        require_order(cx, a.element)?;
    }
    check(cx, a, b)?;
    Ok(order::compare(&Datum::Array(a.clone()), &Datum::Array(b.clone())))
}

/// Whether every element of `b` is in `a`, whatever the dimensions; NULL is in nothing.
fn contains(cx: &CallContext<'_>, a: &Array, b: &Array) -> Result<bool> {
    check(cx, a, b)?;
    let has = |item: &Datum| a.items.iter().any(|other| !other.is_null() && order::equal_as(a.element, other, item));
    Ok(b.items.iter().all(|item| !item.is_null() && has(item)))
}

fn overlap(cx: &CallContext<'_>, a: &Array, b: &Array) -> Result<bool> {
    check(cx, a, b)?;
    let has = |item: &Datum| a.items.iter().any(|other| !other.is_null() && order::equal_as(a.element, other, item));
    Ok(b.items.iter().any(|item| !item.is_null() && has(item)))
}
