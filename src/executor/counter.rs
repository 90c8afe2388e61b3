//! What one operator has done so far, for EXPLAIN ANALYZE.

use std::sync::Arc;
use std::time::Instant;

use dictdb_planner::explain::Actual;
use dictdb_types::Result;

use crate::runtime::Runtime;

/// An operator that is counted. `N` is the operators of a model of execution.
#[derive(Debug)]
pub(crate) struct Counting<N: ?Sized> {
    /// The operator.
    pub input: Arc<N>,
    /// Its number in the plan.
    pub number: usize,
}

/// Counts the runs of one cursor.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    started: bool,
    has_row: bool,
    run_ms: f64,
}

impl Counter {
    /// Counts a call that gives rows; `rows` tells how many.
    pub fn count<T>(
        &mut self,
        rt: &Runtime,
        number: usize,
        call: impl FnOnce() -> Result<T>,
        rows: impl FnOnce(&T) -> usize,
    ) -> Result<T> {
        let began = Instant::now();
        let result = call();
        let elapsed_ms = began.elapsed().as_secs_f64() * 1000.0;
        let given = result.as_ref().map_or(0, rows);
        rt.count(number, |actual: &mut Actual| {
            if !self.started {
                self.started = true;
                actual.loops += 1;
            }
            self.run_ms += elapsed_ms;
            actual.total_ms += elapsed_ms;
            if given > 0 && !self.has_row {
                self.has_row = true;
                actual.startup_ms += self.run_ms;
            }
            actual.rows += given as u64;
        });
        result
    }

    /// A new run.
    pub fn restart(&mut self) {
        *self = Counter::default();
    }
}
