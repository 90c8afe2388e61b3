//! Rewrites of the logical plan. Each keeps the result; together they make it cheap.

mod constant_order;
mod empty;
mod factor;
mod fold;
mod indexed_constants;
mod inline;
mod lift;
mod prune;
mod pull_up;
mod pushdown;
mod semijoin;
mod unknown;
mod unmatched;
mod unused_join;

use dictdb_types::Error;

use crate::BindContext;
use crate::logical::Node;

pub use fold::computes_with_parameters;
pub use indexed_constants::names_indexed_constants;

/// Applies all rules in their order. The error is the one that running the statement must report first: a constant
/// expression that cannot be computed.
pub fn apply(mut node: Node, cx: BindContext<'_>) -> (Node, Option<Error>) {
    inline::inline_ctes(&mut node);
    let failure = fold::fold_constants(&mut node, cx);
    unknown::leave_out_unknown(&mut node);
    factor::factor_disjunctions(&mut node);
    let node = semijoin::subqueries_to_joins(node);
    let mut node = pushdown::push_filters(node);
    if pull_up::joins_projections(&node) {
        node = prune::prune_columns(node, cx.catalog);
        pull_up::pull_up_projections(&mut node);
    }
    empty::leave_out_empty(&mut node);
    constant_order::leave_out_constant_keys(&mut node);
    let node = lift::lift_projections(node);
    (prune::prune_columns(node, cx.catalog), failure)
}
