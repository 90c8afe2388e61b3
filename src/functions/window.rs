//! The built-in window functions over one partition, row by row.
//!
//! Partitioning, sorting and frame bounds are the executor's, which shows them through [`PartitionView`]. Aggregates
//! used as window functions are in [`crate::aggregate`].

use std::ops::Range;

use dictdb_types::{Datum, Result};

use crate::CallContext;

/// One partition, sorted, as the executor's window node holds it. Rows count from zero.
pub trait PartitionView {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// An argument of the function evaluated at a row.
    fn arg(&self, row: usize, index: usize) -> Result<Datum>;

    /// The rows equal to `row` under the window's ORDER BY; the whole partition without one.
    fn peers(&self, row: usize) -> Range<usize>;

    /// The frame of `row` after EXCLUDE, as ascending disjoint ranges, some possibly empty.
    fn frame(&self, row: usize) -> Result<[Range<usize>; 3]>;
}

/// A window function in one partition. Rows are asked in ascending order, each once.
pub trait WindowFunction: Send {
    /// The value at `row`.
    fn evaluate(&mut self, cx: &CallContext<'_>, view: &dyn PartitionView, row: usize) -> Result<Datum>;
}

/// Makes a function for a new partition.
pub type WindowFn = fn() -> Box<dyn WindowFunction>;

/// The built-in window function by `pg_proc.prosrc` (`window_row_number`, `window_lag_with_offset`, …).
pub fn window(prosrc: &str) -> Option<WindowFn> {
    KERNELS.iter().find(|(key, _)| *key == prosrc).map(|(_, make)| *make)
}

const KERNELS: &[(&str, WindowFn)] = &[];
