//! Subqueries in conditions and select lists that refer to the current row: run for every row, or, where that costs more,
//! computed for all rows at once and joined.
//!
//! A scalar subquery over an aggregate can be joined when all its correlation is equalities:
//!
//! ```text
//!   … WHERE x < (SELECT avg(y) FROM t WHERE t.k = o.k)
//!   … LEFT JOIN (SELECT k, avg(y) AS a FROM t GROUP BY k) s ON s.k = o.k WHERE x < a
//! ```
//! Rows without a group get what the subquery gives for no rows, which is not NULL where `count` is involved.

use std::collections::BTreeSet;

use dictdb_types::{Datum, Result};

use super::cost;
use super::order::Wanted;
use super::{Builder, Built, Outer};
use crate::columns::{expr_columns, free_columns};
use crate::expr::{Call, Case, ColumnId, Expr, Sublink, SublinkKind};
use crate::logical::{Aggregate, Column, JoinKind, Node as Logical};

/// Whether an expression has a subquery that depends on the current row.
pub(crate) fn has_correlated_query(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(e, Expr::Sublink(link) if !free_columns(&link.query).is_empty()))
}

/// A scalar subquery as a join.
struct Unnested {
    /// The groups.
    right: Logical,
    /// Outer expression and group column, equal.
    on: Vec<Expr>,
    /// The subquery's value over the joined row.
    value: Expr,
}

impl Builder<'_> {
    /// A filter whose conditions have correlated subqueries.
    pub(crate) fn filter_with_queries(&mut self, built: Built, conjuncts: Vec<Expr>, outer: &Outer) -> Result<Built> {
        if conjuncts.is_empty() {
            return Ok(built);
        }
        if !conjuncts.iter().any(|conjunct| self.can_unnest(conjunct, &built)) {
            return self.filter_over(built, conjuncts, outer);
        }
        let copy = built.duplicate();
        let again = conjuncts.clone();
        self.cheaper(
            |builder| builder.filter_over(built, conjuncts, outer),
            |builder| {
                let (joined, conjuncts) = builder.unnest(copy, again, outer)?;
                builder.filter_over(joined, conjuncts, outer).map(Some)
            },
            |built| built.node.cost.1,
        )
    }

    /// Joins the scalar subqueries of some expressions to a plan; the expressions then read the joined columns.
    pub(crate) fn unnest(
        &mut self,
        mut built: Built,
        mut exprs: Vec<Expr>,
        outer: &Outer,
    ) -> Result<(Built, Vec<Expr>)> {
        let mut joins: Vec<Unnested> = Vec::new();
        let layout = built.layout.clone();
        for expr in &mut exprs {
            expr.rewrite(&mut |e| {
                if let Expr::Sublink(link) = e
                    && let Some(unnested) = self.unnested(link, &layout)
                {
                    *e = unnested.value.clone();
                    joins.push(unnested);
                }
            });
        }
        // The rows may be sorted already, for somebody above.
        let as_read = Wanted { as_read: true, ..Wanted::default() };
        for Unnested { right, on, .. } in joins {
            built = self.join_with(JoinKind::Left, built, &right, on, &as_read, outer)?;
        }
        Ok((built, exprs))
    }

    pub(crate) fn can_unnest(&mut self, expr: &Expr, built: &Built) -> bool {
        // Under CASE and its relatives the subquery may not be run for every row, nor may its errors appear.
        let conditional = matches!(expr, Expr::Case(_) | Expr::Coalesce(..) | Expr::Or(_));
        let mut found = false;
        if !conditional {
            expr.visit(&mut |e| {
                if let Expr::Sublink(link) = e {
                    found = found || self.unnested(link, &built.layout).is_some();
                }
            });
        }
        found
    }

    fn unnested(&mut self, link: &Sublink, layout: &super::Layout) -> Option<Unnested> {
        if !matches!(link.kind, SublinkKind::Scalar) {
            return None;
        }
        let free = free_columns(&link.query);
        if free.is_empty() || !free.iter().any(|id| layout.contains(id)) {
            return None;
        }
        let (aggregate, value) = aggregate_of(&link.query)?;
        if !aggregate.groups.is_empty() || aggregate.sets.is_some() || aggregate.calls.is_empty() {
            return None;
        }
        let mut correlated = Vec::new();
        let input = pull_correlated(&aggregate.input, &mut correlated)?;
        if correlated.is_empty() || !free_columns(&input).iter().all(|id| !layout.contains(id)) {
            return None;
        }
        let mut groups = Vec::new();
        let mut on = Vec::new();
        for condition in correlated {
            let (function, theirs, ours) = split_equality(&condition, layout)?;
            let column = Column { id: self.new_column(), name: "key".into(), ty: ours.ty(), source: None };
            let args = vec![theirs, Expr::column(&column)];
            on.push(Expr::Call(Box::new(Call { args, ..function })));
            groups.push((column, ours));
        }
        let harmless = aggregate.calls.iter().all(|(_, call)| {
            let mut fine = true;
            call.for_each_operand(&mut |operand| fine = fine && cannot_fail(operand));
            fine && !call.filter.iter().any(Expr::is_volatile)
        });
        if !harmless || value.is_volatile() || has_any_query(&value) || free_columns_of(&value, aggregate) {
            return None;
        }
        let value = over_missing_group(value, aggregate, &groups[0].0);
        let right = Logical::Aggregate(Box::new(Aggregate {
            input,
            groups,
            sets: None,
            calls: aggregate.calls.clone(),
            groupings: Vec::new(),
        }));
        Some(Unnested { right, on, value })
    }

    /// EXISTS over equalities with the current row as rows that are looked up in the answer of a query without them.
    pub(super) fn hashed_exists(&mut self, link: &Sublink, layout: &super::Layout) -> Option<Sublink> {
        let (SublinkKind::Exists, Logical::Project { input, columns }) = (&link.kind, &link.query) else { return None };
        let free = free_columns(&link.query);
        if !columns.is_empty() || free.is_empty() || !free.iter().all(|id| layout.contains(id)) {
            return None;
        }
        let mut correlated = Vec::new();
        let input = pull_correlated(input, &mut correlated)?;
        if correlated.is_empty() || !free_columns(&input).is_empty() {
            return None;
        }
        let (mut left, mut tests, mut columns, mut known) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for condition in correlated {
            let (call, theirs, ours) = split_equality(&condition, layout)?;
            let column = Column { id: self.new_column(), name: "key".into(), ty: ours.ty(), source: None };
            // Of a row with NULLs that would say something else.
            if self.is_row(ours.ty()) {
                return None;
            }
            known.push(Expr::IsNull(Box::new(ours.clone()), true));
            columns.push((column, ours));
            left.push(theirs);
            tests.push(call.function);
        }
        let input = Logical::Filter { input: Box::new(input), predicate: Expr::conjunction(known)? };
        let kind = SublinkKind::Compare { all: false, left, tests, operator: "=".into(), order: None };
        let query = Logical::Project { input: Box::new(input), columns };
        Some(Sublink { kind, query, ty: link.ty, wording: None })
    }

    /// An id no column of the statement has.
    fn new_column(&mut self) -> ColumnId {
        const FIRST: u32 = 1 << 30;
        self.made_columns += 1;
        ColumnId(FIRST + self.made_columns)
    }

    /// What the subqueries of a translated expression cost over so many rows: once, and for the rows. Those numbered
    /// below `first` belong to others.
    pub(crate) fn cost_of_queries(&self, expr: &Expr, first: usize, rows: f64) -> (f64, f64) {
        let (mut once, mut each) = (0.0, 0.0);
        expr.visit(&mut |e| {
            if let Expr::Subplan(subplan) = e
                && subplan.plan >= first
                && let Some(Some(plan)) = self.subplans.get(subplan.plan)
            {
                match subplan.args.is_empty() {
                    true => once += plan.cost.1,
                    false => each += cost::RESCAN + one_answer(&subplan.kind, plan.cost, plan.rows),
                }
            }
        });
        (once, each * rows)
    }

    /// The cost of evaluating conditions on one row.
    pub(crate) fn work_of(&self, conjuncts: &[Expr]) -> f64 {
        let mut operators = 0;
        for conjunct in conjuncts {
            conjunct.visit(&mut |e| operators += i32::from(matches!(e, Expr::Call(_) | Expr::ScalarArray(_))));
        }
        f64::from(operators.max(1)) * cost::OPERATOR
    }
}

