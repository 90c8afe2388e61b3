//! What gives no row whatever the tables hold is not run: filters and joins on a condition that is constant and not true,
//! and what is built over them. (PostgreSQL: `is_dummy_rel`.)

use dictdb_types::Datum;

use crate::columns::{for_each_input_mut, for_each_subquery_mut};
use crate::expr::Expr;
use crate::logical::{JoinKind, Node, SetOpKind};

/// Replaces such parts of a plan, subqueries included, by no rows.
pub(super) fn leave_out_empty(node: &mut Node) {
    for_each_input_mut(node, &mut leave_out_empty);
    for_each_subquery_mut(node, &mut leave_out_empty);
    if let Node::Join { kind, left, right, on, lateral } = node {
        if never(on.as_ref()) && matches!(kind, JoinKind::Left | JoinKind::Anti) {
            (**right, *on, *lateral) = (nothing_like(right), None, false);
        }
        if *kind == JoinKind::Anti && is_empty(right) {
            *node = std::mem::replace(&mut **left, no_rows());
            return;
        }
    }
    if gives_none(node) {
        *node = nothing_like(node);
    }
}

/// Whether a node over inputs that have been looked at gives no row.
fn gives_none(node: &Node) -> bool {
    match node {
        Node::Filter { input, predicate } => never(Some(predicate)) || is_empty(input),
        Node::Join { kind: JoinKind::Inner | JoinKind::Semi, left, right, on, .. } => {
            never(on.as_ref()) || is_empty(left) || is_empty(right)
        }
        Node::Join { kind: JoinKind::Left | JoinKind::Anti, left, .. } => is_empty(left),
        Node::Join { kind: JoinKind::Right, right, .. } => is_empty(right),
        Node::Aggregate(aggregate) => {
            aggregate.sets.is_none() && !aggregate.groups.is_empty() && is_empty(&aggregate.input)
        }
        Node::Project { input, .. }
        | Node::Sort { input, .. }
        | Node::Limit { input, .. }
        | Node::Distinct { input, .. }
        | Node::Window { input, .. }
        | Node::ProjectSet { input, .. }
        | Node::LockRows { input, .. } => is_empty(input),
        Node::Sample(sample) => is_empty(&sample.input),
        Node::SetOp { kind, left, right, .. } => match kind {
            SetOpKind::Union => is_empty(left) && is_empty(right),
            SetOpKind::Intersect => is_empty(left) || is_empty(right),
            SetOpKind::Except => is_empty(left),
        },
        _ => false,
    }
}

/// Whether a condition is a constant other than true, or has one among its parts.
fn never(condition: Option<&Expr>) -> bool {
    match condition {
        Some(Expr::Const(Datum::Bool(false) | Datum::Null, _)) => true,
        Some(Expr::And(parts)) => parts.iter().any(|part| never(Some(part))),
        _ => false,
    }
}

fn is_empty(node: &Node) -> bool {
    matches!(node, Node::Values { rows, .. } if rows.is_empty())
}

/// No rows of the columns of a node.
fn nothing_like(node: &Node) -> Node {
    Node::Values { columns: node.columns(), rows: Vec::new() }
}

fn no_rows() -> Node {
    Node::Values { columns: Vec::new(), rows: Vec::new() }
}
