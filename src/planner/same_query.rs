//! Whether two subqueries in expressions are the same query: `GROUP BY (SELECT …)` is about the same subquery in the select
//! list, and ORDER BY of DISTINCT likewise. (PostgreSQL: `equal` over `Query`.)
//!
//! The columns that a query makes have ids of its own; two queries are the same when they are so after both have been numbered
//! from the same beginning.

use crate::columns::{for_each_expr, for_each_input};
use crate::compare::same_keys;
use crate::expr::{Expr, FrameBound, Sublink, SublinkKind, WindowCall};
use crate::logical::Node;
use crate::renumber::renumber;

/// Ids from here on belong to no statement.
const FIRST: u32 = 1 << 31;

/// Whether two subqueries ask the same of the same query; their left operands are compared by the caller.
pub(crate) fn same_sublink(a: &Sublink, b: &Sublink) -> bool {
    same_kind(&a.kind, &b.kind) && same_query(&a.query, &b.query)
}

fn same_kind(a: &SublinkKind, b: &SublinkKind) -> bool {
    match (a, b) {
        (SublinkKind::Scalar, SublinkKind::Scalar)
        | (SublinkKind::Exists, SublinkKind::Exists)
        | (SublinkKind::Array, SublinkKind::Array) => true,
        (
            SublinkKind::Compare { all, tests, operator, order, .. },
            SublinkKind::Compare {
                all: other_all, tests: others, operator: other_operator, order: other_order, ..
            },
        ) => {
            let functions = tests.iter().map(|test| test.oid).eq(others.iter().map(|test| test.oid));
            all == other_all && operator == other_operator && order == other_order && functions
        }
        _ => false,
    }
}

fn same_query(a: &Node, b: &Node) -> bool {
    let numbered = |query: &Node| {
        let mut query = query.clone();
        renumber(&mut query, &mut FIRST.clone());
        query
    };
    same_nodes(&numbered(a), &numbered(b))
}

fn same_nodes(a: &Node, b: &Node) -> bool {
    if std::mem::discriminant(a) != std::mem::discriminant(b) || !same_shape(a, b) {
        return false;
    }
    let (left, right) = (exprs(a), exprs(b));
    let (above, below) = (inputs(a), inputs(b));
    left.len() == right.len()
        && left.iter().zip(&right).all(|(a, b)| a.same(b))
        && above.len() == below.len()
        && above.iter().zip(&below).all(|(a, b)| same_nodes(a, b))
}

fn exprs(node: &Node) -> Vec<&Expr> {
    let mut found = Vec::new();
    for_each_expr(node, &mut |expr| found.push(expr));
    found
}

fn inputs(node: &Node) -> Vec<&Node> {
    let mut found = Vec::new();
    for_each_input(node, &mut |input| found.push(input));
    found
}

/// Whether two nodes do the same, apart from their expressions and inputs.
fn same_shape(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Values { columns, rows }, Node::Values { columns: others, rows: other_rows }) => {
            columns.len() == others.len() && rows.len() == other_rows.len()
        }
        (Node::Scan(a), Node::Scan(b)) => {
            let columns = a.columns.iter().map(|(column, attnum)| (column.id, *attnum));
            let same_columns = columns.eq(b.columns.iter().map(|(column, attnum)| (column.id, *attnum)));
            a.relation.oid == b.relation.oid && a.members.len() == b.members.len() && same_columns
        }
        (Node::Sample(a), Node::Sample(b)) => a.method == b.method,
        (Node::FunctionScan(a), Node::FunctionScan(b)) => a.ordinality.is_some() == b.ordinality.is_some(),
        (Node::CteScan { cte, columns, .. }, Node::CteScan { cte: other, columns: others, .. }) => {
            cte == other && columns.iter().map(|column| column.id).eq(others.iter().map(|column| column.id))
        }
        (Node::Join { kind, lateral, .. }, Node::Join { kind: other, lateral: other_lateral, .. }) => {
            kind == other && lateral == other_lateral
        }
        (Node::Aggregate(a), Node::Aggregate(b)) => {
            let groupings = a.groupings.iter().map(|(_, positions)| positions);
            a.sets == b.sets
                && a.calls.len() == b.calls.len()
                && a.calls.iter().zip(&b.calls).all(|((_, a), (_, b))| a.same(b))
                && groupings.eq(b.groupings.iter().map(|(_, positions)| positions))
        }
        (Node::Window { calls, .. }, Node::Window { calls: others, .. }) => {
            calls.len() == others.len() && calls.iter().zip(others).all(|((_, a), (_, b))| same_window_call(a, b))
        }
        (Node::Sort { keys, .. }, Node::Sort { keys: others, .. }) => same_keys(keys, others),
        (
            Node::Limit { limit, offset, with_ties, .. },
            Node::Limit { limit: other_limit, offset: other_offset, with_ties: other_ties, .. },
        ) => {
            limit.is_some() == other_limit.is_some()
                && offset.is_some() == other_offset.is_some()
                && with_ties == other_ties
        }
        (Node::Distinct { on, .. }, Node::Distinct { on: other, .. }) => on.is_some() == other.is_some(),
        (Node::SetOp { kind, all, .. }, Node::SetOp { kind: other, all: other_all, .. }) => {
            kind == other && all == other_all
        }
        // The numbers of two WITHs are the same where one is a copy of the other.
        (Node::With { ctes, .. }, Node::With { ctes: others, .. }) => {
            ctes.iter().map(|cte| cte.id).eq(others.iter().map(|cte| cte.id))
        }
        (Node::Project { .. } | Node::Filter { .. } | Node::ProjectSet { .. }, _) => true,
        // What changes or locks rows is done as often as it is written.
        _ => false,
    }
}

fn same_window_call(a: &WindowCall, b: &WindowCall) -> bool {
    let (one, other) = (&a.window.frame, &b.window.frame);
    let same_bound = |a: &FrameBound, b: &FrameBound| std::mem::discriminant(a) == std::mem::discriminant(b);
    a.function.oid == b.function.oid
        && a.filter.is_some() == b.filter.is_some()
        && a.window.same(&b.window)
        && one.unit == other.unit
        && one.exclude == other.exclude
        && same_bound(&one.start, &other.start)
        && same_bound(&one.end, &other.end)
}
