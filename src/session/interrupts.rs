//! How others stop a session: cancel its statement, time it out, end it.
//!
//! A flag that loops poll ([`Interrupts::check`]) and a bell for the connection while it waits for its client. A request to cancel
//! reaches the statement that runs when it arrives, never a later one.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use dictdb_storage::{InterruptReason, Session as StorageSession, database_reset};
use dictdb_types::{Error, Result, Severity, SqlState};

use crate::attention::Attention;

/// A statement is running: it can be cancelled.
const RUNNING: u8 = 1;
/// Cancel the running statement at a user's request.
const CANCEL: u8 = 2;
/// Cancel the running statement because its time is over.
const TIMEOUT: u8 = 4;
/// End the session: an administrator's request.
const TERMINATE: u8 = 8;
/// End the session: the server stops.
const SHUTDOWN: u8 = 16;

/// End the session as soon as it is idle.
const DRAIN: u8 = 32;
/// The open transaction has begun in a database that became another one.
const RESET: u8 = 64;
/// What outlives a statement.
const LASTING: u8 = TERMINATE | SHUTDOWN | DRAIN | RESET;
/// What ends a session as soon as it is idle.
const ENDING: u8 = TERMINATE | SHUTDOWN | DRAIN;

/// Requests of others to one session.
#[derive(Default)]
pub struct Interrupts {
    flags: AtomicU8,
    attention: Arc<Attention>,
    /// Where the session may be waiting for a lock.
    storage: OnceLock<Arc<StorageSession>>,
}

impl Interrupts {
    /// Requests that ring this bell.
    pub(crate) fn new(attention: Arc<Attention>) -> Self {
        Interrupts { attention, ..Interrupts::default() }
    }

    /// Lets requests reach the session's waits in storage too; once.
    pub(crate) fn connect(&self, storage: Arc<StorageSession>) {
        // A second call would be a second session of the same backend, which does not happen.
        let _ = self.storage.set(storage);
    }

    /// The session's place in storage, once it has one.
    pub(crate) fn storage(&self) -> Option<&StorageSession> {
        self.storage.get().map(|storage| &**storage)
    }

    fn raise(&self, reason: InterruptReason) {
        if let Some(storage) = self.storage.get() {
            storage.interrupt().raise(reason);
        }
        self.attention.ring();
    }

    /// A statement begins; requests that came before it are void.
    pub fn begin_statement(&self) {
        if let Some(storage) = self.storage.get() {
            storage.interrupt().clear();
        }
        self.flags.fetch_or(RUNNING, Ordering::AcqRel);
    }

    /// The statement has ended.
    pub fn end_statement(&self) {
        self.flags.fetch_and(LASTING, Ordering::AcqRel);
    }

    /// Whether a statement is running.
    pub fn is_running(&self) -> bool {
        self.flags.load(Ordering::Acquire) & RUNNING != 0
    }

    fn request(&self, flag: u8, reason: InterruptReason) {
        let requested = self
            .flags
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |flags| (flags & RUNNING != 0).then_some(flags | flag));
        if requested.is_ok() {
            self.raise(reason);
        }
    }

    /// Cancels the running statement, if there is one (57014).
    pub fn cancel(&self) {
        self.request(CANCEL, InterruptReason::Cancel);
    }

    /// The running statement's time is over (57014).
    pub fn time_out(&self) {
        self.request(TIMEOUT, InterruptReason::StatementTimeout);
    }

    /// Ends the session (57P01).
    pub fn terminate(&self) {
        self.flags.fetch_or(TERMINATE, Ordering::AcqRel);
        self.raise(InterruptReason::Terminate);
    }

    /// Ends the session because the server stops (57P01).
    pub fn shut_down(&self) {
        self.flags.fetch_or(SHUTDOWN, Ordering::AcqRel);
        self.raise(InterruptReason::Terminate);
    }

    /// Ends the session as soon as it is idle (57P01): the server is about to stop.
    pub fn drain(&self) {
        self.flags.fetch_or(DRAIN, Ordering::AcqRel);
        self.attention.ring();
    }

    /// The open transaction must end (40001): its database became another one.
    pub(crate) fn reset_database(&self) {
        self.flags.fetch_or(RESET, Ordering::AcqRel);
        self.raise(InterruptReason::Reset);
    }

    /// Whether it must.
    pub(crate) fn is_reset(&self) -> bool {
        self.flags.load(Ordering::Acquire) & RESET != 0
    }

    /// It has ended, or there was none.
    pub(crate) fn end_reset(&self) {
        if self.is_reset() {
            self.flags.fetch_and(!RESET, Ordering::AcqRel);
        }
    }

    /// Whether a session that is idle is to end.
    pub fn is_draining(&self) -> bool {
        self.flags.load(Ordering::Acquire) & ENDING != 0
    }

    /// Fails with 57014 or, fatally, 57P01 when somebody asked for it.
    pub fn check(&self) -> Result<()> {
        match self.flags.load(Ordering::Relaxed) & !(RUNNING | DRAIN) {
            0 => Ok(()),
            flags if flags & (TERMINATE | SHUTDOWN) != 0 => Err(terminated()),
            flags if flags & RESET != 0 => Err(database_reset()),
            flags if flags & TIMEOUT != 0 => {
                Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to statement timeout"))
            }
            _ => Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")),
        }
    }
}

/// `terminating connection due to administrator command`.
pub fn terminated() -> Error {
    Error::with_severity(
        Severity::Fatal,
        SqlState::ADMIN_SHUTDOWN,
        "terminating connection due to administrator command",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reaches_only_the_statement_that_runs() {
        let interrupts = Interrupts::default();
        interrupts.cancel();
        interrupts.begin_statement();
        assert!(interrupts.check().is_ok());
        interrupts.cancel();
        assert_eq!(interrupts.check().unwrap_err().code(), SqlState::QUERY_CANCELED);
        interrupts.end_statement();
        interrupts.begin_statement();
        assert!(interrupts.check().is_ok());
    }

    #[test]
    fn the_end_of_a_session_outlives_statements() {
        let interrupts = Interrupts::default();
        interrupts.terminate();
        interrupts.begin_statement();
        assert_eq!(interrupts.check().unwrap_err().code(), SqlState::ADMIN_SHUTDOWN);
    }
}
