//! READ COMMITTED's second look: a row that somebody changed meanwhile is taken in its newest version and the plan below
//! decides again whether and how it is changed (PostgreSQL's EvalPlanQual).

use std::sync::Arc;

use dictdb_planner::expr::Expr;
use dictdb_planner::physical::{Node, Op};
use dictdb_types::{Result, RowId};

use super::unique::same_image;
use crate::row::{self, Row};
use crate::runtime::{Runtime, ScanId};

/// How to look again at the rows of one table of a plan.
#[derive(Debug)]
pub(crate) struct Recheck {
    /// The plan below, row by row.
    pub input: Arc<dyn row::Node>,
    /// The scan whose row is looked at; `None` if it cannot be told.
    pub scan: Option<ScanId>,
    /// Columns that say which rows of the other tables a row was joined with.
    pub identity: Box<[usize]>,
}

impl Recheck {
    /// The input row for the newest version of a row and the same rows of other tables as `before`; `None` when the plan
    /// does not want it any more.
    pub fn run(&self, rt: &Runtime, id: RowId, before: &Row) -> Result<Option<Row>> {
        match self.scan {
            Some(scan) => run(&self.input, rt, vec![(scan, id)], &self.identity, before),
            None => Ok(None),
        }
    }
}

/// Runs a plan with some scans fixed to one row each and returns the row that agrees with `before` in some columns.
pub(crate) fn run(
    input: &Arc<dyn row::Node>,
    rt: &Runtime,
    fixed: Vec<(ScanId, RowId)>,
    identity: &[usize],
    before: &Row,
) -> Result<Option<Row>> {
    let again = rt.recheck(fixed);
    let mut cursor = input.clone().open();
    let mut row = Row::new();
    while cursor.next(&again, &mut row)? {
        if same_image(identity, &row, before) {
            return Ok(Some(row));
        }
        row.clear();
    }
    Ok(None)
}

/// The scan that a row id column comes from.
pub(crate) fn trace(node: &Node, column: usize) -> Option<&Node> {
    match &node.op {
        Op::SeqScan { fetch, .. } | Op::IndexScan { fetch, .. } => {
            (fetch.row_id && column == fetch.columns.len()).then_some(node)
        }
        Op::Project { input, exprs } => match exprs.get(column)? {
            Expr::Input(below, _) => trace(input, *below),
            _ => None,
        },
        Op::IndexJoin { outer, fetch, .. } => match column.checked_sub(outer.columns.len()) {
            None => trace(outer, column),
            Some(own) => (fetch.row_id && own == fetch.columns.len()).then_some(node),
        },
        Op::HashJoin { left, right, .. } | Op::NestedLoop { left, right, .. } | Op::Apply { left, right, .. } => {
            match column.checked_sub(left.columns.len()) {
                None => trace(left, column),
                Some(own) => trace(right, own),
            }
        }
        Op::Filter { input, .. }
        | Op::Sample { input, .. }
        | Op::Sort { input, .. }
        | Op::Limit { input, .. }
        | Op::LockRows { input, .. }
        | Op::ProjectSet { input, .. }
        | Op::Window { input, .. } => trace(input, column),
        _ => None,
    }
}
