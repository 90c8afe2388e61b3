//! Outer joins that change nothing are left out: those that give every row of one side exactly once, when nobody uses a
//! column of the other side. Views and the queries of mappers join more than a statement looks at.
//!
//! That the other side has at most one match is known from the conditions of the join: equalities with all keys of a unique
//! index, or with all columns that a subquery groups by or makes distinct. (PostgreSQL: `join_is_removable`.)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexInfo, IndexTarget};
use dictdb_types::Type;

use crate::columns::expr_columns;
use crate::condition::{bare_column, comparison, same_key_type};
use crate::expr::{ColumnId, Expr};
use crate::logical::{Column, JoinKind, Node, Scan};

/// Columns that an equality ties to one value, and the type of that value.
type Tied = BTreeMap<ColumnId, Type>;

/// Replaces a join by the side that it only repeats, as often as that can be done. `needed` are the columns that anybody uses
/// of the join's.
pub(super) fn leave_out(node: &mut Node, needed: &BTreeSet<ColumnId>, catalog: &Catalog) {
    while let Node::Join { kind, left, right, on, .. } = node {
        let (kept, other) = match kind {
            JoinKind::Left => (left, right),
            JoinKind::Right => (right, left),
            _ => return,
        };
        if !is_unused(other, on.as_ref(), needed, catalog) {
            return;
        }
        let kept = std::mem::replace(&mut **kept, Node::Values { columns: Vec::new(), rows: Vec::new() });
        *node = kept;
    }
}

/// Whether a side of an outer join adds neither rows nor columns to the other.
fn is_unused(side: &Node, on: Option<&Expr>, needed: &BTreeSet<ColumnId>, catalog: &Catalog) -> bool {
    let own: BTreeSet<ColumnId> = side.columns().iter().map(|column| column.id).collect();
    let mut tied = Tied::new();
    own.is_disjoint(needed) && {
        on.iter().for_each(|on| tie(on, &own, &mut tied));
        is_unique(side, tied, catalog)
    }
}

/// Adds what the equalities of a condition tie to values from outside of these columns.
fn tie(condition: &Expr, own: &BTreeSet<ColumnId>, tied: &mut Tied) {
    let mut conjuncts = Vec::new();
    condition.clone().into_conjuncts(&mut conjuncts);
    for conjunct in &conjuncts {
        let Some(("=", left, right)) = comparison(conjunct) else { continue };
        for (column, value) in [(left, right), (right, left)] {
            if let Some(id) = bare_column(column).filter(|id| own.contains(id))
                && is_fixed(value, own)
            {
                tied.insert(id, value.ty());
            }
        }
    }
}

/// Whether a value is the same for all rows of one side.
fn is_fixed(value: &Expr, own: &BTreeSet<ColumnId>) -> bool {
    let mut used = BTreeSet::new();
    expr_columns(value, &mut used);
    used.is_disjoint(own) && !value.is_volatile()
}

/// Whether at most one row has the values that columns are tied to.
fn is_unique(node: &Node, mut tied: Tied, catalog: &Catalog) -> bool {
    let are_tied = |columns: &[Column], tied: &Tied| columns.iter().all(|column| is_tied(column, column.ty, tied));
    match node {
        Node::Scan(scan) => is_unique_scan(scan, &tied, catalog),
        Node::Filter { input, predicate } => {
            tie(predicate, &input.columns().iter().map(|column| column.id).collect(), &mut tied);
            is_unique(input, tied, catalog)
        }
        Node::Project { input, columns } => {
            let inner = columns.iter().filter_map(|(column, expr)| Some((bare_column(expr)?, *tied.get(&column.id)?)));
            is_unique(input, inner.collect(), catalog)
        }
        Node::Aggregate(aggregate) => {
            let groups: Vec<Column> = aggregate.groups.iter().map(|(column, _)| column.clone()).collect();
            aggregate.sets.is_none() && are_tied(&groups, &tied)
        }
        Node::Distinct { input, on: None } => are_tied(&input.columns(), &tied) || is_unique(input, tied, catalog),
        Node::SetOp { columns, all: false, .. } => are_tied(columns, &tied),
        Node::Sort { input, .. } | Node::Limit { input, .. } => is_unique(input, tied, catalog),
        _ => false,
    }
}

/// Whether a column is tied to a value whose equality is that of this type.
fn is_tied(column: &Column, key: Type, tied: &Tied) -> bool {
    tied.get(&column.id).is_some_and(|value| same_key_type(*value, key))
}

/// Whether a unique index of the table has no other keys than tied columns. What is checked at the end of a transaction need
/// not hold now, and an index of a table says nothing about the rows of its children.
fn is_unique_scan(scan: &Scan, tied: &Tied, catalog: &Catalog) -> bool {
    let answers = |info: &Arc<IndexInfo>| {
        let is_key_tied = |attnum: &i16, ty: Type| {
            scan.columns.iter().any(|(column, number)| number == attnum && is_tied(column, ty, tied))
        };
        info.unique
            && !info.deferrable
            && info.predicate.is_none()
            && info.keys.iter().all(|key| match &key.target {
                IndexTarget::Column(attnum) => is_key_tied(attnum, key.ty),
                IndexTarget::Expression(_) => false,
            })
    };
    let mut indexes = catalog.valid_indexes(&scan.relation).filter_map(|index| index.index());
    scan.members.iter().all(|member| member.oid == scan.relation.oid) && indexes.any(answers)
}
