//! Subqueries and views that only compute columns disappear: what they compute is computed after the join, and the join is one
//! of the tables below, which an index can be searched for. (PostgreSQL: `pull_up_simple_subquery`.)
//!
//! ```text
//!   Join(x, Project[y.a AS b, y.c + 1 AS d](y), on x.a = b)   ─►   Project[x.*, y.a AS b, y.c + 1 AS d](Join(x, y, on x.a = y.a))
//! ```
//! Where a join adds rows of NULLs for a side, only that can be computed afterwards which is NULL of NULLs.
//!
//! With the projection gone, a lateral subquery may have all its correlation in a filter, which is a condition of the join then.

use std::collections::BTreeSet;

use crate::columns::{
    expr_columns, for_each_input, for_each_input_mut, for_each_subquery, for_each_subquery_mut, free_columns,
    replace_column, replace_in_expr,
};
use crate::expr::{ColumnId, Expr};
use crate::logical::{Column, JoinKind, Node};

use super::pushdown::{is_null_when, is_secured};
use super::single_row::{is_row_of_values, is_single, row_as_projection};

/// Whether a join has a projection for a side, in subqueries too.
pub(super) fn joins_projections(node: &Node) -> bool {
    let is_projection = |side: &Node| matches!(side, Node::Project { .. }) || is_row_of_values(side);
    let mut found = matches!(node, Node::Join { left, right, .. } if is_projection(left) || is_projection(right));
    for_each_input(node, &mut |input| found = found || joins_projections(input));
    for_each_subquery(node, &mut |query| found = found || joins_projections(query));
    found
}

/// Pulls projections above the joins over them, subqueries included. What nobody uses has been left out: it might be what
/// cannot be computed there.
pub(super) fn pull_up_projections(node: &mut Node) {
    for_each_input_mut(node, &mut pull_up_projections);
    for_each_subquery_mut(node, &mut pull_up_projections);
    match node {
        Node::Join { .. } => pull_out_of_join(node),
        Node::Filter { .. } => filter_below(node),
        Node::Project { .. } => merge(node),
        _ => {}
    }
}

fn pull_out_of_join(node: &mut Node) {
    let Node::Join { kind, left, right, on, lateral } = node else { return };
    let is_shown = !matches!(kind, JoinKind::Semi | JoinKind::Anti);
    let null_left = matches!(kind, JoinKind::Right | JoinKind::Full);
    let null_right = matches!(kind, JoinKind::Left | JoinKind::Full);
    let from_left = pull_out(left, null_left);
    if *lateral {
        from_left.iter().flatten().for_each(|(column, expr)| replace_column(right, column.id, expr));
    }
    let from_right = pull_out(right, null_right);
    for (column, expr) in from_left.iter().flatten().chain(from_right.iter().flatten()) {
        on.iter_mut().for_each(|on| replace_in_expr(on, column.id, expr));
    }
    if *lateral {
        uncorrelate(*kind, left, right, on, lateral);
    }
    // Nobody sees the columns of the inner side of a semi join.
    if from_left.is_none() && (from_right.is_none() || !is_shown) {
        return;
    }
    let mut columns = from_left.unwrap_or_else(|| passed_on(left));
    if is_shown {
        columns.extend(from_right.unwrap_or_else(|| passed_on(right)));
    }
    let input = Box::new(take(node));
    *node = Node::Project { input, columns };
}

/// Takes the projection off the side of a join, if what it computes can be computed after the join.
fn pull_out(side: &mut Node, may_be_null: bool) -> Option<Vec<(Column, Expr)>> {
    if is_row_of_values(side) {
        row_as_projection(side);
    }
    let Node::Project { input, columns } = side else { return None };
    // What stands in front of a policy's filter would see the rows that it hides.
    if matches!(**input, Node::Values { .. }) && !is_single(input) || is_secured(input) {
        return None;
    }
    let own: BTreeSet<ColumnId> = input.columns().iter().map(|column| column.id).collect();
    let movable = |expr: &Expr| {
        !expr.is_volatile()
            && !expr.any(&mut |e| matches!(e, Expr::Sublink(_)))
            && (!may_be_null || is_null_when(expr, &own))
    };
    if !columns.iter().all(|(_, expr)| movable(expr)) {
        return None;
    }
    let columns = std::mem::take(columns);
    let input = take(input);
    *side = input;
    Some(columns)
}

