//! The data directory of a running server: commits go through here into the log.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use dictdb_catalog::BOOTSTRAP_ROLE;
use dictdb_storage::{ChangeKind, Commit, CommitHook, Images, Record, SequenceState, Storage};
use dictdb_types::{Oid, Result, RowId};
use dictdb_wal::{DataDirectory, Durable, Log, LogError, LogOptions, LogStatistics, Lsn};
use hashbrown::HashSet;
use parking_lot::{Condvar, Mutex};

use crate::archiver::Archiver;
use crate::breaker::Trials;
use crate::checkpoint::{CheckpointInfo, DatabaseView, Reason};
use crate::item::{
    Analyzed, DatabaseAttributes, DatabaseFacts, ROWS, START, catalog_item, put_analyzed, put_commit, put_database,
    put_dropped_database, put_sequence,
};
use crate::prepared::Prepared;
use crate::recovery;
use crate::restore::{RestoredDatabase, Restorer};
use crate::{CheckpointStatistics, Options, RecoveryProgress, RecoveryStatus, Tuning};

/// A first guess at the bytes of a record, and of each row in it.
const RECORD_BYTES: usize = 128;
const ROW_BYTES: usize = 64;

/// Lists the databases as they are now.
pub(crate) type Databases = Box<dyn Fn() -> Vec<DatabaseView> + Send + Sync>;

