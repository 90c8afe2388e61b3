//! Rewrites of the logical plan. Each keeps the result; together they make it cheap.

mod fold;
mod prune;
mod pushdown;
mod semijoin;

use dictdb_types::Env;

use crate::logical::Node;

/// Applies all rules in their order.
pub fn apply(node: Node, env: &dyn Env) -> Node {
    let node = fold::fold_constants(node, env);
    let node = semijoin::subqueries_to_joins(node);
    let node = pushdown::push_filters(node);
    prune::prune_columns(node)
}
