//! What makes a server's data outlive it: commits into the log, checkpoints, and recovery from both.
//!
//! Layer 4. Joins catalog and storage to the bytes of `dictdb_wal`. Knows no plans and no sessions: indexes are built by the
//! caller after recovery, because their expressions have to be compiled.
//!
//! ```text
//!   commit ──hook──► record (items) ──► log ─────────────┐
//!   checkpoint ─at rest: snapshot, LSN, catalogs─► chunks (items) ──► snapshot file
//!   recover:  newest snapshot, then the log from its LSN on ──► catalogs, tables ──► (caller: indexes) ──► start
//! ```
//! # Items, byte by byte
//! A record of the log and a chunk of a snapshot are the same: items one after the other. `uint` is LEB128, `int` a zigzag `uint`.
//! ```text
//!   01 rows       a run of row images, see `dictdb_storage::image`
//!   02 catalog    uint database, uint next oid, uint length and so many bytes: `dictdb_catalog::Change`s
//!   03 sequence   uint sequence, int last value, byte is_called
//!   04 database   uint oid, uint owner, int connection limit, uint length and name
//!   05 start      a server began to use the directory; what was there only after a clean stop is gone from here on
//!   06 unlogged   uint length and a run: rows of an unlogged table, in the snapshot of a clean stop only
//!   07 commit     uint transaction, int microseconds since 1970
//!   08 dropped    uint oid of a database
//!   09 flags      uint oid of a database, byte allows connections, byte is template; left out where they are 1 and 0
//!   0b cloned     uint source and uint database, byte whether it was there before, uint next oid, uint count and as many pairs: the places
//!                 in storage of the source's tables and sequences, and those of the clone's; states of sequences follow as 03
//!   0c snapshot   uint oid of a database that is a snapshot, uint database, int microseconds since 1970
//!   0d shared     uint table, uint another table, uint first block of 4,096 rows, uint blocks: rows that are those of the other table in
//!                 the same places, which the same snapshot has
//!   0e analyzed   uint database, uint relation, uint its place in storage, byte whether with all that inherit from it, uint length and
//!                 so many bytes: what ANALYZE found (see `dictdb_session`, `analysis/kept.rs`); nothing is known any more where there are none
//!   10 staged     uint table, uint columns and so many layouts, a byte each: a table that a later commit puts into a catalog,
//!                 or that is gone after a crash; its rows follow as 01
//!   11 prepared   uint length and so many bytes: uint length and identifier, uint transaction, uint owner, uint database, uint next
//!                 oid, int microseconds since 1970; uint length and so many bytes each of catalog changes, of removals, of locks
//!                 (see `dictdb_executor::ddl`, `dictdb_storage`) and of runs of unlogged tables; then the runs of the others
//!   12 finished   uint length and identifier: a prepared transaction is one no longer
//! ```
//! The record of a transaction is its commit item, its catalog changes, its rows in their final state. Storage follows
//! the catalog: a relation that is put makes its table or adds its columns, one that is removed or gets new storage leaves the old one
//! when the record is done. Indexes are not logged.
//!
//! # Taking and applying a snapshot
//! [`Durability::checkpoint`] is the one way to write everything as of an LSN: [`Capture`] holds the moment, [`Capture::write`] hands out chunks. Applying
//! is [`Restorer`]: chunks and records in order, then [`Restorer::finish`].

mod archiver;
mod breaker;
mod checkpoint;
mod circuit;
mod cloning;
mod command;
mod hook;
mod item;
mod options;
mod prepared;
mod progress;
mod recovery;
mod replay;
mod restore;
#[cfg(test)]
mod scenarios;
mod staging;
mod statistics;
mod verify;

pub use archiver::{ArchiveEvent, ArchiverStatistics};
pub use breaker::{BreakerState, BreakerStatus};
pub use checkpoint::{Capture, CheckpointInfo, DatabaseView, Reason};
pub use circuit::{Breaker, Pass};
pub use cloning::{DatabaseClone, analyzed_of_clone, clone_storage, cloned_catalog};
pub use dictdb_wal::{LogError, Lsn};
pub use hook::{Durability, database_items};
pub use item::{Analyzed, DatabaseAttributes, SnapshotOf, catalog_item};
pub use options::{Options, Tuning};
pub use prepared::{PreparedTransaction, finished_item, redo};
pub use progress::{RecoveryPhase, RecoveryProgress, RecoveryStatus};
pub use replay::ReplayFrom;
pub use restore::{RestoredDatabase, Restorer};
pub use staging::{NewId, Staging};
pub use statistics::CheckpointStatistics;
pub use verify::{Verified, verify};
