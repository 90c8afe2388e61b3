//! Scalar functions by family. [`families`] is all their tables.

use crate::ScalarFn;

pub(crate) mod acl;
pub(crate) mod array;
mod bits;
mod boolean;
mod bytea;
mod comparable;
pub(crate) mod ctype;
pub(crate) mod encoding;
mod enums;
pub(crate) mod float;
pub(crate) mod float_math;
mod format_text;
mod geometry;
pub(crate) mod hash;
mod ids;
pub(crate) mod integer;
pub(crate) mod json;
pub(crate) mod jsonb;
pub(crate) mod jsonpath;
pub(crate) mod like;
pub(crate) mod limits;
pub(crate) mod money;
mod network;
mod numeric;
mod quote;
mod random;
pub(crate) mod range;
mod records;
pub(crate) mod regex;
mod similar;
mod sizes;
pub(crate) mod snapshot;
pub(crate) mod split_join;
pub(crate) mod text;
mod text_compare;
mod transitions;
pub(crate) mod tsearch;
pub use jsonpath::check_path_pattern;
pub use tsearch::definition as text_search;
pub use tsearch::statistics as text_statistics;
pub(crate) mod type_io;
mod type_names;
mod unicode;
mod variadic;

/// Families of one table.
const SINGLE: &[&[(&str, ScalarFn)]] = &[
    acl::KERNELS,
    bits::KERNELS,
    transitions::KERNELS,
    boolean::KERNELS,
    bytea::KERNELS,
    encoding::KERNELS,
    crate::collation::KERNELS,
    crate::formatting::KERNELS,
    enums::KERNELS,
    float_math::KERNELS,
    format_text::KERNELS,
    jsonpath::KERNELS,
    like::KERNELS,
    money::KERNELS,
    quote::KERNELS,
    random::KERNELS,
    records::KERNELS,
    regex::functions::KERNELS,
    regex::replace::KERNELS,
    similar::KERNELS,
    sizes::KERNELS,
    snapshot::KERNELS,
    split_join::KERNELS,
    text::KERNELS,
    unicode::KERNELS,
    variadic::KERNELS,
    crate::xml::KERNELS,
];

/// Families of several tables.
const SEVERAL: &[&[&[(&str, ScalarFn)]]] = &[
    crate::extension::TABLES,
    array::TABLES,
    float::TABLES,
    geometry::TABLES,
    hash::TABLES,
    ids::TABLES,
    integer::TABLES,
    json::TABLES,
    jsonb::TABLES,
    jsonb::ACCESS,
    network::TABLES,
    numeric::TABLES,
    range::TABLES,
    text_compare::TABLES,
    tsearch::TABLES,
    type_names::TABLES,
    crate::datetime::TABLES,
];

pub use array::push;
pub(crate) use integer::bad_window_offset;
pub use like::is_like;
pub use limits::check_growth;

/// The tables that make up the built-in registry.
pub(crate) fn families() -> impl Iterator<Item = &'static [(&'static str, ScalarFn)]> {
    SINGLE.iter().chain(SEVERAL.iter().copied().flatten()).copied()
}

/// Input, output and send functions of types.
pub(crate) fn type_io() -> Vec<(&'static str, ScalarFn)> {
    type_io::table()
}
