//! What a query has one row of for sure needs no join: `(SELECT 5 AS x)`, and a function in FROM that has been computed.
//!
//! ```text
//!   Join(t, Project[5 AS x](one row), on t.a = x)   ─►   Project[t.*, 5 AS x](Filter[t.a = 5](t))
//! ```
//! What such a row computes has been pulled up before ([`super::pull_up`]).

use crate::columns::{for_each_input_mut, for_each_subquery_mut};
use crate::expr::Expr;
use crate::logical::{FunctionScan, JoinKind, Node};

/// Makes functions in FROM that are constants rows of constants, subqueries included.
pub(super) fn constant_functions(node: &mut Node) {
    for_each_input_mut(node, &mut constant_functions);
    for_each_subquery_mut(node, &mut constant_functions);
    let Node::FunctionScan(scan) = node else { return };
    let FunctionScan { calls, ordinality: None, .. } = &mut **scan else { return };
    if let [item] = calls.as_slice()
        && let (Expr::Const(..), false, [column]) = (&item.call, item.spread, item.columns.as_slice())
    {
        let columns = vec![(column.clone(), item.call.clone())];
        *node = Node::Project { input: Box::new(one_row()), columns };
    }
}

/// Leaves out rows without columns that something is joined with, subqueries included.
pub(super) fn leave_out_single_rows(node: &mut Node) {
    for_each_input_mut(node, &mut leave_out_single_rows);
    for_each_subquery_mut(node, &mut leave_out_single_rows);
    let Node::Join { kind, left, right, on, .. } = node else { return };
    let kept = match kind {
        JoinKind::Inner | JoinKind::Semi if is_single(right) => left,
        JoinKind::Left if is_single(right) && on.is_none() => left,
        JoinKind::Inner if is_single(left) => right,
        JoinKind::Right if is_single(left) && on.is_none() => right,
        _ => return,
    };
    let kept = std::mem::replace(kept, Box::new(one_row()));
    *node = match on.take() {
        Some(predicate) => Node::Filter { input: kept, predicate },
        None => *kept,
    };
}

/// One row without columns, as SELECT without FROM has it.
pub(super) fn is_single(node: &Node) -> bool {
    matches!(node, Node::Values { columns, rows } if columns.is_empty() && rows.len() == 1)
}

/// `(VALUES (5, 'a'))`.
pub(super) fn is_row_of_values(node: &Node) -> bool {
    matches!(node, Node::Values { columns, rows } if !columns.is_empty() && rows.len() == 1)
}

/// The same as a SELECT without FROM.
pub(super) fn row_as_projection(node: &mut Node) {
    let Node::Values { columns, rows } = node else { return };
    let values = rows.pop().unwrap_or_default();
    let columns = std::mem::take(columns).into_iter().zip(values).collect();
    *node = Node::Project { input: Box::new(one_row()), columns };
}

fn one_row() -> Node {
    Node::Values { columns: Vec::new(), rows: vec![Vec::new()] }
}
