//! Functions and procedures: CREATE, ALTER, and how other commands find them.
//!
//! ```text
//!   create     the new row of pg_proc and what it depends on
//!   params     parameters and the result type that follows from them
//!   options    volatility, cost, SET and the other attributes
//!   replace    what OR REPLACE may change
//!   find       the routine that a command names
//!   alter      ALTER … option, RENAME, OWNER TO, SET SCHEMA
//! ```
//! The body is checked by the session, which can run its language.

mod alter;
mod create;
mod find;
mod options;
mod params;
mod replace;

pub use find::{identity, signature};
pub(in crate::ddl) use find::{refuse_aggregate, type_text};
pub use options::FunctionSetting;