/// An open data directory.
pub struct Durability {
    pub(crate) directory: Arc<DataDirectory>,
    pub(crate) storage: Storage,
    pub(crate) log: Log,
    pub(crate) options: Options,
    pub(crate) tuning: Mutex<Tuning>,
    pub(crate) trials: Trials,
    pub(crate) databases: OnceLock<Databases>,
    /// What somebody was told, or will be, that it is durable: readers that saw it wait too.
    promised: AtomicU64,
    /// One checkpoint at a time.
    pub(crate) checkpointing: Mutex<()>,
    pub(crate) last: Mutex<CheckpointInfo>,
    pub(crate) statistics: CheckpointStatistics,
    pub(crate) archiver: Archiver,
    /// What waits for its second phase.
    pub(crate) prepared: Mutex<Prepared>,
    pub(crate) closing: AtomicBool,
    pub(crate) bell: (Mutex<()>, Condvar),
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Durability {
    /// Recovers a data directory, or makes one, into an empty storage. The caller builds indexes and then calls
    /// [`Durability::start`].
    ///
    /// F0001 when another server has it, XX001 when it is damaged, 58030, 53100.
    pub fn open(options: Options, storage: &Storage) -> Result<(Arc<Durability>, Vec<RestoredDatabase>)> {
        let directory = recovery::open_directory(&options)?;
        directory.set_archive(options.tuning.archive.clone());
        directory.set_needs_marks(options.archives);
        let mut restorer = Restorer::new(storage);
        let (oid, name) = &options.first_database;
        let mut first = Vec::new();
        let facts = DatabaseFacts { oid: *oid, attributes: DatabaseAttributes::of_owner(BOOTSTRAP_ROLE), name };
        put_database(&facts, &mut first);
        let found = recovery::read(&directory, &options, &mut restorer)?;
        let is_empty = found.snapshot.is_none() && found.end.records == 0;
        if is_empty {
            restorer.apply(&first)?;
        }
        let prepared = restorer.prepared();
        let databases = restorer.finish()?;
        let log_options = LogOptions {
            segment_bytes: found.end.segment_bytes,
            delay: options.writer_delay,
            fsync: options.tuning.fsync,
            threads: options.threads,
            ..LogOptions::default()
        };
        let log = Log::open(directory.clone(), found.end.end, log_options)?;
        let (lsn, bytes) = found.snapshot.unwrap_or((dictdb_wal::GENESIS, 0));
        let durability = Arc::new(Durability {
            directory,
            storage: storage.clone(),
            promised: AtomicU64::new(found.end.end.0),
            databases: OnceLock::new(),
            checkpointing: Mutex::default(),
            last: Mutex::new(CheckpointInfo { lsn, micros: now_micros(), bytes, at: Instant::now() }),
            statistics: CheckpointStatistics::default(),
            archiver: Archiver::default(),
            prepared: Mutex::new(prepared),
            closing: AtomicBool::new(false),
            bell: (Mutex::default(), Condvar::new()),
            thread: Mutex::default(),
            tuning: Mutex::new(options.tuning.clone()),
            trials: Trials::default(),
            options,
            log,
        });
        if is_empty {
            durability.append_items(first, true);
        }
        Ok((durability, databases))
    }

    /// Takes part in commits from now on, and writes checkpoints.
    pub fn start(
        self: &Arc<Self>,
        databases: impl Fn() -> Vec<DatabaseView> + Send + Sync + 'static,
    ) -> Result<(), LogError> {
        if self.databases.set(Box::new(databases)).is_ok() {
            self.storage.set_commit_hook(self.clone());
        }
        let lsn = self.append_items(vec![START], true);
        match self.options.threads {
            true => {
                self.log.durable_at(lsn).block()?;
                let own = Arc::downgrade(self);
                let thread = std::thread::Builder::new().name("dictdb-checkpoint".to_owned());
                let spawned = thread.spawn(move || crate::checkpoint::run(&own));
                let spawned =
                    spawned.map_err(|e| LogError::io("start the checkpointer of", self.directory.root(), e))?;
                *self.thread.lock() = Some(spawned);
                if self.options.archives {
                    let started = self.start_archiver();
                    started.map_err(|e| LogError::io("start the archiver of", self.directory.root(), e))?;
                }
                Ok(())
            }
            false => self.log.flush(),
        }
    }

    /// Appends items that belong to no transaction, in order with commits. Returns what to wait for.
    pub fn append_items(&self, items: Vec<u8>, promised: bool) -> Lsn {
        self.append(&Record::new(items), promised)
    }

    /// Logs a new database with what its catalog holds. The caller keeps order with commits.
    pub fn log_database(&self, database: &DatabaseView) -> Result<Lsn, LogError> {
        self.log.admit()?;
        Ok(self.append_items(database_items(database), true))
    }

    /// Logs a database's name and attributes, which have changed. The caller keeps order with commits.
    pub fn log_database_change(&self, database: &DatabaseView) -> Result<Lsn, LogError> {
        self.log.admit()?;
        let mut items = Vec::new();
        put_database(&database.facts(), &mut items);
        Ok(self.append_items(items, true))
    }

    /// Logs what ANALYZE has found of a relation of a database.
    pub fn log_analyzed(&self, database: Oid, analyzed: &Analyzed) -> Result<Lsn, LogError> {
        self.log.admit()?;
        let mut items = Vec::new();
        put_analyzed(database, analyzed, &mut items);
        Ok(self.append_items(items, false))
    }

    /// Logs that a database is gone, after items that go along with it. The caller keeps order with commits.
    pub fn log_dropped_database(&self, oid: Oid, mut items: Vec<u8>) -> Result<Lsn, LogError> {
        self.log.admit()?;
        put_dropped_database(oid, &mut items);
        Ok(self.append_items(items, true))
    }

    /// What readers must wait for before they show what they saw.
    #[inline]
    pub fn promised(&self) -> Lsn {
        Lsn(self.promised.load(Ordering::Acquire))
    }

    /// Waits for a position of the log.
    pub fn durable_at(&self, lsn: Lsn) -> Durable {
        self.log.durable_at(lsn)
    }

    /// Has what was appended without a promise written soon.
    pub fn flush_soon(&self) {
        self.log.flush_soon();
    }

    /// What the start has done.
    pub fn recovery(&self) -> RecoveryStatus {
        self.options.progress.status()
    }

    /// Where a start says how far it is.
    pub fn progress(&self) -> &RecoveryProgress {
        &self.options.progress
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What the log has done.
    pub fn log_statistics(&self) -> &LogStatistics {
        self.log.statistics()
    }

    /// What checkpoints have done.
    pub fn checkpoint_statistics(&self) -> &CheckpointStatistics {
        &self.statistics
    }

    /// The data directory.
    pub fn directory(&self) -> &DataDirectory {
        &self.directory
    }

    /// Goes by other values from now on.
    pub fn retune(&self, tuning: Tuning) {
        if self.log.fsync() && !tuning.fsync {
            tracing::warn!("fsync is off: a crash of the operating system will destroy the data directory");
        }
        self.log.set_fsync(tuning.fsync);
        self.directory.set_archive(tuning.archive.clone());
        *self.tuning.lock() = tuning;
    }

    /// The end of a server: a last checkpoint that also has unlogged tables, then nothing more is accepted.
    pub fn shut_down(&self) -> Result<(), LogError> {
        self.closing.store(true, Ordering::SeqCst);
        drop(self.bell.0.lock());
        self.bell.1.notify_all();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpointer panicked");
        }
        let written = self.checkpoint(Reason::Shutdown);
        self.log.close().and(written)
    }
}

impl CommitHook for Durability {
    fn prepare(&self, commit: Commit<'_, '_>) -> Result<Option<Record>> {
        let mut record = Vec::new();
        let mut seen = Seen::default();
        for change in commit.changes {
            if !change.table.is_logged() {
                continue;
            }
            if record.is_empty() {
                begin(&mut record, commit.attachment, commit.id, change.rows as usize);
            }
            // Of a row that was changed several times the last state is the same each time.
            if change.kind != ChangeKind::Insert && seen.again(change.table.id(), change.row) {
                continue;
            }
            record.push(ROWS);
            change.table.encode_run(change.row, change.rows, commit.snapshot, &mut record);
        }
        if record.is_empty() {
            if commit.attachment.is_empty() {
                return Ok(None);
            }
            begin(&mut record, commit.attachment, commit.id, 0);
        }
        self.log.admit()?;
        Ok(Some(Record::new(record)))
    }

