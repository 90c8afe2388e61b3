//! Scalar functions by family. [`families`] is all their tables.

use crate::ScalarFn;

mod boolean;
mod ctype;
mod float;
mod float_math;
mod integer;
pub(crate) mod like;
mod limits;
pub(crate) mod regex;
mod similar;
mod text;
mod text_compare;

/// The tables that make up the built-in registry.
pub(crate) fn families() -> impl Iterator<Item = &'static [(&'static str, ScalarFn)]> {
    let single = [
        boolean::KERNELS,
        float_math::KERNELS,
        like::KERNELS,
        regex::functions::KERNELS,
        regex::replace::KERNELS,
        similar::KERNELS,
        text::KERNELS,
    ];
    let several = [integer::TABLES, float::TABLES, text_compare::TABLES];
    single.into_iter().chain(several.into_iter().flatten().copied())
}
