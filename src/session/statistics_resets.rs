//! What counters stood at when somebody reset them (`pg_stat_reset` and its kind): the counters themselves go on, and what is
//! shown is the difference.

use std::collections::HashMap;

use dictdb_storage::TableStats;
use dictdb_types::Oid;
use parking_lot::Mutex;

use crate::meters::Totals;

/// Statistics of the whole server that can be reset alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ResetTarget {
    /// `pg_stat_archiver`: segments archived and failures.
    Archiver,
    /// `pg_stat_bgwriter`, which counts nothing here.
    Bgwriter,
    /// `pg_stat_recovery_prefetch`, likewise.
    RecoveryPrefetch,
    /// `pg_stat_wal`: its numbers in the order of its columns.
    Wal,
    /// A row of `pg_stat_slru`, likewise without counts.
    Slru(&'static str),
}

/// Counters of the server at a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark {
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) counters: Vec<i64>,
}

/// Counters of a database at a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct DatabaseMark {
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) totals: Totals,
    /// Sessions begun, and the microseconds that they have lasted.
    pub(crate) sessions: (u64, u64),
    pub(crate) tables: TupleCounts,
}

/// Rows inserted, updated and deleted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TupleCounts {
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
    pub(crate) deleted: u64,
}

impl TupleCounts {
    pub(crate) fn of(stats: &TableStats) -> Self {
        TupleCounts { inserted: stats.inserted, updated: stats.updated, deleted: stats.deleted }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        TupleCounts {
            inserted: self.inserted + other.inserted,
            updated: self.updated + other.updated,
            deleted: self.deleted + other.deleted,
        }
    }

    /// What has been counted since.
    pub(crate) fn since(self, mark: Self) -> Self {
        TupleCounts {
            inserted: self.inserted.saturating_sub(mark.inserted),
            updated: self.updated.saturating_sub(mark.updated),
            deleted: self.deleted.saturating_sub(mark.deleted),
        }
    }
}

/// All resets since the server started.
#[derive(Debug, Default)]
pub(crate) struct StatisticsResets {
    /// By storage.
    tables: Mutex<HashMap<Oid, TupleCounts>>,
    databases: Mutex<HashMap<Oid, DatabaseMark>>,
    shared: Mutex<HashMap<ResetTarget, Mark>>,
}

impl StatisticsResets {
    /// What a table stood at; zero when it has never been reset.
    pub(crate) fn table(&self, storage: Oid) -> TupleCounts {
        self.tables.lock().get(&storage).copied().unwrap_or_default()
    }

    pub(crate) fn reset_table(&self, storage: Oid, counts: TupleCounts) {
        self.tables.lock().insert(storage, counts);
    }

    /// Forgets tables that are gone.
    pub(crate) fn keep_tables(&self, is_there: impl Fn(Oid) -> bool) {
        self.tables.lock().retain(|storage, _| is_there(*storage));
    }

    pub(crate) fn database(&self, database: Oid) -> Option<DatabaseMark> {
        self.databases.lock().get(&database).cloned()
    }

    pub(crate) fn reset_database(&self, database: Oid, mark: DatabaseMark) {
        self.databases.lock().insert(database, mark);
    }

    /// Something of a database has been reset alone.
    pub(crate) fn touch_database(&self, database: Oid, at: i64) {
        self.databases.lock().entry(database).or_default().at = at;
    }

    pub(crate) fn shared(&self, target: ResetTarget) -> Option<Mark> {
        self.shared.lock().get(&target).cloned()
    }

    pub(crate) fn reset_shared(&self, target: ResetTarget, mark: Mark) {
        self.shared.lock().insert(target, mark);
    }
}
