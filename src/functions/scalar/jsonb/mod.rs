//! `jsonb`. Making it from SQL values is in the `json` family.

use crate::kernel::ScalarFn;

pub(crate) mod access;
mod modify;

/// Tables of this family besides those of `access`.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[modify::KERNELS];
/// Tables of reading.
pub(super) const ACCESS: &[&[(&str, ScalarFn)]] = access::TABLES;
