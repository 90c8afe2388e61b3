//! CTEs that are put in the place where they are named, as PostgreSQL does it: those named once, or NOT MATERIALIZED, whose
//! query has no side effects and nothing volatile in it. Queries that nobody names go away.

use crate::columns::{for_each_expr, for_each_input, for_each_input_mut, for_each_subquery, for_each_subquery_mut};
use crate::expr::Expr;
use crate::logical::{Column, Cte, CteId, Node};
use crate::renumber::{next_column, renumber};

/// Inlines what can be inlined, in subqueries too.
pub(super) fn inline_ctes(node: &mut Node) {
    if contains_with(node) {
        let mut next = next_column(node);
        inline(node, &mut next);
    }
}

fn contains_with(node: &Node) -> bool {
    any_node(node, &mut |node| matches!(node, Node::With { .. }))
}

/// Whether `test` holds for a node of the plan, subqueries included.
fn any_node(node: &Node, test: &mut dyn FnMut(&Node) -> bool) -> bool {
    let mut found = test(node);
    for_each_input(node, &mut |input| found = found || any_node(input, test));
    for_each_subquery(node, &mut |query| found = found || any_node(query, test));
    found
}

fn inline(node: &mut Node, next: &mut u32) {
    if let Node::With { ctes, body } = node {
        let mut kept = Vec::with_capacity(ctes.len());
        let mut rest = std::mem::take(ctes).into_iter();
        while let Some(cte) = rest.next() {
            let mut readers: Vec<&mut Node> = vec![body];
            let later = rest.as_mut_slice().iter_mut();
            readers.extend(
                later.flat_map(|cte| {
                    std::iter::once(&mut cte.query).chain(cte.recursive.as_mut().map(|(step, _)| step))
                }),
            );
            kept.extend(settle(cte, readers, next));
        }
        if kept.is_empty() {
            *node = take(body);
            return inline(node, next);
        }
        *ctes = kept;
    }
    for_each_input_mut(node, &mut |input| inline(input, next));
    for_each_subquery_mut(node, &mut |query| inline(query, next));
}

/// Puts a CTE where it is named, or gives it back.
fn settle(cte: Cte, readers: Vec<&mut Node>, next: &mut u32) -> Option<Cte> {
    if any_node(&cte.query, &mut |node| matches!(node, Node::Modify(_))) {
        return Some(cte);
    }
    let references: usize = readers.iter().map(|reader| references(reader, cte.id)).sum();
    if references == 0 {
        return None;
    }
    let wanted = match cte.materialized {
        Some(materialized) => !materialized,
        None => references == 1,
    };
    if !wanted || cte.recursive.is_some() || any_node(&cte.query, &mut is_kept) {
        return Some(cte);
    }
    let mut copies = references;
    for reader in readers {
        place(reader, &cte, &mut copies, next);
    }
    None
}

/// Whether a node must be computed once, and is not pushed about.
fn is_kept(node: &Node) -> bool {
    let mut volatile = matches!(node, Node::LockRows { .. });
    for_each_expr(node, &mut |expr| volatile = volatile || expr.is_volatile());
    volatile
}

fn references(node: &Node, id: CteId) -> usize {
    let mut count = usize::from(matches!(node, Node::CteScan { cte, .. } if *cte == id));
    for_each_input(node, &mut |input| count += references(input, id));
    for_each_subquery(node, &mut |query| count += references(query, id));
    count
}

/// Replaces the scans of a CTE by its query. Each copy but the first has columns of its own.
fn place(node: &mut Node, cte: &Cte, copies: &mut usize, next: &mut u32) {
    if let Node::CteScan { cte: id, columns, .. } = node {
        if *id == cte.id {
            let mut query = cte.query.clone();
            *copies -= 1;
            if *copies > 0 {
                renumber(&mut query, next);
            }
            let produced = query.columns();
            let exprs = produced.iter().map(Expr::column);
            let columns: Vec<(Column, Expr)> = columns.drain(..).zip(exprs).collect();
            *node = Node::Project { input: Box::new(query), columns };
        }
        return;
    }
    for_each_input_mut(node, &mut |input| place(input, cte, copies, next));
    for_each_subquery_mut(node, &mut |query| place(query, cte, copies, next));
}

fn take(node: &mut Node) -> Node {
    std::mem::replace(node, Node::Values { columns: Vec::new(), rows: Vec::new() })
}
