//! EXISTS and IN in a WHERE clause become semi joins, NOT EXISTS an anti join.
//!
//! A subquery qualifies when all its correlation sits in its own WHERE clause: those conditions become the join's.
//! NOT IN keeps its own semantics of NULL and stays a (hashed) subplan.

use dictdb_types::Datum;

use crate::columns::{expr_columns, for_each_expr_mut, for_each_input_mut, free_columns};
use crate::expr::{Call, Expr, Sublink, SublinkKind};
use crate::logical::{JoinKind, Node};

pub(super) fn subqueries_to_joins(mut node: Node) -> Node {
    for_each_input_mut(&mut node, &mut |input| {
        let taken = std::mem::replace(input, Node::Values { columns: Vec::new(), rows: Vec::new() });
        *input = subqueries_to_joins(taken);
    });
    for_each_expr_mut(&mut node, &mut |expr| {
        expr.rewrite(&mut |e| {
            if let Expr::Sublink(link) = e {
                let taken = std::mem::replace(&mut link.query, Node::Values { columns: Vec::new(), rows: Vec::new() });
                link.query = match link.kind {
                    // Nobody looks at its columns.
                    SublinkKind::Exists => {
                        Node::Project { input: Box::new(subqueries_to_joins(any_row(taken))), columns: Vec::new() }
                    }
                    _ => subqueries_to_joins(taken),
                };
            }
        });
    });
    match node {
        Node::Filter { input, predicate } => join_sublinks(*input, predicate),
        // The condition of an inner join is a filter over it.
        Node::Join { kind: JoinKind::Inner, left, right, on: Some(on), lateral } if has_query(&on) => {
            let mut conjuncts = Vec::new();
            on.into_conjuncts(&mut conjuncts);
            let (queries, on): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(has_query);
            let join = Node::Join { kind: JoinKind::Inner, left, right, on: Expr::conjunction(on), lateral };
            match Expr::conjunction(queries) {
                Some(predicate) => join_sublinks(join, predicate),
                None => join,
            }
        }
        other => other,
    }
}

fn has_query(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(e, Expr::Sublink(_)))
}

fn join_sublinks(mut input: Node, predicate: Expr) -> Node {
    let mut conjuncts = Vec::new();
    predicate.into_conjuncts(&mut conjuncts);
    let mut rest = Vec::new();
    for conjunct in conjuncts {
        input = match to_join(input, conjunct) {
            Ok(joined) => joined,
            Err((input, conjunct)) => {
                rest.push(conjunct);
                input
            }
        };
    }
    match Expr::conjunction(rest) {
        Some(predicate) => Node::Filter { input: Box::new(input), predicate },
        None => input,
    }
}

#[allow(clippy::result_large_err)]
fn to_join(input: Node, conjunct: Expr) -> Result<Node, (Node, Expr)> {
    let (kind, link) = match conjunct {
        Expr::Sublink(link) if is_joinable(&link.kind) => (JoinKind::Semi, link),
        Expr::Not(inner) => match *inner {
            Expr::Sublink(link) if matches!(link.kind, SublinkKind::Exists) => (JoinKind::Anti, link),
            other => return Err((input, Expr::Not(Box::new(other)))),
        },
        other => return Err((input, other)),
    };
    match split(&link) {
        Some((right, on)) => Ok(Node::Join {
            kind,
            left: Box::new(input),
            right: Box::new(right),
            on: Expr::conjunction(on),
            lateral: false,
        }),
        None if kind == JoinKind::Anti => Err((input, Expr::Not(Box::new(Expr::Sublink(link))))),
        None => Err((input, Expr::Sublink(link))),
    }
}

fn is_joinable(kind: &SublinkKind) -> bool {
    match kind {
        SublinkKind::Exists => true,
        SublinkKind::Compare { all, left, operator, tests, .. } => {
            !*all
                && &**operator == "="
                && tests.iter().all(|test| test.is_known())
                && !left.iter().any(|e| e.is_volatile() || has_query(e))
        }
        SublinkKind::Scalar | SublinkKind::Array => false,
    }
}

