//! A transaction: its identity, its snapshots, and the list of what it did.
//!
//! Beginning costs nothing that others see. The first write or row lock claims a slot in the table of writers.

mod commit;
mod log;
mod prepared;
mod savepoint;

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use dictdb_types::{Error, Result, RowId, SqlState, TxnId};
use parking_lot::Mutex;

pub(crate) use log::{Change, KeyChange, Log};
pub use savepoint::SavepointId;

use crate::lock::{LockMode, LockTag, RelationLock, WaitOptions, WaitPolicy};
use crate::serializable::Serializable;
use crate::session::{Session, SessionState};
use crate::snapshot::Snapshot;
use crate::table::Table;
use crate::version::Writer;
use crate::writers::Holder;

/// When a transaction's statements take their snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    #[default]
    ReadCommitted,
    /// All statements see what was committed before the first; write conflicts fail with 40001.
    RepeatableRead,
    /// Likewise, and what would not be possible one after the other fails with 40001: see the module `serializable`.
    Serializable,
}

const ACTIVE: u8 = 0;
const FINISHED: u8 = 1;

/// A unit of work. It may be shared between the threads of a statement; one thread at a time waits for locks.
/// Dropped without [`Transaction::commit`] it rolls back.
pub struct Transaction {
    session: Arc<SessionState>,
    isolation: Isolation,
    identity: OnceLock<(Writer, TxnId)>,
    /// The command that the next snapshot belongs to.
    command: AtomicU32,
    /// REPEATABLE READ's one moment.
    fixed: Mutex<Option<Snapshot>>,
    /// Snapshots that others may take over.
    exported: Mutex<Vec<Snapshot>>,
    /// Whether it may have any of them: most transactions end without.
    keeps_snapshots: AtomicBool,
    log: Mutex<Log>,
    state: AtomicU8,
    /// Set while it is the first of those who wait for a row.
    is_queued: AtomicBool,
    queued_for: Mutex<Option<LockTag>>,
    /// What a SERIALIZABLE transaction has besides.
    serializable: Option<Box<Serializable>>,
    /// Of an anonymous transaction: ends with it.
    own_session: Option<Session>,
    /// It waits for its second phase.
    is_prepared: bool,
}

impl Transaction {
    pub(crate) fn new(session: Arc<SessionState>, isolation: Isolation) -> Self {
        Transaction {
            session,
            isolation,
            identity: OnceLock::new(),
            command: AtomicU32::new(0),
            fixed: Mutex::new(None),
            exported: Mutex::default(),
            keeps_snapshots: AtomicBool::new(false),
            log: Mutex::default(),
            state: AtomicU8::new(ACTIVE),
            is_queued: AtomicBool::new(false),
            queued_for: Mutex::new(None),
            serializable: (isolation == Isolation::Serializable).then(Box::default),
            own_session: None,
            is_prepared: false,
        }
    }

    pub(crate) fn of_own_session(session: Arc<SessionState>, isolation: Isolation, owner: Session) -> Self {
        let mut transaction = Self::new(session, isolation);
        transaction.own_session = Some(owner);
        transaction
    }

