//! Advisory locks: session and transaction level, shared and exclusive, waiting and trying.

use std::sync::Arc;

use dictdb_types::Result;

use super::manager::{Level, LockManager};
use super::relation::{HeldAdvisory, HeldLocks};
use super::{LockMode, LockTag, WaitOptions, WaitPolicy};
use crate::session::{Session, SessionState};
use crate::transaction::Transaction;

fn mode(shared: bool) -> LockMode {
    if shared { LockMode::Share } else { LockMode::Exclusive }
}

impl HeldLocks {
    pub(super) fn add_session_advisory(&mut self, tag: LockTag, mode: LockMode) {
        match self.session_advisory.iter_mut().find(|held| held.tag == tag && held.mode == mode) {
            Some(held) => held.session += 1,
            None => self.session_advisory.push(HeldAdvisory { tag, mode, session: 1 }),
        }
    }
}

impl LockManager {
    fn advisory(
        &self,
        session: &Arc<SessionState>,
        tag: LockTag,
        shared: bool,
        level: Level,
        policy: WaitPolicy,
        options: &WaitOptions,
    ) -> Result<bool> {
        self.acquire(session, tag, None, mode(shared), level, policy, options)
    }
}

impl Session {
    /// `pg_advisory_lock[_shared]`: waits for the lock and keeps it until unlocked as often as locked, or until the
    /// session ends. `Ok(false)` only under [`WaitPolicy::Skip`], which is `pg_try_advisory_lock`.
    pub fn lock_advisory(&self, tag: LockTag, shared: bool, policy: WaitPolicy, options: &WaitOptions) -> Result<bool> {
        self.0.shared.locks.advisory(&self.0, tag, shared, Level::Session, policy, options)
    }

    /// [`Transaction::lock_advisory`] for the session's open transaction, for callers that have only the session.
    pub fn lock_advisory_in_transaction(
        &self,
        tag: LockTag,
        shared: bool,
        policy: WaitPolicy,
        options: &WaitOptions,
    ) -> Result<bool> {
        self.0.shared.locks.advisory(&self.0, tag, shared, Level::Transaction, policy, options)
    }

    /// `pg_advisory_unlock[_shared]`: whether the session had the lock.
    pub fn unlock_advisory(&self, tag: LockTag, shared: bool) -> bool {
        let mode = mode(shared);
        {
            let mut held = self.0.held.lock();
            let Some(at) = held.session_advisory.iter().position(|held| held.tag == tag && held.mode == mode) else {
                return false;
            };
            held.session_advisory[at].session -= 1;
            if held.session_advisory[at].session == 0 {
                held.session_advisory.swap_remove(at);
            }
        }
        self.0.shared.locks.release(tag, self.0.pid, mode);
        true
    }

    /// `pg_advisory_unlock_all`.
    pub fn unlock_all_advisory(&self) {
        let locks = std::mem::take(&mut self.0.held.lock().session_advisory);
        for HeldAdvisory { tag, mode, session } in locks {
            (0..session).for_each(|_| self.0.shared.locks.release(tag, self.0.pid, mode));
        }
    }
}

impl Transaction {
    /// `pg_advisory_xact_lock[_shared]`: until the transaction ends. `Ok(false)` only under [`WaitPolicy::Skip`],
    /// which is `pg_try_advisory_xact_lock`.
    pub fn lock_advisory(&self, tag: LockTag, shared: bool, policy: WaitPolicy, options: &WaitOptions) -> Result<bool> {
        let session = self.session();
        session.shared.locks.advisory(session, tag, shared, Level::Transaction, policy, options)
    }
}
