//! Which parts of a plan run columnar: those that read a whole table or many index entries, when there is much to read.
//!
//! How large a table is, is asked when the statement runs: plans outlive the sizes they were made for.

use std::sync::Arc;

use dictdb_planner::physical::{Node, Op};
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
pub(crate) fn reads(node: &Node) -> Option<Reads<'_>> {
    if !is_columnar(node) {
        return None;
    }
    let mut reads = Reads::default();
    collect(node, &mut reads);
    (reads.large_index_scan || !reads.tables.is_empty()).then_some(reads)
}

fn collect<'a>(node: &'a Node, reads: &mut Reads<'a>) {
    match &node.op {
        _ if takes_few(node) => {}
        Op::SeqScan { table, .. } => reads.tables.push(table),
        Op::IndexScan { .. } => reads.large_index_scan |= node.rows >= MANY_INDEX_ROWS,
        _ if is_columnar(node) => node.children().into_iter().for_each(|child| collect(child, reads)),
        _ => {}
    }
}

/// Whether a few rows are taken in the order of an index: making columns would read more than is wanted.
pub(crate) fn takes_few(node: &Node) -> bool {
    matches!(&node.op, Op::Limit { input, .. } if node.rows < MANY_INDEX_ROWS && streams(input))
}

/// Whether the first rows of a node come from the first rows of an index.
fn streams(node: &Node) -> bool {
    match &node.op {
        Op::IndexScan { .. } => true,
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

impl row::Node for Adaptive {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        if self.always || self.tables.iter().any(|table| table.stats().live_rows >= MANY_ROWS) {
            Arc::new(Source { input: self.columns.clone() }).open()
        } else {
            self.rows.clone().open()
        }
    }
}
