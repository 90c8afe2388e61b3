//! When tables are merged: those that are so small that any join of them costs next to nothing. PostgreSQL merges them, because it
//! knows nothing of their columns and expects hash tables of such to have a few full buckets (`estimate_hash_bucket_stats`); so
//! their rows come by the value of the key, and programs know them so.

use std::collections::BTreeSet;

use super::order::Wanted;
use super::{Builder, Layout, over};
use crate::build::cost;
use crate::columns::expr_columns;
use crate::condition::comparison;
use crate::estimate::CostConstants;
use crate::expr::{Expr, SortKey};
use crate::logical::JoinKind;
use crate::physical::{JoinKey, Node, Op};

/// The part of a hash table that is in a bucket, where nothing is known of the key.
const BUCKET: f64 = 0.1;

impl Builder<'_> {
    /// Whether PostgreSQL would merge two sides with so many rows, of which `out` come out.
    pub(super) fn merges(
        &self,
        kind: JoinKind,
        (left, right): (f64, f64),
        out: f64,
        conditions: &[Expr],
        wanted: &Wanted,
    ) -> bool {
        if !matches!(kind, JoinKind::Inner | JoinKind::Left) || wanted.keeps_order() || wanted.rows.is_some() {
            return false;
        }
        let (ones, others): (Vec<&Expr>, Vec<&Expr>) = conditions
            .iter()
            .filter_map(comparison)
            .filter(|(operator, left, right)| *operator == "=" && left.ty().oid == right.ty().oid)
            .map(|(_, left, right)| (left, right))
            .unzip();
        // Of unique columns it knows that no two rows have the same values.
        if ones.is_empty() || self.are_unique_keys(&[ones.as_slice(), &others].concat()) {
            return false;
        }
        let count = ones.len() as f64;
        is_cheaper_merged(&self.constants, (left, right), out, count)
    }
}

fn is_cheaper_merged(constants: &CostConstants, (left, right): (f64, f64), out: f64, keys: f64) -> bool {
    let hashed = hashing(constants, left, right, keys).min(hashing(constants, right, left, keys));
    merging(constants, left, right, out, keys) < hashed
}

/// What hashing costs beside reading the inputs and making the result.
fn hashing(constants: &CostConstants, outer: f64, inner: f64, keys: f64) -> f64 {
    let bucket = (inner * BUCKET).max(1.0);
    let compared = constants.cpu_operator * keys;
    inner * (compared + constants.cpu_tuple) + outer * compared * (1.0 + bucket / 2.0)
}

/// Likewise, what sorting and merging cost.
fn merging(constants: &CostConstants, outer: f64, inner: f64, out: f64, keys: f64) -> f64 {
    let operator = constants.cpu_operator;
    let sort = |rows: f64| constants.sort(rows, None) + operator * rows;
    let again = (out - inner).max(0.0);
    sort(outer) + sort(inner) + operator * again + operator * keys * (outer + inner + again)
}

/// The side of an equality that is over the left input, as the order of what is merged.
pub(super) fn side_of(condition: &Expr, left: &Layout) -> Option<SortKey> {
    let (_, one, other) = comparison(condition)?;
    let is_own = |expr: &Expr| {
        let mut used = BTreeSet::new();
        expr_columns(expr, &mut used);
        used.iter().any(|id| left.contains(id))
    };
    let expr = if is_own(one) { one.clone() } else { other.clone() };
    Some(SortKey { expr, descending: false, nulls_first: false, using: None })
}

/// A merge of two sides, which are sorted for it.
pub(super) fn merged(kind: JoinKind, left: Node, right: Node, keys: Vec<JoinKey>, residual: Option<Expr>) -> Op {
    let sorted = |node: Node, side: fn(&JoinKey) -> &Expr| {
        let by = |key| SortKey { expr: side(key).clone(), descending: false, nulls_first: false, using: None };
        let by = keys.iter().map(by).collect();
        let (columns, names, rows, cost) = over(&node, node.rows, cost::sort(node.cost, node.rows, None));
        let op = Op::Sort { input: Box::new(node), keys: by, fetch: None, presorted: 0 };
        Box::new(Node { op, columns, names, rows, cost })
    };
    let (left, right) = (sorted(left, |key| &key.left), sorted(right, |key| &key.right));
    Op::MergeJoin { kind, left, right, keys, residual }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_is_known_of_is_merged() {
        // Tables of ten pages, as PostgreSQL guesses them.
        let merges = |left: f64, right: f64| {
            let out = left * right * 0.005;
            is_cheaper_merged(&CostConstants::default(), (left, right), out, 1.0)
        };
        assert!(merges(1200.0, 2260.0));
        assert!(!merges(1200.0, 6.0));
    }
}
