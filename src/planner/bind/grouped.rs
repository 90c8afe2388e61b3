//! What stands above GROUP BY: expressions over groups, the aggregation itself, and where set-returning calls go.
//!
//! A set-returning call is expanded above aggregation and windows, unless GROUP BY or a window is about its rows:
//! then it is expanded below them.

use dictdb_types::Result;

use super::Binder;
use super::group::Grouping;
use super::select::Clauses;
use crate::expr::{ColumnId, Expr};
use crate::logical::{Aggregate, Column, Node};

impl Clauses {
    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let list = self.list.iter().map(|(_, expr)| expr);
        list.chain(self.sort.iter().map(|key| &key.expr)).chain(&self.having).chain(self.distinct_on.iter().flatten())
    }
}

impl Binder<'_> {
    /// Aggregation over `node`, with everything above rewritten to its columns. 42803 for what is not grouped.
    pub(crate) fn stack_groups(&mut self, node: Node, mut grouping: Grouping, above: &mut Clauses) -> Result<Node> {
        let mut windows = std::mem::take(&mut self.level().windows);
        let sets = std::mem::take(&mut self.level().sets);
        let grouped = needed(&sets, &mut grouping.groups.iter().map(|(_, expr)| expr));
        let (below, mut sets): (Vec<_>, Vec<_>) = sets.into_iter().partition(|(c, _)| grouped.contains(&c.id));
        self.place_targets(&grouping, above);
        let groupings = std::mem::take(&mut self.level().groupings);
        let groupings = grouping.positions(groupings)?;
        // What of them is not grouped is reported in this order.
        let mut exprs: Vec<&mut Expr> = above.list.iter_mut().map(|(_, expr)| expr).collect();
        exprs.extend(sets.iter_mut().map(|(_, expr)| expr));
        let mut of_windows = Vec::new();
        for (_, call) in &mut windows {
            exprs.extend(call.args.iter_mut().chain(call.filter.iter_mut()));
            of_windows.extend(call.window.partition.iter_mut());
            of_windows.extend(call.window.order.iter_mut().map(|key| &mut key.expr));
        }
        exprs.extend(above.sort.iter_mut().map(|key| &mut key.expr));
        exprs.extend(above.distinct_on.iter_mut().flatten());
        exprs.extend(of_windows);
        exprs.extend(above.having.iter_mut());
        self.check_grouped(&mut grouping, exprs, &node)?;
        // A call below that something above wants for itself is made above once more.
        let mut again: Vec<_> = below.clone();
        let wanted = needed(&again, &mut above.exprs());
        again.retain(|(column, _)| wanted.contains(&column.id));
        self.check_grouped(&mut grouping, again.iter_mut().map(|(_, expr)| expr).collect(), &node)?;
        sets.extend(again);
        self.level().windows = windows;
        self.level().sets = sets;
        let node = project_sets(node, below);
        self.aggregation(node, grouping, groupings, above.having.take())
    }

    /// A GROUP BY item that names an output column is about that column, not about any other with the same expression.
    fn place_targets(&mut self, grouping: &Grouping, above: &mut Clauses) {
        for (index, (_, expr)) in above.list.iter_mut().enumerate() {
            if let Some(column) = grouping.of_target(index) {
                *expr = Expr::column(column);
            }
        }
        for (key, target) in above.sort.iter_mut().zip(&above.sort_targets) {
            if let Some(column) = target.and_then(|index| grouping.of_target(index)) {
                key.expr = Expr::column(column);
            }
        }
    }

    fn aggregation(
        &mut self,
        node: Node,
        grouping: Grouping,
        groupings: Vec<(Column, Vec<usize>)>,
        having: Option<Expr>,
    ) -> Result<Node> {
        let calls = std::mem::take(&mut self.level().aggregates);
        let single_group = grouping.groups.is_empty() && grouping.sets.is_none();
        let node = if single_group && calls.is_empty() && groupings.is_empty() {
            // Nothing depends on the rows: there is one group, even of none.
            Node::Values { columns: Vec::new(), rows: vec![Vec::new()] }
        } else {
            let Grouping { groups, sets, .. } = grouping;
            Node::Aggregate(Box::new(Aggregate { input: node, groups, sets, calls, groupings }))
        };
        Ok(match having {
            Some(predicate) => Node::Filter { input: Box::new(node), predicate },
            None => node,
        })
    }

    /// Expands below the windows the set-returning calls that partitions and orders of windows are about.
    pub(crate) fn stack_window_sets(&mut self, node: Node) -> Node {
        let level = self.level();
        let exprs = level
            .windows
            .iter()
            .flat_map(|(_, call)| call.window.partition.iter().chain(call.window.order.iter().map(|key| &key.expr)));
        let wanted = needed(&level.sets, &mut exprs.into_iter());
        let sets = std::mem::take(&mut level.sets);
        let (below, above): (Vec<_>, Vec<_>) = sets.into_iter().partition(|(c, _)| wanted.contains(&c.id));
        level.sets = above;
        project_sets(node, below)
    }
}

/// The calls that expressions mention, and those that these mention in turn.
fn needed(sets: &[(Column, Expr)], exprs: &mut dyn Iterator<Item = &Expr>) -> Vec<ColumnId> {
    let mut wanted: Vec<ColumnId> = Vec::new();
    let add = |expr: &Expr, wanted: &mut Vec<ColumnId>| {
        expr.visit(&mut |e| {
            if let Expr::Column(id, _) = e
                && !wanted.contains(id)
                && sets.iter().any(|(column, _)| column.id == *id)
            {
                wanted.push(*id);
            }
        });
    };
    if sets.is_empty() {
        return wanted;
    }
    exprs.for_each(|expr| add(expr, &mut wanted));
    let mut done = 0;
    while let Some(id) = wanted.get(done).copied() {
        sets.iter().filter(|(column, _)| column.id == id).for_each(|(_, call)| add(call, &mut wanted));
        done += 1;
    }
    wanted
}

/// ProjectSet nodes: calls that use another call's column come after it.
pub(crate) fn project_sets(mut node: Node, mut calls: Vec<(Column, Expr)>) -> Node {
    while !calls.is_empty() {
        let pending: Vec<_> = calls.iter().map(|(column, _)| column.id).collect();
        let uses_pending = |call: &Expr| call.any(&mut |e| matches!(e, Expr::Column(id, _) if pending.contains(id)));
        let (ready, rest) = calls.into_iter().partition(|(_, call)| !uses_pending(call));
        node = Node::ProjectSet { input: Box::new(node), calls: ready };
        calls = rest;
    }
    node
}
