//! Checkpoints: everything as of one LSN into a snapshot, while transactions go on; then the log before it is not needed.
//!
//! When the log has stopped, a checkpoint is also how it goes on: what is in memory is all that was ever acknowledged.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use dictdb_catalog::{Catalog, Persistence};
use dictdb_storage::{Contents, Snapshot, Storage, Table, Transaction};
use dictdb_types::stored::put_uint;
use dictdb_types::{Oid, Result, TxnId};
use dictdb_wal::{LogError, Lsn, SnapshotWriter};
use hashbrown::HashMap;

use crate::Durability;
use crate::hook::now_micros;
use crate::item::{
    Analyzed, DatabaseAttributes, DatabaseFacts, ROWS, SharedBlocks, UNLOGGED, catalog_item, put_analyzed, put_commit,
    put_database, put_sequence, put_shared,
};
use crate::prepared::{PreparedTransaction, prepared_item};

/// A chunk is written when it has so many bytes.
const CHUNK_BYTES: usize = 512 * 1024;
/// Changes of a catalog in one chunk.
const CHANGES_PER_CHUNK: usize = 1000;
/// Runs of blocks that are another table's in one chunk.
const SHARED_PER_CHUNK: usize = 1 << 14;
/// The checkpointer looks around this often.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Segments that are kept to be used again.
const SPARE_SEGMENTS: usize = 4;
/// A checkpoint by time waits until the log is this part of the snapshot's size: reading a short log is cheaper than writing
/// everything again.
const SNAPSHOT_SHARE: u64 = 16;

/// A log shorter than this is no reason for a checkpoint.
const WORTH_BYTES: u64 = 64 * 1024;

/// Why a checkpoint is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `checkpoint_timeout`.
    Time,
    /// `max_wal_size`.
    Size,
    /// CHECKPOINT.
    Request,
    /// The server stops.
    Shutdown,
}

/// The last checkpoint.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointInfo {
    /// Its position.
    pub lsn: Lsn,
    /// When, in microseconds since 1970.
    pub micros: i64,
    /// Bytes of the snapshot.
    pub bytes: u64,
    pub(crate) at: Instant,
}

/// A database at some moment.
pub struct DatabaseView {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: Arc<str>,
    /// What ALTER DATABASE changes.
    pub attributes: DatabaseAttributes,
    /// Its objects.
    pub catalog: Arc<Catalog>,
    /// The object id it hands out next.
    pub next_oid: Oid,
    /// What ANALYZE has found in it.
    pub analyzed: Vec<Analyzed>,
}

impl DatabaseView {
    pub(crate) fn facts(&self) -> DatabaseFacts<'_> {
        DatabaseFacts { oid: self.oid, attributes: self.attributes, name: &self.name }
    }
}

/// One moment of all databases: it can be written while transactions go on.
pub struct Capture {
    /// Records before it are contained.
    pub lsn: Lsn,
    storage: Storage,
    databases: Vec<DatabaseView>,
    tables: HashMap<Oid, Arc<Table>>,
    next_transaction: TxnId,
    prepared: Vec<Arc<PreparedTransaction>>,
    snapshot: Snapshot,
    _transaction: Transaction,
}

impl Capture {
    /// Holds the present. `lsn` runs while nothing can commit.
    fn take(durability: &Durability, lsn: impl FnOnce() -> Lsn) -> Result<Capture> {
        let storage = &durability.storage;
        let (transaction, snapshot, (lsn, databases, tables, prepared)) = storage.at_rest(|| {
            let databases = durability.databases.get().map(|list| list()).unwrap_or_default();
            (lsn(), databases, storage.tables(), durability.prepared_transactions())
        })?;
        let tables = tables.into_iter().map(|table| (table.id(), table)).collect();
        let next_transaction = storage.next_transaction_id();
        let storage = storage.clone();
        let _transaction = transaction;
        Ok(Capture { lsn, storage, databases, tables, next_transaction, prepared, snapshot, _transaction })
    }

    /// Hands everything to `chunk`, piece by piece: databases, catalogs and sequences first, rows that several tables have last.
    pub fn write<E>(&self, with_unlogged: bool, mut chunk: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut items = Vec::new();
        put_commit(TxnId(self.next_transaction.0.saturating_sub(1)), now_micros(), &mut items);
        for database in &self.databases {
            put_database(&database.facts(), &mut items);
        }
        chunk(&items)?;
        for database in &self.databases {
            for changes in database.catalog.dump().chunks(CHANGES_PER_CHUNK) {
                chunk(&catalog_item(database.oid, database.next_oid, changes))?;
            }
        }
        self.prepared.iter().try_for_each(|prepared| chunk(&prepared_item(prepared, with_unlogged)))?;
        for database in &self.databases {
            for analyzed in &database.analyzed {
                items.clear();
                put_analyzed(database.oid, analyzed, &mut items);
                chunk(&items)?;
            }
        }
        items.clear();
        for (id, sequence) in self.storage.sequences() {
            match (sequence.is_logged(), with_unlogged) {
                // After a clean stop nothing is left out.
                (_, true) => put_sequence(id, sequence.state(), &mut items),
                (true, false) => put_sequence(id, sequence.logged_state(), &mut items),
                (false, false) => {}
            }
        }
        if !items.is_empty() {
            chunk(&items)?;
        }
        self.write_tables(with_unlogged, &mut chunk)
    }

