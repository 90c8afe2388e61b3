//! The root: tables, sequences, the commit clock, and everything transactions share.

use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock, Weak};

use dictdb_types::{CommitTs, Oid, Physical, Result, TxnId};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};

use crate::feed::Feed;
use crate::garbage::Garbage;
use crate::history::History;
use crate::hook::{CommitHook, Lsn};
use crate::lock::{Blocking, LockManager, RelationLock, Sessions, WaitLog};
use crate::sequence::Sequence;
use crate::serializable::Serializables;
use crate::session::{Session, SessionState};
use crate::snapshot::{Pins, Snapshot};
use crate::table::Table;
use crate::transaction::{Isolation, Transaction};
use crate::writers::Writers;

/// Where snapshots begin: before the first commit.
const CLOCK_START: u64 = 1;
/// Process ids of anonymous sessions count from here, above any the server gives.
pub(crate) const ANONYMOUS_PID: u32 = 1 << 30;

/// All data of a server. Cheap to clone: the clones are one storage.
#[derive(Clone)]
pub struct Storage(pub(crate) Arc<Shared>);

/// What transactions share.
pub(crate) struct Shared {
    pub(crate) writers: Writers,
    /// Timestamp of the last published commit.
    pub(crate) clock: AtomicU64,
    /// End of the last record with changes of a catalog that somebody will be told to be durable.
    pub(crate) catalog_promised: AtomicU64,
    /// Serialises the moment of commit.
    pub(crate) commit: Mutex<()>,
    pub(crate) pins: Pins,
    pub(crate) garbage: Garbage,
    pub(crate) locks: LockManager,
    pub(crate) sessions: Sessions,
    pub(crate) history: History,
    pub(crate) serializables: Serializables,
    pub(crate) hook: OnceLock<Arc<dyn CommitHook>>,
    pub(crate) blocking: OnceLock<Arc<dyn Blocking>>,
    pub(crate) wait_log: OnceLock<Arc<dyn WaitLog>>,
    /// Counts how often somebody has begun to note changes of a table; zero is never.
    pub(crate) tracking: AtomicU64,
    /// Who follows committed changes.
    pub(crate) feed: Feed,
    tables: RwLock<HashMap<Oid, Arc<Table>>>,
    /// Tables that were dropped and are in memory as long as clones need them.
    dropped: Mutex<Vec<Weak<Table>>>,
    sequences: RwLock<HashMap<Oid, Arc<Sequence>>>,
    next_anonymous: AtomicU32,
}

impl Default for Storage {
    fn default() -> Self {
        Self::new()
    }
}

impl Storage {
    /// An empty storage.
    pub fn new() -> Self {
        Storage(Arc::new(Shared {
            writers: Writers::new(),
            clock: AtomicU64::new(CLOCK_START),
            catalog_promised: AtomicU64::new(0),
            commit: Mutex::new(()),
            pins: Pins::new(),
            garbage: Garbage::default(),
            locks: LockManager::default(),
            sessions: Sessions::default(),
            history: History::default(),
            serializables: Serializables::default(),
            hook: OnceLock::new(),
            blocking: OnceLock::new(),
            wait_log: OnceLock::new(),
            tracking: AtomicU64::new(0),
            feed: Feed::default(),
            tables: RwLock::default(),
            dropped: Mutex::default(),
            sequences: RwLock::default(),
            next_anonymous: AtomicU32::new(ANONYMOUS_PID),
        }))
    }

    /// Whether both are handles of one storage.
    pub fn is_same(&self, other: &Storage) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Sets who takes part in commits; once, before the first. Returns whether it was the first call.
    pub fn set_commit_hook(&self, hook: Arc<dyn CommitHook>) -> bool {
        self.0.hook.set(hook).is_ok()
    }

    /// Sets how threads block; once. Without it they simply do. Returns whether it was the first call.
    pub fn set_blocking(&self, blocking: Arc<dyn Blocking>) -> bool {
        self.0.blocking.set(blocking).is_ok()
    }

    /// Sets who is told of waits that take long; once. Returns whether it was the first call.
    pub fn set_wait_log(&self, log: Arc<dyn WaitLog>) -> bool {
        self.0.wait_log.set(log).is_ok()
    }

    /// What `f` finds while no transaction can commit, and a snapshot of that moment with the transaction that owns it.
    /// `f` must be quick and take no lock that is held during a commit.
    pub fn at_rest<R>(&self, f: impl FnOnce() -> R) -> Result<(Transaction, Snapshot, R)> {
        let transaction = self.begin();
        let _in_order = self.0.commit.lock();
        let snapshot = transaction.snapshot()?;
        let found = f();
        Ok((transaction, snapshot, found))
    }

    /// Runs `f` while no transaction can commit: what it logs is in order with commits.
    pub fn in_commit_order<R>(&self, f: impl FnOnce() -> R) -> R {
        let _in_order = self.0.commit.lock();
        f()
    }

    /// Ids of transactions go on from here.
    pub fn restore_next_transaction_id(&self, next: TxnId) {
        self.0.writers.skip_to(next);
        self.0.history.begins_at(next);
    }

    /// All sequences by id.
    pub fn sequences(&self) -> Vec<(Oid, Arc<Sequence>)> {
        self.0.sequences.read().iter().map(|(id, sequence)| (*id, sequence.clone())).collect()
    }

