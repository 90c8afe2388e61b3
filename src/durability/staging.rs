//! Whole tables into the log ahead of the commit that makes them somebody's: a restore of any size in bounded memory.
//!
//! ```text
//!   staged, rows, rows, staged, rows, …, commit with the catalog that refers to them
//!   ────────────── a crash in here leaves nothing ──────────────┘
//! ```
//! A checkpoint in between would not know the tables, and what the log says of them would be cut off: none is written meanwhile.

use dictdb_storage::{Snapshot, Table};
use dictdb_types::{Oid, Result};
use dictdb_wal::LogError;
use parking_lot::MutexGuard;

use crate::Durability;
use crate::item::{ROWS, put_sequence, put_staged};

/// Rows are handed to the log in records of about so many bytes.
const RECORD_BYTES: usize = 512 * 1024;
/// Bytes that may wait for the disk.
const PENDING_BYTES: u64 = 48 << 20;

/// Holds checkpoints back while tables are staged. Drop it after the commit.
pub struct Staging<'a> {
    durability: &'a Durability,
    _no_checkpoint: MutexGuard<'a, ()>,
}

impl Durability {
    /// Begins to stage tables.
    pub fn stage(&self) -> Staging<'_> {
        Staging { durability: self, _no_checkpoint: self.checkpointing.lock() }
    }
}

impl Staging<'_> {
    /// Logs a table that nobody else knows, with its rows, under the id it will have. 53100, 58030.
    pub fn table(&self, id: Oid, table: &Table, snapshot: &Snapshot) -> Result<(), LogError> {
        let mut items = Vec::with_capacity(RECORD_BYTES * 2);
        put_staged(id, &table.columns(), &mut items);
        let mut run = Vec::new();
        for number in 0..table.block_count() {
            table.encode_block(id, number, snapshot, &mut run, |run| {
                items.push(ROWS);
                items.append(run);
                match items.len() < RECORD_BYTES {
                    true => Ok(()),
                    false => self.append(&mut items),
                }
            })?;
        }
        self.append(&mut items)
    }

    /// Logs the state of a sequence that nobody else knows.
    pub fn sequence(&self, id: Oid, state: dictdb_storage::SequenceState) -> Result<(), LogError> {
        let mut items = Vec::new();
        put_sequence(id, state, &mut items);
        self.append(&mut items)
    }

    fn append(&self, items: &mut Vec<u8>) -> Result<(), LogError> {
        if items.is_empty() {
            return Ok(());
        }
        let log = self.durability.log();
        log.admit()?;
        let lsn = self.durability.append_items(std::mem::take(items), false);
        if let Some(due) = lsn.0.checked_sub(PENDING_BYTES).map(dictdb_wal::Lsn)
            && !log.is_durable(due)
        {
            self.durability.flush_soon();
            self.durability.durable_at(due).block()?;
        }
        Ok(())
    }
}
