//! ORDER BY and LIMIT: sorting, sorting only what an index has not ordered already, and how many rows are wanted below.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_types::{Datum, Error, Result};

use super::cost;
use super::order::{Wanted, satisfied};
use super::query::completed;
use super::{Builder, Built, Layout, Outer, over, project};
use crate::columns::expr_columns;
use crate::expr::{Expr, SortKey};
use crate::logical::{JoinKind, Node as Logical};
use crate::physical::{Node, Op};

/// What PostgreSQL assumes of a LIMIT it does not know: a tenth of the rows.
const UNKNOWN_LIMIT_SHARE: f64 = 0.1;
/// An unknown LIMIT is seldom larger than this.
const UNKNOWN_LIMIT_ROWS: f64 = 1000.0;

impl Builder<'_> {
    /// Sorts, or reads in order. `wanted` is the number of rows that will be read, `fetch` the expression for it.
    pub(crate) fn build_sort(
        &mut self,
        input: &Logical,
        keys: &[SortKey],
        wanted: Option<f64>,
        fetch: Option<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        let all_keys = match input {
            // Where equal rows are found by sorting, the other columns decide what the order leaves open.
            Logical::Distinct { input: below, on: None } if self.is_sorted_to_distinguish(below, wanted) => {
                completed(keys, &input.columns())
            }
            _ => Vec::new(),
        };
        let keys = if all_keys.is_empty() { keys } else { &all_keys };
        let unordered = Wanted::all();
        if !self.may_be_ordered(input, keys) {
            let built = self.build_wanted(input, &unordered, outer)?;
            return self.sorted(built, keys, wanted, fetch, outer);
        }
        let ordered = Wanted { order: keys.to_vec(), rows: wanted, ..Wanted::default() };
        let again = fetch.clone();
        self.cheaper(
            |builder| {
                let built = builder.build_wanted(input, &unordered, outer)?;
                builder.sorted(built, keys, wanted, fetch, outer)
            },
            |builder| {
                let built = builder.build_wanted(input, &ordered, outer)?;
                match satisfied(&built.order, keys) {
                    0 => Ok(None),
                    _ => builder.sorted(built, keys, wanted, again, outer).map(Some),
                }
            },
            |built| cost::first_rows(built.node.cost, built.node.rows, wanted),
        )
    }

    /// Sorts a plan as far as it is not in order.
    pub(crate) fn sorted(
        &mut self,
        built: Built,
        keys: &[SortKey],
        wanted: Option<f64>,
        fetch: Option<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        let presorted = satisfied(&built.order, keys);
        if presorted == keys.len() {
            return Ok(built);
        }
        let presorted = if self.methods.incremental_sort { presorted } else { 0 };
        let groups: f64 =
            keys[..presorted].iter().map(|key| self.estimator().distinct(&key.expr, built.node.rows)).product();
        let translated = self.sort_keys(keys, &built.layout, outer)?;
        let (rows, input) = (built.node.rows, built.node.cost);
        let mut price = match presorted {
            0 => cost::sort(input, rows, wanted),
            _ => cost::incremental_sort(input, rows, groups.min(rows)),
        };
        if !self.methods.sort {
            price = (price.0 + cost::DISABLED, price.1 + cost::DISABLED);
        }
        let (columns, names, rows, cost) = over(&built.node, rows, price);
        let op = Op::Sort { input: Box::new(built.node), keys: translated, fetch, presorted };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout, order: keys.to_vec() })
    }

    /// Whether an index may give the beginning of an order, so that building the plan for it is worth the time.
    fn may_be_ordered(&self, input: &Logical, keys: &[SortKey]) -> bool {
        let Some(first) = keys.first() else { return false };
        match input {
            Logical::Scan(scan) => {
                let mut used = Default::default();
                expr_columns(&first.expr, &mut used);
                let own = scan.columns.iter().any(|(column, _)| used.contains(&column.id));
                let indexed = |relation: &Relation| !relation.indexes.is_empty();
                own && match scan.members.is_empty() {
                    true => indexed(&scan.relation),
                    false => scan.members.iter().any(|member| indexed(member)),
                }
            }
            Logical::Filter { input, .. } | Logical::LockRows { input, .. } => self.may_be_ordered(input, keys),
            Logical::Join { kind: JoinKind::Inner, left, right, lateral: false, .. } => {
                self.may_be_ordered(left, keys) || self.may_be_ordered(right, keys)
            }
            Logical::Join { kind: JoinKind::Right, right, lateral: false, .. } => self.may_be_ordered(right, keys),
            Logical::Join { kind: JoinKind::Full, .. } => false,
            Logical::Join { left, .. } => self.may_be_ordered(left, keys),
            Logical::Project { input, columns } => {
                let wanted = Wanted { order: keys.to_vec(), ..Wanted::default() };
                self.may_be_ordered(input, &wanted.below_projection(columns).order)
            }
            Logical::Aggregate(aggregate) if aggregate.sets.is_none() => {
                let below = Wanted { order: keys.to_vec(), ..Wanted::default() }.below_projection(&aggregate.groups);
                self.may_be_ordered(&aggregate.input, &below.order)
            }
            Logical::Distinct { input, on: None } | Logical::With { body: input, .. } => {
                self.may_be_ordered(input, keys)
            }
            _ => false,
        }
    }

    pub(crate) fn build_limit(
        &mut self,
        input: &Logical,
        limit: Option<&Expr>,
        offset: Option<&Expr>,
        with_ties: bool,
        outer: &Outer,
    ) -> Result<Built> {
        let none = Layout::new();
        let bound_limit = limit.map(|expr| self.expr(expr, &none, outer)).transpose()?;
        let bound_offset = offset.map(|expr| self.expr(expr, &none, outer)).transpose()?;
        let fetch = match (&bound_limit, &bound_offset) {
            (Some(limit), None) if !with_ties => Some(limit.clone()),
            (Some(Expr::Const(Datum::Int8(limit), ty)), Some(Expr::Const(Datum::Int8(offset), _))) if !with_ties => {
                limit
                    .checked_add(*offset)
                    .filter(|_| *limit >= 0 && *offset >= 0)
                    .map(|rows| Expr::Const(Datum::Int8(rows), *ty))
            }
            _ => None,
        };
        let skipped = bound_offset.as_ref().map_or(0.0, |offset| self.count(offset).unwrap_or(0.0));
        let known = bound_limit.as_ref().map(|limit| self.count(limit));
        let wanted = match known {
            Some(Some(rows)) => Some(rows + skipped),
            // An unknown number: plans are compared as if it were a usual one.
            Some(None) => Some(UNKNOWN_LIMIT_ROWS * UNKNOWN_LIMIT_SHARE + skipped),
            None => None,
        };
        let mut ties = None;
        let built = match input {
            Logical::Sort { input: below, keys } if with_ties => {
                let built = self.build_sort(below, keys, wanted, None, outer)?;
                ties = Some(self.sort_keys(keys, &built.layout, outer)?);
                built
            }
            _ if with_ties => self.build_with_ties(input, &mut ties, wanted, outer)?,
            _ => self.build_limited(input, wanted, fetch, outer)?,
        };
        let all = built.node.rows;
        let rows = match known {
            Some(Some(rows)) => (all - skipped).max(1.0).min(rows),
            Some(None) => (all * UNKNOWN_LIMIT_SHARE).clamp(1.0, UNKNOWN_LIMIT_ROWS),
            None => (all - skipped).max(1.0),
        };
        let (start, total) = built.node.cost;
        let at = |count: f64| start + (total - start) * (count / all.max(1.0)).min(1.0);
        let cost = (at(skipped), at(skipped + rows));
        let (columns, names, rows, cost) = over(&built.node, rows, cost);
        let op = Op::Limit { input: Box::new(built.node), limit: bound_limit, offset: bound_offset, ties };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout, order: built.order })
    }

    /// The value of LIMIT or OFFSET, where it is known.
    fn count(&self, expr: &Expr) -> Option<f64> {
        let value = match expr {
            Expr::Const(value, _) => Some(value.clone()),
            Expr::Param(index, ty) => self.statistics.parameter(*index, *ty),
            _ => None,
        };
        match value {
            Some(Datum::Int8(rows)) => Some(rows.max(0) as f64),
            Some(Datum::Int4(rows)) => Some(f64::from(rows.max(0))),
            _ => None,
        }
    }

    /// The input of a LIMIT: a sort below a projection learns how many rows are wanted.
    fn build_limited(
        &mut self,
        input: &Logical,
        wanted: Option<f64>,
        fetch: Option<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        match input {
            Logical::Sort { input, keys } => self.build_sort(input, keys, wanted, fetch, outer),
            Logical::Project { input: below, columns } if matches!(**below, Logical::Sort { .. }) => {
                let Logical::Sort { input: sorted, keys } = &**below else { return self.build(input, outer) };
                let built = self.build_sort(sorted, keys, wanted, fetch, outer)?;
                self.projected(built, columns, outer)
            }
            other => self.build_wanted(other, &Wanted { rows: wanted, ..Wanted::default() }, outer),
        }
    }

    /// WITH TIES over a projection: the ties are found below it, where the sort keys are.
    fn build_with_ties(
        &mut self,
        input: &Logical,
        ties: &mut Option<Vec<SortKey>>,
        wanted: Option<f64>,
        outer: &Outer,
    ) -> Result<Built> {
        let Logical::Project { input: below, columns } = input else {
            return Err(Error::internal("WITH TIES without a sort"));
        };
        let (built, keys) = self.build_below_ties(below, wanted, outer)?;
        // The projection carries the sort keys along, so that ties can be seen above it.
        let mut exprs = self.exprs(columns.iter().map(|(_, expr)| expr), &built.layout, outer)?;
        let mut layout: Layout = columns.iter().map(|(column, _)| column.id).collect();
        let mut names: Vec<Arc<str>> = columns.iter().map(|(column, _)| column.name.clone()).collect();
        let mut above = Vec::with_capacity(keys.len());
        for key in keys {
            above.push(SortKey { expr: Expr::Input(exprs.len(), key.expr.ty()), ..key.clone() });
            exprs.push(key.expr);
            names.push(Arc::from("sort key"));
            layout.push(crate::expr::ColumnId(u32::MAX));
        }
        *ties = Some(above);
        Ok(Built { node: project(built.node, exprs, names), layout, order: Vec::new() })
    }

    /// A sort, and what may stand above it and below the projection: its keys over all of that.
    fn build_below_ties(
        &mut self,
        node: &Logical,
        wanted: Option<f64>,
        outer: &Outer,
    ) -> Result<(Built, Vec<SortKey>)> {
        match node {
            Logical::Sort { input, keys } => {
                let built = self.build_sort(input, keys, wanted, None, outer)?;
                let keys = self.sort_keys(keys, &built.layout, outer)?;
                Ok((built, keys))
            }
            Logical::LockRows { input, targets, identity } => {
                let (built, keys) = self.build_below_ties(input, wanted, outer)?;
                Ok((self.lock_over(built, targets, identity)?, keys))
            }
            Logical::Distinct { input, on: Some(on) } => {
                let (built, keys) = self.build_below_ties(input, None, outer)?;
                Ok((self.distinct_on_over(built, input, on, outer)?, keys))
            }
            // As many rows as there are wanted may come from fewer ones, or from more.
            Logical::ProjectSet { input, calls } => {
                let (built, keys) = self.build_below_ties(input, None, outer)?;
                Ok((self.sets_over(built, calls, outer)?, keys))
            }
            _ => Err(Error::internal("WITH TIES without a sort")),
        }
    }
}
