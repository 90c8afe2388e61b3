//! Whole columns at a time: the hot functions over Arrow arrays.
//!
//! Every function here is strict, its result NULL where an argument is. What has no kernel here runs value by value
//! through [`crate::scalar`]. Layouts are those of [`dictdb_types::Physical`].

use std::collections::HashMap;
use std::sync::LazyLock;

use arrow::array::{ArrayRef, Datum};
use dictdb_types::Result;

mod arithmetic;
mod blank_padded;
mod cast;
mod compare;
mod datetime;
mod numeric;
mod operand;
mod part;
mod text;

pub use part::trimmed;

/// A function over columns: each argument an array or an Arrow `Scalar` (one value for every row). The result has the
/// length of the arrays, or 1 if all arguments are scalars.
pub type VectorFn = fn(&[&dyn Datum]) -> Result<ArrayRef>;

const FAMILIES: &[&[(&str, VectorFn)]] = &[
    arithmetic::INTEGERS,
    arithmetic::FLOATS,
    cast::KERNELS,
    compare::INTEGERS,
    compare::FLOATS,
    compare::OTHERS,
    compare::BYTES,
    datetime::KERNELS,
    datetime::ORDERS,
    numeric::COMPARISONS,
    numeric::KERNELS,
    part::KERNELS,
    blank_padded::COMPARISONS,
    text::KERNELS,
];

static BUILTIN: LazyLock<HashMap<&'static str, VectorFn>> =
    LazyLock::new(|| FAMILIES.iter().flat_map(|family| family.iter().copied()).collect());

/// The column implementation of a function by `pg_proc.prosrc`, where there is one.
pub fn vector(prosrc: &str) -> Option<VectorFn> {
    BUILTIN.get(prosrc).copied()
}

#[cfg(test)]
mod tests;
