//! How often functions of users were called and how long they took (`track_functions`, `pg_stat_user_functions`).
//!
//! A session counts for itself, and adds what it has counted to what all see when its transaction ends, also when that is rolled
//! back. What is counted about a function goes with the function.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use dictdb_catalog::{Catalog, Language};
use dictdb_types::Oid;
use parking_lot::Mutex;

/// `track_functions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrackFunctions {
    /// None is counted.
    #[default]
    None,
    /// Those in procedural languages.
    Procedural,
    /// Those in SQL, too.
    All,
}

impl TrackFunctions {
    /// By the setting's words.
    pub(crate) fn named(word: &str) -> Self {
        match word {
            "pl" => TrackFunctions::Procedural,
            "all" => TrackFunctions::All,
            _ => TrackFunctions::None,
        }
    }

    /// Whether functions in this language are counted.
    pub(crate) fn covers(self, language: Language) -> bool {
        match self {
            TrackFunctions::None => false,
            TrackFunctions::Procedural => language == Language::Plpgsql,
            TrackFunctions::All => matches!(language, Language::Plpgsql | Language::Sql),
        }
    }
}

/// What is counted of a function.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FunctionCounts {
    pub calls: u64,
    /// In the function and what it calls.
    pub total: Duration,
    /// In the function itself.
    pub own: Duration,
}

impl FunctionCounts {
    fn add(&mut self, other: &FunctionCounts) {
        self.calls += other.calls;
        self.total += other.total;
        self.own += other.own;
    }
}

/// What a session has counted in its transaction.
#[derive(Debug, Default)]
pub(crate) struct PendingFunctions {
    counts: HashMap<Oid, FunctionCounts>,
    /// The counted calls that go on, the outermost first.
    running: Vec<Oid>,
    /// The time in functions themselves, all together.
    inside: Duration,
}

/// A counted call that goes on.
pub(crate) struct CountedCall {
    began: Instant,
    inside_before: Duration,
}

impl PendingFunctions {
    /// A call begins.
    pub fn begin(&mut self, function: Oid) -> CountedCall {
        self.running.push(function);
        CountedCall { began: Instant::now(), inside_before: self.inside }
    }

    /// The innermost call has ended. One that failed is not counted.
    pub fn end(&mut self, call: &CountedCall, succeeded: bool) {
        let Some(function) = self.running.pop() else { return };
        if !succeeded {
            return;
        }
        let total = call.began.elapsed();
        let own = total.saturating_sub(self.inside.saturating_sub(call.inside_before));
        self.inside += own;
        let counts = self.counts.entry(function).or_default();
        counts.calls += 1;
        counts.own += own;
        // The time of a call within a call of the same function is in that one's.
        if !self.running.contains(&function) {
            counts.total += total;
        }
    }

    /// What the transaction has counted of a function.
    pub fn of(&self, function: Oid) -> Option<FunctionCounts> {
        self.counts.get(&function).copied()
    }
}

/// What was counted of the functions of all databases.
#[derive(Debug, Default)]
pub(crate) struct FunctionStatistics {
    /// By database and function.
    counts: Mutex<HashMap<(Oid, Oid), FunctionCounts>>,
}

impl FunctionStatistics {
    /// Takes over what a transaction has counted in a database.
    pub fn absorb(&self, pending: &mut PendingFunctions, database: Oid, catalog: &Catalog) {
        let mut counts = self.counts.lock();
        for (function, own) in pending.counts.drain() {
            if !counts.contains_key(&(database, function)) {
                // Functions come and go: nobody else takes out what was counted of those that are gone.
                counts.retain(|(of, known), _| *of != database || catalog.routine(*known).is_some());
                if catalog.routine(function).is_none() {
                    continue;
                }
            }
            counts.entry((database, function)).or_default().add(&own);
        }
    }

    /// What was counted of a function, if the database has it.
    pub fn of(&self, function: Oid, database: Oid, catalog: &Catalog) -> Option<FunctionCounts> {
        catalog.routine(function)?;
        self.counts.lock().get(&(database, function)).copied()
    }

    /// `pg_stat_reset_single_function_counters`, and `pg_stat_reset` where no function is named.
    pub fn reset(&self, function: Option<Oid>, database: Oid) {
        let mut counts = self.counts.lock();
        let wanted = |key: &(Oid, Oid)| key.0 == database && function.is_none_or(|own| own == key.1);
        counts.iter_mut().filter(|(key, _)| wanted(key)).for_each(|(_, own)| *own = FunctionCounts::default());
    }
}
