//! Whole tables into the log ahead of the commit that makes them somebody's: a restore of any size in bounded memory.
//!
//! ```text
//!   staged, rows, rows, staged, rows, …, commit with the catalog that refers to them
//!   ────────────── a crash in here leaves nothing ──────────────┘
//! ```
//! A table goes there when it is complete ([`Staging::table`]), or while it is read ([`Staging::begin`], [`Staging::rows`]): then the
//! disk writes while processors read. A checkpoint in between would not know the tables, and what the log says of them would be cut off:
//! none is written meanwhile.

use dictdb_storage::{CommitHook, Record, Snapshot, Table};
use dictdb_types::{Oid, Physical, Result, RowId};
use dictdb_wal::LogError;
use hashbrown::{HashMap, HashSet};
use parking_lot::{Mutex, MutexGuard};

use crate::Durability;
use crate::item::{ROWS, put_sequence, put_staged};

/// Rows are handed to the log in records of about so many bytes.
const RECORD_BYTES: usize = 512 * 1024;
/// Bytes that are worth a write of their own.
const WRITE_BYTES: u64 = 8 << 20;
/// Bytes that may wait for the disk.
const PENDING_BYTES: u64 = 48 << 20;

/// Gives tables and sequences ids that nobody has, from some id on.
pub type NewId<'a> = Box<dyn Fn(Oid) -> Oid + Send + Sync + 'a>;

/// Holds checkpoints back while tables are staged. Drop it after the commit.
pub struct Staging<'a> {
    durability: &'a Durability,
    new_id: NewId<'a>,
    state: Mutex<State>,
    /// The memory of records that are in the log, for the next ones.
    buffers: Mutex<Vec<Vec<u8>>>,
    _no_checkpoint: MutexGuard<'a, ()>,
}

#[derive(Default)]
struct State {
    /// Ids from here on are not those of objects that are read.
    least: Oid,
    /// The ids that tables and sequences will have, by those that they had.
    places: HashMap<Oid, Oid>,
    /// Tables, by the ids they had, whose rows are on their way or there.
    begun: HashSet<Oid>,
}

impl Durability {
    /// Begins to stage tables.
    pub fn stage<'a>(&'a self, new_id: NewId<'a>) -> Staging<'a> {
        let (state, buffers) = (Mutex::default(), Mutex::default());
        Staging { durability: self, new_id, state, buffers, _no_checkpoint: self.checkpointing.lock() }
    }
}

impl Staging<'_> {
    /// Leaves ids before this one to the objects that are read.
    pub fn reserve(&self, next: Oid) {
        let least = &mut self.state.lock().least;
        *least = next.max(*least);
    }

    /// The id that a table or sequence will have.
    pub fn place(&self, old: Oid) -> Oid {
        let State { least, places, .. } = &mut *self.state.lock();
        *places.entry(old).or_insert_with(|| (self.new_id)(*least))
    }

    /// Logs that there is a table, of such columns: [`Staging::rows`] follow. Once for each is enough. 53100, 58030.
    pub fn begin(&self, old: Oid, layouts: &[Physical]) -> Result<(), LogError> {
        let id = self.place(old);
        if !self.state.lock().begun.insert(old) {
            return Ok(());
        }
        let mut items = self.buffer();
        put_staged(id, layouts, &mut items);
        self.append(items)
    }

    /// Logs rows of a table that was begun, as they are now: runs of the first and how many. 53100, 58030.
    pub fn rows(
        &self,
        table: &Table,
        runs: impl Iterator<Item = (RowId, u64)>,
        snapshot: &Snapshot,
    ) -> Result<(), LogError> {
        let (id, mut items) = (self.place(table.id()), self.buffer());
        for (first, rows) in runs {
            items.push(ROWS);
            table.encode_run_as(id, first, rows, snapshot, &mut items);
        }
        self.append(items)
    }

    /// Forgets what was staged, because it has become something else: it all begins anew, with other ids.
    pub fn start_over(&self) {
        *self.state.lock() = State::default();
    }

    /// Logs a table that nobody else knows, with its rows, unless that was begun before. 53100, 58030.
    pub fn table(&self, table: &Table, snapshot: &Snapshot) -> Result<(), LogError> {
        if self.state.lock().begun.contains(&table.id()) {
            return Ok(());
        }
        self.begin(table.id(), &table.columns())?;
        let id = self.place(table.id());
        let (mut items, mut run) = (self.buffer(), Vec::new());
        for number in 0..table.block_count() {
            table.encode_block(id, number, snapshot, &mut run, |run| {
                items.push(ROWS);
                items.append(run);
                match items.len() < RECORD_BYTES {
                    true => Ok(()),
                    false => self.append(std::mem::replace(&mut items, self.buffer())),
                }
            })?;
        }
        self.append(items)
    }

    /// Logs the state of a sequence that nobody else knows, by the id it had.
    pub fn sequence(&self, old: Oid, state: dictdb_storage::SequenceState) -> Result<(), LogError> {
        let mut items = self.buffer();
        put_sequence(self.place(old), state, &mut items);
        self.append(items)
    }

    fn buffer(&self) -> Vec<u8> {
        self.buffers.lock().pop().unwrap_or_default()
    }

    fn append(&self, items: Vec<u8>) -> Result<(), LogError> {
        if items.is_empty() {
            return Ok(());
        }
        let log = self.durability.log();
        log.admit()?;
        let record = Record::new(items);
        let lsn = self.durability.append(&record, false);
        let mut items = record.into_bytes();
        items.clear();
        self.buffers.lock().push(items);
        let waits = |bytes: u64| lsn.0.checked_sub(bytes).map(dictdb_wal::Lsn).filter(|due| !log.is_durable(*due));
        if waits(WRITE_BYTES).is_some() {
            self.durability.flush_soon();
        }
        if let Some(due) = waits(PENDING_BYTES) {
            self.durability.durable_at(due).block()?;
        }
        Ok(())
    }
}