/// EXISTS and ANY stop at the first answer, half way on average for ANY.
fn one_answer(kind: &SublinkKind, plan: cost::Cost, rows: f64) -> f64 {
    match kind {
        SublinkKind::Exists => cost::first_rows(plan, rows, Some(1.0)),
        SublinkKind::Compare { .. } => cost::first_rows(plan, rows, Some(rows / 2.0)),
        SublinkKind::Scalar | SublinkKind::Array => plan.1,
    }
}

/// The aggregation at the top of a scalar subquery, and the subquery's value over it.
fn aggregate_of(query: &Logical) -> Option<(&Aggregate, Expr)> {
    match query {
        Logical::Aggregate(aggregate) => {
            let (column, _) = aggregate.calls.first()?;
            Some((aggregate, Expr::column(column)))
        }
        Logical::Project { input, columns } => match (&**input, columns.as_slice()) {
            (Logical::Aggregate(aggregate), [(_, expr)]) => Some((aggregate, expr.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// A plan without the conditions that refer outside; those conditions go to `out`. `None` where they are out of reach.
fn pull_correlated(node: &Logical, out: &mut Vec<Expr>) -> Option<Logical> {
    if free_columns(node).is_empty() {
        return Some(node.clone());
    }
    match node {
        Logical::Filter { input, predicate } => {
            let input = pull_correlated(input, out)?;
            let own: BTreeSet<ColumnId> = input.columns().iter().map(|column| column.id).collect();
            let mut conjuncts = Vec::new();
            predicate.clone().into_conjuncts(&mut conjuncts);
            let (outside, kept): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(|conjunct| {
                let mut used = BTreeSet::new();
                expr_columns(conjunct, &mut used);
                used.iter().any(|id| !own.contains(id))
            });
            out.extend(outside);
            Some(match Expr::conjunction(kept) {
                Some(predicate) => Logical::Filter { input: Box::new(input), predicate },
                None => input,
            })
        }
        Logical::Join { kind: kind @ (JoinKind::Inner | JoinKind::Semi), left, right, on, lateral: false } => {
            let left = pull_correlated(left, out)?;
            let right = match kind {
                JoinKind::Inner => pull_correlated(right, out)?,
                _ if free_columns(right).is_empty() => (**right).clone(),
                _ => return None,
            };
            let own: BTreeSet<ColumnId> =
                left.columns().iter().chain(&right.columns()).map(|column| column.id).collect();
            let mut conjuncts = Vec::new();
            on.iter().for_each(|on| on.clone().into_conjuncts(&mut conjuncts));
            let (outside, kept): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(|conjunct| {
                let mut used = BTreeSet::new();
                expr_columns(conjunct, &mut used);
                used.iter().any(|id| !own.contains(id))
            });
            if *kind == JoinKind::Semi && !outside.is_empty() {
                return None;
            }
            out.extend(outside);
            let (left, right) = (Box::new(left), Box::new(right));
            Some(Logical::Join { kind: *kind, left, right, on: Expr::conjunction(kept), lateral: false })
        }
        _ => None,
    }
}

/// `outer expression = inner expression` with the call to make of it, the outer side first.
fn split_equality(condition: &Expr, layout: &super::Layout) -> Option<(Call, Expr, Expr)> {
    let Expr::Call(call) = condition else { return None };
    let (Some("="), [left, right]) = (call.known_operator(), call.args.as_slice()) else { return None };
    if left.ty().oid != right.ty().oid || has_any_query(condition) || condition.is_volatile() {
        return None;
    }
    let side = |expr: &Expr| {
        let mut used = BTreeSet::new();
        expr_columns(expr, &mut used);
        let outside = used.iter().filter(|id| layout.contains(id)).count();
        (outside == used.len() && outside > 0, outside == 0 && !used.is_empty())
    };
    let (theirs, ours) = match (side(left), side(right)) {
        ((true, _), (_, true)) => (left, right),
        ((_, true), (true, _)) => (right, left),
        _ => return None,
    };
    Some(((**call).clone(), theirs.clone(), ours.clone()))
}

fn has_any_query(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(e, Expr::Sublink(_)))
}

/// Whether a value reads columns other than the aggregation's.
fn free_columns_of(value: &Expr, aggregate: &Aggregate) -> bool {
    let mut used = BTreeSet::new();
    expr_columns(value, &mut used);
    used.iter().any(|id| !aggregate.calls.iter().any(|(column, _)| column.id == *id))
}

/// The value where a row found no group: aggregates over no rows are NULL, except counts.
fn over_missing_group(value: Expr, aggregate: &Aggregate, key: &Column) -> Expr {
    let is_count = |id: &ColumnId| {
        let call = aggregate.calls.iter().find(|(column, _)| column.id == *id).map(|(_, call)| call);
        call.is_some_and(|call| &*call.function.name == "count" || &*call.function.name == "regr_count")
    };
    let mut counts = false;
    let mut empty = value.clone();
    empty.rewrite(&mut |e| {
        if let Expr::Column(id, ty) = e {
            let counted = is_count(id);
            counts = counts || counted;
            *e = Expr::Const(if counted { Datum::Int8(0) } else { Datum::Null }, *ty);
        }
    });
    if !counts && is_null_of_nulls(&value) {
        return value;
    }
    let missing = Expr::IsNull(Box::new(Expr::column(key)), false);
    let ty = value.ty();
    Expr::Case(Box::new(Case { operand: None, whens: vec![(missing, empty)], otherwise: Some(value), ty }))
}

/// Whether an expression is NULL when its columns are.
fn is_null_of_nulls(expr: &Expr) -> bool {
    match expr {
        Expr::Column(..) => true,
        Expr::Call(call) => call.function.strict && call.args.iter().any(is_null_of_nulls),
        Expr::Relabel(inner, _) => is_null_of_nulls(inner),
        _ => false,
    }
}

/// Whether an expression has a value for every row: columns, constants and arithmetic that at most overflows.
fn cannot_fail(expr: &Expr) -> bool {
    !expr.any(&mut |e| match e {
        Expr::Column(..) | Expr::Const(..) | Expr::Param(..) | Expr::Relabel(..) => false,
        Expr::Call(call) => {
            !matches!(call.known_operator(), Some("+" | "-" | "*" | "=" | "<" | ">" | "<=" | ">=" | "<>"))
        }
        Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::IsNull(..) | Expr::Case(_) => false,
        _ => true,
    })
}

impl Built {
    /// The same plan again, to be used in another alternative.
    pub(crate) fn duplicate(&self) -> Built {
        Built { node: self.node.clone(), layout: self.layout.clone(), order: self.order.clone() }
    }
}
