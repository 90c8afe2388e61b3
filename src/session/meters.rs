//! What sessions count: statements by verb, how long they took, failures, transactions, hits of the plan cache.
//!
//! ```text
//!   session ─ Meters (its own cells, written by nobody else) ─┐
//!   session ─ Meters ─────────────────────────────────────────┼─ summed when somebody asks ─► Totals
//!   ended sessions ─ one more Meters ─────────────────────────┘
//! ```
//! A session adds to its cells with a plain load and store: no lock, no cache line that two sessions write.

use std::sync::atomic::{AtomicU64, Ordering};

use dictdb_types::{Error, Severity, SqlState};

use crate::Session;
use crate::client::{Client, Tag};
use crate::log::Details;

/// What a statement does, as `query_type` of the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verb {
    /// SELECT, VALUES, TABLE.
    Select,
    /// INSERT, and COPY into a table.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// Everything else.
    #[default]
    Other,
}

/// Every verb with the word in `query_type`.
pub const VERBS: [(Verb, &str); 5] = [
    (Verb::Select, "select"),
    (Verb::Insert, "insert"),
    (Verb::Update, "update"),
    (Verb::Delete, "delete"),
    (Verb::Other, "other"),
];

impl Verb {
    /// The verb of a finished statement, by its tag's command.
    pub(crate) fn of_command(command: &str) -> Verb {
        match command {
            "SELECT" => Verb::Select,
            "INSERT" => Verb::Insert,
            "UPDATE" => Verb::Update,
            "DELETE" => Verb::Delete,
            _ => Verb::Other,
        }
    }
}

/// Upper bounds of the buckets that durations are counted in; one more bucket has what is longer.
pub const BOUNDS_MICROS: [u64; 17] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];
const BUCKETS: usize = BOUNDS_MICROS.len() + 1;

/// A number that one session writes and others read.
#[derive(Debug, Default)]
struct Cell(AtomicU64);

impl Cell {
    /// Adds, as the only writer.
    fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// Adds, as one of several writers.
    fn merge(&self, other: &Cell) {
        self.0.fetch_add(other.get(), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct Bucket {
    count: Cell,
    micros: Cell,
}

#[derive(Debug, Default)]
struct VerbMeter {
    statements: Cell,
    rows: Cell,
    buckets: [Bucket; BUCKETS],
}

/// The cells of one session.
#[derive(Debug, Default)]
pub struct Meters {
    verbs: [VerbMeter; VERBS.len()],
    failures: Cell,
    deadlocks: Cell,
    commits: Cell,
    rollbacks: Cell,
    plan_hits: Cell,
    plan_misses: Cell,
}

impl Meters {
    /// A statement is done; so many rows were returned or changed.
    pub(crate) fn statement(&self, verb: Verb, rows: u64) {
        let meter = &self.verbs[verb as usize];
        meter.statements.add(1);
        meter.rows.add(rows);
    }

    /// A query string or pipeline was answered.
    pub(crate) fn answered(&self, verb: Verb, micros: u64) {
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        let bucket = &self.verbs[verb as usize].buckets[bucket];
        bucket.count.add(1);
        bucket.micros.add(micros);
    }

    /// A message was answered with an error.
    pub(crate) fn failed(&self, error: &Error) {
        self.failures.add(1);
        if error.code() == SqlState::T_R_DEADLOCK_DETECTED {
            self.deadlocks.add(1);
        }
    }

    /// A transaction has committed.
    pub(crate) fn committed(&self) {
        self.commits.add(1);
    }

    /// A transaction was rolled back.
    pub(crate) fn rolled_back(&self) {
        self.rollbacks.add(1);
    }

    /// A statement was looked up in the plan cache.
    pub(crate) fn looked_up(&self, found: bool) {
        if found { self.plan_hits.add(1) } else { self.plan_misses.add(1) }
    }

    /// Keeps what an ended session counted.
    pub(crate) fn absorb(&self, ended: &Meters) {
        for (own, other) in self.verbs.iter().zip(&ended.verbs) {
            own.statements.merge(&other.statements);
            own.rows.merge(&other.rows);
            for (own, other) in own.buckets.iter().zip(&other.buckets) {
                own.count.merge(&other.count);
                own.micros.merge(&other.micros);
            }
        }
        let pairs = [
            (&self.failures, &ended.failures),
            (&self.deadlocks, &ended.deadlocks),
            (&self.commits, &ended.commits),
            (&self.rollbacks, &ended.rollbacks),
            (&self.plan_hits, &ended.plan_hits),
            (&self.plan_misses, &ended.plan_misses),
        ];
        pairs.into_iter().for_each(|(own, other)| own.merge(other));
    }

    /// Statements that succeeded, of every verb.
    pub(crate) fn statements(&self) -> u64 {
        self.verbs.iter().map(|meter| meter.statements.get()).sum()
    }

    fn add_to(&self, totals: &mut Totals) {
        for (meter, total) in self.verbs.iter().zip(&mut totals.verbs) {
            total.statements += meter.statements.get();
            total.rows += meter.rows.get();
            for (bucket, (count, micros)) in meter.buckets.iter().zip(&mut total.buckets) {
                *count += bucket.count.get();
                *micros += bucket.micros.get();
            }
        }
        totals.failures += self.failures.get();
        totals.deadlocks += self.deadlocks.get();
        totals.commits += self.commits.get();
        totals.rollbacks += self.rollbacks.get();
        totals.plan_hits += self.plan_hits.get();
        totals.plan_misses += self.plan_misses.get();
    }
}

/// What was counted of one verb.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerbTotals {
    /// Statements that succeeded.
    pub statements: u64,
    /// Rows they returned or changed.
    pub rows: u64,
    /// Query strings and pipelines that took no longer than the bound of [`BOUNDS_MICROS`] and longer than the one before:
    /// how many, and the microseconds they took together.
    pub buckets: [(u64, u64); BUCKETS],
}

/// What all sessions together have counted since the server started.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// By verb, in the order of [`VERBS`].
    pub verbs: [VerbTotals; VERBS.len()],
    /// Messages answered with an error.
    pub failures: u64,
    /// Those of them that broke a deadlock.
    pub deadlocks: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions rolled back.
    pub rollbacks: u64,
    /// Statements found in the plan cache.
    pub plan_hits: u64,
    /// Statements that were not.
    pub plan_misses: u64,
}

impl Totals {
    /// The sum of what sessions counted.
    pub(crate) fn of<'a>(meters: impl Iterator<Item = &'a Meters>) -> Totals {
        let mut totals = Totals::default();
        meters.for_each(|meters| meters.add_to(&mut totals));
        totals
    }
}

