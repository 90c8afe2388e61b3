//! Dimensions and bounds.

use std::fmt::Write;

use dictdb_types::{Array, Dimension, Result, bail};

use super::{check_count, with_items};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "array_ndims" => |a: &Array| (!a.dims.is_empty()).then_some(a.dims.len() as i32),
    "array_dims" => |a: &Array| (!a.dims.is_empty()).then(|| dims(a)),
    "array_length" => |a: &Array, n: i32| dimension(a, n).map(|dim| dim.len),
    "array_lower" => |a: &Array, n: i32| dimension(a, n).map(|dim| dim.lower),
    "array_upper" => |a: &Array, n: i32| dimension(a, n).map(|dim| dim.lower.wrapping_add(dim.len - 1)),
    "array_cardinality" => |a: &Array| a.items.len() as i32,
    "trim_array" => |a: &Array, n: i32| trim(a, n),
};

/// A dimension counted from 1.
pub(crate) fn dimension(array: &Array, n: i32) -> Option<&Dimension> {
    array.dims.get(usize::try_from(n).ok()?.checked_sub(1)?)
}

fn dims(array: &Array) -> String {
    array.dims.iter().fold(String::new(), |mut out, dim| {
        let upper = i64::from(dim.lower) + i64::from(dim.len) - 1;
        // Writing to a String cannot fail.
        let _ = write!(out, "[{}:{upper}]", dim.lower);
        out
    })
}

/// Without the last `n` elements of the first dimension.
fn trim(array: &Array, n: i32) -> Result<Array> {
    let len = array.dims.first().map_or(0, |dim| dim.len);
    if n < 0 || n > len {
        bail!(ARRAY_ELEMENT_ERROR, "number of elements to trim must be between 0 and {len}");
    }
    let (Some(first), false) = (array.dims.first(), n == len) else {
        return Ok(Array::vector(array.element, vec![]));
    };
    let kept = check_count(Some(array.items.len() / first.len.max(1) as usize * (len - n) as usize))?;
    let items = array.items[..kept].to_vec();
    // A slice starts over at 1 in every dimension.
    let mut trimmed = with_items(array, items);
    trimmed.dims = array.dims.iter().map(|dim| Dimension { len: dim.len, lower: 1 }).collect();
    trimmed.dims[0].len = len - n;
    Ok(trimmed)
}
