//! `(a AND b) OR (a AND c)` is `a AND (b OR c)`: what all arms of an OR have in common stands beside it, where it can be a
//! join condition or be pushed down.

use crate::columns::{for_each_expr_mut, for_each_input_mut};
use crate::expr::Expr;
use crate::logical::Node;

pub(super) fn factor_disjunctions(node: &mut Node) {
    if matches!(node, Node::Filter { .. } | Node::Join { .. }) {
        for_each_expr_mut(node, &mut |expr| {
            if let Some(factored) = factored(expr) {
                *expr = factored;
            }
        });
    }
    for_each_expr_mut(node, &mut |expr| {
        expr.rewrite(&mut |e| {
            if let Expr::Sublink(link) = e {
                factor_disjunctions(&mut link.query);
            }
        });
    });
    for_each_input_mut(node, &mut factor_disjunctions);
}

/// A condition with common parts of its disjunctions taken out; `None` when there are none.
fn factored(condition: &Expr) -> Option<Expr> {
    match condition {
        Expr::And(items) => {
            let found: Vec<Option<Expr>> = items.iter().map(factored).collect();
            found.iter().any(Option::is_some).then(|| {
                let items = items.iter().zip(found).map(|(item, found)| found.unwrap_or_else(|| item.clone()));
                let mut parts = Vec::new();
                items.for_each(|item| item.into_conjuncts(&mut parts));
                Expr::And(parts)
            })
        }
        Expr::Or(arms) => common(arms),
        _ => None,
    }
}

fn common(arms: &[Expr]) -> Option<Expr> {
    let mut split: Vec<Vec<Expr>> = arms
        .iter()
        .map(|arm| {
            let mut parts = Vec::new();
            arm.clone().into_conjuncts(&mut parts);
            parts
        })
        .collect();
    let shared: Vec<Expr> = split
        .first()?
        .iter()
        .filter(|part| !part.is_volatile() && split.iter().all(|arm| arm.iter().any(|other| other.same(part))))
        .cloned()
        .collect();
    if shared.is_empty() {
        return None;
    }
    for arm in &mut split {
        arm.retain(|part| !shared.iter().any(|other| other.same(part)));
    }
    let mut parts = shared;
    // An arm of which nothing is left is true whenever the common part is.
    if split.iter().all(|arm| !arm.is_empty()) {
        parts.push(Expr::Or(split.into_iter().filter_map(Expr::conjunction).collect()));
    }
    Expr::conjunction(parts)
}