    /// A snapshot for the next statement or command: it sees the transaction's own writes made under earlier
    /// snapshots. Statements inside a statement (triggers, functions) take their own.
    ///
    /// 54000 after 2^32 commands.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.leave_queue();
        let command = self.command.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        if command == u32::MAX {
            self.command.store(u32::MAX - 1, Ordering::Relaxed);
            dictdb_types::bail!(PROGRAM_LIMIT_EXCEEDED, "cannot have more than 2^32-2 commands in a transaction");
        }
        let own = self.writer();
        if self.isolation == Isolation::ReadCommitted {
            return Ok(Snapshot::take(&self.session, own, command));
        }
        let take = || Snapshot::take(&self.session, None, 0);
        self.keeps_snapshots.store(true, Ordering::Release);
        let mut fixed = self.fixed.lock();
        if fixed.is_none() && self.wants_safe_snapshot() {
            return Ok(fixed.insert(self.safe_snapshot(take)?).at_command(own, command));
        }
        let first = fixed.get_or_insert_with(|| match self.serializable() {
            Some(own) => self.enter_serializable(own, None, take),
            None => take(),
        });
        Ok(first.at_command(own, command))
    }

    /// Keeps a snapshot of this command until the transaction ends, for others to take over; its number.
    pub fn export_snapshot(&self) -> Result<usize> {
        let moment = self.snapshot()?.ts();
        self.keeps_snapshots.store(true, Ordering::Release);
        let mut exported = self.exported.lock();
        exported.push(Snapshot::at(&self.session, moment));
        Ok(exported.len() - 1)
    }

    /// Takes over a moment that another transaction in progress has exported, before its own first snapshot: SET
    /// TRANSACTION SNAPSHOT. Nothing happens when the other one has ended.
    pub fn import_snapshot(&self, other: &Transaction, number: usize) {
        // The lock keeps the other one's pin while this one takes its own.
        let exported = other.exported.lock();
        let Some(moment) = exported.get(number).map(Snapshot::ts) else { return };
        let take = || Snapshot::at(&self.session, moment);
        self.keeps_snapshots.store(true, Ordering::Release);
        *self.fixed.lock() = Some(match self.serializable() {
            Some(own) => self.enter_serializable(own, Some(other), take),
            None => take(),
        });
    }

    /// Lets its snapshots go: others see further without them.
    fn forget_snapshots(&self) {
        if self.keeps_snapshots.load(Ordering::Acquire) {
            *self.fixed.lock() = None;
            self.exported.lock().clear();
        }
    }

    /// A snapshot of now for a further command, whatever the isolation level: what foreign keys look at when a key goes
    /// away. 54000 as for [`Transaction::snapshot`].
    pub fn latest_snapshot(&self) -> Result<Snapshot> {
        let command = self.snapshot()?.command();
        Ok(Snapshot::take(&self.session, self.writer(), command))
    }

    /// Its isolation level.
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// Its id, if it has written or locked a row: `pg_current_xact_id_if_assigned`.
    pub fn id(&self) -> Option<TxnId> {
        self.identity.get().map(|(_, id)| *id)
    }

    /// Its id, assigned now if need be: `pg_current_xact_id`.
    pub fn assign_id(&self) -> Result<TxnId> {
        self.identity().map(|(_, id)| id)
    }

    /// Whether it was committed or rolled back.
    pub fn is_finished(&self) -> bool {
        self.state.load(Ordering::Acquire) == FINISHED
    }

    /// Locks a relation until the transaction ends or rolls back to an earlier savepoint. Weak modes cost one atomic
    /// operation. `Ok(false)` only under [`WaitPolicy::Skip`].
    ///
    /// 55P03 when the lock is not to be had in time, 40P01, 57014, 57P01.
    pub fn lock_relation(
        &self,
        lock: &Arc<RelationLock>,
        mode: LockMode,
        policy: WaitPolicy,
        options: &WaitOptions,
    ) -> Result<bool> {
        self.session.shared.locks.lock_relation(&self.session, lock, mode, policy, options)
    }

    /// Gives a lock back that was the last to be taken.
    pub fn unlock_relation(&self, lock: &RelationLock, mode: LockMode) {
        self.session.shared.locks.unlock_relation(&self.session, lock, mode);
    }

    /// Waits until the transaction that is in the way has ended or given up some of its changes; then try again.
    ///
    /// 55P03 `canceling statement due to lock timeout`, 40P01 `deadlock detected`, 57014, 57P01.
    pub fn wait_for(&self, holder: Holder, options: &WaitOptions) -> Result<()> {
        self.session.shared.locks.wait_for(&self.session, holder, options)
    }

    /// Like [`Transaction::wait_for`] for a row that could not be written or locked: those who wait for one row come
    /// forward in order, one at a time. The next attempt on any row lets the next one come. Who has a lock on the row already
    /// does not stand in line: those in it may be waiting for just that lock.
    pub fn wait_for_row(&self, table: &Table, row: RowId, holder: Holder, options: &WaitOptions) -> Result<()> {
        let tag = LockTag::Tuple { table: table.id(), row };
        let holds = self.writer().is_some_and(|own| table.holds_row(row, own));
        if !holds && *self.queued_for.lock() != Some(tag) {
            self.leave_queue();
            self.session.shared.locks.queue_for_row(&self.session, tag, options)?;
            *self.queued_for.lock() = Some(tag);
            self.is_queued.store(true, Ordering::Release);
        }
        self.wait_for(holder, options).inspect_err(|_| self.leave_queue())
    }

    /// A row was to be written or locked. Whoever has waited for it at the head of its queue keeps the place as long as the
    /// same row is still to be tried again: because it is busy, or to be looked at anew.
    #[inline]
    pub(crate) fn attempted(&self, table: &Table, row: RowId, stays: bool) {
        if self.is_queued.load(Ordering::Acquire) {
            let same = *self.queued_for.lock() == Some(LockTag::Tuple { table: table.id(), row });
            if !(stays && same) {
                self.leave_queue();
            }
        }
    }

    /// A row that was waited for is not wanted any more: who waits for it, too, may come forward.
    pub fn give_up_row(&self) {
        self.leave_queue();
    }

    /// Gives the place at the head of a row's queue to the next one.
    #[inline]
    pub(crate) fn leave_queue(&self) {
        if self.is_queued.load(Ordering::Acquire) {
            self.is_queued.store(false, Ordering::Release);
            if let Some(tag) = self.queued_for.lock().take() {
                self.session.shared.locks.leave_row(&self.session, tag);
            }
        }
    }

    #[inline]
    pub(crate) fn serializable(&self) -> Option<&Serializable> {
        self.serializable.as_deref()
    }

    pub(crate) fn session(&self) -> &Arc<SessionState> {
        &self.session
    }

    /// The writer in its stamps, once it has written.
    #[inline]
    pub(crate) fn writer(&self) -> Option<Writer> {
        self.identity.get().map(|(writer, _)| *writer)
    }

    /// The writer in its stamps; claims it.
    #[inline]
    pub(crate) fn identity(&self) -> Result<(Writer, TxnId)> {
        if let Some(identity) = self.identity.get() {
            return Ok(*identity);
        }
        if self.is_finished() {
            return Err(Error::internal("transaction is finished"));
        }
        let _only_one = self.log.lock();
        if let Some(identity) = self.identity.get() {
            return Ok(*identity);
        }
        let identity = self.session.shared.writers.claim(self.session.pid)?;
        Ok(*self.identity.get_or_init(|| identity))
    }

    pub(crate) fn log(&self) -> &Mutex<Log> {
        &self.log
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.rollback();
        // Its snapshot goes before its session.
        self.forget_snapshots();
        self.own_session = None;
    }
}

/// 40001 of REPEATABLE READ for a row that somebody updated after the snapshot.
pub fn concurrent_update() -> Error {
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update")
}

/// 40001 of REPEATABLE READ for a row that somebody deleted after the snapshot.
pub fn concurrent_delete() -> Error {
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent delete")
}

/// 40001 of a transaction whose database became another one.
pub fn database_reset() -> Error {
    let message = "could not serialize access because the database was reset";
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, message).hint("The transaction might succeed if retried.")
}

/// 40001 for a row that an update took to another partition while it was waited for.
pub fn moved_to_another_partition() -> Error {
    let message = "tuple to be locked was already moved to another partition due to concurrent update";
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, message)
}

/// 55P03 of NOWAIT.
pub fn row_not_available(table: &str) -> Error {
    Error::new(SqlState::LOCK_NOT_AVAILABLE, format!("could not obtain lock on row in relation \"{table}\""))
}
