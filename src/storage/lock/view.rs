//! What `pg_locks` shows.

use std::sync::Arc;

use dictdb_types::TxnId;

use super::wait::WaitTarget;
use super::{LockMode, LockTag};
use crate::session::SessionState;
use crate::storage::Storage;

/// One row of `pg_locks`.
#[derive(Clone, Debug)]
pub struct LockInfo {
    /// `pid`; `None` for a prepared transaction.
    pub pid: Option<u32>,
    /// `virtualtransaction`.
    pub holder: String,
    /// What is locked; `None` for a transaction's end.
    pub tag: Option<LockTag>,
    /// `transactionid` that is waited for, or that a prepared transaction has.
    pub transaction: Option<TxnId>,
    /// `virtualxid` that is waited for.
    pub ongoing: Option<String>,
    /// `mode`.
    pub mode: LockMode,
    /// `granted`.
    pub granted: bool,
    /// `fastpath`: taken by counter.
    pub fast_path: bool,
}

impl Storage {
    /// All locks and waits, one moment per session.
    pub fn locks(&self) -> Vec<LockInfo> {
        let sessions = self.0.sessions.all();
        sessions.iter().flat_map(|s| self.own(s).into_iter().chain(held(s)).chain(waiting(s))).collect()
    }

    /// What the transaction of a session has of itself, others may wait for: its place among those that go on, and its id.
    fn own(&self, session: &Arc<SessionState>) -> Vec<LockInfo> {
        let id = self.0.writers.id_of(session.pid);
        let is_open = id.is_some() || session.held.lock().of_transaction().next().is_some();
        if session.is_prepared() || !is_open {
            return Vec::new();
        }
        let blank = blank(session);
        let ongoing = LockInfo { ongoing: Some(blank.holder.clone()), fast_path: true, ..blank.clone() };
        std::iter::once(ongoing).chain(id.map(|id| LockInfo { transaction: Some(id), ..blank })).collect()
    }

    /// What the session with this process id waits for.
    pub fn awaited(&self, pid: u32) -> Option<LockInfo> {
        self.0.sessions.get(pid).and_then(|session| waiting(&session).into_iter().next())
    }

    /// The id of the transaction that the session with this process id has in progress, if that has one.
    pub fn id_in_progress(&self, pid: u32) -> Option<TxnId> {
        self.0.writers.id_of(pid)
    }

    /// The place of the transaction that the session with this process id is in, among all of that session, and its id if it has one.
    pub fn transaction_of(&self, pid: u32) -> Option<(String, Option<TxnId>)> {
        let session = self.0.sessions.get(pid)?;
        Some((session.ongoing().to_string(), self.0.writers.id_of(pid)))
    }

    /// `pg_blocking_pids`: the sessions that the one with this process id waits for.
    pub fn blocking_pids(&self, pid: u32) -> Vec<u32> {
        let Some(session) = self.0.sessions.get(pid) else { return vec![] };
        let queues = self.0.locks.queues.lock();
        let target = session.waiting.lock().as_ref().map(|wait| wait.target.clone());
        let blockers = target.map_or_else(Vec::new, |target| queues.blockers(&session, &target));
        // A prepared transaction has no process.
        let is_prepared = |pid: u32| self.0.sessions.get(pid).is_some_and(|other| other.is_prepared());
        blockers.into_iter().map(|pid| if is_prepared(pid) { 0 } else { pid }).collect()
    }
}

/// A row about a session without what it is about.
fn blank(session: &SessionState) -> LockInfo {
    let prepared = session.prepared.get();
    LockInfo {
        pid: prepared.is_none().then_some(session.pid),
        holder: prepared.map_or_else(|| session.ongoing().to_string(), |id| format!("-1/{id}")),
        tag: None,
        transaction: None,
        ongoing: None,
        mode: LockMode::Exclusive,
        granted: true,
        fast_path: false,
    }
}

fn held(session: &Arc<SessionState>) -> Vec<LockInfo> {
    let blank = blank(session);
    let own = session.prepared.get().map(|id| LockInfo { transaction: Some(*id), ..blank.clone() });
    let held = session.held.lock();
    let relations = held.relations.iter().map(|held| (held.lock.tag(), held.mode, held.mode.is_weak()));
    let advisory = held.advisory.iter().map(|(tag, mode)| (*tag, *mode, false));
    let session_level = held.session_advisory.iter().map(|held| (held.tag, held.mode, false));
    let all = relations.chain(advisory).chain(session_level);
    let all = all.map(|(tag, mode, fast_path)| {
        let fast_path = fast_path && own.is_none();
        LockInfo { tag: Some(tag), mode, fast_path, ..blank.clone() }
    });
    own.clone().into_iter().chain(all).collect()
}

fn waiting(session: &Arc<SessionState>) -> Option<LockInfo> {
    let target = session.waiting.lock().as_ref().map(|wait| wait.target.clone())?;
    let blank = LockInfo { granted: false, ..blank(session) };
    Some(match target {
        WaitTarget::Transaction(holder) => LockInfo { transaction: Some(holder.id()), mode: LockMode::Share, ..blank },
        WaitTarget::Lock(tag, mode) => LockInfo { tag: Some(tag), mode, ..blank },
        WaitTarget::Session(other) => LockInfo { ongoing: Some(other.to_string()), mode: LockMode::Share, ..blank },
    })
}
