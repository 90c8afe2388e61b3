//! Rewrites of the logical plan. Each keeps the result; together they make it cheap.

mod cheap_first;
mod constant_order;
mod empty;
mod equated;
mod factor;
mod fold;
mod indexed_constants;
mod inline;
mod lift;
mod prune;
mod pull_up;
mod pushdown;
mod semijoin;
mod single_row;
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
    let mut failure = fold::fold_constants(&mut node, cx);
    single_row::constant_functions(&mut node);
    unknown::leave_out_unknown(&mut node);
    factor::factor_disjunctions(&mut node);
    cheap_first::arrange_conditions(&mut node, cx.catalog);
    let node = semijoin::subqueries_to_joins(node);
    let mut node = pushdown::push_filters(node);
    if pull_up::joins_projections(&node) {
        node = prune::prune_columns(node, cx.catalog);
        pull_up::pull_up_projections(&mut node);
        single_row::leave_out_single_rows(&mut node);
        failure = failure.or(fold::fold_constants(&mut node, cx));
        node = pushdown::push_filters(node);
    }
    empty::leave_out_empty(&mut node);
    constant_order::leave_out_constant_keys(&mut node);
    let node = lift::lift_projections(node);
    (prune::prune_columns(node, cx.catalog), failure)
}
