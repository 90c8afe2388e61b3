//! Appending, joining, filling, replacing.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Dimension, Error, Result, SqlState, bail, order};

use super::super::comparable::require_equality;
use super::super::integer::in_range;
use super::{MAX_DIMENSIONS, check_count, element_type, or_empty, with_items};
use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "array_append" => |cx; array: Option<&Arc<Array>>, item: &Datum| append(&*or_empty(cx, array, 0)?, item),
    "array_prepend" => |cx; item: &Datum, array: Option<&Arc<Array>>| prepend(item, &*or_empty(cx, array, 1)?),
    "array_cat" => |a: Option<&Arc<Array>>, b: Option<&Arc<Array>>| match (a, b) {
        (Some(a), Some(b)) => concat(a, b).map(Some),
        (a, b) => Ok(a.or(b).cloned()),
    },
    "array_fill" => |cx; item: &Datum, lengths: Option<&Array>| fill(cx, item, lengths, None),
    "array_fill_with_lower_bounds" => |cx; item: &Datum, lengths: Option<&Array>, lowers: Option<&Array>| {
        fill(cx, item, lengths, Some(lowers))
    },
    "array_remove" => |cx; array: Option<&Arc<Array>>, item: &Datum| array.map(|array| remove(cx, array, item)).transpose(),
    "array_replace" => |cx; array: Option<&Arc<Array>>, from: &Datum, to: &Datum| {
        array.map(|array| replace(cx, array, from, to)).transpose()
    },
};

fn one_dimensional(array: &Array) -> Result<()> {
    if array.dims.len() > 1 {
        bail!(DATA_EXCEPTION, "argument must be empty or one-dimensional array");
    }
    Ok(())
}

fn append(array: &Array, item: &Datum) -> Result<Array> {
    let mut grown = array.clone();
    push(&mut grown, item.clone())?;
    Ok(grown)
}

/// `array_append` where the array is. After an error it is as it was: 22000 with several dimensions, 54000, 22003.
pub fn push(array: &mut Array, item: Datum) -> Result<()> {
    one_dimensional(array)?;
    check_count(Some(array.items.len() + 1))?;
    match array.dims.first_mut() {
        Some(dim) => {
            let at = in_range(dim.lower.checked_add(dim.len))?;
            if at == i32::MAX {
                bail!(PROGRAM_LIMIT_EXCEEDED, "array lower bound is too large: {}", dim.lower);
            }
            dim.len += 1;
        }
        None => array.dims.push(Dimension { len: 1, lower: 1 }),
    }
    array.items.push(item);
    Ok(())
}

fn prepend(item: &Datum, array: &Array) -> Result<Array> {
    one_dimensional(array)?;
    check_count(Some(array.items.len() + 1))?;
    Ok(with_items(array, [item].into_iter().chain(&array.items).cloned().collect()))
}

fn incompatible(detail: impl Into<String>) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays").detail(detail)
}

/// `a || b`: arrays of as many dimensions, or one of them an element of the other's first dimension.
fn concat(a: &Arc<Array>, b: &Arc<Array>) -> Result<Arc<Array>> {
    if a.dims.is_empty() {
        return Ok(b.clone());
    }
    if b.dims.is_empty() {
        return Ok(a.clone());
    }
    // Their lower bounds count too, but for that of the dimension that grows.
    let extent = |dims: &[Dimension]| dims.iter().map(|d| (d.len, d.lower)).collect::<Vec<_>>();
    let same = |left: &[Dimension], right: &[Dimension]| extent(left) == extent(right);
    let lengths = |detail: &str| {
        incompatible(format!("Arrays with differing {detail}dimensions are not compatible for concatenation."))
    };
    let mut dims;
    match a.dims.len() as i64 - b.dims.len() as i64 {
        0 => {
            if !same(&a.dims[1..], &b.dims[1..]) {
                return Err(lengths("element "));
            }
            dims = a.dims.clone();
            dims[0].len = in_range(a.dims[0].len.checked_add(b.dims[0].len))?;
        }
        1 | -1 => {
            let (outer, inner) = if a.dims.len() > b.dims.len() { (a, b) } else { (b, a) };
            if !same(&outer.dims[1..], &inner.dims) {
                return Err(lengths(""));
            }
            dims = outer.dims.clone();
            dims[0].len = in_range(dims[0].len.checked_add(1))?;
        }
        _ => {
            return Err(incompatible(format!(
                "Arrays of {} and {} dimensions are not compatible for concatenation.",
                a.dims.len(),
                b.dims.len()
            )));
        }
    }
    check_count(Some(a.items.len() + b.items.len()))?;
    check_bounds(&dims)?;
    let items = a.items.iter().chain(&b.items).cloned().collect();
    Ok(Arc::new(Array { element: a.element, dims, items }))
}

