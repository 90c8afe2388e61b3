//! A table: blocks of rows, the indexes over them, and the operations on rows.

mod arrays;
mod build_index;
mod cloning;
mod ddl;
mod directory;
mod free_slots;
mod keys;
mod lock_row;
mod read;
mod recency;
mod reclaim;
mod redo;
mod restore;
mod run;
mod scan;
mod stats;
mod verify;
mod write;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use dictdb_types::{CommitTs, Oid, Physical, RowId};
use parking_lot::{Mutex, RwLock};

use crate::block::{BLOCK_ROWS, BLOCK_SHIFT, Block, BlockCell};
use crate::column::Column;
use crate::hook::Lsn;
use crate::index::Index;
use crate::lock::RowLocks;
use crate::tracking::ChangeSet;
use directory::Directory;
use free_slots::FreeSlots;

pub use arrays::{arrays_of, datums_of};
pub use build_index::IndexBuilt;
pub use cloning::{ClonedTable, Contents};
pub use ddl::ColumnsHeld;
pub use keys::{Standing, UniqueConflict};
pub use lock_row::RowLocked;
pub use read::{Found, VersionTag};
pub use run::Run;
pub use scan::{Scan, ScanBatch};
pub use stats::TableStats;
pub use verify::IndexFault;
pub use write::{Inserted, Written};

/// The rows of one relation.
pub struct Table {
    id: Oid,
    blocks: Directory,
    columns: RwLock<Vec<Physical>>,
    indexes: RwLock<Arc<[Arc<Index>]>>,
    free: FreeSlots,
    ties: cloning::Ties,
    /// It began with the rows and index entries of another one, and so may have entries without rows.
    is_clone: bool,
    row_locks: RowLocks,
    counters: stats::Counters,
    /// Storage columns that images may have values of which nobody keeps: of use while rows are restored.
    vacant: RwLock<Arc<[usize]>>,
    held_columns: Mutex<ddl::HeldColumns>,
    /// Whether the log is told of its rows.
    logged: AtomicBool,
    /// Whether nothing that changes it may be committed any more.
    retired: AtomicBool,
    /// End of the last record with changes of it that somebody will be told to be durable.
    promised: AtomicU64,
    /// Timestamp of the last commit that wrote to it; zero before the first.
    changed: AtomicU64,
    /// In what order its rows were used, where somebody wants to know.
    recency: OnceLock<recency::Recency>,
    /// Rows changed since a backup.
    pub(crate) tracked: Mutex<Option<ChangeSet>>,
    /// Storage columns whose old values those want who follow its changes.
    pub(crate) watched: Mutex<Option<Arc<[usize]>>>,
}

/// Block and slot of a row.
#[inline]
fn place(row: RowId) -> (usize, usize) {
    ((row.0 >> BLOCK_SHIFT) as usize, row.0 as usize % BLOCK_ROWS)
}

fn row_id(block: usize, slot: usize) -> RowId {
    RowId((block as u64) << BLOCK_SHIFT | slot as u64)
}

impl Table {
    pub(crate) fn new(id: Oid, columns: &[Physical]) -> Self {
        Table {
            id,
            blocks: Directory::new(),
            columns: RwLock::new(columns.to_vec()),
            indexes: RwLock::new(Arc::new([])),
            free: FreeSlots::default(),
            ties: cloning::Ties::default(),
            is_clone: false,
            row_locks: RowLocks::default(),
            vacant: RwLock::new(Arc::new([])),
            held_columns: Mutex::default(),
            counters: stats::Counters::default(),
            logged: AtomicBool::new(true),
            retired: AtomicBool::new(false),
            promised: AtomicU64::new(0),
            changed: AtomicU64::new(0),
            recency: OnceLock::new(),
            tracked: Mutex::default(),
            watched: Mutex::default(),
        }
    }

    /// The id it was created with.
    pub fn id(&self) -> Oid {
        self.id
    }

    /// Layouts of the storage columns, in order.
    pub fn columns(&self) -> Vec<Physical> {
        self.columns.read().clone()
    }

    /// Its indexes.
    pub fn indexes(&self) -> Arc<[Arc<Index>]> {
        self.indexes.read().clone()
    }

    /// The index with this id.
    pub fn index(&self, id: Oid) -> Option<Arc<Index>> {
        self.indexes.read().iter().find(|index| index.def().id == id).cloned()
    }

    /// Blocks so far: the unit of parallel scans.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// What must be on disk before an answer shows what a snapshot taken earlier sees of this table.
    #[inline]
    pub fn promised(&self) -> Lsn {
        Lsn(self.promised.load(Ordering::Acquire))
    }

    /// Says that another table has taken its place: no transaction that has changed it commits (40001). Under the commit lock:
    /// [`Storage::in_commit_order`](crate::Storage::in_commit_order).
    pub fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    /// Under the commit lock, before the commit becomes visible.
    pub fn set_promised(&self, lsn: Lsn) {
        self.promised.store(lsn.0, Ordering::Release);
    }

    /// The last commit that wrote to it, as a snapshot taken earlier at the latest sees the table.
    #[inline]
    pub fn changed(&self) -> CommitTs {
        CommitTs(self.changed.load(Ordering::Acquire))
    }

    /// Under the commit lock, before the commit becomes visible.
    pub(crate) fn set_changed(&self, ts: u64) {
        self.changed.store(ts, Ordering::Release);
    }

    pub(crate) fn row_locks(&self) -> &RowLocks {
        &self.row_locks
    }

    #[inline]
    fn cell(&self, row: RowId) -> Option<(&Arc<BlockCell>, usize)> {
        let (block, slot) = place(row);
        self.block(block).map(|cell| (cell, slot))
    }

    fn new_block(&self) -> BlockCell {
        BlockCell::new(Block::new(self.columns.read().iter().map(|physical| Column::new(*physical)).collect()))
    }

    /// Takes in slots for new rows. No index entry and no reader may refer to them.
    pub(crate) fn free_slots(&self, rows: impl Iterator<Item = RowId>) {
        self.free.add(rows, self.counters.live_rows());
    }

    /// Whether somebody may still look at its blocks when it is dropped.
    pub(crate) fn has_clones(&self) -> bool {
        self.ties.has_clones()
    }

    /// Has new rows fill all slots of dead ones.
    pub(crate) fn release_free_slots(&self) {
        self.free.release();
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "table {} of {} blocks", self.id, self.blocks.len())
    }
}
