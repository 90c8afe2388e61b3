//! Positions of elements, and buckets between thresholds.

use dictdb_types::{Array, Datum, Error, Result, SqlState, bail, oids, order};

use super::super::comparable::require_equality;
use super::super::integer::in_range;
use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "array_position" => |cx; array: Option<&Array>, item: &Datum| {
        array.map_or(Ok(None), |array| position(cx, array, item, None))
    },
    "array_position_start" => |cx; array: Option<&Array>, item: &Datum, start: Option<i32>| {
        let Some(array) = array else { return Ok(Datum::Null) };
        match start {
            Some(start) => position(cx, array, item, Some(start)),
            None if array.dims.is_empty() => Ok(None),
            None if array.dims.len() > 1 => position(cx, array, item, None),
            None => bail!(NULL_VALUE_NOT_ALLOWED, "initial position must not be null"),
        }
    },
    "array_positions" => |cx; array: Option<&Array>, item: &Datum| {
        array.map(|array| positions(cx, array, item)).transpose()
    },
    "width_bucket_array" => |value: &Datum, thresholds: &Array| width_bucket(value, thresholds),
};

fn check(cx: &CallContext<'_>, array: &Array) -> Result<()> {
    if array.dims.len() > 1 {
        return Err(Error::unsupported("searching for elements in multidimensional arrays"));
    }
    require_equality(cx, array.element)
}

/// Subscripts of the elements equal to `item`; NULL finds NULL.
fn subscripts<'a>(array: &'a Array, item: &'a Datum) -> impl Iterator<Item = i32> + 'a {
    let lower = array.dims.first().map_or(1, |dim| dim.lower);
    let found = move |other: &Datum| order::equal_as(array.element, other, item);
    array
        .items
        .iter()
        .enumerate()
        .filter(move |(_, other)| found(other))
        .map(move |(at, _)| lower.wrapping_add(at as i32))
}

fn position(cx: &CallContext<'_>, array: &Array, item: &Datum, start: Option<i32>) -> Result<Option<i32>> {
    check(cx, array)?;
    Ok(subscripts(array, item).find(|at| start.is_none_or(|start| *at >= start)))
}

fn positions(cx: &CallContext<'_>, array: &Array, item: &Datum) -> Result<Array> {
    check(cx, array)?;
    Ok(Array::vector(oids::INT4, subscripts(array, item).map(Datum::Int4).collect()))
}

/// How many thresholds, which ascend, are not above the value.
fn width_bucket(value: &Datum, thresholds: &Array) -> Result<i32> {
    if thresholds.dims.len() > 1 {
        bail!(ARRAY_SUBSCRIPT_ERROR, "thresholds must be one-dimensional array");
    }
    if thresholds.items.iter().any(Datum::is_null) {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "thresholds array must not contain NULLs"));
    }
    let below = |threshold: &Datum| order::compare_as(thresholds.element, threshold, value).is_le();
    in_range(i32::try_from(thresholds.items.partition_point(below)).ok())
}