/// 54000 where a subscript would be beyond what an integer holds.
fn check_bounds(dims: &[Dimension]) -> Result<()> {
    match dims.iter().find(|dim| dim.lower.checked_add(dim.len).is_none()) {
        Some(dim) => bail!(PROGRAM_LIMIT_EXCEEDED, "array lower bound is too large: {}", dim.lower),
        None => Ok(()),
    }
}

fn fill(cx: &CallContext<'_>, item: &Datum, lengths: Option<&Array>, lowers: Option<Option<&Array>>) -> Result<Array> {
    let (Some(lengths), false) = (lengths, matches!(lowers, Some(None))) else {
        bail!(NULL_VALUE_NOT_ALLOWED, "dimension array or low bound array cannot be null");
    };
    let lengths = integers(lengths)?;
    if lengths.len() > MAX_DIMENSIONS {
        bail!(
            PROGRAM_LIMIT_EXCEEDED,
            "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})",
            lengths.len()
        );
    }
    let lowers = match lowers.flatten() {
        Some(lowers) => integers(lowers)?,
        None => vec![1; lengths.len()],
    };
    if lowers.len() != lengths.len() {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
            .detail("Low bound array has different size than dimensions array."));
    }
    let count = lengths.iter().try_fold(1usize, |count, len| count.checked_mul(usize::try_from(*len).ok()?));
    let count = if lengths.is_empty() { 0 } else { check_count(count)? };
    let element = element_type(cx, usize::MAX)?;
    if count == 0 {
        return Ok(Array::vector(element, vec![]));
    }
    let dims: Vec<_> = lengths.iter().zip(&lowers).map(|(len, lower)| Dimension { len: *len, lower: *lower }).collect();
    check_bounds(&dims)?;
    Ok(Array { element, dims, items: vec![item.clone(); count] })
}

/// The numbers of a one-dimensional `integer[]` without NULL.
fn integers(array: &Array) -> Result<Vec<i32>> {
    if array.dims.len() > 1 {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
            .detail("Dimension array must be one dimensional."));
    }
    let number = |item: &Datum| match item {
        Datum::Int4(number) => Ok(*number),
        _ => bail!(NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null"),
    };
    array.items.iter().map(number).collect()
}

fn remove(cx: &CallContext<'_>, array: &Arc<Array>, item: &Datum) -> Result<Arc<Array>> {
    if array.dims.len() > 1 {
        return Err(Error::unsupported("removing elements from multidimensional arrays"));
    }
    require_equality(cx, array.element)?;
    let kept: Vec<Datum> =
        array.items.iter().filter(|other| !order::equal_as(array.element, other, item)).cloned().collect();
    if kept.len() == array.items.len() {
        return Ok(array.clone());
    }
    Ok(Arc::new(with_items(array, kept)))
}

fn replace(cx: &CallContext<'_>, array: &Array, from: &Datum, to: &Datum) -> Result<Array> {
    require_equality(cx, array.element)?;
    let replaced = |item: &Datum| if order::equal_as(array.element, item, from) { to } else { item }.clone();
    Ok(Array { items: array.items.iter().map(replaced).collect(), dims: array.dims.clone(), element: array.element })
}
