//! `json`, and making `json` and `jsonb` from SQL values and back.

use crate::kernel::ScalarFn;

pub(crate) mod access;
mod build;
pub(crate) mod populate;
pub(crate) mod raw;
pub(crate) mod write;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[access::KERNELS, build::KERNELS, populate::KERNELS];
