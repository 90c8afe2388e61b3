//! A session as storage knows it: owner of snapshots, locks and waits. One per connection.

use std::sync::{Arc, OnceLock};

use dictdb_types::TxnId;
use parking_lot::Mutex;

use crate::lock::{HeldLocks, Interrupt, WaitState};
use crate::snapshot::SessionPins;
use crate::storage::{ANONYMOUS_PID, Shared};
use crate::transaction::{Isolation, Transaction};

/// A connection's place in storage. Dropping it releases its session-level advisory locks.
pub struct Session(pub(crate) Arc<SessionState>);

/// What the transactions, snapshots and locks of a session share.
pub(crate) struct SessionState {
    pub(crate) shared: Arc<Shared>,
    /// Process id in PostgreSQL's sense; the number in `pg_locks` and in deadlock reports.
    pub(crate) pid: u32,
    pins: SessionPins,
    pub(crate) interrupt: Interrupt,
    pub(crate) held: Mutex<HeldLocks>,
    pub(crate) waiting: Mutex<Option<WaitState>>,
    /// The prepared transaction that is all it is there for.
    pub(crate) prepared: OnceLock<TxnId>,
}

impl SessionState {
    pub(crate) fn new(shared: Arc<Shared>, pid: u32) -> Arc<Self> {
        let pins = SessionPins::new(&shared.pins);
        Arc::new(SessionState {
            shared,
            pid,
            pins,
            interrupt: Interrupt::default(),
            held: Mutex::default(),
            waiting: Mutex::default(),
            prepared: OnceLock::new(),
        })
    }

    pub(crate) fn claim_pin(&self) -> (u32, u32) {
        self.pins.claim(&self.shared.pins)
    }

    /// The oldest moment that one of its snapshots holds.
    pub(crate) fn oldest_pin(&self) -> u64 {
        self.pins.oldest(&self.shared.pins)
    }

    /// Whether it is a client's: not one that a transaction has for itself.
    pub(crate) fn is_client(&self) -> bool {
        self.pid < ANONYMOUS_PID
    }

    /// Whether it holds a prepared transaction.
    pub(crate) fn is_prepared(&self) -> bool {
        self.prepared.get().is_some()
    }

    pub(crate) fn release_pin(&self, line: u32, index: u32) {
        self.pins.release(&self.shared.pins, line, index);
    }
}

impl Drop for SessionState {
    fn drop(&mut self) {
        self.pins.close(&self.shared.pins);
    }
}

impl Session {
    /// Begins a transaction. Costs nothing shared until it takes a snapshot or writes.
    pub fn begin(&self, isolation: Isolation) -> Transaction {
        Transaction::new(self.0.clone(), isolation)
    }

    /// The process id it was connected with.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Cancels or terminates what the session waits for, from any thread.
    pub fn interrupt(&self) -> &Interrupt {
        &self.0.interrupt
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.shared.locks.release_session(&self.0);
        self.0.shared.sessions.remove(self.0.pid);
    }
}
