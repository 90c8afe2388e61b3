//! Everything that is neither an access, a join, an aggregation nor a modification.

use std::sync::Arc;

use dictdb_types::{Error, Result};

use super::{Builder, Built, CPU_OPERATOR, CPU_TUPLE, CteEntry, Layout, Outer, over, project};
use crate::columns::{for_each_expr, for_each_input};
use crate::expr::{Expr, SortKey, WindowCall};
use crate::logical::{
    Column, Cte as LogicalCte, CteId, FunctionScan, LockTarget as LogicalTarget, Node as Logical, SetOpKind,
};
use crate::physical::{Cte, LockTarget, Node, Op, TableLock, TableRef};

impl Builder<'_> {
    pub(crate) fn build_values(&mut self, columns: &[Column], rows: &[Vec<Expr>], outer: &Outer) -> Result<Built> {
        let rows = rows.iter().map(|row| self.exprs(row, &Layout::new(), outer)).collect::<Result<Vec<_>>>()?;
        let count = rows.len() as f64;
        let node = Node {
            op: Op::Values { rows },
            columns: columns.iter().map(|column| column.ty).collect(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            rows: count,
            cost: (0.0, count * CPU_TUPLE),
        };
        Ok(Built { node, layout: ids(columns) })
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
            cost: (0.0, 100.0 * CPU_TUPLE),
        };
        Ok(Built { node, layout: ids(&columns) })
    }

    pub(crate) fn build_project(
        &mut self,
        input: &Logical,
        columns: &[(Column, Expr)],
        outer: &Outer,
    ) -> Result<Built> {
        let built = self.build(input, outer)?;
        let exprs = self.exprs(columns.iter().map(|(_, expr)| expr), &built.layout, outer)?;
        let layout = columns.iter().map(|(column, _)| column.id).collect();
        let identity = exprs.len() == built.layout.len()
            && exprs.iter().enumerate().all(|(i, expr)| matches!(expr, Expr::Input(position, _) if *position == i));
        if identity {
            return Ok(Built { node: built.node, layout });
        }
        let names = columns.iter().map(|(column, _)| column.name.clone()).collect();
        Ok(Built { node: project(built.node, exprs, names), layout })
    }

    pub(crate) fn build_sort(
        &mut self,
        input: &Logical,
        keys: &[SortKey],
        fetch: Option<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        if let Some(built) = self.build_in_index_order(input, keys, fetch.is_some(), outer)? {
            return Ok(built);
        }
        let built = self.build(input, outer)?;
        let keys = self.sort_keys(keys, &built.layout, outer)?;
        let rows = built.node.rows.max(1.0);
        let sorting = 2.0 * CPU_OPERATOR * rows * rows.log2().max(1.0);
        let total = built.node.cost.1 + sorting;
        let (columns, names, rows, cost) = over(&built.node, rows, (total, total + rows * CPU_OPERATOR));
        let op = Op::Sort { input: Box::new(built.node), keys, fetch };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout })
    }

    /// A table read in the order asked for, when an index gives it and that pays: under a LIMIT, or when the index
    /// restricts the rows anyway.
    fn build_in_index_order(
        &mut self,
        input: &Logical,
        keys: &[SortKey],
        limited: bool,
        outer: &Outer,
    ) -> Result<Option<Built>> {
        let (scan, conjuncts) = match input {
            Logical::Scan(scan) => (scan, Vec::new()),
            Logical::Filter { input, predicate } => match &**input {
                Logical::Scan(scan) => {
                    let mut conjuncts = Vec::new();
                    predicate.clone().into_conjuncts(&mut conjuncts);
                    (scan, conjuncts)
                }
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let found = super::index::best_index(self.catalog, self.statistics, scan, &conjuncts, keys, &Layout::new());
        match found {
            Some(found) if found.ordered && (limited || !found.answered.is_empty()) => {
                self.build_ordered_scan(scan, conjuncts, keys, outer).map(|(built, _)| Some(built))
            }
            _ => Ok(None),
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
            _ => None,
        };
        let mut ties = None;
        let built = match input {
            Logical::Sort { input: below, keys } if with_ties => {
                let built = self.build_sort(below, keys, None, outer)?;
                ties = Some(self.sort_keys(keys, &built.layout, outer)?);
                built
            }
            _ if with_ties => self.build_with_ties(input, &mut ties, outer)?,
            _ => self.build_limited(input, fetch, outer)?,
        };
        let rows = match &bound_limit {
            Some(Expr::Const(dictdb_types::Datum::Int8(n), _)) => built.node.rows.min(*n as f64),
            Some(_) => built.node.rows * 0.1,
            None => built.node.rows,
        };
        let share = if built.node.rows > 0.0 { rows / built.node.rows } else { 1.0 };
        let (start, total) = built.node.cost;
        let cost = (start, start + (total - start) * share);
        let (columns, names, rows, cost) = over(&built.node, rows, cost);
        let op = Op::Limit { input: Box::new(built.node), limit: bound_limit, offset: bound_offset, ties };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout })
    }

    /// The input of a LIMIT: a sort below a projection learns how many rows are wanted.
    fn build_limited(&mut self, input: &Logical, fetch: Option<Expr>, outer: &Outer) -> Result<Built> {
        match input {
            Logical::Sort { input, keys } => self.build_sort(input, keys, fetch, outer),
            Logical::Project { input: below, columns } if matches!(**below, Logical::Sort { .. }) => {
                let Logical::Sort { input: sorted, keys } = &**below else { return self.build(input, outer) };
                let built = self.build_sort(sorted, keys, fetch, outer)?;
                let exprs = self.exprs(columns.iter().map(|(_, expr)| expr), &built.layout, outer)?;
                let layout = columns.iter().map(|(column, _)| column.id).collect();
                let names = columns.iter().map(|(column, _)| column.name.clone()).collect();
                Ok(Built { node: project(built.node, exprs, names), layout })
            }
            other => self.build(other, outer),
        }
    }

    /// WITH TIES over a projection: the ties are found below it, where the sort keys are.
    fn build_with_ties(&mut self, input: &Logical, ties: &mut Option<Vec<SortKey>>, outer: &Outer) -> Result<Built> {
        let Logical::Project { input: below, columns } = input else {
            return Err(Error::internal("WITH TIES without a sort"));
        };
        let Logical::Sort { input: sorted, keys } = &**below else {
            return Err(Error::internal("WITH TIES without a sort"));
        };
        let built = self.build_sort(sorted, keys, None, outer)?;
        // The projection carries the sort keys along, so that ties can be seen above it.
        let mut exprs = self.exprs(columns.iter().map(|(_, expr)| expr), &built.layout, outer)?;
        let mut layout: Layout = columns.iter().map(|(column, _)| column.id).collect();
        let mut names: Vec<Arc<str>> = columns.iter().map(|(column, _)| column.name.clone()).collect();
        let mut above = Vec::with_capacity(keys.len());
        for key in self.sort_keys(keys, &built.layout, outer)? {
            above.push(SortKey { expr: Expr::Input(exprs.len(), key.expr.ty()), ..key.clone() });
            exprs.push(key.expr);
            names.push(Arc::from("sort key"));
            layout.push(crate::expr::ColumnId(u32::MAX));
        }
        *ties = Some(above);
        Ok(Built { node: project(built.node, exprs, names), layout })
    }

    pub(crate) fn build_distinct(&mut self, input: &Logical, on: Option<&[Expr]>, outer: &Outer) -> Result<Built> {
        let built = self.build(input, outer)?;
        let rows = (built.node.rows / 5.0).max(1.0);
        let cost = (built.node.cost.1, built.node.cost.1 + built.node.rows * CPU_OPERATOR);
        let (columns, names, rows, cost) = over(&built.node, rows, cost);
        let op = match on {
            None => Op::Distinct { input: Box::new(built.node) },
            Some(on) => {
                let keys = self.exprs(on, &built.layout, outer)?;
                let sorted = self.sorted_for_distinct_on(built.node, &keys, input);
                Op::DistinctOn { input: Box::new(sorted), keys }
            }
        };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout })
    }

    /// DISTINCT ON needs its groups together; an ORDER BY below has seen to that already.
    fn sorted_for_distinct_on(&mut self, node: Node, keys: &[Expr], input: &Logical) -> Node {
        if matches!(input, Logical::Sort { .. }) {
            return node;
        }
        let keys =
            keys.iter().map(|expr| SortKey { expr: expr.clone(), descending: false, nulls_first: false }).collect();
        let (columns, names, rows, cost) = over(&node, node.rows, node.cost);
        Node { op: Op::Sort { input: Box::new(node), keys, fetch: None }, columns, names, rows, cost }
    }

    pub(crate) fn build_set_op(
        &mut self,
        kind: SetOpKind,
        all: bool,
        columns: &[Column],
        left: &Logical,
        right: &Logical,
        outer: &Outer,
    ) -> Result<Built> {
        let mut arms = Vec::new();
        if kind == SetOpKind::Union {
            union_arms(left, all, &mut arms);
            union_arms(right, all, &mut arms);
        } else {
            arms.extend([left, right]);
        }
        let mut inputs = Vec::with_capacity(arms.len());
        for arm in arms {
            let produced = arm.columns();
            let built = self.build(arm, outer)?;
            inputs.push(self.arrange(built, &produced)?);
        }
        let types = columns.iter().map(|column| column.ty).collect::<Vec<_>>();
        let names = columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let rows: f64 = inputs.iter().map(|input| input.rows).sum();
        let cost = (0.0, inputs.iter().map(|input| input.cost.1).sum::<f64>());
        let layout = ids(columns);
        let node = match kind {
            SetOpKind::Union => {
                let append =
                    Node { op: Op::Append { inputs }, columns: types.clone(), names: names.clone(), rows, cost };
                if all {
                    append
                } else {
                    Node { op: Op::Distinct { input: Box::new(append) }, columns: types, names, rows, cost }
                }
            }
            SetOpKind::Intersect | SetOpKind::Except => {
                let mut inputs = inputs.into_iter();
                let (Some(left), Some(right)) = (inputs.next(), inputs.next()) else {
                    return Err(Error::internal("a set operation without two inputs"));
                };
                let op = Op::SetOp { kind, all, left: Box::new(left), right: Box::new(right) };
                Node { op, columns: types, names, rows, cost }
            }
        };
        Ok(Built { node, layout })
    }

    pub(crate) fn build_window(
        &mut self,
        input: &Logical,
        calls: &[(Column, WindowCall)],
        outer: &Outer,
    ) -> Result<Built> {
        let built = self.build(input, outer)?;
        let mut bound = Vec::with_capacity(calls.len());
        for (_, call) in calls {
            let mut expr = Expr::Window(Box::new(call.clone()));
            expr = self.expr(&expr, &built.layout, outer)?;
            if let Expr::Window(call) = expr {
                bound.push(*call);
            }
        }
        self.extended(built, calls.iter().map(|(column, _)| column), |input| Op::Window { input, calls: bound })
    }

    pub(crate) fn build_project_set(
        &mut self,
        input: &Logical,
        calls: &[(Column, Expr)],
        outer: &Outer,
    ) -> Result<Built> {
        let built = self.build(input, outer)?;
        let bound = self.exprs(calls.iter().map(|(_, expr)| expr), &built.layout, outer)?;
        self.extended(built, calls.iter().map(|(column, _)| column), |input| Op::ProjectSet { input, calls: bound })
    }

    /// A node that adds columns to its input's.
    fn extended<'c>(
        &mut self,
        built: Built,
        added: impl Iterator<Item = &'c Column>,
        op: impl FnOnce(Box<Node>) -> Op,
    ) -> Result<Built> {
        let (mut columns, mut names, rows, cost) =
            over(&built.node, built.node.rows, (built.node.cost.1, built.node.cost.1 + built.node.rows * CPU_TUPLE));
        let mut layout = built.layout;
        for column in added {
            columns.push(column.ty);
            names.push(column.name.clone());
            layout.push(column.id);
        }
        Ok(Built { node: Node { op: op(Box::new(built.node)), columns, names, rows, cost }, layout })
    }

    pub(crate) fn build_lock_rows(
        &mut self,
        input: &Logical,
        targets: &[LogicalTarget],
        outer: &Outer,
    ) -> Result<Built> {
        let built = self.build(input, outer)?;
        let mut bound = Vec::with_capacity(targets.len());
        for target in targets {
            self.lock(target.relation.oid, TableLock::RowShare);
            let row_id = built
                .layout
                .iter()
                .position(|id| *id == target.row_id)
                .ok_or_else(|| Error::internal("a locked table without row ids"))?;
            let table = TableRef { relation: target.relation.clone(), alias: target.relation.name.clone() };
            bound.push(LockTarget { table, row_id, strength: target.strength, wait: target.wait });
        }
        let (columns, names, rows, cost) = over(&built.node, built.node.rows, built.node.cost);
        let op = Op::LockRows { input: Box::new(built.node), targets: bound };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: built.layout })
    }

    /// CTEs are materialised, except those that PostgreSQL would inline too: named once, without side effects. One that
    /// refers to an outer query reads slots, and the executor computes it again when they are set anew.
    pub(crate) fn build_with(&mut self, ctes: &[LogicalCte], body: &Logical, outer: &Outer) -> Result<Built> {
        for cte in ctes {
            let number = self.ctes.len();
            self.ctes.push(None);
            let columns = cte.query.columns();
            let built = self.build(&cte.query, outer)?;
            let query = self.arrange(built, &columns)?;
            let rows = if cte.recursive.is_some() { query.rows * 10.0 } else { query.rows };
            self.cte_numbers.insert(cte.id, CteEntry { number, rows, recursing: true });
            let recursive = match &cte.recursive {
                Some((step, all)) => {
                    let produced = step.columns();
                    let built = self.build(step, outer)?;
                    Some((self.arrange(built, &produced)?, *all))
                }
                None => None,
            };
            self.cte_numbers.insert(cte.id, CteEntry { number, rows, recursing: false });
            let modifies = contains_modify(&cte.query);
            self.ctes[number] = Some(Cte { name: cte.name.clone(), query, recursive, modifies });
        }
        self.build(body, outer)
    }

    pub(crate) fn build_cte_scan(&mut self, cte: CteId, columns: &[Column]) -> Result<Built> {
        let entry = self
            .cte_numbers
            .get(&cte)
            .cloned()
            .ok_or_else(|| Error::internal("a WITH query read before it is defined"))?;
        let op = if entry.recursing { Op::WorkTable { cte: entry.number } } else { Op::CteScan { cte: entry.number } };
        let node = Node {
            op,
            columns: columns.iter().map(|column| column.ty).collect(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            rows: entry.rows,
            cost: (0.0, entry.rows * CPU_TUPLE),
        };
        Ok(Built { node, layout: ids(columns) })
    }
}

fn ids(columns: &[Column]) -> Layout {
    columns.iter().map(|column| column.id).collect()
}

/// The arms of nested unions that can be appended at once.
fn union_arms<'n>(node: &'n Logical, all: bool, arms: &mut Vec<&'n Logical>) {
    match node {
        Logical::SetOp { kind: SetOpKind::Union, all: inner, left, right, .. } if *inner || !all => {
            union_arms(left, all, arms);
            union_arms(right, all, arms);
        }
        other => arms.push(other),
    }
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
