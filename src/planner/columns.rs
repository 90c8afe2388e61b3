//! Which columns a logical plan provides, uses and leaves to an outer query.

use std::collections::{BTreeMap, BTreeSet};

use dictdb_types::Oid;

use crate::expr::{ColumnId, Expr};
use crate::logical::{MergeClause, ModifyAction, Node, OnConflict, Scan};

/// What the traversals that read and those that change have in common: all but `mut`.
macro_rules! traversals {
    ($exprs:ident, $inputs:ident, $subqueries:ident, $parts:ident, $merged:ident, $visit:ident, $iter:ident $(, $mutable:tt)?) => {
        /// Calls `f` with every expression of this node itself, inputs excepted.
        pub fn $exprs<'e>(node: &'e $($mutable)? Node, f: &mut dyn FnMut(&'e $($mutable)? Expr)) {
            match node {
                Node::Values { rows, .. } => rows.$iter().flatten().for_each(f),
                Node::Scan(_) | Node::CteScan { .. } | Node::SetOp { .. } | Node::With { .. } => {}
                Node::FunctionScan(scan) => scan.calls.$iter().for_each(|item| f(&$($mutable)? item.call)),
                Node::Sample(sample) => {
                    f(&$($mutable)? sample.percent);
                    sample.seed.$iter().for_each(f);
                }
                Node::Project { columns, .. } => columns.$iter().for_each(|(_, expr)| f(expr)),
                Node::Filter { predicate, .. } => f(predicate),
                Node::Join { on, .. } => on.$iter().for_each(f),
                Node::Aggregate(aggregate) => {
                    aggregate.groups.$iter().for_each(|(_, expr)| f(expr));
                    aggregate.calls.$iter().for_each(|(_, call)| call.$parts(f));
                }
                Node::Window { calls, .. } => calls.$iter().for_each(|(_, call)| {
                    call.args.$iter().for_each(&mut *f);
                    call.filter.$iter().for_each(&mut *f);
                    call.window.$parts(f);
                }),
                Node::ProjectSet { calls, .. } => calls.$iter().for_each(|(_, expr)| f(expr)),
                Node::Sort { keys, .. } => keys.$iter().for_each(|key| f(&$($mutable)? key.expr)),
                Node::Limit { limit, offset, .. } => limit.$iter().chain(offset).for_each(f),
                Node::Distinct { on, .. } => on.$iter().flatten().for_each(f),
                Node::LockRows { .. } => {}
                Node::Modify(modify) => {
                    modify.checks.$iter().for_each(|(_, expr)| f(expr));
                    modify.generated.$iter().for_each(|(_, expr)| f(expr));
                    modify.returning.$iter().flatten().for_each(|(_, expr)| f(expr));
                    match &$($mutable)? modify.action {
                        ModifyAction::Insert { on_conflict: Some(conflict), .. } => {
                            if let Some(update) = &$($mutable)? conflict.update {
                                update.assignments.$iter().for_each(|(_, expr)| f(expr));
                                update.filter.$iter().for_each(f);
                            }
                        }
                        ModifyAction::Merge { clauses, .. } => {
                            clauses.$iter().flat_map(MergeClause::$merged).for_each(f);
                        }
                        _ => {}
                    }
                }
            }
        }

        /// Calls `f` with every direct input.
        pub fn $inputs<'e>(node: &'e $($mutable)? Node, f: &mut dyn FnMut(&'e $($mutable)? Node)) {
            match node {
                Node::Values { .. } | Node::Scan(_) | Node::FunctionScan(_) | Node::CteScan { .. } => {}
                Node::Project { input, .. }
                | Node::Filter { input, .. }
                | Node::Window { input, .. }
                | Node::ProjectSet { input, .. }
                | Node::Sort { input, .. }
                | Node::Limit { input, .. }
                | Node::Distinct { input, .. }
                | Node::LockRows { input, .. } => f(input),
                Node::Join { left, right, .. } | Node::SetOp { left, right, .. } => {
                    f(left);
                    f(right);
                }
                Node::Aggregate(aggregate) => f(&$($mutable)? aggregate.input),
                Node::Sample(sample) => f(&$($mutable)? sample.input),
                Node::With { ctes, body } => {
                    for cte in ctes {
                        f(&$($mutable)? cte.query);
                        cte.recursive.$iter().for_each(|(node, _)| f(node));
                    }
                    f(body);
                }
                Node::Modify(modify) => f(&$($mutable)? modify.input),
            }
        }

        /// Calls `f` with every subquery in the expressions of this node itself.
        pub fn $subqueries(node: &$($mutable)? Node, f: &mut dyn FnMut(&$($mutable)? Node)) {
            $exprs(node, &mut |expr| {
                expr.$visit(&mut |e| {
                    if let Expr::Sublink(link) = e {
                        f(&$($mutable)? link.query);
                    }
                });
            });
        }
    };
}

traversals!(for_each_expr, for_each_input, for_each_subquery, for_each_operand, exprs, visit, iter);
traversals!(
    for_each_expr_mut,
    for_each_input_mut,
    for_each_subquery_mut,
    for_each_operand_mut,
    exprs_mut,
    rewrite,
    iter_mut,
    mut
);

/// The columns an expression mentions, those that subqueries in it take from outside included.
pub fn expr_columns(expr: &Expr, out: &mut BTreeSet<ColumnId>) {
    expr.visit(&mut |e| match e {
        Expr::Column(id, _) => {
            out.insert(*id);
        }
        Expr::Sublink(link) => out.extend(free_columns(&link.query)),
        _ => {}
    });
}