    fn write_tables<E>(&self, with_unlogged: bool, chunk: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut items = Vec::with_capacity(CHUNK_BYTES * 2);
        let (mut run, mut shared) = (Vec::new(), SharedRows::default());
        let relations = self.databases.iter().flat_map(|database| database.catalog.relations());
        for relation in relations.filter(|relation| relation.is_stored()) {
            let is_wanted = match relation.persistence {
                Persistence::Permanent => true,
                Persistence::Unlogged => with_unlogged,
                Persistence::Temporary => false,
            };
            let Some(table) = self.tables.get(&relation.storage).filter(|_| is_wanted) else { continue };
            let vacant = relation.vacant_slots();
            for number in 0..table.block_count() {
                let contents = table.contents(number, &self.storage);
                let like = contents.map(|contents| Like {
                    contents,
                    persistence: relation.persistence,
                    vacant: vacant.clone(),
                });
                if like.is_some_and(|like| shared.are_written(table.id(), number, like)) {
                    continue;
                }
                table.encode_block(table.id(), number, &self.snapshot, &mut run, |run| {
                    put_run(run, relation.persistence, &mut items);
                    run.clear();
                    if items.len() < CHUNK_BYTES {
                        return Ok(());
                    }
                    let written = chunk(&items);
                    items.clear();
                    written
                })?;
            }
        }
        if !items.is_empty() {
            chunk(&items)?;
        }
        shared.blocks.chunks(SHARED_PER_CHUNK).try_for_each(|blocks| {
            items.clear();
            blocks.iter().for_each(|blocks| put_shared(blocks, &mut items));
            chunk(&items)
        })
    }
}

/// What makes blocks of two tables the same in a checkpoint.
#[derive(PartialEq, Eq, Hash)]
struct Like {
    contents: Contents,
    persistence: Persistence,
    /// Storage columns whose values are not read again: a column may be dropped in one database only.
    vacant: Vec<usize>,
}

/// Rows that several tables have, which are written once.
#[derive(Default)]
struct SharedRows {
    /// The tables that were first.
    first: HashMap<Like, Oid>,
    /// Where others have the same.
    blocks: Vec<SharedBlocks>,
}

impl SharedRows {
    /// Whether the rows of a block of a table have been written as another one's. If not they are to be written now.
    fn are_written(&mut self, table: Oid, number: usize, like: Like) -> bool {
        let of = *self.first.entry(like).or_insert(table);
        if of == table {
            return false;
        }
        match self.blocks.last_mut() {
            Some(last) if (last.table, last.of, last.first + last.count) == (table, of, number) => last.count += 1,
            _ => self.blocks.push(SharedBlocks { table, of, first: number, count: 1 }),
        }
        true
    }
}

fn put_run(run: &[u8], persistence: Persistence, items: &mut Vec<u8>) {
    if persistence == Persistence::Unlogged {
        items.push(UNLOGGED);
        put_uint(run.len() as u64, items);
    } else {
        items.push(ROWS);
    }
    items.extend_from_slice(run);
}

impl Durability {
    /// Writes a checkpoint. If the log has stopped, it goes on afterwards. 53100, 58030.
    pub fn checkpoint(&self, reason: Reason) -> Result<(), LogError> {
        let _one_at_a_time = self.checkpointing.lock();
        let resumes = self.log.failure().is_some();
        if reason == Reason::Shutdown && resumes {
            return self.log.failure().map_or(Ok(()), Err);
        }
        let begun = Instant::now();
        if resumes {
            self.trials.begin();
        }
        let written = self.write_checkpoint(reason, resumes);
        if resumes {
            self.trials.end();
        }
        let (lsn, bytes) = written?;
        *self.last.lock() = CheckpointInfo { lsn, micros: now_micros(), bytes, at: Instant::now() };
        let removed = self.discard_log(lsn).unwrap_or_else(|error| {
            // It is there for nothing, and the next checkpoint tries again.
            tracing::error!("old segments of the log could not be removed: {error}");
            0
        });
        let counter = if reason == Reason::Time { &self.statistics.timed } else { &self.statistics.requested };
        counter.fetch_add(1, Ordering::Relaxed);
        self.statistics.bytes.fetch_add(bytes, Ordering::Relaxed);
        let elapsed = begun.elapsed();
        self.statistics.write_millis.fetch_add(elapsed.as_millis() as u64, Ordering::Relaxed);
        tracing::info!(
            ?reason,
            bytes,
            removed_segments = removed,
            "checkpoint complete at {lsn} after {:.3} s",
            elapsed.as_secs_f64()
        );
        Ok(())
    }

