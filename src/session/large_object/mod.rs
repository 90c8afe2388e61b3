//! Large objects: bytes that are read and written piece by piece (manual, chapter 35).
//!
//! ```text
//!   lo_… ─► functions ─► descriptor   what a transaction has open: object, position, snapshot
//!                          └─► pages   2 kB each, rows of pg_largeobject: (loid, pageno, data)
//!                                └─► statement ─► the pipeline, as any statement
//! ```
//! Owner and privileges are a row of `pg_largeobject_metadata`. Both are ordinary tables from the first large object of a database
//! on, so that versions, locks, the log, checkpoints and backups are those of all rows; before, they are the empty system catalogs
//! that every database has.

mod descriptor;
mod file;
mod functions;
mod metadata;
mod pages;
mod statement;
mod tables;

pub(crate) use descriptor::OpenLargeObjects;
pub(crate) use functions::FUNCTIONS;
pub(crate) use metadata::METADATA;

use dictdb_types::{Error, Oid, SqlState};

/// Bytes of a page (`LOBLKSIZE`).
const PAGE_BYTES: u64 = 2048;
/// The largest size of a large object (`MAX_LARGE_OBJECT_SIZE`).
const MAX_BYTES: i64 = i32::MAX as i64 * PAGE_BYTES as i64;
/// The longest `bytea`, without its header.
const MAX_VALUE_BYTES: u64 = (1 << 30) - 1 - 4;

/// 42704.
fn missing(oid: Oid) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("large object {oid} does not exist"))
}
