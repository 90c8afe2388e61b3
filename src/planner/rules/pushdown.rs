//! Filters go as far down as they can: into joins, through projections, next to the tables.

use std::collections::BTreeSet;

use dictdb_types::Datum;

use super::equated::{constants_for, equalities_within, equate_with_constants};
use crate::columns::{expr_columns, for_each_expr_mut, for_each_input_mut, free_columns, replace_in_expr};
use crate::expr::{ColumnId, Expr, WindowCall};
use crate::logical::{Aggregate, Column, JoinKind, Node, SetOpKind};

pub(super) fn push_filters(node: Node) -> Node {
    push(node, Vec::new())
}

/// Pushes filters inside the subqueries of an expression.
fn push_in_queries(expr: &mut Expr) {
    expr.rewrite(&mut |e| {
        if let Expr::Sublink(link) = e {
            link.query = push_filters(take(&mut link.query));
        }
    });
}

fn push(mut node: Node, mut predicates: Vec<Expr>) -> Node {
    for_each_expr_mut(&mut node, &mut push_in_queries);
    match node {
        Node::Filter { input, predicate } => {
            // What stands below is asked first: a policy of the table, before what could tell of the rows it hides.
            let mut all = Vec::new();
            predicate.into_conjuncts(&mut all);
            all.append(&mut predicates);
            equate_with_constants(&mut all, &[]);
            push(*input, all)
        }
        Node::Join { kind, left, right, on, lateral } => push_join(kind, *left, *right, on, lateral, predicates),
        Node::Project { input, columns } => push_project(*input, columns, predicates),
        Node::Aggregate(aggregate) => push_aggregate(aggregate, predicates),
        Node::Sort { input, keys } => Node::Sort { input: Box::new(push(*input, predicates)), keys },
        Node::Distinct { input, on: None } => {
            let (below, above) = partition(predicates, |predicate| !predicate.is_volatile());
            filter(Node::Distinct { input: Box::new(push(*input, below)), on: None }, above)
        }
        Node::Window { input, calls } => push_window(*input, calls, predicates),
        // Through a fence goes only what cannot tell of the rows that are kept back behind it.
        Node::Limit { input, limit: None, offset: None, with_ties } => {
            let (below, above) = partition(predicates, |predicate| is_movable(predicate) && !predicate.is_leaky());
            let input = Box::new(push(*input, below));
            filter(Node::Limit { input, limit: None, offset: None, with_ties }, above)
        }
        Node::With { mut ctes, body } => {
            for cte in &mut ctes {
                cte.query = push_filters(take(&mut cte.query));
                if let Some((step, _)) = &mut cte.recursive {
                    *step = push_filters(take(step));
                }
            }
            Node::With { ctes, body: Box::new(push(*body, predicates)) }
        }
        Node::SetOp { kind: SetOpKind::Union, all, columns, left, right } => {
            push_union(all, columns, *left, *right, predicates)
        }
        mut other => {
            for_each_input_mut(&mut other, &mut |input| *input = push_filters(take(input)));
            filter(other, predicates)
        }
    }
}

/// What is about expressions that may be computed once more is asked of what they are computed from.
fn push_project(input: Node, columns: Vec<(Column, Expr)>, predicates: Vec<Expr>) -> Node {
    let (below, above) = partition(predicates, |predicate| {
        let used = used_columns(predicate);
        columns.iter().filter(|(column, _)| used.contains(&column.id)).all(|(_, expr)| is_movable(expr))
    });
    let below = below_columns(below, &columns);
    filter(Node::Project { input: Box::new(push(input, below)), columns }, above)
}

/// A condition on what rows are grouped by keeps or drops whole groups.
fn push_aggregate(mut aggregate: Box<Aggregate>, predicates: Vec<Expr>) -> Node {
    let (below, above) = partition(predicates, |predicate| {
        let is_group = |id: &ColumnId| aggregate.groups.iter().any(|(c, expr)| c.id == *id && is_movable(expr));
        aggregate.sets.is_none()
            && !aggregate.groups.is_empty()
            && is_movable(predicate)
            && used_columns(predicate).iter().all(is_group)
    });
    aggregate.input = push(aggregate.input, below_columns(below, &aggregate.groups));
    filter(Node::Aggregate(aggregate), above)
}

