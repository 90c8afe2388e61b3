//! Waits that take long, for who logs them (`log_lock_waits`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use dictdb_types::TxnId;

use super::manager::LockManager;
use super::wait::WaitTarget;
use super::{LockMode, WaitOptions};
use crate::session::SessionState;

/// Who is told of them, in the thread that waits.
pub trait WaitLog: Send + Sync {
    /// A session waits, or has waited, for as long as its options say, or longer.
    fn note(&self, wait: &LongWait);
}

/// How a wait stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitStage {
    /// It goes on.
    Waiting,
    /// It was for a lock that the session has now.
    Acquired,
}

/// A wait.
#[derive(Clone, Debug)]
pub struct LongWait {
    /// Process id of the session.
    pub pid: u32,
    /// The place of its transaction among all of the session, and its id.
    pub transaction: (String, Option<TxnId>),
    /// The lock and what it is on: `ShareLock on transaction 742`.
    pub lock: String,
    /// How long it has waited.
    pub waited: Duration,
    /// How it stands.
    pub stage: WaitStage,
    /// Who holds the lock.
    pub holders: Vec<u32>,
    /// Who waits for it.
    pub queue: Vec<u32>,
}

impl WaitTarget {
    /// The mode of the lock that is waited for, and what it is on.
    pub(super) fn lock(&self) -> (LockMode, String) {
        match self {
            WaitTarget::Transaction(holder) => (LockMode::Share, format!("transaction {}", holder.id())),
            WaitTarget::Lock(tag, mode) => (*mode, tag.to_string()),
            WaitTarget::Session(transaction) => (LockMode::Share, format!("virtual transaction {transaction}")),
        }
    }

    /// Whether both are for the same lock.
    fn is_for_lock_of(&self, other: &WaitTarget) -> bool {
        match (self, other) {
            (WaitTarget::Transaction(one), WaitTarget::Transaction(other)) => one.id() == other.id(),
            (WaitTarget::Lock(one, _), WaitTarget::Lock(other, _)) => one == other,
            (WaitTarget::Session(one), WaitTarget::Session(other)) => one == other,
            _ => false,
        }
    }
}

/// Looks at the clock for one wait.
pub(super) struct Patience {
    begun: Instant,
    /// When it becomes a long one.
    due: Option<Instant>,
    is_noted: bool,
}

impl Patience {
    pub(super) fn of(options: &WaitOptions) -> Patience {
        let begun = Instant::now();
        Patience { begun, due: options.note_after.map(|after| begun + after), is_noted: false }
    }

    /// When to wake up, with another reason to.
    pub(super) fn earlier(&self, deadline: Option<Instant>) -> Option<Instant> {
        match (deadline, self.due) {
            (Some(deadline), Some(due)) => Some(deadline.min(due)),
            (one, other) => one.or(other),
        }
    }

    /// The wait goes on: notes it when its time has come, once.
    pub(super) fn goes_on(&mut self, locks: &LockManager, session: &Arc<SessionState>, target: &WaitTarget) {
        if self.due.take_if(|due| *due <= Instant::now()).is_some() {
            self.is_noted = true;
            self.note(locks, session, target, WaitStage::Waiting);
        }
    }

    /// The session has what it waited for.
    pub(super) fn ends_well(&self, locks: &LockManager, session: &Arc<SessionState>, target: &WaitTarget) {
        if self.is_noted {
            self.note(locks, session, target, WaitStage::Acquired);
        }
    }

    fn note(&self, locks: &LockManager, session: &Arc<SessionState>, target: &WaitTarget, stage: WaitStage) {
        let Some(log) = session.shared.wait_log.get() else { return };
        let (mode, on) = target.lock();
        let (mut holders, mut queue) = (Vec::new(), Vec::new());
        if stage == WaitStage::Waiting {
            let waits = |other: &Arc<SessionState>| {
                other.waiting.lock().as_ref().is_some_and(|wait| wait.target.is_for_lock_of(target))
            };
            queue.extend(session.shared.sessions.all().iter().filter(|other| waits(other)).map(|other| other.pid));
            holders = locks.queues.lock().blockers(session, target);
            holders.retain(|pid| !queue.contains(pid));
        }
        log.note(&LongWait {
            pid: session.pid,
            transaction: (session.ongoing().to_string(), session.shared.writers.id_of(session.pid)),
            lock: format!("{} on {on}", mode.name()),
            waited: self.begun.elapsed(),
            stage,
            holders,
            queue,
        });
    }
}
