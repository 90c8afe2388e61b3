//! Kernels of extensions, by the symbols that their scripts in `sql/extensions` name.

mod cipher;
mod citext;
mod crypt;
mod crypt_des;
mod crypt_md5;
mod cube;
mod digest;
mod distance;
mod double_metaphone;
mod earth;
mod fuzzy;
mod hstore;
mod hstore_convert;
mod integers;
mod ltree;
mod ltree_array;
mod metaphone;
mod normal;
mod pgp;
mod pgp_message;
mod support;
pub(crate) mod trigram;
mod unaccent;
mod uuid_ossp;

use dictdb_types::{Hstore, Jsonb, Result};

pub(crate) use integers::contains_null;
pub(crate) use ltree_array::elements;
pub use support::is_support_function;

use crate::ScalarFn;
use crate::set_returning::SetFn;

/// An `hstore` as the JSON its cast makes.
pub(crate) fn hstore_to_json(pairs: &Hstore) -> String {
    hstore_convert::to_json(pairs, false)
}

/// The same as `jsonb`.
pub(crate) fn hstore_to_jsonb(pairs: &Hstore) -> Result<Jsonb> {
    hstore_convert::to_jsonb(pairs, false)
}

/// Families of this folder.
pub(crate) const TABLES: &[&[(&str, ScalarFn)]] = &[
    cipher::KERNELS,
    citext::KERNELS,
    crypt::KERNELS,
    cube::KERNELS,
    digest::KERNELS,
    digest::RANDOM,
    distance::KERNELS,
    earth::KERNELS,
    fuzzy::KERNELS,
    hstore::KERNELS,
    hstore_convert::KERNELS,
    integers::KERNELS,
    ltree::KERNELS,
    ltree_array::KERNELS,
    pgp::KERNELS,
    support::KERNELS,
    trigram::KERNELS,
    unaccent::KERNELS,
    uuid_ossp::KERNELS,
];

/// Set-returning functions of this folder.
pub(crate) const SETS: &[(&str, SetFn)] = hstore::SETS;

/// Those that make random numbers.
pub(crate) const RANDOM_SETS: &[(&str, SetFn)] = normal::SETS;
