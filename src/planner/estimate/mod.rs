//! Row estimates: what statistics say of tables and columns, and what PostgreSQL assumes where they say nothing.
//!
//! [`Statistics`] is what the planner asks of its caller, [`ColumnStatistics`] what a sample of a column tells,
//! [`ExtendedStatistics`] what one of several columns tells, [`Estimator`] applies all of them to conditions.

mod column;
mod cost_constants;
mod extended;
mod multivariate;
mod selectivity;

use std::sync::Arc;

use dictdb_types::{Datum, Oid, Type};

pub use column::{ColumnStatistics, DEFAULT_TARGET, ROWS_PER_TARGET, SAMPLE_ROWS, Sample};
pub use cost_constants::CostConstants;
pub use extended::{CommonRow, Dimension, ExtendedStatistics, Kinds, RowSample};
pub(crate) use selectivity::{DEFAULT_DISTINCT, Estimator, Origin, Origins};

/// What the planner asks of storage and settings.
pub trait Statistics {
    /// Live rows of a table, by its storage id.
    fn rows(&self, table: Oid) -> f64;

    /// Distinct keys of an index, by the storage ids of its table and its own.
    fn distinct_keys(&self, table: Oid, index: Oid) -> Option<f64>;

    /// What is known of the values of a storage column, or of an expression by [`Dimension::slot`], whose base type orders them.
    fn column(&self, _table: Oid, _slot: usize, _base_type: Oid) -> Option<Arc<ColumnStatistics>> {
        None
    }

    /// What statistics objects know of a table, by its storage id.
    fn extended(&self, _table: Oid) -> Vec<Arc<ExtendedStatistics>> {
        Vec::new()
    }

    /// Whether ANALYZE has looked at a table.
    fn is_analyzed(&self, _table: Oid) -> bool {
        false
    }

    /// The value a parameter probably has, where there is a hint; only ever used for estimates.
    fn parameter(&self, _index: usize, _ty: Type) -> Option<Datum> {
        None
    }

    /// Which methods the session's settings discourage.
    fn methods(&self) -> Methods {
        Methods::default()
    }

    /// What PostgreSQL's planner takes things to cost, by the session's settings.
    fn cost_constants(&self) -> CostConstants {
        CostConstants::default()
    }
}

/// The `enable_*` settings: a method that is off is used only where nothing else is possible, but for those that are off by default:
/// these are used where they are possible when they are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each field is the setting of that name")]
pub struct Methods {
    pub seqscan: bool,
    pub indexscan: bool,
    pub indexonlyscan: bool,
    pub bitmapscan: bool,
    pub hashjoin: bool,
    pub nestloop: bool,
    pub sort: bool,
    pub incremental_sort: bool,
    pub hashagg: bool,
    pub partition_pruning: bool,
    pub partitionwise_join: bool,
    pub partitionwise_aggregate: bool,
}

impl Default for Methods {
    fn default() -> Self {
        Methods {
            seqscan: true,
            indexscan: true,
            indexonlyscan: true,
            bitmapscan: true,
            hashjoin: true,
            nestloop: true,
            sort: true,
            incremental_sort: true,
            hashagg: true,
            partition_pruning: true,
            partitionwise_join: false,
            partitionwise_aggregate: false,
        }
    }
}

/// No statistics: tables of a thousand rows.
pub struct NoStatistics;

impl Statistics for NoStatistics {
    fn rows(&self, _: Oid) -> f64 {
        1000.0
    }

    fn distinct_keys(&self, _: Oid, _: Oid) -> Option<f64> {
        None
    }
}