/// A condition on what all calls partition by keeps or drops whole partitions.
fn push_window(input: Node, calls: Vec<(Column, WindowCall)>, predicates: Vec<Expr>) -> Node {
    let parts_all = |id: &ColumnId| {
        let parts = |by: &Expr| matches!(by, Expr::Column(own, _) if own == id);
        calls.iter().all(|(_, call)| call.window.partition.iter().any(parts))
    };
    let (below, above) = partition(predicates, |predicate| {
        let used = used_columns(predicate);
        is_movable(predicate) && !used.is_empty() && used.iter().all(parts_all)
    });
    filter(Node::Window { input: Box::new(push(input, below)), calls }, above)
}

/// Each arm is asked with its own columns.
fn push_union(all: bool, columns: Vec<Column>, left: Node, right: Node, predicates: Vec<Expr>) -> Node {
    let (below, above) = partition(predicates, is_movable);
    let arm = |arm: Node| {
        let own = arm.columns().into_iter();
        let own: Vec<_> = columns.iter().cloned().zip(own.map(|column| Expr::column(&column))).collect();
        Box::new(push(arm, below_columns(below.clone(), &own)))
    };
    let (left, right) = (arm(left), arm(right));
    filter(Node::SetOp { kind: SetOpKind::Union, all, columns, left, right }, above)
}

fn used_columns(expr: &Expr) -> BTreeSet<ColumnId> {
    let mut used = BTreeSet::new();
    expr_columns(expr, &mut used);
    used
}

/// Conditions on columns as conditions on what these are computed from.
fn below_columns(mut predicates: Vec<Expr>, columns: &[(Column, Expr)]) -> Vec<Expr> {
    for predicate in &mut predicates {
        for (column, expr) in columns {
            replace_in_expr(predicate, column.id, expr);
        }
    }
    predicates
}

fn push_join(kind: JoinKind, left: Node, right: Node, on: Option<Expr>, lateral: bool, predicates: Vec<Expr>) -> Node {
    let left_ids = ids(&left);
    let right_ids = ids(&right);
    let kind = reduce(kind, &predicates, &left_ids, &right_ids);
    let mut conditions = Vec::new();
    if let Some(on) = on {
        on.into_conjuncts(&mut conditions);
    }
    let mut above = Vec::new();
    if kind == JoinKind::Inner {
        for predicate in predicates {
            if !is_late(&predicate) { conditions.push(predicate) } else { above.push(predicate) }
        }
    } else {
        above = predicates;
    }
    if kind == JoinKind::Inner && !conditions.is_empty() {
        let mut beside = Vec::new();
        [&left, &right].into_iter().for_each(|side| equalities_within(side, &mut beside));
        equate_with_constants(&mut conditions, &beside);
    }
    let keeps_left = matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti);
    let keeps_right = matches!(kind, JoinKind::Inner | JoinKind::Right);
    let (mut to_left, mut to_right) = (Vec::new(), Vec::new());
    if kind != JoinKind::Inner {
        // A policy may have become a join.
        let guarded = matches!(kind, JoinKind::Semi | JoinKind::Anti) && is_secured(&left);
        let (below, rest) = partition(above, |p| {
            !is_late(p) && keeps_left && within(p, &right_ids, false) && !(guarded && p.is_leaky())
        });
        to_left = below;
        let (below, rest) = partition(rest, |p| !is_late(p) && keeps_right && within(p, &left_ids, false));
        to_right = below;
        above = rest;
    }
    // What no row of one side can match is not needed of the other, unless unmatched rows of that must be kept.
    if !conditions.is_empty() && !lateral {
        match kind {
            JoinKind::Left | JoinKind::Semi | JoinKind::Anti => {
                let derived = constants_for(&conditions, &to_left, &left);
                to_right.extend(derived.into_iter().filter(|p| within(p, &left_ids, false)));
            }
            JoinKind::Right => {
                let derived = constants_for(&conditions, &to_right, &right);
                to_left.extend(derived.into_iter().filter(|p| within(p, &right_ids, false)));
            }
            JoinKind::Inner | JoinKind::Full => {}
        }
    }
    // A condition on one side only filters that side, unless unmatched rows of it must be kept.
    let on_left = matches!(kind, JoinKind::Inner | JoinKind::Right | JoinKind::Semi);
    let on_right = matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti);
    let (below, rest) = partition(conditions, |p| on_left && !is_late(p) && within(p, &right_ids, false));
    to_left.extend(below);
    let (below, rest) = partition(rest, |p| on_right && !is_late(p) && !lateral && within(p, &left_ids, false));
    to_right.extend(below);
    let join = Node::Join {
        kind,
        left: Box::new(push(left, to_left)),
        right: Box::new(push(right, to_right)),
        on: Expr::conjunction(rest),
        lateral,
    };
    filter(join, above)
}

