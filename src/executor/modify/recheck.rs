//! READ COMMITTED's second look: a row that somebody changed meanwhile is taken in its newest version and the plan below
//! decides again whether and how it is changed (PostgreSQL's EvalPlanQual).

use std::sync::Arc;

use dictdb_planner::expr::Expr;
use dictdb_planner::physical::{Fetch, Node, Op};
use dictdb_storage::VersionTag;
use dictdb_types::{Result, RowId};

use super::target::Target;
use super::unique::same_image;
use crate::row::{self, Row};
use crate::runtime::{FixedScans, Runtime, ScanId};

/// How to look again at the rows of one table of a plan.
#[derive(Debug)]
pub(crate) struct Recheck {
    /// The plan below, row by row.
    pub input: Arc<dyn row::Node>,
    /// The scans that the row may come from, with the member each reads; none if it cannot be told.
    pub scans: Box<[(usize, ScanId)]>,
    /// Columns that say which rows of the other tables a row was joined with.
    pub identity: Box<[usize]>,
}

impl Recheck {
    /// A row that somebody changed meanwhile: its newest version, and the input row for that; `None` when the row is gone or the
    /// plan does not want it any more.
    pub fn latest(
        &self,
        rt: &Runtime,
        target: &Target,
        found: (usize, RowId),
        before: &Row,
    ) -> Result<Option<((VersionTag, Row), Row)>> {
        let Some(newest) = rt.writer().read_latest(target, found.1)? else { return Ok(None) };
        Ok(self.run(rt, found, before)?.map(|again| (newest, again)))
    }

    /// The input row for the newest version of a row and the same rows of other tables as `before`; `None` when the plan
    /// does not want it any more.
    pub fn run(&self, rt: &Runtime, (member, id): (usize, RowId), before: &Row) -> Result<Option<Row>> {
        let again = match self.scans.is_empty() {
            false => run(&self.input, rt, fixed(&self.scans, member, id).collect(), &self.identity, before)?,
            true => None,
        };
        if again.is_none() {
            rt.cx().transaction.give_up_row();
        }
        Ok(again)
    }
}

/// Scans of one table fixed to a row: the one that reads its member gives the row, the others none.
pub(crate) fn fixed(
    scans: &[(usize, ScanId)],
    member: usize,
    id: RowId,
) -> impl Iterator<Item = (ScanId, Option<RowId>)> + '_ {
    scans.iter().map(move |(own, scan)| (*scan, (*own == member).then_some(id)))
}

/// Runs a plan with some scans fixed to one row each and returns the row that agrees with `before` in some columns.
pub(crate) fn run(
    input: &Arc<dyn row::Node>,
    rt: &Runtime,
    fixed: FixedScans,
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

/// The scans that a row id column comes from, with the member each reads.
pub(crate) fn trace(node: &Node, column: usize) -> Vec<(usize, &Node)> {
    let own = |fetch: &Fetch, column: usize| {
        let found = fetch.row_id && column == fetch.columns.len();
        found.then_some((usize::from(fetch.member), node)).into_iter().collect()
    };
    match &node.op {
        Op::SeqScan { fetch, .. }
        | Op::IndexScan { fetch, .. }
        | Op::BitmapScan { fetch, .. }
        | Op::RegionScan { fetch, .. } => own(fetch, column),
        Op::Project { input, exprs } => match exprs.get(column) {
            Some(Expr::Input(below, _)) => trace(input, *below),
            _ => Vec::new(),
        },
        Op::Append { inputs, .. } => inputs.iter().flat_map(|input| trace(input, column)).collect(),
        Op::IndexJoin { outer, fetch, .. } => match column.checked_sub(outer.columns.len()) {
            None => trace(outer, column),
            Some(column) => own(fetch, column),
        },
        Op::HashJoin { left, right, .. }
        | Op::MergeJoin { left, right, .. }
        | Op::NestedLoop { left, right, .. }
        | Op::Apply { left, right, .. } => match column.checked_sub(left.columns.len()) {
            None => trace(left, column),
            Some(own) => trace(right, own),
        },
        Op::Filter { input, .. }
        | Op::Gate { input, .. }
        | Op::Sample { input, .. }
        | Op::Sort { input, .. }
        | Op::Limit { input, .. }
        | Op::LockRows { input, .. }
        | Op::ProjectSet { input, .. }
        | Op::Window { input, .. } => trace(input, column),
        _ => Vec::new(),
    }
}
