//! A differential fuzzer: random statements over random schemas, run on DictDB and on PostgreSQL 15, whose answers must be the
//! same.
//!
//! ```text
//!   seed ─ schema ─┐
//!                  ├─ generator ─ phrases ─ case ─ pair ─ comparer ── same
//!        random ───┘   (trees of SQL)        │   (both servers)  └─── different ─ shrinker ─ report
//!                                            └─ text or parameters
//! ```
//! A seed makes a schema with data and then statements of growing depth ([`case`]). The generator builds [`phrase`]s, which know
//! what of them could be left out, and where their constants are. A step is sent as text, or prepared with parameters and run
//! several times with other values ([`side`]); rows, types, tags and SQLSTATEs are compared ([`comparer`]), rows in order where
//! ORDER BY names every column. A difference is made smaller ([`shrinker`]) and reported with its seed.
//!
//! The generator, not the comparer, avoids what a server may answer either way: floats are not summed, aggregates that depend on
//! the order of rows have an ORDER BY that tells it, numerics have two digits, so that no two equal values look different
//! ([`kind`]), LIMIT comes with a total order, numbers stay small so that nothing fails that may be evaluated or not.

pub mod broken;
pub mod calls;
pub mod case;
pub mod comparer;
pub mod history;
pub mod kind;
pub mod pair;
pub mod phrase;
pub mod shrinker;
pub mod side;

mod aggregate;
mod change;
mod condition;
mod definition;
mod expression;
mod generator;
mod query;
mod samples;
mod schema;
mod scope;
mod source;
