//! Kernels of extensions, by the symbols that their scripts in `sql/extensions` name.

mod cipher;
mod crypt;
mod digest;
mod unaccent;
mod uuid_ossp;

use crate::ScalarFn;

/// Families of this folder.
pub(crate) const TABLES: &[&[(&str, ScalarFn)]] =
    &[cipher::KERNELS, crypt::KERNELS, digest::KERNELS, digest::RANDOM, unaccent::KERNELS, uuid_ossp::KERNELS];
