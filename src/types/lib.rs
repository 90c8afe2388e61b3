//! Values and their types: the vocabulary every other crate speaks.
//!
//! Layer 1. Knows nothing of SQL text, tables or sockets.
//!
//! ```text
//!   SqlState, Error        what went wrong                     (error, sqlstate)
//!   Oid, RowId, TxnId      who is meant                        (ids, oids)
//!   Type, TypeInfo         what a value is                     (ty, builtin_types, typmod)
//!   Datum                  one value                           (datum, value, numeric/, json/, range, network, geometry, tsearch/)
//!     text / binary        PostgreSQL's two wire formats       (text/, binary/, datetime/)
//!     order                compare, hash, memcomparable keys   (order, sort_key)
//!     arrow / opaque       one column of values                (arrow/, opaque)
//!   extension              values of extensions' types           (extension/)
//!   identifier, type_name  names as SQL writes them            (identifier, type_name)
//!   encoding               character encodings by name         (encoding)
//!   Env                    settings and names a format needs   (env)
//!   with_stack             room for recursion over what nests  (stack)
//! ```
//!
//! Dates and times count from 1970 everywhere inside; only the binary wire format counts from 2000.

pub mod arrow;
pub mod binary;
pub mod builtin_types;
pub mod datetime;
mod datum;
pub mod encoding;
pub mod env;
mod error;
pub mod extension;
pub mod geometry;
mod identifier;
mod ids;
pub mod json;
pub mod jsonpath;
pub mod network;
pub mod numeric;
pub mod oids;
pub mod opaque;
pub mod order;
pub mod range;
#[cfg(test)]
mod samples;
pub mod sort_key;
mod sqlstate;
pub mod stack;
pub mod stored;
#[cfg(test)]
mod test_env;
pub mod text;
pub mod tsearch;
mod ty;
mod type_name;
pub mod typmod;
mod value;
pub mod xml;

pub use datum::Datum;
pub use env::{ByteaOutput, DateOrder, DateStyle, Env, FormatSettings, IntervalStyle, RandomState, RegKind};
pub use error::{Error, Fields, Result, Severity};
pub use extension::MAX_DIMENSIONS as CUBE_DIMENSIONS;
pub use extension::{Cube, ExtensionType, ExtensionValue, Hstore, Lquery, Ltree, Ltxtquery, QueryInt};
pub use identifier::{quote_all_identifiers, quote_identifier, quote_literal, quote_qualified, unquote_identifier};
pub use ids::{CommitTs, Oid, RowId, TxnId};
pub use json::Jsonb;
pub use numeric::Numeric;
pub use sqlstate::SqlState;
pub use ty::{EnumLabel, Field, Physical, Type, TypeInfo, TypeKind, TypeLookup, Typed, physical_of_builtin};
pub use type_name::{modifier_text, type_name, type_name_with_modifier};
pub use value::{Array, Bound, Dimension, Interval, Range, Record};