fn passed_on(node: &Node) -> Vec<(Column, Expr)> {
    node.columns().into_iter().map(|column| (column.clone(), Expr::column(&column))).collect()
}

/// A filter over a projection that came up is put below it again, next to the join.
fn filter_below(node: &mut Node) {
    let Node::Filter { input, predicate } = node else { return };
    let Node::Project { input: below, columns } = &mut **input else { return };
    let mut used = BTreeSet::new();
    expr_columns(predicate, &mut used);
    let plain = |(column, expr): &(Column, Expr)| {
        !used.contains(&column.id) || !expr.is_volatile() && !expr.any(&mut |e| matches!(e, Expr::Sublink(_)))
    };
    if !matches!(**below, Node::Join { .. }) || predicate.is_volatile() || !columns.iter().all(plain) {
        return;
    }
    for (column, expr) in columns.iter() {
        replace_in_expr(predicate, column.id, expr);
    }
    let (input, columns) = (take(below), std::mem::take(columns));
    let predicate = std::mem::replace(predicate, Expr::boolean(true));
    *node = Node::Project { input: Box::new(Node::Filter { input: Box::new(input), predicate }), columns };
}

/// Two projections are one, where nothing is computed twice for it.
fn merge(node: &mut Node) {
    let Node::Project { input, columns } = node else { return };
    let Node::Project { input: below, columns: inner } = &mut **input else { return };
    let uses = |id: ColumnId| {
        let mut count = 0;
        columns.iter().for_each(|(_, expr)| {
            expr.visit(&mut |e| match e {
                Expr::Column(own, _) if *own == id => count += 1,
                Expr::Sublink(link) if free_columns(&link.query).contains(&id) => count += 2,
                _ => {}
            });
        });
        count
    };
    let simple = |(column, expr): &(Column, Expr)| match expr {
        Expr::Column(..) | Expr::Const(..) => true,
        expr => !expr.is_volatile() && uses(column.id) < 2,
    };
    if !inner.iter().all(simple) {
        return;
    }
    for (column, expr) in inner.iter() {
        columns.iter_mut().for_each(|(_, own)| replace_in_expr(own, column.id, expr));
    }
    let below = take(below);
    **input = below;
}

/// A lateral join is an ordinary one when only filters at the top of its right side refer to the left side: their conditions
/// are the join's.
fn uncorrelate(kind: JoinKind, left: &Node, right: &mut Node, on: &mut Option<Expr>, lateral: &mut bool) {
    if !matches!(kind, JoinKind::Inner | JoinKind::Left) {
        return;
    }
    let outside: BTreeSet<ColumnId> = left.columns().iter().map(|column| column.id).collect();
    let correlated = |expr: &Expr| {
        let mut used = BTreeSet::new();
        expr_columns(expr, &mut used);
        !used.is_disjoint(&outside)
    };
    if let Node::Filter { input, predicate } = right {
        let mut conjuncts = Vec::new();
        predicate.clone().into_conjuncts(&mut conjuncts);
        let (moved, kept): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(correlated);
        let has_query = |expr: &Expr| expr.is_volatile() || expr.any(&mut |e| matches!(e, Expr::Sublink(_)));
        if !free_columns(input).is_disjoint(&outside) || moved.iter().any(has_query) || is_secured(input) {
            return;
        }
        let input = take(input);
        *right = match Expr::conjunction(kept) {
            Some(predicate) => Node::Filter { input: Box::new(input), predicate },
            None => input,
        };
        *on = Expr::conjunction(on.take().into_iter().chain(moved).collect());
    }
    *lateral = !free_columns(right).is_disjoint(&outside);
}

fn take(node: &mut Node) -> Node {
    std::mem::replace(node, Node::Values { columns: Vec::new(), rows: Vec::new() })
}
