//! Columns nobody uses are not computed and not read, and joins that only make such columns are left out.

use std::collections::BTreeSet;

use dictdb_catalog::Catalog;

use super::{unmatched, unused_join};
use crate::columns::{expr_columns, for_each_expr, for_each_expr_mut};
use crate::expr::{ColumnId, Expr};
use crate::logical::{Column, MergeClause, Modify, ModifyAction, Node, SetOpKind};

pub(super) fn prune_columns(mut node: Node, catalog: &Catalog) -> Node {
    prune_within(&mut node, catalog);
    node
}

/// Prunes below a node of which all columns are needed.
fn prune_within(node: &mut Node, catalog: &Catalog) {
    let all = node.columns().iter().map(|column| column.id).collect();
    prune(node, &all, catalog);
}

/// Drops what the node produces beyond `needed`, and what its inputs then need not produce.
fn prune(node: &mut Node, needed: &BTreeSet<ColumnId>, catalog: &Catalog) {
    unused_join::leave_out(node, needed, catalog);
    unmatched::to_anti_join(node, needed);
    prune_sublinks(node, catalog);
    match node {
        Node::Scan(scan) => {
            scan.columns.retain(|(column, _)| needed.contains(&column.id));
            scan.row_id = scan.row_id.filter(|id| needed.contains(id));
        }
        Node::Values { columns, rows } => {
            let keep: Vec<bool> = columns.iter().map(|column| needed.contains(&column.id)).collect();
            retain(columns, &keep);
            rows.iter_mut().for_each(|row| retain(row, &keep));
        }
        Node::FunctionScan(_) | Node::CteScan { .. } => {}
        Node::Project { input, columns } => {
            columns.retain(|(column, expr)| needed.contains(&column.id) || expr.is_volatile());
            let mut below = BTreeSet::new();
            columns.iter().for_each(|(_, expr)| expr_columns(expr, &mut below));
            prune(input, &below, catalog);
        }
        Node::Aggregate(aggregate) => {
            aggregate.calls.retain(|(column, _)| needed.contains(&column.id));
            let mut below = BTreeSet::new();
            aggregate.groups.iter().for_each(|(_, expr)| expr_columns(expr, &mut below));
            for (_, call) in &aggregate.calls {
                call.for_each_operand(&mut |expr| expr_columns(expr, &mut below));
            }
            prune(&mut aggregate.input, &below, catalog);
        }
        Node::SetOp { all, columns, left, right, kind } => {
            // Without ALL every column takes part in the comparison.
            let keep_all = !*all || *kind != SetOpKind::Union;
            let keep: Vec<bool> = columns.iter().map(|column| keep_all || needed.contains(&column.id)).collect();
            for arm in [left, right] {
                let ids = kept_ids(&arm.columns(), &keep);
                narrow(arm, &ids, catalog);
            }
            retain(columns, &keep);
        }
        Node::With { ctes, body } => {
            for cte in ctes {
                prune_within(&mut cte.query, catalog);
                if let Some((step, _)) = &mut cte.recursive {
                    prune_within(step, catalog);
                }
            }
            prune(body, needed, catalog);
        }
        Node::Modify(modify) => {
            let below = needed_by_change(modify);
            prune(&mut modify.input, &below, catalog);
        }
        Node::Distinct { input, on: None } => {
            prune_within(input, catalog);
        }
        Node::Join { left, right, on, .. } => {
            let mut below = needed.clone();
            on.iter().for_each(|expr| expr_columns(expr, &mut below));
            below.extend(crate::columns::free_columns(right));
            prune(left, &below, catalog);
            prune(right, &below, catalog);
        }
        Node::Window { calls, .. } => {
            calls.retain(|(column, _)| needed.contains(&column.id));
            pass_through(node, needed, catalog);
        }
        _ => pass_through(node, needed, catalog),
    }
}

/// What a change needs of its input.
fn needed_by_change(modify: &Modify) -> BTreeSet<ColumnId> {
    let mut below = BTreeSet::new();
    modify.returning.iter().flatten().for_each(|(_, expr)| expr_columns(expr, &mut below));
    match &modify.action {
        ModifyAction::Insert { .. } => {
            below.extend(modify.input.columns().iter().map(|column| column.id));
        }
        ModifyAction::Update { row_id, assignments } => {
            below.insert(*row_id);
            below.extend(assignments.iter().map(|(_, id)| *id));
        }
        ModifyAction::Delete { row_id } => {
            below.insert(*row_id);
        }
        ModifyAction::Instead { old, assignments, .. } => {
            below.extend(old.iter().chain(assignments).map(|(_, id)| *id));
        }
        ModifyAction::Merge { row_id, clauses } => {
            below.insert(*row_id);
            let exprs = clauses.iter().flat_map(MergeClause::exprs);
            exprs.for_each(|expr| expr_columns(expr, &mut below));
        }
    }
    below.extend(modify.identity.iter().copied());
    below
}

/// Nodes whose output is their input's (and more): the input must give what is needed and what they use.
fn pass_through(node: &mut Node, needed: &BTreeSet<ColumnId>, catalog: &Catalog) {
    let mut below = needed.clone();
    for_each_expr(node, &mut |expr| expr_columns(expr, &mut below));
    if let Node::Sample(sample) = node {
        below.insert(sample.row_id);
    }
    if let Node::LockRows { targets, identity, .. } = node {
        below.extend(targets.iter().map(|target| target.row_id));
        below.extend(identity.iter().copied());
    }
    crate::columns::for_each_input_mut(node, &mut |input| prune(input, &below, catalog));
}

fn prune_sublinks(node: &mut Node, catalog: &Catalog) {
    for_each_expr_mut(node, &mut |expr| {
        expr.rewrite(&mut |e| {
            if let Expr::Sublink(link) = e {
                let all = link.query.columns().iter().map(|column| column.id).collect();
                prune(&mut link.query, &all, catalog);
            }
        });
    });
}

/// Prunes an arm of a set operation to exactly these columns, in their order.
fn narrow(arm: &mut Node, ids: &BTreeSet<ColumnId>, catalog: &Catalog) {
    prune(arm, ids, catalog);
    let produced = arm.columns();
    if produced.iter().all(|column| ids.contains(&column.id)) {
        return;
    }
    let kept = produced.into_iter().filter(|column| ids.contains(&column.id));
    let columns = kept.map(|column| (column.clone(), Expr::column(&column))).collect();
    let inner = std::mem::replace(arm, Node::Values { columns: Vec::new(), rows: Vec::new() });
    *arm = Node::Project { input: Box::new(inner), columns };
}

fn kept_ids(columns: &[Column], keep: &[bool]) -> BTreeSet<ColumnId> {
    columns.iter().zip(keep).filter(|(_, keep)| **keep).map(|(column, _)| column.id).collect()
}

fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut flags = keep.iter();
    items.retain(|_| flags.next().copied().unwrap_or(true));
}
