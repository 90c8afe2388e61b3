//! Folds the constants of a whole plan, subqueries included.

use dictdb_types::Env;

use crate::columns::{for_each_expr_mut, for_each_input_mut};
use crate::expr::Expr;
use crate::logical::Node;

pub(super) fn fold_constants(mut node: Node, env: &dyn Env) -> Node {
    fold_node(&mut node, env);
    node
}

fn fold_node(node: &mut Node, env: &dyn Env) {
    for_each_expr_mut(node, &mut |expr| {
        expr.rewrite(&mut |e| {
            if let Expr::Sublink(link) = e {
                fold_node(&mut link.query, env);
            }
        });
        crate::fold::fold(expr, env);
    });
    for_each_input_mut(node, &mut |input| fold_node(input, env));
}