/// The columns a plan uses but does not provide: its correlation.
pub fn free_columns(node: &Node) -> BTreeSet<ColumnId> {
    let mut used = BTreeSet::new();
    let mut provided = BTreeSet::new();
    collect(node, &mut used, &mut provided);
    used.retain(|id| !provided.contains(id));
    used
}

fn collect(node: &Node, used: &mut BTreeSet<ColumnId>, provided: &mut BTreeSet<ColumnId>) {
    provided.extend(node.columns().iter().map(|column| column.id));
    if let Node::Scan(scan) = node {
        provided.extend(scan.row_id);
    }
    if let Node::Modify(modify) = node {
        provided.extend(modify.row.iter().map(|(column, _)| column.id));
        if let ModifyAction::Insert { on_conflict: Some(conflict), .. } = &modify.action
            && let Some(update) = &conflict.update
        {
            provided.extend(update.existing.iter().chain(&update.excluded).map(|(column, _)| column.id));
        }
    }
    for_each_expr(node, &mut |expr| expr_columns(expr, used));
    for_each_input(node, &mut |input| collect(input, used, provided));
}

/// Replaces a column from outside by an expression, in the plan and in subqueries below.
pub fn replace_column(node: &mut Node, id: ColumnId, with: &Expr) {
    for_each_expr_mut(node, &mut |expr| replace_in_expr(expr, id, with));
    for_each_input_mut(node, &mut |input| replace_column(input, id, with));
}

/// Like [`replace_column`], in an expression.
pub fn replace_in_expr(expr: &mut Expr, id: ColumnId, with: &Expr) {
    expr.rewrite(&mut |e| match e {
        Expr::Column(column, _) if *column == id => *e = with.clone(),
        Expr::Sublink(link) => replace_column(&mut link.query, id, with),
        _ => {}
    });
}

/// The table scans of a FROM clause, below joins and filters.
pub fn scans(node: &Node) -> Vec<&Scan> {
    match node {
        Node::Scan(scan) => vec![scan],
        Node::Filter { input, .. } => scans(input),
        Node::Sample(sample) => scans(&sample.input),
        Node::Join { left, right, .. } => {
            let mut found = scans(left);
            found.extend(scans(right));
            found
        }
        _ => Vec::new(),
    }
}

/// The columns of relations that a plan mentions in its expressions, as relation and attnum.
pub fn used(node: &Node) -> Vec<(Oid, i16)> {
    let mut found = read(node);
    found.retain(|(_, attnum)| *attnum > 0);
    found
}

/// The columns that a plan mentions, whatever they are of.
pub(crate) fn mentioned(node: &Node) -> BTreeSet<ColumnId> {
    let mut mentioned = BTreeSet::new();
    collect_used(node, &mut BTreeMap::new(), &mut mentioned);
    mentioned
}

/// Likewise, with system columns.
pub(crate) fn read(node: &Node) -> Vec<(Oid, i16)> {
    let mut sources = BTreeMap::new();
    let mut mentioned = BTreeSet::new();
    collect_used(node, &mut sources, &mut mentioned);
    let mut found: Vec<(Oid, i16)> = mentioned.iter().filter_map(|id| sources.get(id).copied()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn collect_used(node: &Node, sources: &mut BTreeMap<ColumnId, (Oid, i16)>, mentioned: &mut BTreeSet<ColumnId>) {
    match node {
        Node::Scan(scan) => {
            let named = scan.columns.iter().filter(|(_, attnum)| *attnum != 0);
            sources.extend(named.map(|(column, attnum)| (column.id, (scan.relation.oid, *attnum))));
        }
        Node::Project { columns, .. } => {
            sources.extend(columns.iter().filter_map(|(column, _)| Some((column.id, column.source?))));
        }
        Node::Modify(modify) => {
            sources.extend(modify.row.iter().map(|(column, attnum)| (column.id, (modify.relation.oid, *attnum))));
            // CHECK constraints and generated columns are the table's own business.
            let returning = modify.returning.iter().flatten();
            returning.for_each(|(_, expr)| collect_mentioned(expr, sources, mentioned));
            match &modify.action {
                ModifyAction::Insert { on_conflict: Some(OnConflict { update: Some(update), .. }), .. } => {
                    let rows = update.existing.iter().chain(&update.excluded);
                    sources.extend(rows.map(|(column, attnum)| (column.id, (modify.relation.oid, *attnum))));
                    let exprs = update.assignments.iter().map(|(_, expr)| expr).chain(&update.filter);
                    exprs.for_each(|expr| collect_mentioned(expr, sources, mentioned));
                }
                ModifyAction::Merge { clauses, .. } => {
                    let exprs = clauses.iter().flat_map(MergeClause::exprs);
                    exprs.for_each(|expr| collect_mentioned(expr, sources, mentioned));
                }
                _ => {}
            }
            collect_used(&modify.input, sources, mentioned);
            return;
        }
        _ => {}
    }
    for_each_expr(node, &mut |expr| collect_mentioned(expr, sources, mentioned));
    for_each_input(node, &mut |input| collect_used(input, sources, mentioned));
}

fn collect_mentioned(expr: &Expr, sources: &mut BTreeMap<ColumnId, (Oid, i16)>, mentioned: &mut BTreeSet<ColumnId>) {
    expr.visit(&mut |e| match e {
        Expr::Column(id, _) => {
            mentioned.insert(*id);
        }
        Expr::Sublink(link) => collect_used(&link.query, sources, mentioned),
        _ => {}
    });
}
