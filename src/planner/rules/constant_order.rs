//! Keys that order nothing: rows that all have one value of a column need not be sorted by it (`WHERE a = 5 ORDER BY a, b`), nor
//! those that are sorted by what it is equal to already (`WHERE a = b ORDER BY a, b`).

use std::collections::BTreeSet;

use super::equated::equalities_within;
use crate::columns::{for_each_input_mut, for_each_subquery_mut, replace_in_expr};
use crate::condition::{comparison, equality};
use crate::expr::{ColumnId, Expr, SortKey};
use crate::logical::{JoinKind, Node};

/// Takes keys out of sorts by which all rows are equal, or all that the keys before leave equal.
pub(super) fn leave_out_constant_keys(node: &mut Node) {
    visit(node, false);
}

/// What cuts with ties needs the sort below it as it is: `kept`.
fn visit(node: &mut Node, kept: bool) {
    for_each_subquery_mut(node, &mut leave_out_constant_keys);
    let below = match node {
        Node::Limit { with_ties, .. } => *with_ties,
        Node::Project { .. } | Node::LockRows { .. } => kept,
        _ => false,
    };
    for_each_input_mut(node, &mut |input| visit(input, below));
    let Node::Sort { input, keys } = node else { return };
    if kept {
        return;
    }
    let constant = constants(input);
    keys.retain(|key| !matches!(&key.expr, Expr::Column(id, _) if constant.contains(id)));
    leave_out_equal(keys, input);
    if keys.is_empty() {
        *node = std::mem::replace(&mut **input, Node::Values { columns: Vec::new(), rows: Vec::new() });
    }
}

/// Takes out keys that are equal to one before them in all rows of a node.
fn leave_out_equal(keys: &mut Vec<SortKey>, mut node: &Node) {
    let mut values: Vec<Expr> = keys.iter().map(|key| key.expr.clone()).collect();
    while let Node::Project { input, columns } = node {
        for value in &mut values {
            columns.iter().for_each(|(column, expr)| replace_in_expr(value, column.id, expr));
        }
        node = input;
    }
    let mut equalities = Vec::new();
    equalities_within(node, &mut equalities);
    if keys.len() < 2 || equalities.is_empty() {
        return;
    }
    let mut known: Vec<Vec<Expr>> = Vec::new();
    let mut values = values.into_iter();
    keys.retain(|_| {
        let Some(value) = values.next() else { return true };
        let is_known = known.iter().flatten().any(|own| own.same(&value));
        known.push(all_equal_to(value, &equalities));
        !is_known
    });
}

/// What is equal to a value, itself included.
fn all_equal_to(value: Expr, equalities: &[Expr]) -> Vec<Expr> {
    let mut found = vec![value];
    let mut at = 0;
    while at < found.len() {
        for (_, left, right) in equalities.iter().filter_map(comparison) {
            for (one, other) in [(left, right), (right, left)] {
                if found[at].same(one) && !found.iter().any(|own| own.same(other)) {
                    found.push(other.clone());
                }
            }
        }
        at += 1;
    }
    found
}

/// The columns that have one value in all rows of a node.
fn constants(node: &Node) -> BTreeSet<ColumnId> {
    match node {
        Node::Filter { input, predicate } => {
            let mut found = constants(input);
            equated(predicate, &mut found);
            found
        }
        Node::Project { input, columns } => {
            let below = constants(input);
            let same = |expr: &Expr| match expr {
                Expr::Column(id, _) => below.contains(id),
                expr => is_constant(expr),
            };
            columns.iter().filter(|(_, expr)| same(expr)).map(|(column, _)| column.id).collect()
        }
        Node::Join { kind, left, right, on, .. } => {
            let mut found = match kind {
                JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti => constants(left),
                JoinKind::Right | JoinKind::Full => BTreeSet::new(),
            };
            if matches!(kind, JoinKind::Inner | JoinKind::Right) {
                found.append(&mut constants(right));
            }
            if let (JoinKind::Inner, Some(on)) = (kind, on) {
                equated(on, &mut found);
            }
            found
        }
        Node::Sort { input, .. } | Node::Limit { input, .. } | Node::LockRows { input, .. } => constants(input),
        _ => BTreeSet::new(),
    }
}

/// The columns that a condition holds equal to a constant.
fn equated(condition: &Expr, found: &mut BTreeSet<ColumnId>) {
    if let Expr::And(items) = condition {
        return items.iter().for_each(|item| equated(item, found));
    }
    if let Some((id, value)) = equality(condition)
        && is_constant(value)
    {
        found.insert(id);
    }
}

/// Whether an expression has one value for the whole statement.
fn is_constant(expr: &Expr) -> bool {
    !expr.is_volatile() && !expr.any(&mut |e| matches!(e, Expr::Column(..) | Expr::Sublink(_)))
}
