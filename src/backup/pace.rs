//! How much of the machine a backup takes: all of it while nobody else works, a small part while sessions do.
//!
//! ```text
//!   nobody works       worker ████████████████    worker ████████████████    writing ████████████████
//!   sessions work      worker ██ worker ██ writing █                              worker ██ …        one at a time, with rests between
//! ```
//! A system's scheduler would give each thread of a backup as much as each thread of the sessions, and let a session that wakes up wait
//! for the end of a worker's turn. So a backup gives way by itself: it is measured by the time that it works, which grows where it has
//! to wait for a processor, and rests in proportion. It rests seldom and long: each time it wakes up it may take a processor from a
//! session in the middle of a commit, for which others wait.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A backup beside working sessions takes one in so many parts of the processors.
const PARTS: u32 = 24;
/// Fewer statements in a second than these are nobody's loss.
const BUSY_STATEMENTS: u64 = 100;
/// How often it is asked whether sessions work.
const LOOK: Duration = Duration::from_millis(20);
/// How long it works between rests, about.
const TURN: Duration = Duration::from_millis(20);
/// Somebody may want to cancel it.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// What sessions have done, as somebody counts it who knows them: statements since the server started.
pub type Statements<'a> = &'a (dyn Fn() -> u64 + Sync);

/// The pace of one backup, which its threads share.
pub struct Pace<'a> {
    statements: Option<Statements<'a>>,
    seen: Mutex<Seen>,
    /// What was worked since the last rest. Held by the thread that works or rests while sessions work.
    turn: Mutex<Duration>,
}

/// What was found at the last look.
struct Seen {
    at: Instant,
    statements: u64,
    is_busy: bool,
}

impl<'a> Pace<'a> {
    /// Gives way to sessions whose statements are counted.
    pub fn beside(statements: Statements<'a>) -> Pace<'a> {
        let seen = Seen { at: Instant::now(), statements: statements(), is_busy: false };
        Pace { statements: Some(statements), seen: Mutex::new(seen), turn: Mutex::default() }
    }

    /// Gives way to nobody.
    pub fn full() -> Pace<'static> {
        let seen = Seen { at: Instant::now(), statements: 0, is_busy: false };
        Pace { statements: None, seen: Mutex::new(seen), turn: Mutex::default() }
    }

    /// Does a piece of work, of a few milliseconds at best. While sessions work it rests when it has worked for a while.
    pub(crate) fn piece<T>(&self, work: impl FnOnce() -> T) -> T {
        if !self.is_busy() {
            return work();
        }
        let mut worked = self.turn.lock();
        let started = Instant::now();
        let done = work();
        *worked += started.elapsed();
        if *worked >= TURN {
            std::thread::sleep(rest_after(std::mem::take(&mut *worked), processors()));
        }
        done
    }

    fn is_busy(&self) -> bool {
        let Some(statements) = self.statements else { return false };
        let mut seen = self.seen.lock();
        let elapsed = seen.at.elapsed();
        if elapsed >= LOOK {
            let now = statements();
            seen.is_busy = is_busy(now.saturating_sub(seen.statements), elapsed);
            (seen.at, seen.statements) = (Instant::now(), now);
        }
        seen.is_busy
    }
}

fn is_busy(statements: u64, elapsed: Duration) -> bool {
    u128::from(statements) * 1_000_000 >= u128::from(BUSY_STATEMENTS) * elapsed.as_micros()
}

/// How long one thread rests after it has worked so long, for its part of so many processors.
fn rest_after(worked: Duration, processors: u32) -> Duration {
    let parts = f64::from(PARTS) / f64::from(processors.max(1)) - 1.0;
    worked.mul_f64(parts.max(0.0)).min(LONGEST_REST)
}

fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_rest_leaves_the_others_their_part() {
        let worked = Duration::from_millis(2);
        assert_eq!(rest_after(worked, 1), Duration::from_millis(46));
        assert_eq!(rest_after(worked, 2), Duration::from_millis(22));
        assert_eq!(rest_after(worked, 32), Duration::ZERO);
        assert_eq!(rest_after(Duration::from_secs(5), 2), LONGEST_REST);
        assert!(is_busy(2, LOOK) && !is_busy(1, LOOK) && !is_busy(50, Duration::from_secs(1)));
    }

    #[test]
    fn only_working_sessions_slow_a_backup_down() {
        let count = AtomicU64::new(0);
        let statements = || count.load(Ordering::Relaxed);
        let pace = Pace::beside(&statements);
        let worked = |pace: &Pace<'_>| {
            std::thread::sleep(LOOK);
            let started = Instant::now();
            pace.piece(|| std::thread::sleep(TURN / 2));
            pace.piece(|| std::thread::sleep(TURN / 2));
            (pace.seen.lock().is_busy, started.elapsed())
        };
        assert!(!worked(&pace).0);
        count.fetch_add(10_000, Ordering::Relaxed);
        let (is_busy, took) = worked(&pace);
        assert!(is_busy && took >= rest_after(TURN, processors()), "{took:?}");
        assert!(!worked(&pace).0);
        count.fetch_add(10_000, Ordering::Relaxed);
        assert!(!worked(&Pace::full()).0);
    }
}
