//! The server as an operator watches it: one reading of everything that is counted or measured, for metrics and health.
//!
//! Reading takes the locks that `pg_stat_activity` takes, for as long; it belongs on a thread that serves no connection.

use std::sync::atomic::{AtomicU64, Ordering};

pub use dictdb_durability::BreakerState;
use dictdb_durability::Durability;

use crate::backends::State;
use crate::clock;
use crate::instance::Instance;
use crate::meters::Totals;
use crate::result_cache::CacheReading;
use crate::settings::Value;

/// Every state of a session, in the order of [`Sessions::by_state`].
pub const STATES: [State; 4] = [State::Active, State::Idle, State::IdleInTransaction, State::IdleInTransactionAborted];

/// One reading.
#[derive(Clone, Debug)]
pub struct Observation {
    /// What sessions have counted.
    pub totals: Totals,
    /// Who is connected.
    pub sessions: Sessions,
    /// Memory.
    pub memory: Memory,
    /// Snapshots and transactions that hold back garbage collection.
    pub oldest: Oldest,
    /// Databases.
    pub databases: u64,
    /// Statements in the plan cache.
    pub cached_plans: u64,
    /// The cache of results.
    pub results: CacheReading,
    /// Backups.
    pub backups: Backups,
    /// The log and its checkpoints; none when everything is in memory only.
    pub log: Option<LogReading>,
    /// The circuit breakers, by name.
    pub breakers: Vec<(&'static str, BreakerState)>,
    /// Times that something was asked for that is not supported.
    pub unsupported: u64,
}

/// Who is connected.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// How many are in each of [`STATES`].
    pub by_state: [u64; STATES.len()],
    /// `max_connections`.
    pub limit: u64,
    /// Begun since the server started.
    pub entered: u64,
    /// Refused because there was no place or the server stops.
    pub refused: u64,
}

impl Sessions {
    /// All sessions.
    pub fn count(&self) -> u64 {
        self.by_state.iter().sum()
    }
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What statements may hold between them.
    pub limit_bytes: u64,
    /// What they hold.
    pub reserved_bytes: u64,
    /// Tables and indexes, approximately.
    pub table_bytes: u64,
    /// How many tables.
    pub tables: u64,
}

/// How far back the oldest reader looks.
#[derive(Clone, Copy, Debug)]
pub struct Oldest {
    /// Commits since the oldest snapshot in use.
    pub snapshot_commits: u64,
    /// Microseconds since the oldest open transaction began.
    pub transaction_micros: u64,
}

/// Backups of all databases.
#[derive(Clone, Copy, Debug)]
pub struct Backups {
    /// Failures since the last success, of the database that has most.
    pub consecutive_failures: u64,
    /// Deltas since the last full backup, of the database that has most.
    pub deltas_since_full: u64,
    /// When the last one was complete, in microseconds since 1970; none before the first.
    pub last_success_micros: Option<i64>,
    /// Whether one is being taken.
    pub is_running: bool,
    /// Whether the periodic manager runs.
    pub is_periodic: bool,
}

/// The write-ahead log.
#[derive(Clone, Debug)]
pub struct LogReading {
    /// Why it takes no commits, if it does not.
    pub failure: Option<String>,
    /// End of what was appended.
    pub appended: u64,
    /// End of what is on disk.
    pub durable: u64,
    /// Records appended.
    pub records: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Calls of write.
    pub writes: u64,
    /// Calls of fdatasync.
    pub syncs: u64,
    /// Microseconds in them.
    pub sync_micros: u64,
    /// Batches of commits that shared an fdatasync.
    pub batches: u64,
    /// Commits that waited for room.
    pub buffer_full: u64,
    /// Checkpoints.
    pub checkpoints: CheckpointReading,
}

