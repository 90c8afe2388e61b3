//! The sessions of a server, as others see them: process ids, secrets, what each is doing.
//!
//! CancelRequest, `pg_cancel_backend` and `pg_terminate_backend` find their target here; `pg_stat_activity` is made from
//! it. Nothing here belongs to one session alone; that is [`crate::Session`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dictdb_types::{Error, Result, Severity, SqlState};
use parking_lot::{Mutex, RwLock};

use crate::attention::Attention;
use crate::clock;
use crate::interrupts::Interrupts;
use crate::meters::{Meters, Totals};
use crate::notifications::Inbox;

/// `pg_stat_activity.state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Running a statement.
    Active,
    /// Waiting for the client, outside a transaction.
    #[default]
    Idle,
    /// Waiting for the client, inside a transaction.
    IdleInTransaction,
    /// Waiting for the client, inside a failed transaction.
    IdleInTransactionAborted,
}

impl State {
    /// The word in `pg_stat_activity`.
    pub fn name(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Idle => "idle",
            State::IdleInTransaction => "idle in transaction",
            State::IdleInTransactionAborted => "idle in transaction (aborted)",
        }
    }
}

/// What a session is doing. Times are microseconds since 1970.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// `state`.
    pub state: State,
    /// `query`: the running statement, or the last one.
    pub query: Arc<str>,
    /// `query_start`.
    pub query_start: Option<i64>,
    /// `xact_start`.
    pub transaction_start: Option<i64>,
    /// `state_change`.
    pub state_change: i64,
    /// `application_name`.
    pub application_name: Arc<str>,
}

/// Who a connection is, as start-up established it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Role the client logged in as.
    pub user: Arc<str>,
    /// Database it connected to.
    pub database: Arc<str>,
    /// Its address; none for a session inside the server.
    pub address: Option<SocketAddr>,
    /// The address of the server that it connected to; none for a session inside the server.
    pub server: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
}

/// One session, as others see it.
pub struct Backend {
    /// Process id: a number that is unique among the sessions of this server.
    pub pid: i32,
    /// What a CancelRequest must know besides the process id.
    pub secret: i32,
    /// Who it is.
    pub identity: Identity,
    /// `backend_start`.
    pub started: i64,
    /// Requests to it.
    pub interrupts: Interrupts,
    /// Notifications that wait for it.
    pub inbox: Arc<Inbox>,
    /// Rung when a request or a notification arrives.
    pub attention: Arc<Attention>,
    /// What it is doing.
    pub activity: Mutex<Activity>,
    /// What it has counted.
    pub meters: Meters,
}

/// All sessions.
#[derive(Default)]
pub struct Backends {
    sessions: RwLock<Sessions>,
    refused: AtomicU64,
}

/// What is known of the sessions of one database.
#[derive(Default)]
struct OfDatabase {
    /// Sessions begun.
    entered: u64,
    /// What those counted that have ended.
    ended: Meters,
    /// Microseconds that they lasted.
    ended_micros: u64,
}

#[derive(Default)]
struct Sessions {
    by_pid: BTreeMap<i32, Arc<Backend>>,
    last_pid: i32,
    databases: BTreeMap<Arc<str>, OfDatabase>,
    closed: bool,
}

/// Microseconds since a session began.
fn lasted(backend: &Backend, now: i64) -> u64 {
    u64::try_from(now - backend.started).unwrap_or(0)
}

/// First process id given out; the ones below look like a system's own.
const FIRST_PID: i32 = 100;

impl Backends {
    /// Enters a session; 53300 when `limit` sessions are there already, 57P03 when the server stops.
    pub fn enter(&self, identity: Identity, secret: i32, limit: usize) -> Result<Arc<Backend>> {
        let mut sessions = self.sessions.write();
        if sessions.closed {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(shutting_down());
        }
        if sessions.by_pid.len() >= limit {
            self.refused.fetch_add(1, Ordering::Relaxed);
            let message = "sorry, too many clients already";
            return Err(Error::with_severity(Severity::Fatal, SqlState::TOO_MANY_CONNECTIONS, message));
        }
        let pid = sessions.next_pid();
        let attention = Arc::<Attention>::default();
        let backend = Arc::new(Backend {
            pid,
            secret,
            identity,
            started: clock::now_micros(),
            interrupts: Interrupts::new(attention.clone()),
            inbox: Arc::default(),
            attention,
            activity: Mutex::default(),
            meters: Meters::default(),
        });
        sessions.databases.entry(backend.identity.database.clone()).or_default().entered += 1;
        sessions.by_pid.insert(pid, backend.clone());
        Ok(backend)
    }

