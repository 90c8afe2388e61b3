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

/// A function over columns, and what is known of it.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// The function.
    pub run: VectorFn,
    /// Whether it has a result for all arguments, and so may be called for rows that nobody asks about.
    pub is_total: bool,
}

type Family = &'static [(&'static str, VectorFn)];

/// Functions that never fail.
const TOTAL: &[Family] = &[
    blank_padded::COMPARISONS,
    cast::WIDENING,
    compare::INTEGERS,
    compare::FLOATS,
    compare::OTHERS,
    compare::BYTES,
    datetime::ORDERS,
    numeric::COMPARISONS,
    numeric::CASTS,
    part::ENDS,
    part::SIDES,
    arithmetic::ROUNDINGS,
    text::CASES,
    text::LENGTHS,
    text::POSITIONS,
];

/// Functions that refuse some arguments.
const PARTIAL: &[Family] = &[
    arithmetic::INTEGERS,
    arithmetic::FLOATS,
    arithmetic::ROOTS,
    cast::CHECKED,
    datetime::KERNELS,
    numeric::ARITHMETIC,
    part::SUBSTRINGS,
    text::KERNELS,
];

static BUILTIN: LazyLock<HashMap<&'static str, Kernel>> = LazyLock::new(|| {
    let kernels = |families: &'static [Family], is_total| {
        families.iter().copied().flatten().map(move |(name, run)| (*name, Kernel { run: *run, is_total }))
    };
    kernels(TOTAL, true).chain(kernels(PARTIAL, false)).collect()
});

/// The column implementation of a function by `pg_proc.prosrc`, where there is one.
pub fn vector(prosrc: &str) -> Option<Kernel> {
    BUILTIN.get(prosrc).copied()
}

#[cfg(test)]
mod tests;
