//! The seam at which a write-ahead log joins the commit.
//!
//! ```text
//!   prepare (no lock) → append (commit lock: log order is commit order) → publish → locks released → the caller waits for the LSN
//! ```

use std::sync::Arc;

use dictdb_types::{CommitTs, Oid, Result, RowId, TxnId};
pub use dictdb_wal::{Lsn, Record};

use crate::sequence::SequenceState;
use crate::snapshot::Snapshot;
use crate::table::Table;

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The row is new.
    Insert,
    /// Some columns changed.
    Update,
    /// The row is gone.
    Delete,
}

/// Changes of one kind to consecutive rows of a table, in the order made. A row can occur several times; the state to
/// log is the one that `snapshot` of [`Commit`] shows.
#[derive(Clone, Copy, Debug)]
pub struct LogicalChange<'a> {
    /// The table.
    pub table: &'a Arc<Table>,
    /// The first row.
    pub row: RowId,
    /// How many rows; more than one only for inserts.
    pub rows: u64,
    /// What was done.
    pub kind: ChangeKind,
}

/// A transaction that is about to commit.
pub struct Commit<'a, 'log> {
    /// Its id.
    pub id: TxnId,
    /// Sees the final state of all it wrote.
    pub snapshot: &'a Snapshot,
    /// What it wrote, in order.
    pub changes: &'a mut dyn Iterator<Item = LogicalChange<'log>>,
    /// What else belongs into its record, encoded by the caller of the commit.
    pub attachment: &'a [u8],
}

/// Rows that a transaction has written, as runs.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// Of tables that the log is told of.
    pub logged: Vec<u8>,
    /// Of the others.
    pub unlogged: Vec<u8>,
}

/// What a caller adds to a commit: it becomes visible and durable with the rows, or not at all.
pub struct Accompaniment<'a> {
    /// For the record.
    pub attachment: &'a [u8],
    /// Makes it visible. Runs under the commit lock; an error rolls the transaction back.
    pub publish: &'a mut dyn FnMut() -> Result<()>,
}

/// A transaction that has committed.
#[derive(Clone, Copy, Debug)]
pub struct Committed {
    /// Snapshots from here on see it.
    pub ts: CommitTs,
    /// It is durable when the log is up to here; `None` when there is nothing to wait for.
    pub lsn: Option<Lsn>,
}

/// Takes part in every commit that wrote something.
pub trait CommitHook: Send + Sync {
    /// Builds the record of a transaction; `None` when nothing of it is logged. An error rolls it back.
    fn prepare(&self, commit: Commit<'_, '_>) -> Result<Option<Record>>;

    /// The rows of a transaction that is to be prepared.
    fn images(&self, commit: Commit<'_, '_>) -> Images;

    /// Appends a record; called in commit order, under the commit lock, so it only copies. `promised` says that somebody
    /// will be told that it is durable.
    fn append(&self, record: &Record, promised: bool) -> Lsn;

    /// Logs the state a sequence will have after a crash. Called under the sequence's lock. Whoever commits with a value from
    /// it waits for the position that is returned.
    fn log_sequence(&self, sequence: Oid, state: SequenceState) -> Lsn;

    /// Returns when the log is durable up to a position, or fails.
    fn wait_durable(&self, lsn: Lsn) -> Result<()>;
}
