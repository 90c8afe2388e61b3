//! Which parts of a plan run columnar: those that read a whole table or many index entries, when there is much to read.
//!
//! How large a table is, is asked when the statement runs: plans outlive the sizes they were made for.

use std::collections::HashSet;
use std::sync::Arc;

use dictdb_planner::physical::{Cte, Node, Op};
use dictdb_storage::Table;

use super::compile::is_columnar;
use super::source::Source;
use crate::row::{self, Cursor};

/// Rows of a table from which on columns pay.
const MANY_ROWS: usize = 256;
/// Estimated rows of an index scan from which on it pays to make columns of them.
const MANY_INDEX_ROWS: f64 = 4096.0;

/// How the engine is chosen; other than automatically in tests only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// By the size of tables.
    #[default]
    Automatic,
    /// Row by row.
    Rows,
    /// Columns wherever an operator exists.
    Columns,
}

/// What a columnar plan would read.
#[derive(Debug, Default)]
pub(crate) struct Reads<'a> {
    /// Tables read whole.
    pub tables: Vec<&'a dictdb_planner::physical::TableRef>,
    /// Whether an index scan is large by estimate.
    pub large_index_scan: bool,
}

/// What a subtree reads through columnar operators; `None` if its top is not one or there is nothing to gain.
pub(crate) fn reads<'a>(node: &'a Node, ctes: &'a [Cte]) -> Option<Reads<'a>> {
    if !is_columnar(node) {
        return None;
    }
    let mut collector = Collector { reads: Reads::default(), ctes, seen: HashSet::new() };
    collector.collect(node);
    let reads = collector.reads;
    (reads.large_index_scan || !reads.tables.is_empty()).then_some(reads)
}

struct Collector<'a> {
    reads: Reads<'a>,
    ctes: &'a [Cte],
    /// CTEs that were looked into.
    seen: HashSet<usize>,
}

impl<'a> Collector<'a> {
    fn collect(&mut self, node: &'a Node) {
        match &node.op {
            _ if takes_few(node) => {}
            Op::SeqScan { table, .. } => self.reads.tables.push(table),
            Op::IndexScan { .. } => self.reads.large_index_scan |= node.rows >= MANY_INDEX_ROWS,
            Op::CteScan { cte, .. } => self.collect_cte(*cte),
            _ if is_columnar(node) => node.children().into_iter().for_each(|child| self.collect(child)),
            _ => {}
        }
    }

    /// Whoever reads a CTE that is kept in columns runs in columns too.
    fn collect_cte(&mut self, cte: usize) {
        if self.seen.insert(cte)
            && let Some(Cte { query, recursive: None, .. }) = self.ctes.get(cte)
            && is_columnar(query)
        {
            self.collect(query);
        }
    }
}

/// Whether a few rows are taken in the order of an index: making columns would read more than is wanted.
pub(crate) fn takes_few(node: &Node) -> bool {
    matches!(&node.op, Op::Limit { input, .. } if node.rows < MANY_INDEX_ROWS && streams(input))
}

/// Whether the first rows of a node come from the first rows of an index.
fn streams(node: &Node) -> bool {
    match &node.op {
        Op::IndexScan { .. } | Op::RegionScan { .. } => true,
        Op::Project { input, .. } | Op::Filter { input, .. } | Op::Gate { input, .. } => streams(input),
        Op::Append { inputs, .. } => inputs.iter().all(streams),
        _ => false,
    }
}

/// A part of a plan that exists both ways.
#[derive(Debug)]
pub(crate) struct Adaptive {
    /// Row by row.
    pub rows: Arc<dyn row::Node>,
    /// In columns.
    pub columns: Arc<dyn super::Node>,
    /// The tables whose sizes decide.
    pub tables: Vec<Arc<Table>>,
    /// Columns whatever the sizes.
    pub always: bool,
}

impl Adaptive {
    /// Whether an execution that begins now runs in columns.
    pub fn runs_in_columns(&self) -> bool {
        self.always || self.tables.iter().any(|table| table.stats().live_rows >= MANY_ROWS)
    }
}

impl row::Node for Adaptive {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        if self.runs_in_columns() {
            Arc::new(Source { input: self.columns.clone() }).open()
        } else {
            self.rows.clone().open()
        }
    }
}
