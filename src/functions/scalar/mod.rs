//! Scalar functions by family. Each file exports its table `KERNELS`; [`FAMILIES`] is all of them.

use crate::ScalarFn;

mod boolean;

/// The tables that make up the built-in registry.
pub(crate) const FAMILIES: &[&[(&str, ScalarFn)]] = &[boolean::KERNELS];
