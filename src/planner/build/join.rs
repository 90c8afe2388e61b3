//! Joins: their order among inner joins, and how each is done.

use std::collections::BTreeSet;

use dictdb_types::{Error, Result};

use super::index::best_index;
use super::scan::fetched;
use super::{Builder, Built, CPU_INDEX_TUPLE, CPU_OPERATOR, CPU_TUPLE, Layout, Outer};
use crate::columns::expr_columns;
use crate::estimate::selectivity;
use crate::expr::{ColumnId, Expr};
use crate::logical::{JoinKind, Node as Logical, Scan};
use crate::physical::{JoinKey, Node, Op, TableLock, TableRef};

/// Rows of the outer side up to which probing an index beats reading the other table once: a part of that table.
const INDEX_JOIN_SHARE: f64 = 0.2;

/// An input of a group of inner joins, not built yet when it is a table an index may serve.
struct Leaf<'n> {
    node: &'n Logical,
    ids: BTreeSet<ColumnId>,
    rows: f64,
}

impl Builder<'_> {
    pub(crate) fn build_join(&mut self, node: &Logical, outer: &Outer) -> Result<Built> {
        let Logical::Join { kind, left, right, on, lateral } = node else {
            return Err(Error::internal("not a join"));
        };
        if *kind == JoinKind::Inner && !*lateral {
            let mut leaves = Vec::new();
            let mut conditions = Vec::new();
            flatten(node, &mut leaves, &mut conditions);
            if leaves.len() > 1 {
                return self.build_inner_group(leaves, conditions, outer);
            }
        }
        let mut conditions = Vec::new();
        if let Some(on) = on.clone() {
            on.into_conjuncts(&mut conditions);
        }
        let built = self.build(left, outer)?;
        if *lateral {
            return self.build_apply(*kind, built, right, conditions, outer);
        }
        self.join_with(*kind, built, right, conditions, outer)
    }

    /// Orders a group of inner joins: the smallest input first, then always the one that keeps the result smallest.
    fn build_inner_group(&mut self, nodes: Vec<&Logical>, mut conditions: Vec<Expr>, outer: &Outer) -> Result<Built> {
        let mut leaves: Vec<Leaf<'_>> = nodes
            .into_iter()
            .map(|node| Leaf {
                node,
                ids: node.columns().iter().map(|column| column.id).collect(),
                rows: self.estimated_rows(node),
            })
            .collect();
        let first = (0..leaves.len()).min_by(|a, b| leaves[*a].rows.total_cmp(&leaves[*b].rows)).unwrap_or(0);
        let first = leaves.remove(first);
        let mut joined = first.ids.clone();
        let mut built = self.build(first.node, outer)?;
        while !leaves.is_empty() {
            let next = self.cheapest_next(&leaves, &joined, &conditions);
            let leaf = leaves.remove(next);
            joined.extend(leaf.ids.iter().copied());
            let ready: Vec<Expr>;
            (ready, conditions) = conditions.into_iter().partition(|condition| {
                !used_columns(condition).iter().any(|id| leaves.iter().any(|other| other.ids.contains(id)))
            });
            built = self.join_with(JoinKind::Inner, built, leaf.node, ready, outer)?;
        }
        self.filter_over(built, conditions, outer)
    }

    /// The next input to join: connected ones before others, small ones before large ones.
    fn cheapest_next(&self, leaves: &[Leaf<'_>], joined: &BTreeSet<ColumnId>, conditions: &[Expr]) -> usize {
        let score = |leaf: &Leaf<'_>| {
            let mut connected = false;
            let mut keyed = false;
            for condition in conditions {
                let used = used_columns(condition);
                if used.iter().any(|id| joined.contains(id)) && used.iter().any(|id| leaf.ids.contains(id)) {
                    connected = true;
                    keyed |= super::index::equality(condition).is_some();
                }
            }
            let class: f64 = match (connected, keyed) {
                (true, true) => 0.0,
                (true, false) => 1.0,
                _ => 2.0,
            };
            (class, leaf.rows)
        };
        (0..leaves.len())
            .min_by(|a, b| {
                let (a, b) = (score(&leaves[*a]), score(&leaves[*b]));
                a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
            })
            .unwrap_or(0)
    }

    /// A guess of a node's rows, before it is built.
    fn estimated_rows(&self, node: &Logical) -> f64 {
        match node {
            Logical::Scan(scan) => self.statistics.rows(scan.relation.storage).max(1.0),
            Logical::Filter { input, predicate } => match &**input {
                Logical::Scan(scan) => {
                    let mut conjuncts = Vec::new();
                    predicate.clone().into_conjuncts(&mut conjuncts);
                    let total = self.statistics.rows(scan.relation.storage).max(1.0);
                    match best_index(self.catalog, self.statistics, scan, &conjuncts, &[], &Layout::new()) {
                        Some(found) => (total * found.selectivity).max(1.0),
                        None => (total * selectivity(predicate)).max(1.0),
                    }
                }
                other => self.estimated_rows(other) * selectivity(predicate),
            },
            Logical::Values { rows, .. } => rows.len() as f64,
            Logical::Join { left, right, .. } => self.estimated_rows(left).max(self.estimated_rows(right)),
            Logical::Project { input, .. } | Logical::Sort { input, .. } | Logical::Limit { input, .. } => {
                self.estimated_rows(input)
            }
            Logical::Aggregate(aggregate) if aggregate.groups.is_empty() => 1.0,
            Logical::Aggregate(aggregate) => (self.estimated_rows(&aggregate.input) / 10.0).max(1.0),
            _ => 1000.0,
        }
    }

    /// Joins a built left side with a right side, by index, by hash or by nested loop.
    fn join_with(
        &mut self,
        kind: JoinKind,
        left: Built,
        right: &Logical,
        conditions: Vec<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        if let Some((scan, filters)) = scan_of(right)
            && matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti)
            && matches!(scan.relation.kind, dictdb_catalog::RelationKind::Table)
        {
            let total = self.statistics.rows(scan.relation.storage).max(1.0);
            if left.node.rows <= (total * INDEX_JOIN_SHARE).max(2.0) {
                let mut all = conditions.clone();
                all.extend(filters.iter().cloned());
                let own = scan.columns.iter().map(|(column, _)| column.id).collect::<Vec<_>>();
                let over_left: Vec<Expr> = all
                    .iter()
                    .filter(|c| {
                        used_columns(c).iter().any(|id| left.layout.contains(id))
                            || !used_columns(c).iter().all(|id| own.contains(id))
                    })
                    .cloned()
                    .collect();
                let found = best_index(self.catalog, self.statistics, scan, &all, &[], &left.layout);
                if let Some(found) = found
                    && !found.bounds[0].equal.is_empty()
                    && !over_left.is_empty()
                {
                    return self.index_join(kind, left, scan, all, found, outer);
                }
            }
        }
        let right = self.build(right, outer)?;
        self.hash_or_loop(kind, left, right, conditions, outer)
    }

    fn index_join(
        &mut self,
        kind: JoinKind,
        left: Built,
        scan: &Scan,
        conditions: Vec<Expr>,
        found: super::index::IndexMatch,
        outer: &Outer,
    ) -> Result<Built> {
        self.lock(scan.relation.oid, TableLock::AccessShare);
        let (fetch, right_layout, right_types, right_names) = fetched(scan);
        let bounds = self.bounds(&found.bounds[0], &left.layout, outer)?;
        let both: Layout = left.layout.iter().chain(&right_layout).copied().collect();
        let rest = conditions.iter().enumerate().filter(|(i, _)| !found.answered.contains(i)).map(|(_, c)| c.clone());
        let filter = match Expr::conjunction(rest.collect()) {
            Some(predicate) => Some(self.expr(&predicate, &both, outer)?),
            None => None,
        };
        let total = self.statistics.rows(scan.relation.storage).max(1.0);
        let matches = (total * found.selectivity).max(if kind == JoinKind::Inner { 0.1 } else { 1.0 });
        let Built { node: input, layout } = left;
        let semi = matches!(kind, JoinKind::Semi | JoinKind::Anti);
        let rows = if semi { input.rows * 0.5 } else { (input.rows * matches).max(1.0) };
        let cost = (input.cost.0, input.cost.1 + input.rows * (0.3 + matches * (CPU_INDEX_TUPLE + CPU_TUPLE)));
        let (mut columns, mut names) = (input.columns.clone(), input.names.clone());
        let mut out_layout = layout;
        if !semi {
            columns.extend(right_types);
            names.extend(right_names);
            out_layout.extend(right_layout);
        }
        let table = TableRef { relation: scan.relation.clone(), alias: scan.alias.clone() };
        let op = Op::IndexJoin { kind, outer: Box::new(input), table, index: found.index, bounds, fetch, filter };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: out_layout })
    }

    fn hash_or_loop(
        &mut self,
        kind: JoinKind,
        left: Built,
        right: Built,
        conditions: Vec<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        let mut keys = Vec::new();
        let mut rest = Vec::new();
        for condition in conditions {
            match self.join_key(&condition, &left.layout, &right.layout, outer)? {
                Some(key) => keys.push(key),
                None => rest.push(condition),
            }
        }
        let both: Layout = left.layout.iter().chain(&right.layout).copied().collect();
        let kept = rest.iter().map(selectivity).product::<f64>();
        let residual = match Expr::conjunction(rest) {
            Some(predicate) => Some(self.expr(&predicate, &both, outer)?),
            None => None,
        };
        let (l, r) = (left.node.rows.max(1.0), right.node.rows.max(1.0));
        let matched = if keys.is_empty() { l * r * kept } else { l.max(r) * kept };
        let rows = match kind {
            JoinKind::Inner => matched.max(1.0),
            JoinKind::Left => matched.max(l),
            JoinKind::Right => matched.max(r),
            JoinKind::Full => matched.max(l + r),
            JoinKind::Semi | JoinKind::Anti => l * 0.5,
        };
        let work = if keys.is_empty() { l * r * CPU_OPERATOR } else { (l + r) * CPU_TUPLE };
        let cost = (left.node.cost.0 + right.node.cost.1, left.node.cost.1 + right.node.cost.1 + work);
        let (mut columns, mut names) = (left.node.columns.clone(), left.node.names.clone());
        let mut layout = left.layout;
        if !matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            columns.extend(right.node.columns.iter().copied());
            names.extend(right.node.names.iter().cloned());
            layout.extend(right.layout);
        }
        let (left, right) = (Box::new(left.node), Box::new(right.node));
        let op = if keys.is_empty() {
            Op::NestedLoop { kind, left, right, on: residual }
        } else {
            Op::HashJoin { kind, left, right, keys, residual }
        };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout })
    }

    /// `left expression = right expression` of one type, as a key to hash by.
    fn join_key(&mut self, condition: &Expr, left: &Layout, right: &Layout, outer: &Outer) -> Result<Option<JoinKey>> {
        let (a, b, null_equals_null) = match condition {
            Expr::Call(call) if call.operator.as_deref() == Some("=") && call.args.len() == 2 => {
                (&call.args[0], &call.args[1], false)
            }
            Expr::Distinct(_, pair, true) => (&pair.0, &pair.1, true),
            _ => return Ok(None),
        };
        if hash_family(a) != hash_family(b)
            || condition.is_volatile()
            || condition.any(&mut |e| matches!(e, Expr::Sublink(_)))
        {
            return Ok(None);
        }
        let side = |expr: &Expr, own: &Layout| {
            let used = used_columns(expr);
            used.iter().any(|id| own.contains(id)) && used.iter().all(|id| own.contains(id) || outer.contains_key(id))
        };
        let (l, r) = if side(a, left) && side(b, right) {
            (a, b)
        } else if side(b, left) && side(a, right) {
            (b, a)
        } else {
            return Ok(None);
        };
        Ok(Some(JoinKey { left: self.expr(l, left, outer)?, right: self.expr(r, right, outer)?, null_equals_null }))
    }

    /// LATERAL: the right side runs once per left row.
    fn build_apply(
        &mut self,
        kind: JoinKind,
        left: Built,
        right: &Logical,
        conditions: Vec<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        let (inner, slots) = self.correlate(right, &left.layout, outer)?;
        let built = self.build(right, &inner)?;
        let both: Layout = left.layout.iter().chain(&built.layout).copied().collect();
        let on = match Expr::conjunction(conditions) {
            Some(predicate) => Some(self.expr(&predicate, &both, outer)?),
            None => None,
        };
        let rows = (left.node.rows * built.node.rows).max(1.0);
        let cost = (left.node.cost.0, left.node.cost.1 + left.node.rows * built.node.cost.1);
        let columns = left.node.columns.iter().chain(&built.node.columns).copied().collect();
        let names = left.node.names.iter().chain(&built.node.names).cloned().collect();
        let op = Op::Apply { kind, left: Box::new(left.node), right: Box::new(built.node), slots, on };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: both })
    }
}

