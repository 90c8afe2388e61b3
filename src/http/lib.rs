//! The server's HTTP side: health, metrics, and the bug tracker's REST interface over the SQL engine.
//!
//! Layer 7. Knows databases only through `dictdb_session`: what it asks of them it asks in SQL, through sessions of its own.
//!
//! ```text
//!   listener ─► router ─┬─ health        /health, /health/live, /health/ready, /health/startup, /ready
//!      (hyper)  │       ├─ metrics/      /metrics
//!               │       ├─ sockets/      /ws/changes, /ws/listen ◄─ feeds of committed changes and notifications
//!               │       ├─ bugs/         /api/bugs/…        ─► sql ─► Session
//!               │       └─ openapi, docs /openapi.json, /docs
//!               └─ on the way: metered, access, rate, deadline, size of the body
//! ```
//!
//! # Apart from the connections
//! It runs on threads of its own, with timers; connections have neither. What `/metrics` shows is read from cells that sessions
//! write without sharing them (`dictdb_session::meters`), so that a scrape costs connections nothing. It begins before the data
//! directory is read and ends after the last session: `/health/live` answers from the first moment to the last, whatever the
//! database does ([`Lifecycle`]).
//!
//! # Tests
//! `tests/tests/http.rs` asks the real binary; `tests/clients/use_rest.py` runs schemathesis over `/openapi.json`.

mod access;
mod answer;
mod bugs;
mod deadline;
mod docs;
mod health;
mod lifecycle;
mod listener;
mod metered;
mod metrics;
mod openapi;
mod origin;
mod query;
mod rate;
mod router;
mod size;
mod sockets;
mod sql;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use access::Access;
pub use dictdb_session::rate_limits::Rate;
pub use lifecycle::{Lifecycle, Phase};
pub use listener::{Http, bind};

/// How the HTTP side behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who may use `/api`.
    pub access: Access,
    /// Requests to `/api` and messages over WebSockets that an address may make; `None` is any number.
    pub rate: Option<Rate>,
    /// Origins whose pages may read answers.
    pub origins: Vec<String>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// WebSockets that may be open at once.
    pub max_websockets: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// The role that `/api` works as.
    pub user: Arc<str>,
    /// The database that `/api` works in.
    pub database: Arc<str>,
}

/// What every request may look at.
pub(crate) struct State {
    options: Options,
    lifecycle: Arc<Lifecycle>,
    health: health::Check,
    meter: metrics::RequestMeter,
    /// Statements of `/api` that may run at once.
    places: tokio::sync::Semaphore,
}

/// Statements of `/api` that may run at once; more wait.
const MAX_STATEMENTS: usize = 32;

impl State {
    fn new(options: Options, lifecycle: Arc<Lifecycle>) -> State {
        State {
            options,
            lifecycle,
            health: health::Check::default(),
            meter: metrics::RequestMeter::new(),
            places: tokio::sync::Semaphore::new(MAX_STATEMENTS),
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub SocketAddr);