    fn write_checkpoint(&self, reason: Reason, resumes: bool) -> Result<(Lsn, u64), LogError> {
        let position = || if resumes { self.log.begin_resume() } else { self.log.appended() };
        let capture = Capture::take(self, position).map_err(internal)?;
        let lsn = capture.lsn;
        let bytes = self.write_snapshot(&capture, reason == Reason::Shutdown, resumes)?;
        drop(capture);
        if resumes {
            self.log.finish_resume(lsn);
            tracing::warn!("the write-ahead log goes on at {lsn}; everything in memory is on disk");
        }
        Ok((lsn, bytes))
    }

    /// Lets go of the log before a position, as far as it need not be kept.
    fn discard_log(&self, lsn: Lsn) -> Result<usize, LogError> {
        let tuning = self.tuning.lock().clone();
        if let Err(error) = self.log.archive() {
            // What is not in the archive stays where it is.
            tracing::error!("the log could not be archived: {error}");
        }
        let kept_from = Lsn(lsn.0.saturating_sub(tuning.keep_bytes));
        self.log.remove_before(kept_from, SPARE_SEGMENTS)
    }

    fn write_snapshot(&self, capture: &Capture, with_unlogged: bool, resumes: bool) -> Result<u64, LogError> {
        let mut writer = SnapshotWriter::create(&self.directory, capture.lsn)?;
        capture.write(with_unlogged, |chunk| writer.chunk(chunk))?;
        if !resumes {
            // The snapshot must not know more than the log.
            match self.options.threads {
                true => self.log.durable_at(capture.lsn).block()?,
                false => self.log.flush()?,
            }
        }
        let begun = Instant::now();
        let bytes = writer.publish()?;
        self.statistics.sync_millis.fetch_add(begun.elapsed().as_millis() as u64, Ordering::Relaxed);
        Ok(bytes)
    }

    /// The last checkpoint.
    pub fn last_checkpoint(&self) -> CheckpointInfo {
        *self.last.lock()
    }

    /// Whether it is time for one.
    fn is_due(&self) -> Option<Reason> {
        let last = self.last_checkpoint();
        let logged = self.log.appended().0.saturating_sub(last.lsn.0);
        // The log of the checkpoint before is removed only when the next one is complete.
        let tuning = self.tuning.lock().clone();
        if logged > tuning.max_wal_bytes / 2 {
            return Some(Reason::Size);
        }
        let is_late = last.at.elapsed() >= tuning.checkpoint_timeout;
        let is_worth_it = logged > last.bytes / SNAPSHOT_SHARE && logged > WORTH_BYTES;
        (is_late && is_worth_it).then_some(Reason::Time)
    }
}

fn internal(error: dictdb_types::Error) -> LogError {
    let source = std::io::Error::other(error.message().to_owned());
    LogError::io("write checkpoint in", std::path::Path::new("checkpoint"), source)
}

impl Durability {
    /// Copies complete segments to the archive as soon as they are. What fails is tried again at the next look.
    fn archive_log(&self) {
        if self.directory.archive().is_some()
            && let Err(error) = self.log.archive()
        {
            tracing::error!("the log could not be archived: {error}");
            std::thread::sleep(LOOK_INTERVAL * 4);
        }
    }
}

/// The segment that the log ends in, and since when.
struct Current {
    name: String,
    since: Instant,
}

impl Durability {
    /// Ends the segment that the log ends in when that has been so for `archive_timeout`.
    fn end_late_segment(&self, current: &mut Current) {
        let name = self.log.file_name(self.log.appended());
        if name != current.name {
            *current = Current { name, since: Instant::now() };
            return;
        }
        let timeout = self.tuning.lock().archive_timeout;
        if !timeout.is_zero() && current.since.elapsed() >= timeout {
            self.log.switch_segment();
            self.log.flush_soon();
        }
    }
}

/// The checkpointer's thread: until the server stops.
pub(crate) fn run(durability: &Weak<Durability>) {
    let mut current = Current { name: String::new(), since: Instant::now() };
    loop {
        let Some(durability) = durability.upgrade() else { return };
        {
            let mut bell = durability.bell.0.lock();
            if !durability.closing.load(Ordering::SeqCst) {
                durability.bell.1.wait_for(&mut bell, LOOK_INTERVAL);
            }
        }
        if durability.closing.load(Ordering::SeqCst) {
            return;
        }
        if durability.log.failure().is_some() {
            durability.try_again();
            continue;
        }
        durability.end_late_segment(&mut current);
        durability.archive_log();
        if let Some(reason) = durability.is_due()
            && let Err(error) = durability.checkpoint(reason)
        {
            tracing::error!("checkpoint failed: {error}");
            std::thread::sleep(LOOK_INTERVAL * 4);
        }
    }
}