impl Session {
    /// Counts a statement that is done, and tells the client so. At `log_level = debug` the log says so too.
    pub(crate) fn complete(&mut self, tag: &Tag, client: &mut dyn Client) {
        let verb = Verb::of_command(tag.command());
        self.shared.backend.meters.statement(verb, tag.count());
        self.done = Some(verb);
        if tracing::enabled!(tracing::Level::DEBUG) {
            self.shared.log(Severity::Debug, &format!("completed {tag}"), &Details::default());
        }
        client.complete(tag);
    }

    /// A message is answered with an error: it is counted and, if the settings want it, logged.
    pub(crate) fn note_failure(&mut self, error: &Error) {
        self.shared.backend.meters.failed(error);
        self.shared.instance.unsupported.count(error);
        self.log_error(error);
    }

    /// Counts how long what is done has taken, if anything is.
    #[inline]
    pub(crate) fn meter_time(&mut self, started: i64, now: i64) {
        if let Some(verb) = self.done.take() {
            self.shared.backend.meters.answered(verb, u64::try_from(now - started).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_sessions_counted_stays() {
        let (ended, live) = (Meters::default(), Meters::default());
        let session = Meters::default();
        session.statement(Verb::Insert, 3);
        session.answered(Verb::Insert, 60);
        session.failed(&Error::internal("a failure"));
        ended.absorb(&session);
        live.statement(Verb::Insert, 1);
        live.answered(Verb::Insert, 11_000_000);
        let totals = Totals::of([&ended, &live].into_iter());
        let insert = &totals.verbs[Verb::Insert as usize];
        assert_eq!((insert.statements, insert.rows, totals.failures), (2, 4, 1));
        assert_eq!(insert.buckets[1], (1, 60));
        assert_eq!(insert.buckets[BUCKETS - 1], (1, 11_000_000));
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let meters = Meters::default();
        meters.answered(Verb::Select, 50);
        meters.answered(Verb::Select, 51);
        let totals = Totals::of(std::iter::once(&meters));
        let buckets = &totals.verbs[Verb::Select as usize].buckets;
        assert_eq!((buckets[0].0, buckets[1].0), (1, 1));
    }

    #[test]
    fn verbs_stand_in_the_order_of_their_numbers() {
        for (place, (verb, _)) in VERBS.iter().enumerate() {
            assert_eq!(place, *verb as usize);
        }
    }
}
