//! The seam at which a write-ahead log joins the commit.
//!
//! ```text
//!   prepare (no lock) → append (commit lock: log order is commit order) → publish → locks released → wait_durable
//! ```

use std::sync::Arc;

use dictdb_types::{CommitTs, Result, RowId, TxnId};

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

/// One logical change of a transaction, in the order made. A row can occur several times; the state to log is the
/// one that `snapshot` of [`Commit`] shows.
#[derive(Clone, Debug)]
pub struct LogicalChange {
    /// Its table.
    pub table: Arc<Table>,
    /// Its row.
    pub row: RowId,
    /// What was done.
    pub kind: ChangeKind,
}

/// A transaction that is about to commit.
pub struct Commit<'a> {
    /// Its id.
    pub id: TxnId,
    /// Sees the final state of all it wrote.
    pub snapshot: &'a Snapshot,
    /// What it wrote, in order.
    pub changes: &'a mut dyn Iterator<Item = LogicalChange>,
}

/// Position in a log. What is durable up to here is durable before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lsn(pub u64);

/// Takes part in every commit that wrote something.
pub trait CommitHook: Send + Sync {
    /// Builds the record of a transaction. An error rolls it back.
    fn prepare(&self, commit: Commit<'_>) -> Result<Vec<u8>>;

    /// Appends a record; called in commit order, under the commit lock, so it only copies.
    fn append(&self, ts: CommitTs, record: Vec<u8>) -> Lsn;

    /// Returns when the record is as durable as the session wants it. An error reaches the client although the
    /// commit is visible to others.
    fn wait_durable(&self, lsn: Lsn) -> Result<()>;
}