    /// Enters a session under the process id that clients know.
    pub fn connect(&self, pid: u32) -> Session {
        let state = SessionState::new(self.0.clone(), pid);
        self.0.sessions.add(&state);
        Session(state)
    }

    /// A READ COMMITTED transaction of a session of its own, for internal work and tests.
    pub fn begin(&self) -> Transaction {
        self.begin_isolated(Isolation::ReadCommitted)
    }

    /// A transaction of a session of its own.
    pub fn begin_isolated(&self, isolation: Isolation) -> Transaction {
        let pid = self.0.next_anonymous.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let session = self.connect(pid);
        let state = session.0.clone();
        Transaction::of_own_session(state, isolation, session)
    }

    /// What must be on disk before an answer shows a catalog as it was read earlier.
    #[inline]
    pub fn catalog_promised(&self) -> Lsn {
        Lsn(self.0.catalog_promised.load(std::sync::atomic::Ordering::Acquire))
    }

    /// Timestamp of the last commit.
    pub fn last_commit(&self) -> CommitTs {
        CommitTs(self.0.clock.load(std::sync::atomic::Ordering::Acquire))
    }

    /// The id the next writing transaction gets: `pg_snapshot_xmax`.
    pub fn next_transaction_id(&self) -> TxnId {
        self.0.writers.next_id()
    }

    /// An id that no transaction has whose commit is remembered: older versions show `FrozenTransactionId`.
    pub fn frozen_transaction_id(&self) -> TxnId {
        let next = self.next_transaction_id().0;
        TxnId(next.saturating_sub(crate::history::COMMITS_KEPT as u64).max(crate::history::FIRST_NORMAL))
    }

    /// The oldest commit that is still the present of some snapshot.
    pub fn oldest_snapshot(&self) -> CommitTs {
        CommitTs(self.0.horizon())
    }

    /// Creates a table. Replaces the entry if the id is taken, which callers avoid.
    pub fn create_table(&self, id: Oid, columns: &[Physical]) -> Arc<Table> {
        let table = Arc::new(Table::new(id, columns));
        self.0.tables.write().insert(id, table.clone());
        table
    }

    /// Takes a table out, to be put into a storage under another id by [`Storage::adopt_table`]. XX000 when it is in use.
    pub fn take_table(&self, id: Oid) -> Result<Option<Table>> {
        let Some(table) = self.0.tables.write().remove(&id) else { return Ok(None) };
        match Arc::try_unwrap(table) {
            Ok(table) => Ok(Some(table)),
            Err(_) => Err(dictdb_types::Error::internal(format!("table {id} is in use"))),
        }
    }

    /// Puts in a table that [`Storage::take_table`] took from another storage.
    pub fn adopt_table(&self, id: Oid, table: Table) -> Arc<Table> {
        let table = Arc::new(table.renamed(id));
        self.0.tables.write().insert(id, table.clone());
        table
    }

    /// The table with this id.
    pub fn table(&self, id: Oid) -> Option<Arc<Table>> {
        self.0.tables.read().get(&id).cloned()
    }

    /// Forgets a table. Its memory goes when the last reader is done.
    pub fn drop_table(&self, id: Oid) {
        let dropped = self.0.tables.write().remove(&id);
        if let Some(table) = dropped.filter(|table| table.has_clones()) {
            let mut dropped = self.0.dropped.lock();
            dropped.retain(|other| other.strong_count() > 0);
            dropped.push(Arc::downgrade(&table));
        }
    }

    pub(crate) fn enter_table(&self, table: Arc<Table>) {
        self.0.tables.write().insert(table.id(), table);
    }

    /// All tables.
    pub fn tables(&self) -> Vec<Arc<Table>> {
        self.0.tables.read().values().cloned().collect()
    }

    /// The lock of a relation, for plans to keep: [`Transaction::lock_relation`].
    pub fn relation_lock(&self, database: Oid, relation: Oid) -> Arc<RelationLock> {
        self.0.locks.relation(database, relation)
    }

    /// Approximate memory of all tables and their indexes, and of dropped tables that clones hold.
    pub fn bytes(&self) -> usize {
        let dropped: Vec<Arc<Table>> = self.0.dropped.lock().iter().filter_map(Weak::upgrade).collect();
        self.tables().iter().chain(&dropped).map(|table| table.bytes()).sum()
    }

    /// Creates a sequence. Replaces the entry if the id is taken, which callers avoid.
    pub fn create_sequence(&self, id: Oid, sequence: Sequence) -> Arc<Sequence> {
        sequence.attach(id, &self.0);
        let sequence = Arc::new(sequence);
        self.0.sequences.write().insert(id, sequence.clone());
        sequence
    }

    /// The sequence with this id.
    pub fn sequence(&self, id: Oid) -> Option<Arc<Sequence>> {
        self.0.sequences.read().get(&id).cloned()
    }

    /// Forgets a sequence.
    pub fn drop_sequence(&self, id: Oid) {
        self.0.sequences.write().remove(&id);
    }
}

impl Shared {
    /// No snapshot needs what was replaced at or before this commit.
    pub(crate) fn horizon(&self) -> u64 {
        let now = self.clock.load(std::sync::atomic::Ordering::SeqCst);
        self.pins.oldest(now)
    }
}
