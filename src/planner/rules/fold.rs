//! Folds the constants of a whole plan and pushes its negations down, subqueries included.

use dictdb_types::Error;

use crate::BindContext;
use crate::columns::{for_each_expr_mut, for_each_input_mut};
use crate::expr::Expr;
use crate::logical::Node;

/// Folds what can be folded. The error is the first that PostgreSQL would report when it plans the statement.
pub(super) fn fold_constants(node: &mut Node, cx: BindContext<'_>) -> Option<Error> {
    let mut failure = None;
    fold_node(node, cx, &mut failure);
    failure
}

fn fold_node(node: &mut Node, cx: BindContext<'_>, failure: &mut Option<Error>) {
    for_each_expr_mut(node, &mut |expr| {
        expr.rewrite(&mut |e| {
            if let Expr::Sublink(link) = e {
                fold_node(&mut link.query, cx, failure);
            }
        });
        if let Err(error) = crate::fold::fold(expr, cx.env) {
            failure.get_or_insert(error);
        }
        crate::negation::push_down(expr, cx);
    });
    for_each_input_mut(node, &mut |input| fold_node(input, cx, failure));
}

/// Whether the plan computes something from parameters alone.
pub fn computes_with_parameters(node: &mut Node) -> bool {
    let mut found = false;
    for_each_expr_mut(node, &mut |expr| {
        expr.rewrite(&mut |e| match e {
            Expr::Sublink(link) => found |= computes_with_parameters(&mut link.query),
            e => found |= crate::fold::is_constant_but_for_parameters(e),
        });
    });
    for_each_input_mut(node, &mut |input| found |= computes_with_parameters(input));
    found
}