    /// Removes a session.
    pub fn leave(&self, pid: i32) {
        let mut sessions = self.sessions.write();
        if let Some(backend) = sessions.by_pid.remove(&pid) {
            // Under the lock, so that a sum counts it once.
            let own = sessions.databases.entry(backend.identity.database.clone()).or_default();
            own.ended.absorb(&backend.meters);
            own.ended_micros += lasted(&backend, clock::now_micros());
        }
    }

    /// The session with this process id.
    pub fn find(&self, pid: i32) -> Option<Arc<Backend>> {
        self.sessions.read().by_pid.get(&pid).cloned()
    }

    /// Every session, by process id.
    pub fn all(&self) -> Vec<Arc<Backend>> {
        self.sessions.read().by_pid.values().cloned().collect()
    }

    /// How many sessions there are.
    pub fn count(&self) -> usize {
        self.sessions.read().by_pid.len()
    }

    /// What all sessions have counted since the server started.
    pub fn totals(&self) -> Totals {
        let sessions = self.sessions.read();
        let live = sessions.by_pid.values().map(|backend| &backend.meters);
        Totals::of(live.chain(sessions.databases.values().map(|database| &database.ended)))
    }

    /// What the sessions of a database have counted since the server started.
    pub(crate) fn totals_of(&self, database: &str) -> Totals {
        let sessions = self.sessions.read();
        let live = sessions.by_pid.values().filter(|backend| *backend.identity.database == *database);
        let ended = sessions.databases.get(database).map(|own| &own.ended);
        Totals::of(live.map(|backend| &backend.meters).chain(ended))
    }

    /// How many sessions of a database have begun, and the microseconds that they have lasted together.
    pub(crate) fn sessions_of(&self, database: &str) -> (u64, u64) {
        let sessions = self.sessions.read();
        let now = clock::now_micros();
        let live = sessions.by_pid.values().filter(|backend| *backend.identity.database == *database);
        let open: u64 = live.map(|backend| lasted(backend, now)).sum();
        sessions.databases.get(database).map_or((0, open), |own| (own.entered, own.ended_micros + open))
    }

    /// How many statements all sessions have finished since the server started: a short sum, which may be taken often.
    pub fn statements(&self) -> u64 {
        let sessions = self.sessions.read();
        let live = sessions.by_pid.values().map(|backend| backend.meters.statements());
        live.chain(sessions.databases.values().map(|own| own.ended.statements())).sum()
    }

    /// How many sessions have begun, and how many were refused for want of a place or because the server stops.
    pub fn entered_and_refused(&self) -> (u64, u64) {
        (self.sessions.read().databases.values().map(|own| own.entered).sum(), self.refused.load(Ordering::Relaxed))
    }

    /// Cancels the statement of the session that a CancelRequest names; silently nothing when the secret is wrong.
    pub fn cancel(&self, pid: i32, secret: i32) {
        if let Some(backend) = self.find(pid).filter(|backend| backend.secret == secret) {
            backend.interrupts.cancel();
        }
    }

    /// Lets nobody enter any more.
    pub fn close(&self) {
        self.sessions.write().closed = true;
    }
}

impl Sessions {
    fn next_pid(&mut self) -> i32 {
        loop {
            self.last_pid = self.last_pid.checked_add(1).unwrap_or(FIRST_PID).max(FIRST_PID);
            if !self.by_pid.contains_key(&self.last_pid) {
                return self.last_pid;
            }
        }
    }
}

/// What a client hears that comes too late.
pub fn shutting_down() -> Error {
    Error::with_severity(Severity::Fatal, SqlState::CANNOT_CONNECT_NOW, "the database system is shutting down")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { user: "u".into(), database: "d".into(), address: None, server: None, encrypted: false }
    }

    #[test]
    fn the_limit_holds_and_places_are_given_back() {
        let backends = Backends::default();
        let first = backends.enter(identity(), 1, 1).unwrap();
        assert_eq!(backends.enter(identity(), 1, 1).err().unwrap().code(), SqlState::TOO_MANY_CONNECTIONS);
        backends.leave(first.pid);
        let second = backends.enter(identity(), 1, 1).unwrap();
        assert_ne!(first.pid, second.pid);
        backends.close();
        assert_eq!(backends.enter(identity(), 1, 9).err().unwrap().code(), SqlState::CANNOT_CONNECT_NOW);
    }

    #[test]
    fn a_cancel_request_needs_the_secret() {
        let backends = Backends::default();
        let backend = backends.enter(identity(), 42, 10).unwrap();
        backend.interrupts.begin_statement();
        backends.cancel(backend.pid, 41);
        assert!(backend.interrupts.check().is_ok());
        backends.cancel(backend.pid, 42);
        assert!(backend.interrupts.check().is_err());
    }
}