/// Checkpoints since the server started.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointReading {
    /// By `checkpoint_timeout`.
    pub timed: u64,
    /// By size, command, shutdown.
    pub requested: u64,
    /// Milliseconds spent writing.
    pub write_millis: u64,
    /// Milliseconds spent making files durable.
    pub sync_millis: u64,
    /// Bytes written.
    pub bytes: u64,
    /// When the last one was, in microseconds since 1970.
    pub last_micros: i64,
    /// Its size.
    pub last_bytes: u64,
}

impl Instance {
    /// `max_connections`.
    pub fn max_connections(&self) -> usize {
        match self.settings.read().value("max_connections") {
            Value::Int(limit) => usize::try_from(limit).unwrap_or(0),
            _ => 0,
        }
    }

    /// Reads everything once.
    pub fn observe(&self) -> Observation {
        let backends = self.backends.all();
        let mut by_state = [0; STATES.len()];
        let mut oldest_transaction = None;
        for backend in &backends {
            let activity = backend.activity.lock();
            by_state[STATES.iter().position(|state| *state == activity.state).unwrap_or(0)] += 1;
            oldest_transaction = oldest_transaction.into_iter().chain(activity.transaction_start).min();
        }
        let (entered, refused) = self.backends.entered_and_refused();
        let limit = self.max_connections() as u64;
        let since = |started: i64| u64::try_from(clock::now_micros() - started).unwrap_or(0);
        Observation {
            totals: self.backends.totals(),
            sessions: Sessions { by_state, limit, entered, refused },
            memory: Memory {
                limit_bytes: self.memory_bytes as u64,
                reserved_bytes: self.engine.reserved_bytes() as u64,
                table_bytes: self.storage.bytes() as u64,
                tables: self.storage.tables().len() as u64,
            },
            oldest: Oldest {
                snapshot_commits: self.storage.last_commit().0.saturating_sub(self.storage.oldest_snapshot().0),
                transaction_micros: oldest_transaction.map_or(0, since),
            },
            databases: self.databases().len() as u64,
            cached_plans: self.plans.len() as u64,
            results: self.results.read(),
            backups: self.observe_backups(),
            log: self.durability.as_deref().map(read_log),
            breakers: self.circuit_breakers().into_iter().map(|breaker| (breaker.name, breaker.state)).collect(),
            unsupported: self.unsupported.total(),
        }
    }
}

impl Instance {
    fn observe_backups(&self) -> Backups {
        let manager = self.backups();
        let statuses: Vec<_> = self.databases().iter().map(|database| manager.status(database.oid)).collect();
        Backups {
            consecutive_failures: u64::from(manager.consecutive_failures()),
            deltas_since_full: statuses.iter().map(|status| u64::from(status.deltas_since_full)).max().unwrap_or(0),
            last_success_micros: statuses.iter().filter_map(|status| status.last_success).max(),
            is_running: statuses.iter().any(|status| status.is_running),
            is_periodic: manager.next_due().is_some(),
        }
    }
}

fn read_log(durability: &Durability) -> LogReading {
    let get = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
    let (log, statistics) = (durability.log(), durability.log_statistics());
    let checkpoints = durability.checkpoint_statistics();
    let last = durability.last_checkpoint();
    LogReading {
        failure: log.failure().map(|failure| failure.to_string()),
        appended: log.appended().0,
        durable: log.durable().0,
        records: get(&statistics.records),
        bytes: get(&statistics.bytes),
        writes: get(&statistics.writes),
        syncs: get(&statistics.syncs),
        sync_micros: get(&statistics.sync_micros),
        batches: get(&statistics.batches),
        buffer_full: get(&statistics.buffer_full),
        checkpoints: CheckpointReading {
            timed: get(&checkpoints.timed),
            requested: get(&checkpoints.requested),
            write_millis: get(&checkpoints.write_millis),
            sync_millis: get(&checkpoints.sync_millis),
            bytes: get(&checkpoints.bytes),
            last_micros: last.micros,
            last_bytes: last.bytes,
        },
    }
}