/// The subquery without its correlated conditions, and those conditions with the comparisons of IN.
fn split(link: &Sublink) -> Option<(Node, Vec<Expr>)> {
    let mut on = Vec::new();
    let right = match &link.kind {
        SublinkKind::Exists => {
            let right = uncorrelate(any_row(link.query.clone()), &mut on)?;
            // What depends on no row is asked once.
            if on.is_empty() {
                return None;
            }
            right
        }
        SublinkKind::Compare { left, tests, .. } => {
            let columns = link.query.columns();
            let right = uncorrelate_below(link.query.clone(), &mut on)?;
            for ((operand, function), column) in left.iter().zip(tests).zip(&columns) {
                let args = vec![operand.clone(), Expr::column(column)];
                let call = Call::new(function.clone(), args, dictdb_types::oids::BOOL.into(), None);
                on.push(Expr::Call(Box::new(Call { operator: Some("=".into()), ..call })));
            }
            right
        }
        SublinkKind::Scalar | SublinkKind::Array => return None,
    };
    free_columns(&right).is_empty().then_some((right, on))
}

/// What has a row when a query has one: under EXISTS the select list, order, duplicates, groups and a limit that lets a row
/// through do not matter. (PostgreSQL: `simplify_EXISTS_query`.)
fn any_row(node: Node) -> Node {
    match node {
        Node::Limit { input, limit, offset: None, .. } if lets_a_row_through(limit.as_ref()) => any_row(*input),
        Node::Project { input, .. } | Node::Sort { input, .. } | Node::Distinct { input, .. } => any_row(*input),
        Node::Aggregate(aggregate) if aggregate.sets.is_none() && !aggregate.groups.is_empty() => {
            any_row(aggregate.input)
        }
        other => other,
    }
}

fn lets_a_row_through(limit: Option<&Expr>) -> bool {
    match limit {
        None | Some(Expr::Const(Datum::Null, _)) => true,
        Some(Expr::Const(Datum::Int8(limit), _)) => *limit > 0,
        Some(_) => false,
    }
}

/// Takes the correlated conditions out of a filter at the top.
fn uncorrelate(node: Node, on: &mut Vec<Expr>) -> Option<Node> {
    if matches!(node, Node::Limit { .. }) {
        return free_columns(&node).is_empty().then_some(node);
    }
    let Node::Filter { input, predicate } = node else { return Some(node) };
    let provided: Vec<_> = input.columns().into_iter().map(|column| column.id).collect();
    let mut conjuncts = Vec::new();
    predicate.into_conjuncts(&mut conjuncts);
    let mut kept = Vec::new();
    for conjunct in conjuncts {
        let mut used = Default::default();
        expr_columns(&conjunct, &mut used);
        let correlated = used.iter().any(|id| !provided.contains(id));
        if correlated && has_query(&conjunct) {
            return None;
        }
        if correlated { on.push(conjunct) } else { kept.push(conjunct) }
    }
    Some(match Expr::conjunction(kept) {
        Some(predicate) => Node::Filter { input, predicate },
        None => *input,
    })
}

/// Like [`uncorrelate`], below the projection of an IN subquery, which must let the columns through that `on` needs.
fn uncorrelate_below(node: Node, on: &mut Vec<Expr>) -> Option<Node> {
    match node {
        Node::Project { input, mut columns } if !matches!(*input, Node::Project { .. }) => {
            let inner = uncorrelate(*input, on)?;
            for column in inner.columns() {
                if on.iter().any(|e| e.any(&mut |e| matches!(e, Expr::Column(id, _) if *id == column.id))) {
                    columns.push((column.clone(), Expr::column(&column)));
                }
            }
            Some(Node::Project { input: Box::new(inner), columns })
        }
        other => Some(other),
    }
}
