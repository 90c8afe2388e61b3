//! Folds the constants of a whole plan, subqueries included.

use dictdb_types::{Env, Error};

use crate::columns::{for_each_expr_mut, for_each_input_mut};
use crate::expr::Expr;
use crate::logical::Node;

/// Folds what can be folded. The error is the first that PostgreSQL would report when it plans the statement.
pub(super) fn fold_constants(node: &mut Node, env: &dyn Env) -> Option<Error> {
    let mut failure = None;
    fold_node(node, env, &mut failure);
    failure
}

fn fold_node(node: &mut Node, env: &dyn Env, failure: &mut Option<Error>) {
    for_each_expr_mut(node, &mut |expr| {
        expr.rewrite(&mut |e| {
            if let Expr::Sublink(link) = e {
                fold_node(&mut link.query, env, failure);
            }
        });
        if let Err(error) = crate::fold::fold(expr, env) {
            failure.get_or_insert(error);
        }
    });
    for_each_input_mut(node, &mut |input| fold_node(input, env, failure));
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
