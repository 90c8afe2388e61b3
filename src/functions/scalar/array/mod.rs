//! Arrays: shape, building, searching, comparing. Subscripts are the executor's; text forms are in `dictdb_types`.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Dimension, Error, Oid, Result, SqlState, bail};

use crate::kernel::{CallContext, ScalarFn};

mod build;
mod compare;
mod search;
pub(crate) mod shape;

pub use build::push;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[build::KERNELS, compare::KERNELS, search::KERNELS, shape::KERNELS];

/// Most dimensions of an array.
pub(crate) const MAX_DIMENSIONS: usize = 6;
/// Most elements of an array (`MaxArraySize`).
pub(crate) const MAX_ELEMENTS: usize = 134_217_727;

/// Element type of the array that the call takes as argument `index` or, failing that, returns.
pub(crate) fn element_type(cx: &CallContext<'_>, index: usize) -> Result<Oid> {
    cx.element_of(cx.arg_type(index).oid)
        .or_else(|| cx.element_of(cx.result.oid))
        .ok_or_else(|| Error::new(SqlState::DATATYPE_MISMATCH, "could not determine input data type"))
}

/// The array of an argument; NULL counts as empty.
fn or_empty(cx: &CallContext<'_>, array: Option<&Arc<Array>>, index: usize) -> Result<Arc<Array>> {
    match array {
        Some(array) => Ok(array.clone()),
        None => Ok(Arc::new(Array::vector(element_type(cx, index)?, vec![]))),
    }
}

/// 54000 for more elements than an array may have.
pub(crate) fn check_count(count: Option<usize>) -> Result<usize> {
    match count {
        Some(count) if count <= MAX_ELEMENTS => Ok(count),
        _ => bail!(PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed ({MAX_ELEMENTS})"),
    }
}

/// The same elements under the same lower bound, in one dimension.
fn with_items(source: &Array, items: Vec<Datum>) -> Array {
    let lower = source.dims.first().map_or(1, |dim| dim.lower);
    let dims = if items.is_empty() { vec![] } else { vec![Dimension { len: items.len() as i32, lower }] };
    Array { element: source.element, dims, items }
}