/// Types whose keys hash alike when equal: within one type, and text with varchar.
fn hash_family(expr: &Expr) -> dictdb_types::Oid {
    match expr.ty().oid {
        dictdb_types::oids::VARCHAR => dictdb_types::oids::TEXT,
        other => other,
    }
}

/// A scan with its filters, which an index join can absorb.
fn scan_of(node: &Logical) -> Option<(&Scan, Vec<Expr>)> {
    match node {
        Logical::Scan(scan) => Some((scan, Vec::new())),
        Logical::Filter { input, predicate } => match &**input {
            Logical::Scan(scan) => {
                let mut conjuncts = Vec::new();
                predicate.clone().into_conjuncts(&mut conjuncts);
                Some((scan, conjuncts))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The inputs and conditions of nested inner joins.
fn flatten<'n>(node: &'n Logical, leaves: &mut Vec<&'n Logical>, conditions: &mut Vec<Expr>) {
    match node {
        Logical::Join { kind: JoinKind::Inner, left, right, on, lateral: false } => {
            flatten(left, leaves, conditions);
            flatten(right, leaves, conditions);
            if let Some(on) = on.clone() {
                on.into_conjuncts(conditions);
            }
        }
        other => leaves.push(other),
    }
}

fn used_columns(expr: &Expr) -> BTreeSet<ColumnId> {
    let mut used = BTreeSet::new();
    expr_columns(expr, &mut used);
    used
}
