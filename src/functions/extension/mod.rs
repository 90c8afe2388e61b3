//! Kernels of extensions, by the symbols that their scripts in `sql/extensions` name.

mod cipher;
mod citext;
mod crypt;
mod digest;
mod hstore;
mod hstore_convert;
mod trigram;
mod unaccent;
mod uuid_ossp;

use crate::ScalarFn;
use crate::set_returning::SetFn;

/// Families of this folder.
pub(crate) const TABLES: &[&[(&str, ScalarFn)]] = &[
    cipher::KERNELS,
    citext::KERNELS,
    crypt::KERNELS,
    digest::KERNELS,
    digest::RANDOM,
    hstore::KERNELS,
    hstore_convert::KERNELS,
    trigram::KERNELS,
    unaccent::KERNELS,
    uuid_ossp::KERNELS,
];

/// Set-returning functions of this folder.
pub(crate) const SETS: &[(&str, SetFn)] = hstore::SETS;
