//! Select lists with subqueries are computed after a join rather than before it: for the rows that are left.
//!
//! ```text
//!   Join(Project[a, (SELECT …) AS b](x), y)   ─►   Project[a, (SELECT …) AS b, y.*](Join(x, y))
//! ```

use std::collections::BTreeSet;

use crate::columns::{expr_columns, for_each_input_mut, replace_in_expr};
use crate::expr::{ColumnId, Expr};
use crate::logical::{Column, JoinKind, Node};

pub(super) fn lift_projections(mut node: Node) -> Node {
    for_each_input_mut(&mut node, &mut |input| *input = lift_projections(take(input)));
    match node {
        Node::Join { kind, left, right, on, lateral: false } => lift(kind, *left, *right, on),
        other => other,
    }
}

/// Lifts what is above the inputs of a join above the join, where a side's rows come out as they went in.
fn lift(kind: JoinKind, left: Node, right: Node, mut on: Option<Expr>) -> Node {
    let mut above: Vec<(Column, Expr)> = Vec::new();
    let keeps_left = matches!(kind, JoinKind::Inner | JoinKind::Left);
    let keeps_right = matches!(kind, JoinKind::Inner | JoinKind::Right);
    let (left, lifted_left) = side(left, keeps_left, &mut on, &mut above);
    let (right, lifted_right) = side(right, keeps_right, &mut on, &mut above);
    let join = Node::Join { kind, left: Box::new(left), right: Box::new(right), on, lateral: false };
    if lifted_left || lifted_right { Node::Project { input: Box::new(join), columns: above } } else { join }
}

/// The side without the projection on top of it, when that is worth lifting; what comes out of it goes to `above`.
fn side(node: Node, may_lift: bool, on: &mut Option<Expr>, above: &mut Vec<(Column, Expr)>) -> (Node, bool) {
    match node {
        Node::Project { input, columns } if may_lift && is_worth_it(&columns, on.as_ref()) => {
            if let Some(on) = on {
                columns.iter().for_each(|(column, expr)| replace_in_expr(on, column.id, expr));
            }
            above.extend(columns);
            (*input, true)
        }
        other => {
            above.extend(other.columns().into_iter().map(|column| (column.clone(), Expr::column(&column))));
            (other, false)
        }
    }
}

/// Whether there are subqueries in the list that the join does not need, and nothing that must be computed per row.
fn is_worth_it(columns: &[(Column, Expr)], on: Option<&Expr>) -> bool {
    let has_subquery = |expr: &Expr| expr.any(&mut |e| matches!(e, Expr::Sublink(_)));
    let mut used: BTreeSet<ColumnId> = BTreeSet::new();
    on.iter().for_each(|on| expr_columns(on, &mut used));
    let expensive: Vec<&Column> = columns.iter().filter(|(_, expr)| has_subquery(expr)).map(|(c, _)| c).collect();
    !expensive.is_empty()
        && expensive.iter().all(|column| !used.contains(&column.id))
        && columns.iter().all(|(_, expr)| !expr.is_volatile())
}

fn take(node: &mut Node) -> Node {
    std::mem::replace(node, Node::Values { columns: Vec::new(), rows: Vec::new() })
}
