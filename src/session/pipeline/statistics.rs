//! What the planner is told of tables and columns, and how long that is kept.
//!
//! Sizes are always current. Statistics of columns come from samples, taken by ANALYZE or when a plan first asks for them and
//! again when the table has changed as much as autovacuum would wait for before it analyses. What ANALYZE found stays for
//! `pg_statistic` and its like until it comes again ([`crate::analysis`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dictdb_catalog::Catalog;
use dictdb_planner::estimate::{
    ColumnStatistics, CostConstants, DEFAULT_TARGET, Dimension, ExtendedStatistics, Methods, SAMPLE_ROWS, Sample,
    Statistics,
};
use dictdb_storage::{Storage, Table};
use dictdb_types::{Datum, Env, Oid, Type, text};
use parking_lot::Mutex;

use crate::analysis::Analyses;
use crate::prepared::Source;
use crate::system::{pages, row_bytes};

/// `autovacuum_analyze_threshold`.
const CHANGES_BEFORE_ANALYZE: u64 = 50;
/// One by `autovacuum_analyze_scale_factor`.
const ROWS_PER_CHANGE: u64 = 10;

/// Statistics of columns, shared by all sessions.
#[derive(Default)]
pub(crate) struct StatisticsCache {
    columns: Mutex<HashMap<(Oid, usize), Kept>>,
    generation: AtomicU64,
}

struct Kept {
    statistics: Arc<ColumnStatistics>,
    /// Changes of the table when the sample was taken, and its rows.
    changes: u64,
    rows: u64,
}

impl StatisticsCache {
    /// Forgets everything: samples are taken and plans made anew.
    pub(crate) fn forget(&self) {
        self.columns.lock().clear();
        self.renew();
    }

    /// Has plans made anew.
    pub(crate) fn renew(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what ANALYZE found of a column.
    pub(crate) fn keep(&self, table: &Table, slot: usize, statistics: Arc<ColumnStatistics>) {
        let kept = Kept { statistics, changes: table.changes(), rows: table.live_rows() as u64 };
        self.columns.lock().insert((table.id(), slot), kept);
    }

    /// Keeps what ANALYZE found of the columns of a database before the server started.
    pub(crate) fn recall(&self, analyses: &Analyses, database: Oid, catalog: &Catalog, storage: &Storage) {
        for (subject, analysis) in analyses.of_database(database) {
            let relation = catalog.relation(subject.relation).filter(|_| !subject.is_inherited);
            let Some((relation, table)) = relation.zip(storage.table(analysis.storage)) else { continue };
            for (attnum, analyzed) in &analysis.columns {
                let Some(column) = relation.column(*attnum) else { continue };
                self.keep(&table, column.slot, analyzed.statistics.clone());
            }
        }
    }

    /// Changes when statistics were forgotten.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    fn column(&self, table: &Table, slot: usize, base_type: Oid) -> Arc<ColumnStatistics> {
        let (key, changes) = ((table.id(), slot), table.changes());
        if let Some(kept) = self.columns.lock().get(&key)
            && changes.abs_diff(kept.changes) <= CHANGES_BEFORE_ANALYZE + kept.rows / ROWS_PER_CHANGE
        {
            return kept.statistics.clone();
        }
        let rows = table.live_rows();
        let indexes = table.indexes();
        let index = indexes.iter().find(|index| index.def().key.columns() == [slot]);
        let distinct = index.map(|index| index.distinct_keys() as f64);
        let values = table.sample(slot, SAMPLE_ROWS);
        let sample = Sample { values, base_type, rows: rows as f64, target: DEFAULT_TARGET };
        let statistics = Arc::new(ColumnStatistics::of_sample(sample, distinct));
        let kept = Kept { statistics: statistics.clone(), changes, rows: rows as u64 };
        self.columns.lock().insert(key, kept);
        statistics
    }
}

/// What is known when one statement is planned.
pub(super) struct StatementStatistics<'a> {
    pub storage: &'a Storage,
    pub cache: &'a StatisticsCache,
    pub analyses: &'a Analyses,
    pub catalog: &'a Catalog,
    pub methods: Methods,
    pub cost_constants: CostConstants,
    pub env: &'a dyn Env,
    /// Texts of constants that were lifted out of the statement.
    pub source: &'a Source,
    /// Values of parameters, when the plan is for one execution.
    pub params: &'a [Datum],
}

impl Statistics for StatementStatistics<'_> {
    fn rows(&self, table: Oid) -> f64 {
        // An empty table is planned as a small one, unless ANALYZE has seen it: it will not stay empty for as long as its plans live.
        const SMALLEST: usize = 10;
        let least = if self.is_analyzed(table) { 0 } else { SMALLEST };
        let Some(stored) = self.storage.table(table) else { return 1000.0 };
        match self.catalog.told_size_of_storage(table).filter(|told| told.pages > 0 && told.tuples >= 0.0) {
            // As many to a page as it is told to have, in the pages that there are.
            Some(told) => (f64::from(told.tuples) / f64::from(told.pages) * pages(row_bytes(&stored)) as f64).round(),
            None => stored.live_rows().max(least) as f64,
        }
    }

    fn distinct_keys(&self, table: Oid, index: Oid) -> Option<f64> {
        let index = self.storage.table(table)?.index(index)?;
        (index.entries() > 0).then(|| index.distinct_keys() as f64)
    }

    fn column(&self, table: Oid, slot: usize, base_type: Oid) -> Option<Arc<ColumnStatistics>> {
        if Dimension::is_expression(slot) {
            return self.analyses.expression(table, slot, self.catalog);
        }
        let table = self.storage.table(table)?;
        (table.live_rows() > 0).then(|| self.cache.column(&table, slot, base_type))
    }

    fn extended(&self, table: Oid) -> Vec<Arc<ExtendedStatistics>> {
        self.analyses.extended_of_storage(table, self.catalog)
    }

    fn is_analyzed(&self, table: Oid) -> bool {
        self.analyses.knows_storage(table)
    }

    fn parameter(&self, index: usize, ty: Type) -> Option<Datum> {
        if let Some(value) = self.params.get(index) {
            return Some(value.clone());
        }
        text::input(self.source.hints.get(index)?, ty, self.env).ok()
    }

    fn methods(&self) -> Methods {
        self.methods
    }

    fn cost_constants(&self) -> CostConstants {
        self.cost_constants
    }
}

/// Tables of a plan with the rows they had when it was made: a plan for a small table is a bad one for a large table.
#[derive(Debug, Default)]
pub(super) struct PlannedSizes(Box<[(Arc<Table>, usize)]>);

impl PlannedSizes {
    pub(super) fn new(tables: impl Iterator<Item = Arc<Table>>) -> Self {
        PlannedSizes(tables.map(|table| (table.live_rows(), table)).map(|(rows, table)| (table, rows)).collect())
    }

    /// Whether no table has grown or shrunk so much that the plan should be made again.
    #[inline]
    pub(super) fn hold(&self) -> bool {
        const FACTOR: usize = 4;
        const SLACK_ROWS: usize = 400;
        self.0.iter().all(|(table, planned)| {
            let rows = table.live_rows();
            rows <= planned * FACTOR + SLACK_ROWS && *planned <= rows * FACTOR + SLACK_ROWS
        })
    }
}