    fn images(&self, commit: Commit<'_, '_>) -> Images {
        let mut images = Images::default();
        let mut seen = Seen::default();
        for change in commit.changes {
            if change.kind != ChangeKind::Insert && seen.again(change.table.id(), change.row) {
                continue;
            }
            let out = if change.table.is_logged() { &mut images.logged } else { &mut images.unlogged };
            change.table.encode_run(change.row, change.rows, commit.snapshot, out);
        }
        images
    }

    fn append(&self, record: &Record, promised: bool) -> Lsn {
        let lsn = self.log.append(record);
        if promised {
            self.promised.fetch_max(lsn.0, Ordering::AcqRel);
        }
        lsn
    }

    fn log_sequence(&self, sequence: Oid, state: SequenceState) -> Lsn {
        let mut items = Vec::new();
        put_sequence(sequence, state, &mut items);
        let lsn = self.append_items(items, false);
        self.log.flush_soon();
        lsn
    }

    fn wait_durable(&self, lsn: Lsn) -> Result<()> {
        Ok(self.log.durable_at(lsn).block()?)
    }
}

/// A new database with what its catalog holds, to be logged alone or to go along with a commit.
pub fn database_items(database: &DatabaseView) -> Vec<u8> {
    let mut items = Vec::new();
    put_database(&database.facts(), &mut items);
    items.extend(catalog_item(database.oid, database.next_oid, &database.catalog.dump()));
    items
}

/// Rows that are in the record already; the first one needs no table.
#[derive(Default)]
struct Seen {
    first: Option<(Oid, RowId)>,
    more: HashSet<(Oid, RowId)>,
}

impl Seen {
    fn again(&mut self, table: Oid, row: RowId) -> bool {
        match self.first {
            None => {
                self.first = Some((table, row));
                false
            }
            Some(first) => first == (table, row) || !self.more.insert((table, row)),
        }
    }
}

fn begin(record: &mut Vec<u8>, attachment: &[u8], id: dictdb_types::TxnId, rows: usize) {
    record.reserve(RECORD_BYTES + attachment.len() + rows * ROW_BYTES);
    put_commit(id, now_micros(), record);
    record.extend_from_slice(attachment);
}

pub(crate) fn now_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}
