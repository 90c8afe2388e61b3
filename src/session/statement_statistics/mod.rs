//! What `pg_stat_statements` shows: statements by their normalised text, how often they ran, how long they took, how many rows they had.
//!
//! ```text
//!   session ── a statement is done ──► shard of (role, database, query) ── counters under the shard's lock
//!   normal      one text for statements that differ in constants, and its number; kept with the prepared statement
//!   functions   the rows, and reset
//! ```
//! Statements are counted while the extension exists in the session's database, so nobody pays who does not ask: PostgreSQL wants its
//! library in `shared_preload_libraries` instead. Counters live in memory; a restart begins anew.

mod functions;
mod normal;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dictdb_parser::Statement;
use dictdb_parser::utility::Utility;
use dictdb_types::Oid;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

pub(crate) use functions::{FUNCTIONS, SETS};
pub(crate) use normal::Normal;

use crate::clock;
use crate::prepared::Source;
use crate::{Session, Tag};

/// Parts of the map with a lock of their own.
const SHARDS: usize = 16;
/// The part of the entries that goes when there are too many, as in PostgreSQL.
const DROPPED_PERCENT: usize = 5;
/// The extension whose existence asks for counting.
const EXTENSION: &str = "pg_stat_statements";

/// Who ran which statement where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub role: Oid,
    pub database: Oid,
    pub query: i64,
}

/// What was counted of one statement. Times are milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub text: Arc<str>,
    pub calls: u64,
    pub rows: u64,
    pub total: f64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    /// Sum of the squares of differences from the mean.
    pub squares: f64,
}

impl Counted {
    fn new(text: Arc<str>) -> Counted {
        Counted { text, calls: 0, rows: 0, total: 0.0, min: f64::MAX, max: 0.0, mean: 0.0, squares: 0.0 }
    }

    /// One more execution (Welford's method).
    fn add(&mut self, millis: f64, rows: u64) {
        self.calls += 1;
        self.rows += rows;
        self.total += millis;
        self.min = self.min.min(millis);
        self.max = self.max.max(millis);
        let before = self.mean;
        self.mean += (millis - before) / self.calls as f64;
        self.squares += (millis - before) * (millis - self.mean);
    }

    /// Population standard deviation.
    pub fn deviation(&self) -> f64 {
        if self.calls > 1 { (self.squares / self.calls as f64).sqrt() } else { 0.0 }
    }
}

/// The counters of a server.
pub(crate) struct StatementStatistics {
    shards: [Mutex<FxHashMap<Place, Counted>>; SHARDS],
    entries: AtomicUsize,
    /// How often entries had to go.
    dropped: AtomicU64,
    /// When everything was last forgotten, in microseconds since 1970.
    reset_at: AtomicI64,
}

impl Default for StatementStatistics {
    fn default() -> Self {
        StatementStatistics {
            shards: Default::default(),
            entries: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            reset_at: AtomicI64::new(clock::now_micros()),
        }
    }
}

impl StatementStatistics {
    fn shard(&self, place: &Place) -> &Mutex<FxHashMap<Place, Counted>> {
        &self.shards[(place.query as u64 % SHARDS as u64) as usize]
    }

    fn count(&self, place: Place, normal: &Normal, millis: f64, rows: u64, most: usize) {
        let mut shard = self.shard(&place).lock();
        if let Some(counted) = shard.get_mut(&place) {
            return counted.add(millis, rows);
        }
        let mut counted = Counted::new(normal.text.clone());
        counted.add(millis, rows);
        shard.insert(place, counted);
        drop(shard);
        if self.entries.fetch_add(1, Ordering::Relaxed) >= most {
            self.drop_rarest();
        }
    }

    /// Makes room: the statements with the fewest calls go.
    fn drop_rarest(&self) {
        let mut calls: Vec<u64> = Vec::new();
        self.shards.iter().for_each(|shard| calls.extend(shard.lock().values().map(|counted| counted.calls)));
        calls.sort_unstable();
        let Some(limit) = calls.get(calls.len() * DROPPED_PERCENT / 100).copied() else { return };
        let mut left = (calls.len() * DROPPED_PERCENT / 100).max(10);
        for shard in &self.shards {
            shard.lock().retain(|_, counted| {
                let goes = left > 0 && counted.calls <= limit;
                if goes {
                    left -= 1;
                    self.entries.fetch_sub(1, Ordering::Relaxed);
                }
                !goes
            });
        }
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Every statement with its counters.
    pub fn all(&self) -> Vec<(Place, Counted)> {
        let copy = |shard: &Mutex<FxHashMap<Place, Counted>>| {
            shard.lock().iter().map(|(place, counted)| (*place, counted.clone())).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(copy).collect()
    }

    /// Forgets statements; zero in each part stands for all.
    pub fn reset(&self, role: Oid, database: Oid, query: i64) {
        let all = !role.is_valid() && !database.is_valid() && query == 0;
        for shard in &self.shards {
            shard.lock().retain(|place, _| {
                let goes = (!role.is_valid() || place.role == role)
                    && (!database.is_valid() || place.database == database)
                    && (query == 0 || place.query == query);
                if goes {
                    self.entries.fetch_sub(1, Ordering::Relaxed);
                }
                !goes
            });
        }
        if all {
            self.dropped.store(0, Ordering::Relaxed);
            self.reset_at.store(clock::now_micros(), Ordering::Relaxed);
        }
    }

    /// How often entries had to go, and when everything was forgotten.
    pub fn info(&self) -> (u64, i64) {
        (self.dropped.load(Ordering::Relaxed), self.reset_at.load(Ordering::Relaxed))
    }
}

/// Whether statements are counted, as of a version of the catalog and of the settings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counting {
    version: u64,
    exists: bool,
}

impl Session {
    /// When a statement begins that is to be counted.
    #[inline]
    pub(crate) fn begin_count(&mut self) -> Option<Instant> {
        let version = self.shared.database.catalog.version();
        if self.counting.version != version + 1 {
            let exists = self.shared.database.catalog.current().extension_named(EXTENSION).is_some();
            self.counting = Counting { version: version + 1, exists };
        }
        self.counting.exists.then(Instant::now)
    }

    /// A statement is done.
    pub(crate) fn end_count(&mut self, begun: Option<Instant>, source: &Arc<Source>, tag: &Tag) {
        let Some(begun) = begun else { return };
        let elapsed = begun.elapsed();
        let (tracked, utility, most) = {
            let settings = self.shared.settings.lock();
            let most = settings.int("pg_stat_statements.max");
            (settings.text("pg_stat_statements.track"), settings.bool("pg_stat_statements.track_utility"), most)
        };
        if tracked == "none" || !is_counted(&source.parsed.statement, utility) {
            return;
        }
        let place = Place { role: self.role(), database: self.shared.database.oid, query: source.normal().query };
        let rows = if has_rows(tag.command()) { tag.count() } else { 0 };
        let statistics = &self.shared.instance.statement_statistics;
        statistics.count(place, source.normal(), millis(elapsed), rows, usize::try_from(most).unwrap_or(usize::MAX));
    }
}

fn millis(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() * 1000.0
}

/// Commands about prepared statements are not counted: what they run is.
fn is_counted(statement: &Statement, utility: bool) -> bool {
    match statement {
        Statement::Sql(_) => true,
        Statement::Utility(command) => {
            utility && !matches!(**command, Utility::Prepare(_) | Utility::Execute(_) | Utility::Deallocate(_))
        }
    }
}

/// Whether the number in a tag is one of rows.
fn has_rows(command: &str) -> bool {
    matches!(command, "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY" | "FETCH")
}
