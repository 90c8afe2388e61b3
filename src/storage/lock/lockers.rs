//! Waiting for whole transactions of other sessions: those that hold a relation, those whose snapshots are old, and those that
//! may spoil the snapshot of a deferrable one.
//!
//! What PostgreSQL does by locks on virtual transaction ids. A session counts the transactions that it has ended; who waits for one
//! leaves a cell with it, which is woken when the count moves.

use std::sync::Arc;

use dictdb_types::Result;

use super::manager::LockManager;
use super::wait::{WaitCell, WaitTarget};
use super::{LockMode, LockTag, RelationLock, WaitOptions};
use crate::session::SessionState;
use crate::transaction::Transaction;

/// The transaction that a session is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ongoing {
    pub(crate) pid: u32,
    /// How many the session had ended before.
    pub(crate) ended: u64,
}

impl std::fmt::Display for Ongoing {
    /// As a virtual transaction id: the session, and the number of its transaction.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.pid, self.ended + 1)
    }
}

impl SessionState {
    /// The transaction it is in, if it is in one.
    pub(crate) fn ongoing(&self) -> Ongoing {
        Ongoing { pid: self.pid, ended: self.held.lock().ended }
    }

    /// Whether another session's transaction goes on.
    pub(super) fn goes_on(&self, transaction: &Ongoing) -> bool {
        let session = self.shared.sessions.get(transaction.pid);
        session.is_some_and(|session| session.held.lock().ended == transaction.ended)
    }
}

impl LockManager {
    /// The transactions of others that hold a relation in one of these modes, and whether they are prepared.
    fn lockers(&self, session: &Arc<SessionState>, tag: LockTag, modes: u16) -> Vec<(Ongoing, bool)> {
        let others = session.shared.sessions.all().into_iter().filter(|other| other.pid != session.pid);
        let holds = |other: &Arc<SessionState>| other.held.lock().modes(tag) & modes != 0;
        others.filter(holds).map(|other| (other.ongoing(), other.is_prepared())).collect()
    }

    /// Waits until the transaction that a session is in has ended.
    pub(crate) fn wait_for_session(
        &self,
        session: &Arc<SessionState>,
        transaction: Ongoing,
        options: &WaitOptions,
    ) -> Result<()> {
        let Some(other) = session.shared.sessions.get(transaction.pid) else { return Ok(()) };
        let cell = WaitCell::new();
        let queues = self.queues.lock();
        other.held.lock().watchers.push(cell.clone());
        let result = match session.goes_on(&transaction) {
            true => self.sleep(queues, session, WaitTarget::Session(transaction), cell.clone(), options),
            false => {
                drop(queues);
                Ok(())
            }
        };
        other.held.lock().watchers.retain(|watcher| !Arc::ptr_eq(watcher, &cell));
        result
    }
}

impl Transaction {
    /// Waits for the end of every transaction that holds a relation in a mode that conflicts with this one; those that come
    /// later are not waited for. (PostgreSQL's `WaitForLockers`.)
    ///
    /// 55P03 `canceling statement due to lock timeout`, 40P01, 57014, 57P01.
    pub fn wait_for_lockers(&self, lock: &RelationLock, mode: LockMode, options: &WaitOptions) -> Result<()> {
        let in_conflict = LockMode::ALL.iter().filter(|held| held.conflicts(mode));
        self.wait_for_holders(lock, in_conflict.fold(0, |set, held| set | held.bit()), options)
    }

    /// Likewise, for the end of those that read or write rows of a relation, who in PostgreSQL have its indexes locked.
    pub fn wait_for_users(&self, lock: &RelationLock, options: &WaitOptions) -> Result<()> {
        let weak = LockMode::ALL.iter().filter(|held| held.is_weak());
        self.wait_for_holders(lock, weak.fold(0, |set, held| set | held.bit()), options)
    }

    fn wait_for_holders(&self, lock: &RelationLock, modes: u16, options: &WaitOptions) -> Result<()> {
        let (session, tag) = (self.session(), lock.tag());
        let locks = &session.shared.locks;
        let mut lockers = locks.lockers(session, tag, modes);
        while !lockers.is_empty() {
            lockers.into_iter().try_for_each(|(other, _)| locks.wait_for_session(session, other, options))?;
            // One that was prepared meanwhile holds its locks under another name.
            lockers = locks.lockers(session, tag, modes).into_iter().filter(|(_, is_prepared)| *is_prepared).collect();
        }
        Ok(())
    }

    /// Waits for the end of every transaction that has a snapshot of an earlier moment than now. (PostgreSQL's
    /// `WaitForOlderSnapshots`.) Errors as for [`Transaction::wait_for_lockers`].
    pub fn wait_for_older_snapshots(&self, options: &WaitOptions) -> Result<()> {
        let session = self.session();
        let shared = &session.shared;
        let now = shared.clock.load(std::sync::atomic::Ordering::SeqCst);
        let others = shared.sessions.all().into_iter().filter(|other| other.pid != session.pid && other.is_client());
        let older: Vec<_> = others.filter(|other| other.oldest_pin() < now).map(|other| other.ongoing()).collect();
        older.into_iter().try_for_each(|other| shared.locks.wait_for_session(session, other, options))
    }
}
