//! PostgreSQL's planner cost constants, which are settings.
//!
//! What operators cost here is in `build/cost.rs`. Where ways cost about the same here, that one is taken which PostgreSQL would
//! take by its own formulas, so that rows come in the order programs know: these formulas are over the constants of this file.

/// The settings of these names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostConstants {
    /// `seq_page_cost`: a page that is read after the one before it.
    pub seq_page: f64,
    /// `random_page_cost`: a page that is anywhere.
    pub random_page: f64,
    /// `cpu_tuple_cost`: a row.
    pub cpu_tuple: f64,
    /// `cpu_index_tuple_cost`: an entry of an index.
    pub cpu_index_tuple: f64,
    /// `cpu_operator_cost`: an operator or a function.
    pub cpu_operator: f64,
}

impl Default for CostConstants {
    fn default() -> Self {
        CostConstants { seq_page: 1.0, random_page: 4.0, cpu_tuple: 0.01, cpu_index_tuple: 0.005, cpu_operator: 0.0025 }
    }
}

impl CostConstants {
    /// Comparing rows while they are sorted (`cost_tuplesort`), or while only the first few of them are kept.
    pub(crate) fn sort(&self, rows: f64, limit: Option<f64>) -> f64 {
        let kept = limit.map(|limit| 2.0 * limit).filter(|kept| rows > *kept).unwrap_or(rows);
        2.0 * self.cpu_operator * rows * kept.max(2.0).log2()
    }
}
