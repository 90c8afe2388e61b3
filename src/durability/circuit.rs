//! A circuit breaker for calls that may fail outside of the server.
//!
//! ```text
//!   closed ──5 failures in a row──► open ──60 s──► half open ──2 successes──► closed
//!                                    ▲                 │ at most 3 calls
//!                                    └── one failure ──┘
//! ```

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::breaker::{BreakerState, BreakerStatus, micros};
use crate::hook::now_micros;

/// Failures in a row that open it.
pub const FAILURE_THRESHOLD: u32 = 5;
/// Successes that close it again.
pub const SUCCESS_THRESHOLD: u32 = 2;
/// Calls that are let through while it is half open.
pub const TRIAL_CALLS: u32 = 3;
/// How long it stays open.
pub const OPEN_TIME: Duration = Duration::from_secs(60);

#[derive(Debug)]
enum Phase {
    Closed { failures: u32 },
    Open { since: Instant },
    HalfOpen { calls: u32, successes: u32 },
}

#[derive(Debug)]
struct Inner {
    phase: Phase,
    failures: u64,
    last_failure_micros: Option<i64>,
    last_error: Option<String>,
}

/// A breaker.
#[derive(Debug)]
pub struct Breaker {
    name: &'static str,
    inner: Mutex<Inner>,
}

/// A call that was let through. Whoever drops it without a word has not called.
#[must_use]
pub struct Pass<'a> {
    breaker: &'a Breaker,
    is_used: bool,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(name: &'static str) -> Breaker {
        let phase = Phase::Closed { failures: 0 };
        Breaker { name, inner: Mutex::new(Inner { phase, failures: 0, last_failure_micros: None, last_error: None }) }
    }

    /// Asks to call. The error is how long the breaker stays open; zero while trial calls are under way.
    pub fn admit(&self) -> Result<Pass<'_>, Duration> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Result<Pass<'_>, Duration> {
        let mut inner = self.inner.lock();
        if let Phase::Open { since } = inner.phase {
            let left = OPEN_TIME.saturating_sub(now.saturating_duration_since(since));
            if !left.is_zero() {
                return Err(left);
            }
            inner.phase = Phase::HalfOpen { calls: 0, successes: 0 };
        }
        if let Phase::HalfOpen { calls, .. } = &mut inner.phase {
            if *calls >= TRIAL_CALLS {
                return Err(Duration::ZERO);
            }
            *calls += 1;
        }
        Ok(Pass { breaker: self, is_used: false })
    }

    /// Whether a call would fail at once.
    pub fn is_open(&self) -> bool {
        matches!(self.inner.lock().phase, Phase::Open { since } if since.elapsed() < OPEN_TIME)
    }

    /// An open breaker lets trial calls through from now on, because there is a sign that they may succeed.
    pub fn try_again(&self) {
        let mut inner = self.inner.lock();
        if let Phase::Open { .. } = inner.phase {
            inner.phase = Phase::HalfOpen { calls: 0, successes: 0 };
        }
    }

    /// Closes it.
    pub fn reset(&self) {
        self.inner.lock().phase = Phase::Closed { failures: 0 };
    }

    /// How it stands.
    pub fn status(&self) -> BreakerStatus {
        let inner = self.inner.lock();
        let (state, next_trial) = match inner.phase {
            Phase::Closed { .. } => (BreakerState::Closed, None),
            Phase::Open { since } => match OPEN_TIME.saturating_sub(since.elapsed()) {
                Duration::ZERO => (BreakerState::HalfOpen, None),
                left => (BreakerState::Open, Some(now_micros() + micros(left))),
            },
            Phase::HalfOpen { .. } => (BreakerState::HalfOpen, None),
        };
        BreakerStatus {
            name: self.name,
            state,
            failures: inner.failures,
            last_failure_micros: inner.last_failure_micros,
            last_error: inner.last_error.clone(),
            next_trial_micros: next_trial,
        }
    }

    fn failed_at(&self, error: &str, now: Instant) {
        let mut inner = self.inner.lock();
        inner.failures += 1;
        inner.last_failure_micros = Some(now_micros());
        inner.last_error = Some(error.to_owned());
        inner.phase = match inner.phase {
            Phase::Closed { failures } if failures + 1 < FAILURE_THRESHOLD => Phase::Closed { failures: failures + 1 },
            Phase::Closed { .. } | Phase::HalfOpen { .. } => {
                tracing::error!("circuit breaker \"{}\" is open: {error}", self.name);
                Phase::Open { since: now }
            }
            Phase::Open { since } => Phase::Open { since },
        };
    }
}

impl Pass<'_> {
    /// The call went well.
    pub fn succeeded(mut self) {
        self.is_used = true;
        let mut inner = self.breaker.inner.lock();
        inner.phase = match inner.phase {
            Phase::HalfOpen { calls, successes } if successes + 1 < SUCCESS_THRESHOLD => {
                Phase::HalfOpen { calls, successes: successes + 1 }
            }
            Phase::Open { since } => Phase::Open { since },
            Phase::Closed { .. } => Phase::Closed { failures: 0 },
            Phase::HalfOpen { .. } => {
                tracing::info!("circuit breaker \"{}\" is closed", self.breaker.name);
                Phase::Closed { failures: 0 }
            }
        };
    }

    /// It did not.
    pub fn failed(mut self, error: &str) {
        self.is_used = true;
        self.breaker.failed_at(error, Instant::now());
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.is_used
            && let Phase::HalfOpen { calls, .. } = &mut self.breaker.inner.lock().phase
        {
            *calls = calls.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(breaker: &Breaker, now: Instant, is_well: bool) -> Result<(), Duration> {
        let mut pass = breaker.admit_at(now)?;
        if is_well {
            pass.succeeded();
        } else {
            pass.is_used = true;
            breaker.failed_at("broken", now);
        }
        Ok(())
    }

    #[test]
    fn five_failures_open_it_and_two_successes_close_it() {
        let (breaker, start) = (Breaker::new("test"), Instant::now());
        for _ in 0..4 {
            call(&breaker, start, false).unwrap();
        }
        call(&breaker, start, true).unwrap();
        for _ in 0..5 {
            assert_eq!(breaker.status().state, BreakerState::Closed);
            call(&breaker, start, false).unwrap();
        }
        assert_eq!((breaker.status().state, breaker.status().failures), (BreakerState::Open, 9));
        assert_eq!(call(&breaker, start + Duration::from_secs(20), true), Err(Duration::from_secs(40)));
        let later = start + OPEN_TIME;
        call(&breaker, later, true).unwrap();
        assert_eq!(breaker.status().state, BreakerState::HalfOpen);
        call(&breaker, later, true).unwrap();
        assert_eq!(breaker.status().state, BreakerState::Closed);
    }

    #[test]
    fn a_trial_that_fails_opens_it_and_no_more_than_three_run() {
        let (breaker, start) = (Breaker::new("test"), Instant::now());
        (0..5).for_each(|_| call(&breaker, start, false).unwrap());
        let later = start + OPEN_TIME;
        let trials: Vec<_> = (0..3).map(|_| breaker.admit_at(later).unwrap()).collect();
        assert_eq!(breaker.admit_at(later).err(), Some(Duration::ZERO));
        drop(trials);
        call(&breaker, later, false).unwrap();
        assert_eq!(call(&breaker, later, true), Err(OPEN_TIME));
        breaker.try_again();
        call(&breaker, later, true).unwrap();
        breaker.reset();
        assert_eq!(breaker.status().state, BreakerState::Closed);
    }
}