/// An outer join becomes a narrower one when a predicate above refuses the rows it would add.
fn reduce(kind: JoinKind, predicates: &[Expr], left: &BTreeSet<ColumnId>, right: &BTreeSet<ColumnId>) -> JoinKind {
    let rejects = |side: &BTreeSet<ColumnId>| predicates.iter().any(|p| rejects_null(p, side));
    match kind {
        JoinKind::Left if rejects(right) => JoinKind::Inner,
        JoinKind::Right if rejects(left) => JoinKind::Inner,
        JoinKind::Full => match (rejects(left), rejects(right)) {
            (true, true) => JoinKind::Inner,
            (true, false) => JoinKind::Left,
            (false, true) => JoinKind::Right,
            (false, false) => JoinKind::Full,
        },
        other => other,
    }
}

/// Whether the predicate is never true when all columns of a side are NULL.
pub(super) fn rejects_null(predicate: &Expr, side: &BTreeSet<ColumnId>) -> bool {
    match predicate {
        Expr::And(items) => items.iter().any(|item| rejects_null(item, side)),
        Expr::Or(items) => items.iter().all(|item| rejects_null(item, side)),
        Expr::IsNull(arg, true) => is_null_when(arg, side),
        Expr::BoolTest(arg, crate::expr::BoolTest::True | crate::expr::BoolTest::False) => is_null_when(arg, side),
        Expr::Not(inner) => is_null_when(inner, side),
        // No element is equal to NULL; all of none are.
        Expr::ScalarArray(array) if !array.all => array.function.strict && is_null_when(&array.left, side),
        other => is_null_when(other, side),
    }
}

/// Whether the expression is NULL when all columns of a side are.
pub(super) fn is_null_when(expr: &Expr, side: &BTreeSet<ColumnId>) -> bool {
    match expr {
        Expr::Column(id, _) => side.contains(id),
        Expr::Call(call) => {
            call.function.strict && !call.function.returns_set && call.args.iter().any(|a| is_null_when(a, side))
        }
        Expr::Relabel(arg, _) | Expr::ViaIo(arg, _) | Expr::Not(arg) => is_null_when(arg, side),
        Expr::ScalarArray(array) => {
            array.function.strict && has_elements(&array.array) && is_null_when(&array.left, side)
        }
        _ => false,
    }
}

/// Whether an array is known to have elements.
fn has_elements(array: &Expr) -> bool {
    match array {
        Expr::Const(Datum::Array(array), _) => !array.items.is_empty(),
        Expr::Array { items, nested: false, .. } => !items.is_empty(),
        _ => false,
    }
}

/// Predicates may be moved when evaluating them elsewhere, or another number of times, is not noticed. Correlated
/// subqueries are run late, for as few rows as possible.
fn is_movable(expr: &Expr) -> bool {
    !expr.is_volatile() && !is_late(expr)
}

/// Whether a condition waits for the rows that all others leave. One that may give another value each time does not: PostgreSQL,
/// too, asks it next to the table that its columns come from.
fn is_late(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(e, Expr::Sublink(link) if !free_columns(&link.query).is_empty()))
}

/// Whether rows of a table come up that policies may hide.
pub(super) fn is_secured(node: &Node) -> bool {
    match node {
        Node::Scan(scan) => scan.relation.row_security,
        Node::Filter { input, .. } => is_secured(input),
        _ => false,
    }
}

/// Whether an expression uses none of the columns of the other side (but some column at all, unless `constant` is fine).
fn within(expr: &Expr, other: &BTreeSet<ColumnId>, constant: bool) -> bool {
    let mut used = BTreeSet::new();
    expr_columns(expr, &mut used);
    (constant || !used.is_empty()) && used.is_disjoint(other)
}

fn ids(node: &Node) -> BTreeSet<ColumnId> {
    node.columns().iter().map(|column| column.id).collect()
}

fn partition(items: Vec<Expr>, test: impl Fn(&Expr) -> bool) -> (Vec<Expr>, Vec<Expr>) {
    items.into_iter().partition(|item| test(item))
}

fn filter(node: Node, predicates: Vec<Expr>) -> Node {
    match Expr::conjunction(predicates) {
        Some(predicate) => Node::Filter { input: Box::new(node), predicate },
        None => node,
    }
}

fn take(node: &mut Node) -> Node {
    std::mem::replace(node, Node::Values { columns: Vec::new(), rows: Vec::new() })
}
