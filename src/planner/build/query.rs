//! Everything that is neither an access, a join, an aggregation nor a modification.

use std::sync::Arc;

use dictdb_catalog::Persistence;
use dictdb_functions::resolve::opclass;
use dictdb_types::{Error, Result};

use super::cost;
use super::order::{Wanted, above_projection, satisfied};
use super::sublink::has_correlated_query;
use super::{Builder, Built, CteEntry, Layout, Outer, over, project};
use crate::columns::{for_each_expr, for_each_input};
use crate::expr::{Expr, SortKey};
use crate::logical::{Column, Cte as LogicalCte, CteId, FunctionScan, LockTarget as LogicalTarget, Node as Logical};
use crate::physical::{Cte, LockTarget, Node, Op, Part, TableLock, TableRef};

impl Builder<'_> {
    pub(crate) fn build_values(&mut self, columns: &[Column], rows: &[Vec<Expr>], outer: &Outer) -> Result<Built> {
        let rows = rows.iter().map(|row| self.exprs(row, &Layout::new(), outer)).collect::<Result<Vec<_>>>()?;
        let count = rows.len() as f64;
        let node = Node {
            op: Op::Values { rows },
            columns: columns.iter().map(|column| column.ty).collect(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            rows: count,
            cost: (0.0, count * cost::ROW),
        };
        Ok(Built { node, layout: ids(columns), order: Vec::new() })
    }

    pub(crate) fn build_function_scan(&mut self, scan: &FunctionScan, outer: &Outer) -> Result<Built> {
        let mut calls = Vec::with_capacity(scan.calls.len());
        let mut columns: Vec<Column> = Vec::new();
        for item in &scan.calls {
            let call = self.expr(&item.call, &Layout::new(), outer)?;
            calls.push((call, item.spread.then_some(item.columns.len())));
            columns.extend(item.columns.iter().cloned());
        }
        columns.extend(scan.ordinality.iter().cloned());
        let op = Op::FunctionScan { calls, ordinality: scan.ordinality.is_some(), alias: scan.alias.clone() };
        let node = Node {
            op,
            columns: columns.iter().map(|column| column.ty).collect(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            rows: 100.0,
            cost: (0.0, 100.0 * cost::ROW),
        };
        Ok(Built { node, layout: ids(&columns), order: Vec::new() })
    }

    pub(crate) fn build_project(
        &mut self,
        input: &Logical,
        columns: &[(Column, Expr)],
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let built = self.build_wanted(input, &wanted.below_projection(columns), outer)?;
        self.projected(built, columns, outer)
    }

    /// A projection over a built plan. Correlated subqueries in it run for each row or are joined, whichever is cheaper.
    pub(crate) fn projected(&mut self, built: Built, columns: &[(Column, Expr)], outer: &Outer) -> Result<Built> {
        let exprs: Vec<Expr> = columns.iter().map(|(_, expr)| expr.clone()).collect();
        if !exprs.iter().any(|expr| has_correlated_query(expr) && self.can_unnest(expr, &built)) {
            return self.project_exprs(built, columns, exprs, outer);
        }
        let (copy, again) = (built.duplicate(), exprs.clone());
        let price = self.repeated_price(&built);
        self.cheaper(
            |builder| builder.project_exprs(built, columns, exprs, outer),
            |builder| {
                let (joined, exprs) = builder.unnest(copy, again, outer)?;
                builder.project_exprs(joined, columns, exprs, outer).map(Some)
            },
            price,
        )
    }

    fn project_exprs(
        &mut self,
        built: Built,
        columns: &[(Column, Expr)],
        exprs: Vec<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        let order = above_projection(&built.order, columns);
        let subplans = self.subplans.len();
        let exprs = self.exprs(&exprs, &built.layout, outer)?;
        let layout = columns.iter().map(|(column, _)| column.id).collect();
        let identity = exprs.len() == built.layout.len()
            && exprs.iter().enumerate().all(|(i, expr)| matches!(expr, Expr::Input(position, _) if *position == i));
        if identity {
            return Ok(Built { node: built.node, layout, order });
        }
        let rows = built.node.rows;
        let queries = exprs.iter().map(|expr| self.cost_of_queries(expr, subplans, rows));
        let (once, each) = queries.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let names = columns.iter().map(|(column, _)| column.name.clone()).collect();
        let mut node = project(built.node, exprs, names);
        node.cost = (node.cost.0 + once, node.cost.1 + once + each);
        Ok(Built { node, layout, order })
    }

    pub(crate) fn build_distinct(
        &mut self,
        input: &Logical,
        on: Option<&[Expr]>,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let Some(on) = on else { return self.build_distinct_rows(input, wanted, outer) };
        let built = self.build(input, outer)?;
        self.distinct_on_over(built, input, on, outer)
    }

    /// The first rows of each value of `on` of a built input.
    pub(crate) fn distinct_on_over(
        &mut self,
        built: Built,
        input: &Logical,
        on: &[Expr],
        outer: &Outer,
    ) -> Result<Built> {
        let keys = self.exprs(on, &built.layout, outer)?;
        let distinct: f64 = on.iter().map(|key| self.estimator().distinct(key, built.node.rows)).product();
        let order = built.order.clone();
        let sorted = self.sorted_for_distinct_on(built.node, &keys, input);
        let cost = (sorted.cost.0, sorted.cost.1 + sorted.rows * cost::ROW);
        let (columns, names, rows, cost) = over(&sorted, distinct.min(sorted.rows).max(1.0), cost);
        let op = Op::DistinctOn { input: Box::new(sorted), keys };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout, order })
    }

    fn build_distinct_rows(&mut self, input: &Logical, wanted: &Wanted, outer: &Outer) -> Result<Built> {
        let columns = input.columns();
        let exprs: Vec<Expr> = columns.iter().map(Expr::column).collect();
        let distinct = self.groups_of(&exprs.iter().collect::<Vec<_>>(), input, self.nominal_rows_of(input));
        let built = match wanted.order.is_empty() {
            true => self.build(input, outer)?,
            false => {
                let order = completed(&wanted.order, &columns);
                let built = self.build_wanted(input, &Wanted { order: order.clone(), ..Wanted::default() }, outer)?;
                if satisfied(&built.order, &order) == order.len() {
                    return self.unique(built, order, distinct, outer);
                }
                built
            }
        };
        if self.sorts_equal_rows(&columns) {
            return self.sorted_unique(built, &completed(&wanted.order, &columns), distinct, outer);
        }
        let input_rows = built.node.rows;
        let rows = distinct.min(input_rows).max(1.0);
        let total = built.node.cost.1 + input_rows * cost::GROUP_ROW;
        let (columns, names, rows, cost) = over(&built.node, rows, (total, total + rows * cost::OPERATOR));
        // The first rows of a result come as they are found.
        let exprs: Vec<Expr> = input.columns().iter().map(Expr::column).collect();
        let hashed = match wanted.rows {
            None => self.hash_table(exprs.iter().enumerate(), input),
            Some(_) => None,
        };
        let op = Op::Distinct { input: Box::new(built.node), hashed };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout, order: Vec::new() })
    }

    /// Distinct rows of an input that has equal ones together.
    fn unique(&mut self, built: Built, order: Vec<SortKey>, distinct: f64, outer: &Outer) -> Result<Built> {
        let keys = self.exprs(order.iter().map(|key| &key.expr), &built.layout, outer)?;
        let input_rows = built.node.rows;
        let (start, total) = built.node.cost;
        let rows = distinct.min(input_rows).max(1.0);
        let (columns, names, rows, cost) = over(&built.node, rows, (start, total + input_rows * cost::ROW));
        let op = Op::DistinctOn { input: Box::new(built.node), keys };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout, order })
    }

    /// Whether equal rows are brought together by sorting: where hash tables of rows are discouraged, or where PostgreSQL has
    /// no hash function for a type.
    pub(super) fn sorts_equal_rows(&self, columns: &[Column]) -> bool {
        let scope = self.cx.scope();
        let hashes = self.methods.hashagg && columns.iter().all(|column| opclass::is_hashable(&scope, column.ty.oid));
        !hashes && columns.iter().all(|column| opclass::less_than_operator(&scope, column.ty.oid).is_some())
    }

    /// The distinct rows of an input, which is sorted for that by all its columns.
    pub(super) fn sorted_unique(
        &mut self,
        built: Built,
        keys: &[SortKey],
        distinct: f64,
        outer: &Outer,
    ) -> Result<Built> {
        let sorted = self.sorted(built, keys, None, None, outer)?;
        self.unique(sorted, keys.to_vec(), distinct, outer)
    }

    /// DISTINCT ON needs its groups together; an ORDER BY below has seen to that already.
    fn sorted_for_distinct_on(&mut self, node: Node, keys: &[Expr], input: &Logical) -> Node {
        if matches!(input, Logical::Sort { .. }) {
            return node;
        }
        let keys = keys
            .iter()
            .map(|expr| SortKey { expr: expr.clone(), descending: false, nulls_first: false, using: None })
            .collect();
        let (columns, names, rows, cost) = over(&node, node.rows, cost::sort(node.cost, node.rows, None));
        Node { op: Op::Sort { input: Box::new(node), keys, fetch: None, presorted: 0 }, columns, names, rows, cost }
    }

    pub(crate) fn build_project_set(
        &mut self,
        input: &Logical,
        calls: &[(Column, Expr)],
        outer: &Outer,
    ) -> Result<Built> {
        let built = self.build(input, outer)?;
        self.sets_over(built, calls, outer)
    }

    /// Calls that return sets for the rows of a built node.
    pub(crate) fn sets_over(&mut self, built: Built, calls: &[(Column, Expr)], outer: &Outer) -> Result<Built> {
        let bound = self.exprs(calls.iter().map(|(_, expr)| expr), &built.layout, outer)?;
        self.extended(built, calls.iter().map(|(column, _)| column), |input| Op::ProjectSet { input, calls: bound })
    }

    /// A node that adds columns to its input's.
    pub(crate) fn extended<'c>(
        &mut self,
        built: Built,
        added: impl Iterator<Item = &'c Column>,
        op: impl FnOnce(Box<Node>) -> Op,
    ) -> Result<Built> {
        let (mut columns, mut names, rows, cost) =
            over(&built.node, built.node.rows, (built.node.cost.1, built.node.cost.1 + built.node.rows * cost::ROW));
        let mut layout = built.layout;
        for column in added {
            columns.push(column.ty);
            names.push(column.name.clone());
            layout.push(column.id);
        }
        Ok(Built { node: Node { op: op(Box::new(built.node)), columns, names, rows, cost }, layout, order: Vec::new() })
    }

    /// Locks rows of a built node.
    pub(crate) fn lock_over(
        &mut self,
        built: Built,
        targets: &[LogicalTarget],
        identity: &[crate::expr::ColumnId],
    ) -> Result<Built> {
        let mut bound = Vec::with_capacity(targets.len());
        for target in targets {
            self.lock(target.relation.oid, TableLock::RowShare);
            let row_id = built
                .layout
                .iter()
                .position(|id| *id == target.row_id)
                .ok_or_else(|| Error::internal("a locked table without row ids"))?;
            for member in target.members.iter() {
                self.lock(member.oid, TableLock::RowShare);
            }
            let table = TableRef { relation: target.relation.clone(), alias: target.relation.name.clone() };
            let members = target.members.clone();
            bound.push(LockTarget { table, members, row_id, strength: target.strength, wait: target.wait });
        }
        let identity = super::modify::positions(identity, &built.layout);
        let (columns, names, rows, cost) = over(&built.node, built.node.rows, built.node.cost);
        let permanent = |target: &LogicalTarget| target.relation.persistence != Persistence::Temporary;
        self.writes |= targets.iter().any(permanent);
        let op = Op::LockRows { input: Box::new(built.node), targets: bound, identity };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout, order: built.order })
    }

    /// CTEs are materialised; those that need not be are gone already ([`crate::rules`]). One that
    /// refers to an outer query reads slots, and the executor computes it again when they are set anew.
    pub(crate) fn build_with(
        &mut self,
        ctes: &[LogicalCte],
        body: &Logical,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        for cte in ctes {
            let number = self.ctes.len();
            self.ctes.push(None);
            let columns = cte.query.columns();
            let own = Part::Cte(number);
            let built = self.in_part(own, |builder| builder.build(&cte.query, outer))?;
            let query = self.arrange(built, &columns)?;
            let steps = if cte.recursive.is_some() { 10.0 } else { 1.0 };
            let (rows, nominal) = (query.rows * steps, self.nominal_rows_of(&cte.query) * steps);
            self.cte_numbers.insert(cte.id, CteEntry { number, rows, nominal, recursing: true });
            let recursive = match &cte.recursive {
                Some((step, all)) => {
                    let produced = step.columns();
                    let built = self.in_part(own, |builder| builder.build(step, outer))?;
                    Some((self.arrange(built, &produced)?, *all))
                }
                None => None,
            };
            self.cte_numbers.insert(cte.id, CteEntry { number, rows, nominal, recursing: false });
            let modifies = contains_modify(&cte.query);
            self.ctes[number] = Some(Cte { name: cte.name.clone(), query, recursive, modifies, part: self.part });
        }
        self.build_wanted(body, wanted, outer)
    }

    pub(crate) fn build_cte_scan(&mut self, cte: CteId, alias: &Arc<str>, columns: &[Column]) -> Result<Built> {
        let entry = self
            .cte_numbers
            .get(&cte)
            .cloned()
            .ok_or_else(|| Error::internal("a WITH query read before it is defined"))?;
        let alias = alias.clone();
        let op = match entry.recursing {
            true => Op::WorkTable { cte: entry.number, alias },
            false => Op::CteScan { cte: entry.number, alias },
        };
        let rows = if self.is_guessing { entry.nominal } else { entry.rows };
        let node = Node {
            op,
            columns: columns.iter().map(|column| column.ty).collect(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            rows,
            cost: (0.0, rows * cost::ROW),
        };
        Ok(Built { node, layout: ids(columns), order: Vec::new() })
    }
}

/// An order with the columns it lacks after it.
pub(super) fn completed(order: &[SortKey], columns: &[Column]) -> Vec<SortKey> {
    let mut keys = order.to_vec();
    for column in columns {
        let expr = Expr::column(column);
        if !keys.iter().any(|key| key.expr.same(&expr)) {
            keys.push(SortKey { expr, descending: false, nulls_first: false, using: None });
        }
    }
    keys
}

pub(super) fn ids(columns: &[Column]) -> Layout {
    columns.iter().map(|column| column.id).collect()
}

fn contains_modify(node: &Logical) -> bool {
    let mut found = matches!(node, Logical::Modify(_));
    for_each_input(node, &mut |input| found = found || contains_modify(input));
    for_each_expr(node, &mut |expr| {
        expr.visit(&mut |e| {
            if let Expr::Sublink(link) = e {
                found = found || contains_modify(&link.query);
            }
        });
    });
    found
}
