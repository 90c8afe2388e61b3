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
    /// `pid`.
    pub pid: u32,
    /// What is locked; `None` for the wait on a transaction's end.
    pub tag: Option<LockTag>,
    /// `transactionid` that is waited for.
    pub transaction: Option<TxnId>,
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
        sessions.iter().flat_map(|session| held(session).into_iter().chain(waiting(session))).collect()
    }

    /// `pg_blocking_pids`: the sessions that the one with this process id waits for.
    pub fn blocking_pids(&self, pid: u32) -> Vec<u32> {
        let Some(session) = self.0.sessions.get(pid) else { return vec![] };
        let queues = self.0.locks.queues.lock();
        let target = session.waiting.lock().as_ref().map(|wait| wait.target.clone());
        target.map_or_else(Vec::new, |target| queues.blockers(&session, &target))
    }
}

fn held(session: &Arc<SessionState>) -> Vec<LockInfo> {
    let held = session.held.lock();
    let relations = held.relations.iter().map(|held| (held.lock.tag(), held.mode, held.mode.is_weak()));
    let advisory = held.advisory.iter().map(|(tag, mode)| (*tag, *mode, false));
    let session_level = held.session_advisory.iter().map(|held| (held.tag, held.mode, false));
    let all = relations.chain(advisory).chain(session_level);
    all.map(|(tag, mode, fast_path)| LockInfo {
        pid: session.pid,
        tag: Some(tag),
        transaction: None,
        mode,
        granted: true,
        fast_path,
    })
    .collect()
}

fn waiting(session: &Arc<SessionState>) -> Option<LockInfo> {
    let target = session.waiting.lock().as_ref().map(|wait| wait.target.clone())?;
    let (tag, transaction, mode) = match target {
        WaitTarget::Transaction(holder) => (None, Some(holder.id()), LockMode::Share),
        WaitTarget::Lock(tag, mode) => (Some(tag), None, mode),
    };
    Some(LockInfo { pid: session.pid, tag, transaction, mode, granted: false, fast_path: false })
}
