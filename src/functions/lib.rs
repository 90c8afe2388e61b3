//! Operators, casts, functions and aggregates: which one a call means, and what it computes.
//!
//! Layer 2. Knows values and types, never syntax trees, tables or sessions.
//!
//! ```text
//!   PostgreSQL's tables   pg_proc, pg_operator, pg_cast, … as exported text            (facts/)
//!   which one is meant    operators, functions, casts, common types                   (resolve/)
//!   one value at a time   scalar/ by family, found by prosrc through Registry      (kernel, args)
//!   dates and times       operators and functions of the date and time types          (datetime/)
//!   templates             to_char, to_date, to_timestamp, to_number                  (formatting/)
//!   languages             sort keys and case mapping of collations                     (collation/)
//!   a column at a time    the hot comparisons and arithmetic over Arrow arrays     (vector/)
//!   a group               accumulators of the built-in aggregates                  (aggregate/)
//!   a partition           row_number, lag, … over a PartitionView                  (window)
//!   XML                  constructors, xpath, XMLTABLE over the crate `xml`               (xml/)
//!   a set                 generate_series, unnest, json_each, … as iterators       (set_returning/)
//!   an index's keys       parts of values by operator class, and searches for them (inverted/, intervals/)
//! ```
//!
//! Implementations are bound to `pg_proc` entries by PostgreSQL's own symbol names. An entry without one is answered
//! 0A000 with its signature by whoever resolved the call.

pub mod aggregate;
mod args;
#[cfg(test)]
mod cases;
pub mod collation;
pub mod datetime;
#[cfg(test)]
mod evaluate;
mod extension;
pub mod facts;
mod formatting;
pub mod intervals;
pub mod inverted;
mod io;
pub mod kernel;
pub mod resolve;
mod scalar;
pub mod set_returning;
pub mod vector;
pub mod window;
pub mod xml;

pub use extension::is_support_function;
pub use io::write_as_text;
pub use kernel::{CallContext, Registry, ScalarFn, scalar};
pub use scalar::check_growth;
pub use scalar::check_path_pattern;
pub use scalar::hash::hash_value;
pub use scalar::is_like;
pub use scalar::push as array_push;
pub use scalar::text_search;
pub use scalar::text_statistics;
