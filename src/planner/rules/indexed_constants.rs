//! Whether the constants of a statement decide which indexes it can use: an index on `to_tsvector('english', body)`, or one
//! of the rows `WHERE status = 'open'`, serves nobody who writes a parameter in that place.

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_catalog::{IndexTarget, Relation};
use dictdb_types::Oid;

use crate::BindContext;
use crate::columns::{for_each_expr, for_each_input};
use crate::expr::Expr;
use crate::logical::Node;
use crate::table_expr::{TableExpr, bind_text};

/// Whether an expression of the plan would be one of an index of its tables if some parameters were constants.
pub fn names_indexed_constants(node: &Node, cx: BindContext<'_>) -> bool {
    let mut tables = BTreeMap::new();
    collect_tables(node, &mut tables);
    let indexed: Vec<Expr> = tables.values().flat_map(|relation| indexed(relation, cx)).collect();
    !indexed.is_empty() && mentions(node, &indexed)
}

fn collect_tables(node: &Node, tables: &mut BTreeMap<Oid, Arc<Relation>>) {
    if let Node::Scan(scan) = node {
        for relation in std::iter::once(&scan.relation).chain(scan.members.iter()) {
            tables.insert(relation.oid, relation.clone());
        }
    }
    for_each_query(node, &mut |query| collect_tables(query, tables));
    for_each_input(node, &mut |input| collect_tables(input, tables));
}

fn for_each_query(node: &Node, f: &mut dyn FnMut(&Node)) {
    for_each_expr(node, &mut |expr| {
        expr.visit(&mut |e| {
            if let Expr::Sublink(link) = e {
                f(&link.query);
            }
        });
    });
}

/// Expressions with constants in the indexes of a table.
fn indexed(relation: &Arc<Relation>, cx: BindContext<'_>) -> Vec<Expr> {
    let mut found = Vec::new();
    for index in relation.indexes.iter().filter_map(|oid| cx.catalog.relation(*oid)) {
        let Some(info) = index.index() else { continue };
        let keys = info.keys.iter().filter_map(|key| match &key.target {
            IndexTarget::Expression(text) => Some((text, TableExpr::IndexKey)),
            IndexTarget::Column(_) => None,
        });
        let predicate = info.predicate.iter().map(|text| (text, TableExpr::IndexPredicate));
        for (text, purpose) in keys.chain(predicate) {
            if let Ok(bound) = bind_text(text, relation, purpose, cx) {
                bound.expr.into_conjuncts(&mut found);
            }
        }
    }
    found.retain(|expr| expr.any(&mut |e| matches!(e, Expr::Const(..))));
    found
}

fn mentions(node: &Node, indexed: &[Expr]) -> bool {
    let mut found = false;
    for_each_expr(node, &mut |expr| {
        found |= expr.any(&mut |e| match e {
            Expr::Sublink(link) => mentions(&link.query, indexed),
            e => indexed.iter().any(|wanted| fits(e, wanted)),
        });
    });
    for_each_input(node, &mut |input| found |= mentions(input, indexed));
    found
}

/// Whether two expressions are of one form, with a parameter of the first where the second has a constant.
fn fits(expr: &Expr, wanted: &Expr) -> bool {
    expr.any(&mut |e| matches!(e, Expr::Param(..))) && has_form(expr, wanted)
}

fn has_form(expr: &Expr, wanted: &Expr) -> bool {
    match (expr, wanted) {
        (Expr::Param(_, ty), Expr::Const(_, wanted)) => ty.oid == wanted.oid,
        (Expr::Column(_, ty), Expr::Input(_, wanted)) => ty == wanted,
        (expr, wanted) if !expr.same_head(wanted) => false,
        (expr, wanted) => {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            expr.for_each_child(&mut |child| left.push(child));
            wanted.for_each_child(&mut |child| right.push(child));
            left.len() == right.len() && left.iter().zip(&right).all(|(a, b)| has_form(a, b))
        }
    }
}
