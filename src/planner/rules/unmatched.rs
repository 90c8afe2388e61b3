//! `a LEFT JOIN b ON a.x = b.x WHERE b.x IS NULL` asks for the rows of `a` that have no match, as NOT EXISTS does: a match
//! would have a value where NULL is asked for. (PostgreSQL: `reduce_outer_joins`.)

use std::collections::BTreeSet;

use crate::columns::expr_columns;
use crate::expr::{ColumnId, Expr};
use crate::logical::{Column, JoinKind, Node};

use super::pushdown::rejects_null;

/// Makes a filter over an outer join an anti join, where it is one. `needed` are the columns that anybody uses of the
/// filter's: those of the other side are NULL.
pub(super) fn to_anti_join(node: &mut Node, needed: &BTreeSet<ColumnId>) {
    let Node::Filter { input, predicate } = node else { return };
    let Node::Join { kind, left, right, on: Some(on), lateral: false } = &mut **input else { return };
    let (kept, other) = match kind {
        JoinKind::Left => (left, right),
        JoinKind::Right => (right, left),
        _ => return,
    };
    let columns = other.columns();
    let own: BTreeSet<ColumnId> = columns.iter().map(|column| column.id).collect();
    let mut conjuncts = Vec::new();
    predicate.clone().into_conjuncts(&mut conjuncts);
    let (refused, rest): (Vec<Expr>, Vec<Expr>) =
        conjuncts.into_iter().partition(|conjunct| is_refused(conjunct, on, &own));
    if refused.is_empty() {
        return;
    }
    let (left, right) = (take(kept), take(other));
    let join = Node::Join { kind: JoinKind::Anti, left, right, on: Some(on.clone()), lateral: false };
    let mut used = needed.clone();
    rest.iter().for_each(|conjunct| expr_columns(conjunct, &mut used));
    let missing: Vec<Column> = columns.into_iter().filter(|column| used.contains(&column.id)).collect();
    let joined = with_nulls(join, missing);
    *node = match Expr::conjunction(rest) {
        Some(predicate) => Node::Filter { input: Box::new(joined), predicate },
        None => joined,
    };
}

/// Whether a condition asks for NULL in a column of one side that no match has there.
fn is_refused(conjunct: &Expr, on: &Expr, side: &BTreeSet<ColumnId>) -> bool {
    let Expr::IsNull(arg, false) = conjunct else { return false };
    let Expr::Column(id, _) = **arg else { return false };
    side.contains(&id) && rejects_null(on, &BTreeSet::from([id]))
}

/// A plan with further columns, which are NULL.
fn with_nulls(node: Node, missing: Vec<Column>) -> Node {
    if missing.is_empty() {
        return node;
    }
    let mut columns: Vec<(Column, Expr)> =
        node.columns().into_iter().map(|column| (column.clone(), Expr::column(&column))).collect();
    columns.extend(missing.into_iter().map(|column| {
        let null = Expr::null(column.ty);
        (column, null)
    }));
    Node::Project { input: Box::new(node), columns }
}

fn take(node: &mut Box<Node>) -> Box<Node> {
    std::mem::replace(node, Box::new(Node::Values { columns: Vec::new(), rows: Vec::new() }))
}
