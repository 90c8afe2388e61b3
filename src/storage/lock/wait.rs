//! Waiting, and being interrupted while waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use dictdb_types::{Error, Result, Severity, SqlState};
use parking_lot::{Condvar, Mutex};

use super::{LockMode, LockTag, Ongoing};
use crate::writers::Holder;

/// While nothing happens a waiter looks for deadlocks this often; new edges are checked at once.
const RECHECK: Duration = Duration::from_secs(1);

/// How a thread waits. A server on an asynchronous runtime tells it here that the thread will block.
pub trait Blocking: Send + Sync {
    /// Runs `wait`, which blocks, exactly once.
    fn block(&self, wait: &mut dyn FnMut());
}

/// What to do about a lock that somebody else has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitPolicy {
    /// Wait for it.
    #[default]
    Block,
    /// `NOWAIT`: fail.
    Error,
    /// `SKIP LOCKED`: go on without.
    Skip,
}

/// Limits of a wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct WaitOptions {
    /// `lock_timeout`; `None` waits for ever.
    pub timeout: Option<Duration>,
    /// After how long a wait is noted in the log: `deadlock_timeout` with `log_lock_waits`.
    pub note_after: Option<Duration>,
}

/// Why a statement or session must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum InterruptReason {
    /// A cancel request: 57014.
    Cancel = 1,
    /// `statement_timeout`: 57014.
    StatementTimeout,
    /// The database became another one: 40001.
    Reset,
    /// `pg_terminate_backend` or shutdown: 57P01, ends the session.
    Terminate,
    /// `idle_in_transaction_session_timeout`: 25P03, ends the session.
    IdleInTransaction,
}

impl InterruptReason {
    fn error(self) -> Error {
        let (severity, code, message) = match self {
            InterruptReason::Cancel => {
                (Severity::Error, SqlState::QUERY_CANCELED, "canceling statement due to user request")
            }
            InterruptReason::StatementTimeout => {
                (Severity::Error, SqlState::QUERY_CANCELED, "canceling statement due to statement timeout")
            }
            InterruptReason::Reset => return crate::transaction::database_reset(),
            InterruptReason::Terminate => {
                (Severity::Fatal, SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
            }
            InterruptReason::IdleInTransaction => (
                Severity::Fatal,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                "terminating connection due to idle-in-transaction timeout",
            ),
        };
        Error::with_severity(severity, code, message)
    }

    fn of(code: u8) -> Option<Self> {
        [Self::Cancel, Self::StatementTimeout, Self::Reset, Self::Terminate, Self::IdleInTransaction]
            .into_iter()
            .find(|reason| *reason as u8 == code)
    }
}

/// A flag that stops a session's running statement; raised from any thread.
#[derive(Debug, Default)]
pub struct Interrupt {
    reason: AtomicU8,
    waiting: Mutex<Option<Arc<WaitCell>>>,
}

impl Interrupt {
    /// Raises the flag and wakes the session if it waits. A reason that ends the session is not replaced by one
    /// that ends a statement.
    pub fn raise(&self, reason: InterruptReason) {
        let _ = self.reason.fetch_update(Ordering::Release, Ordering::Relaxed, |old| {
            (old < InterruptReason::Terminate as u8).then_some(reason as u8)
        });
        if let Some(cell) = &*self.waiting.lock() {
            cell.wake(Signal::Look);
        }
    }

    /// Fails if the flag is up: 57014, 57P01 or 25P03. One atomic load; call it in every long loop.
    #[inline]
    pub fn check(&self) -> Result<()> {
        match self.reason.load(Ordering::Relaxed) {
            0 => Ok(()),
            code => InterruptReason::of(code).map_or(Ok(()), |reason| Err(reason.error())),
        }
    }

    /// Forgets a reason that ends only a statement; called when the next one begins.
    pub fn clear(&self) {
        let _ = self.reason.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| {
            (old < InterruptReason::Terminate as u8).then_some(0)
        });
    }
}

/// What a sleeping session is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Nothing so far.
    Sleep,
    /// Something changed.
    Look,
    /// The lock is yours.
    Granted,
}

/// Where one waiting session sleeps.
#[derive(Debug)]
pub(super) struct WaitCell {
    signal: Mutex<Signal>,
    condvar: Condvar,
}

impl WaitCell {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(WaitCell { signal: Mutex::new(Signal::Sleep), condvar: Condvar::new() })
    }

    pub(super) fn wake(&self, signal: Signal) {
        let mut state = self.signal.lock();
        if *state != Signal::Granted {
            *state = signal;
        }
        self.condvar.notify_all();
    }

    /// Sleeps until woken, or until it is time to look again.
    pub(super) fn sleep(&self, deadline: Option<Instant>) {
        let until = deadline.map_or_else(|| Instant::now() + RECHECK, |at| at.min(Instant::now() + RECHECK));
        let mut state = self.signal.lock();
        while *state == Signal::Sleep {
            if self.condvar.wait_until(&mut state, until).timed_out() {
                return;
            }
        }
        if *state == Signal::Look {
            *state = Signal::Sleep;
        }
    }

    pub(super) fn is_granted(&self) -> bool {
        *self.signal.lock() == Signal::Granted
    }
}

/// What a session waits for.
#[derive(Clone, Debug)]
pub(crate) enum WaitTarget {
    Transaction(Holder),
    Lock(LockTag, LockMode),
    /// The end of a session's transaction.
    Session(Ongoing),
}

/// A session's wait, for the deadlock check and `pg_locks`.
#[derive(Clone, Debug)]
pub(crate) struct WaitState {
    pub(super) target: WaitTarget,
}

impl Interrupt {
    pub(super) fn attach(&self, cell: &Arc<WaitCell>) {
        *self.waiting.lock() = Some(cell.clone());
    }

    pub(super) fn detach(&self) {
        *self.waiting.lock() = None;
    }
}

/// 55P03 of `lock_timeout`.
pub(super) fn lock_timeout() -> Error {
    Error::new(SqlState::LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout")
}
