//! New ids for the columns that a plan makes: each copy of a query has columns of its own.

use std::collections::HashMap;

use crate::columns::{for_each_expr_mut, for_each_input_mut, for_each_subquery_mut};
use crate::expr::{ColumnId, Expr};
use crate::logical::{ModifyAction, Node};

/// Gives all columns that a plan makes new ids, from `next` on.
pub(crate) fn renumber(node: &mut Node, next: &mut u32) {
    let mut ids = HashMap::new();
    define(node, &mut |id| {
        // A projection may let a column through under the id that it has below.
        *id = *ids.entry(*id).or_insert_with(|| {
            *next += 1;
            ColumnId(*next - 1)
        });
    });
    rename(node, &ids);
}

fn rename(node: &mut Node, ids: &HashMap<ColumnId, ColumnId>) {
    for_each_expr_mut(node, &mut |expr| {
        expr.rewrite(&mut |e| match e {
            Expr::Column(id, _) => *id = ids.get(id).copied().unwrap_or(*id),
            Expr::Sublink(link) => rename(&mut link.query, ids),
            _ => {}
        });
    });
    if let Node::Sample(sample) = node {
        sample.row_id = ids.get(&sample.row_id).copied().unwrap_or(sample.row_id);
    }
    for_each_input_mut(node, &mut |input| rename(input, ids));
}

/// Calls `f` with the id of every column that a plan without changes and locks makes.
fn define(node: &mut Node, f: &mut dyn FnMut(&mut ColumnId)) {
    match node {
        Node::Values { columns, .. } | Node::CteScan { columns, .. } | Node::SetOp { columns, .. } => {
            columns.iter_mut().for_each(|column| f(&mut column.id));
        }
        Node::Scan(scan) => {
            scan.columns.iter_mut().for_each(|(column, _)| f(&mut column.id));
            scan.row_id.iter_mut().for_each(&mut *f);
        }
        Node::FunctionScan(scan) => {
            let columns = scan.calls.iter_mut().flat_map(|item| item.columns.iter_mut());
            columns.chain(scan.ordinality.as_mut()).for_each(|column| f(&mut column.id));
        }
        Node::Project { columns, .. } | Node::ProjectSet { calls: columns, .. } => {
            columns.iter_mut().for_each(|(column, _)| f(&mut column.id));
        }
        Node::Aggregate(aggregate) => {
            aggregate.groups.iter_mut().for_each(|(column, _)| f(&mut column.id));
            aggregate.calls.iter_mut().for_each(|(column, _)| f(&mut column.id));
            aggregate.groupings.iter_mut().for_each(|(column, _)| f(&mut column.id));
        }
        Node::Window { calls, .. } => calls.iter_mut().for_each(|(column, _)| f(&mut column.id)),
        Node::Modify(modify) => {
            modify.row.iter_mut().for_each(|(column, _)| f(&mut column.id));
            modify.returning.iter_mut().flatten().for_each(|(column, _)| f(&mut column.id));
            if let ModifyAction::Insert { on_conflict: Some(conflict), .. } = &mut modify.action
                && let Some(update) = &mut conflict.update
            {
                let rows = update.existing.iter_mut().chain(&mut update.excluded);
                rows.for_each(|(column, _)| f(&mut column.id));
            }
        }
        Node::Sample(_)
        | Node::Filter { .. }
        | Node::Join { .. }
        | Node::Sort { .. }
        | Node::Limit { .. }
        | Node::Distinct { .. }
        | Node::With { .. }
        | Node::LockRows { .. } => {}
    }
    for_each_input_mut(node, &mut |input| define(input, f));
    for_each_subquery_mut(node, &mut |query| define(query, f));
}

/// A number above those of all columns of a plan.
pub(crate) fn next_column(node: &Node) -> u32 {
    let mut next = 0;
    define(&mut node.clone(), &mut |id| next = next.max(id.0 + 1));
    next
}
