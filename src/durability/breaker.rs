//! The circuit breaker `database`: the log's disk.
//!
//! ```text
//!   closed ──write or fdatasync fails──► open ──a minute, or somebody asks──► half open ──a checkpoint succeeds──► closed
//!                                         ▲                                      │
//!                                         └────────────── it fails ──────────────┘
//! ```
//! One failure opens it, because after a failed fdatasync nobody knows what is on disk. While it is open commits fail at once and
//! reads go on. The trial is a checkpoint: it puts all that is in memory, which is all that was ever acknowledged, into a new file, and
//! the log goes on in a fresh segment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use dictdb_wal::LogError;
use parking_lot::Mutex;

use crate::{Durability, Reason};

/// An open breaker is tried again after so long.
const TRIAL_INTERVAL: Duration = Duration::from_secs(60);

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// All is well.
    Closed,
    /// What needs it fails at once.
    Open,
    /// It is being tried whether it works again.
    HalfOpen,
}

impl BreakerState {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half_open",
        }
    }
}

/// A breaker as others see it.
#[derive(Clone, Debug)]
pub struct BreakerStatus {
    /// What it guards.
    pub name: &'static str,
    /// Where it stands.
    pub state: BreakerState,
    /// Failures since the server started.
    pub failures: u64,
    /// When the last one was, in microseconds since 1970.
    pub last_failure_micros: Option<i64>,
    /// What it was.
    pub last_error: Option<String>,
    /// When an open one is tried next.
    pub next_trial_micros: Option<i64>,
}

/// The breaker of the log's disk.
const LOG_DISK: &str = "database";

impl BreakerStatus {
    /// The log's disk where there is no log: nothing of it can fail.
    pub fn without_log() -> BreakerStatus {
        BreakerStatus {
            name: LOG_DISK,
            state: BreakerState::Closed,
            failures: 0,
            last_failure_micros: None,
            last_error: None,
            next_trial_micros: None,
        }
    }
}

/// What trials need to know.
#[derive(Default)]
pub(crate) struct Trials {
    running: AtomicBool,
    last: Mutex<Option<Instant>>,
}

impl Trials {
    pub(crate) fn begin(&self) {
        self.running.store(true, Ordering::Release);
    }

    pub(crate) fn end(&self) {
        *self.last.lock() = Some(Instant::now());
        self.running.store(false, Ordering::Release);
    }
}

impl Durability {
    /// How the log's disk stands.
    pub fn breaker(&self) -> BreakerStatus {
        let failed = self.log.failure().is_some_and(|error| !matches!(error, LogError::Closed));
        let state = match (failed, self.trials.running.load(Ordering::Acquire)) {
            (false, _) => BreakerState::Closed,
            (true, true) => BreakerState::HalfOpen,
            (true, false) => BreakerState::Open,
        };
        let last = self.log.last_failure();
        let wait = (state == BreakerState::Open).then(|| self.until_trial());
        BreakerStatus {
            name: LOG_DISK,
            state,
            failures: self.log_statistics().failures.load(Ordering::Relaxed),
            last_failure_micros: last
                .as_ref()
                .map(|last| micros(last.at.duration_since(UNIX_EPOCH).unwrap_or_default())),
            last_error: last.map(|last| last.error.to_string()),
            next_trial_micros: wait.map(|wait| crate::hook::now_micros() + micros(wait)),
        }
    }

    /// Goes on after a failure of the disk: saves what is in memory and accepts commits again. Nothing to do when they are accepted.
    /// 53100, 58030.
    pub fn resume(&self) -> Result<(), LogError> {
        if self.log.failure().is_none() { Ok(()) } else { self.checkpoint(Reason::Request) }
    }

    /// The checkpointer's look at an open breaker.
    pub(crate) fn try_again(&self) {
        if self.log.failure().is_some()
            && self.until_trial().is_zero()
            && let Err(error) = self.resume()
        {
            tracing::error!("the write-ahead log cannot go on yet: {error}");
        }
    }

    fn until_trial(&self) -> Duration {
        let failed = self.log.last_failure().and_then(|last| last.at.elapsed().ok()).unwrap_or_default();
        let tried = self.trials.last.lock().map_or(failed, |last| last.elapsed());
        TRIAL_INTERVAL.saturating_sub(failed.min(tried))
    }
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
