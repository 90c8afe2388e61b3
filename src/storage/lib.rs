//! Tables in memory: versions, transactions, indexes, locks.
//!
//! Layer 3. Knows neither SQL text nor plans nor tasks: everything here is synchronous.

mod block;
mod column;
mod feed;
mod garbage;
mod history;
mod hook;
mod image;
mod index;
mod lock;
mod opaque;
#[cfg(test)]
pub(crate) mod scenarios;
mod sequence;
mod serializable;
mod session;
mod snapshot;
mod storage;
mod table;
mod tracking;
mod transaction;
mod value;
mod version;
mod writers;

pub use block::{BLOCK_ROWS, RowView};
pub use column::contiguous;
pub use feed::{CommitMoment, RowChange, TableChanges, Watcher};
pub use history::{Origin, Outcome};
pub use hook::{Accompaniment, ChangeKind, Commit, CommitHook, Committed, Images, LogicalChange, Lsn, Record};
pub use image::{encode_row, put_run};
pub use index::{
    AxisQuery, Bound, Candidates, ColumnKey, Direction, EntryQuery, Index, IndexCursor, IndexDef, IndexKind, KeyColumn,
    KeyExtractor, KeyOutcome, RegionQuery, RowIds, RowSet, write_entries, write_interval,
};
pub use lock::{
    Blocking, Interrupt, InterruptReason, LockInfo, LockMode, LockTag, LongWait, RelationLock, RowStrength, WaitLog,
    WaitOptions, WaitPolicy, WaitStage,
};
pub use sequence::{Sequence, SequenceOptions, SequenceState};
pub use session::Session;
pub use snapshot::Snapshot;
pub use storage::Storage;
pub use table::{
    ClonedTable, ColumnsHeld, Contents, Found, IndexBuilt, IndexFault, Inserted, RowLocked, Run, Scan, ScanBatch,
    Standing, Table, TableStats, UniqueConflict, VersionTag, Written, arrays_of, datums_of,
};
pub use tracking::{ChangeSet, OldRow};
pub use transaction::{
    Isolation, SavepointId, Transaction, concurrent_delete, concurrent_update, database_reset,
    moved_to_another_partition, row_not_available,
};
pub use value::{DatumRow, Overlay, RowReader, ValueRef};
pub use writers::{Holder, WRITERS_MAX};
