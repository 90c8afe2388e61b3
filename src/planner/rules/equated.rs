//! What is equal to something that is equal to a constant is equal to the constant: `a.x = b.y AND b.y = 5` says `a.x = 5`, for
//! which an index of `a` can be searched and partitions left out; and the join needs no condition any more. (PostgreSQL:
//! `generate_base_implied_equalities`.)

use std::collections::BTreeSet;

use dictdb_types::{Datum, Oid, order};

use crate::columns::expr_columns;
use crate::condition::comparison;
use crate::expr::{Call, Expr};
use crate::logical::{JoinKind, Node};

/// Adds the equalities with constants that follow from some conditions and those `beside` them, and leaves out those that say
/// nothing more then.
pub(super) fn equate_with_constants(conditions: &mut Vec<Expr>, beside: &[Expr]) {
    let mut at = 0;
    let mut known: Vec<Expr> =
        conditions.iter().chain(beside).filter(|condition| is_equality(condition)).cloned().collect();
    if !known.iter().any(|condition| fixed(condition).is_some()) {
        return;
    }
    while at < known.len() {
        for other in 0..known.len() {
            for derived in
                [derived(&known[at], &known[other]), derived(&known[other], &known[at])].into_iter().flatten()
            {
                if !known.iter().any(|condition| says(condition, &derived)) {
                    known.push(derived.clone());
                    conditions.push(derived);
                }
            }
        }
        at += 1;
    }
    if known.iter().any(|one| known.iter().any(|other| contradict(one, other))) {
        conditions.push(Expr::boolean(false));
    }
    // Both sides are equal to one constant each by itself.
    let values: Vec<(Expr, Expr, u32)> = known
        .iter()
        .filter_map(|condition| Some((fixed(condition)?, condition)))
        .map(|((side, value), condition)| (side.clone(), value.clone(), function(condition)))
        .collect();
    let value_of = |side: &Expr, function: u32| {
        values
            .iter()
            .filter(move |(own, _, by)| *by == function && own.same(side))
            .map(|(_, value, _)| value)
            .collect::<Vec<_>>()
    };
    conditions.retain(|condition| {
        let Some(("=", left, right)) =
            comparison(condition).filter(|_| fixed(condition).is_none() && is_equality(condition))
        else {
            return true;
        };
        let (left, right) = (value_of(left, function(condition)), value_of(right, function(condition)));
        !left.iter().any(|value| right.iter().any(|other| other.same(value)))
    });
}

/// The equalities with constants that follow from a join's conditions for rows that can match what one side of it has: `node`,
/// with `filters` that will be on it.
pub(super) fn constants_for(conditions: &[Expr], filters: &[Expr], node: &Node) -> Vec<Expr> {
    let mut beside = filters.to_vec();
    equalities_within(node, &mut beside);
    let mut all = conditions.to_vec();
    equate_with_constants(&mut all, &beside);
    all.retain(|condition| !conditions.iter().any(|known| known.same(condition)));
    all
}

/// The equalities that hold in all rows of a node that consists of joins.
pub(super) fn equalities_within(node: &Node, out: &mut Vec<Expr>) {
    match node {
        Node::Join { kind: JoinKind::Inner, left, right, on, .. } => {
            equalities_within(left, out);
            equalities_within(right, out);
            on.iter().for_each(|on| take_equalities(on, out));
        }
        Node::Filter { input, predicate } => {
            equalities_within(input, out);
            take_equalities(predicate, out);
        }
        Node::Join { kind: JoinKind::Left | JoinKind::Semi | JoinKind::Anti, left: whole, .. }
        | Node::Join { kind: JoinKind::Right, right: whole, .. } => equalities_within(whole, out),
        _ => {}
    }
}

fn take_equalities(condition: &Expr, out: &mut Vec<Expr>) {
    match condition {
        Expr::And(items) => items.iter().for_each(|item| take_equalities(item, out)),
        condition if is_equality(condition) => out.push(condition.clone()),
        _ => {}
    }
}

/// Whether a condition is an equality of two values of one type, which can be put for each other.
fn is_equality(condition: &Expr) -> bool {
    let Some(("=", left, right)) = comparison(condition) else { return false };
    left.ty().oid == right.ty().oid
        && !left.same(right)
        && !condition.is_volatile()
        && !condition.any(&mut |e| matches!(e, Expr::Sublink(_)))
}

fn function(condition: &Expr) -> u32 {
    if let Expr::Call(call) = condition { call.function.oid.0 } else { 0 }
}

/// The value and the constant of an equality with one.
fn fixed(condition: &Expr) -> Option<(&Expr, &Expr)> {
    let (_, left, right) = comparison(condition)?;
    match (is_constant(left), is_constant(right)) {
        (false, true) => Some((left, right)),
        (true, false) => Some((right, left)),
        _ => None,
    }
}

/// Whether an expression has one value for the whole statement.
fn is_constant(expr: &Expr) -> bool {
    let mut used = BTreeSet::new();
    expr_columns(expr, &mut used);
    used.is_empty()
}

/// What follows for the other side of an equality when one side has a constant.
fn derived(equality: &Expr, fixing: &Expr) -> Option<Expr> {
    let (side, value) = fixed(fixing)?;
    let (Expr::Call(call), Expr::Call(by)) = (equality, fixing) else { return None };
    let [left, right] = call.args.as_slice() else { return None };
    if call.function.oid != by.function.oid || fixed(equality).is_some() {
        return None;
    }
    let other = match (left.same(side), right.same(side)) {
        (true, false) => right,
        (false, true) => left,
        _ => return None,
    };
    let args = vec![other.clone(), value.clone()];
    (!is_constant(other)).then(|| Expr::Call(Box::new(Call { args, position: None, ..(**call).clone() })))
}

/// Types below this oid are PostgreSQL's own, but for the domains of the information schema.
const FIRST_OF_DOMAINS: Oid = Oid(10_000);

/// Whether one value cannot be equal to two constants.
fn contradict(one: &Expr, other: &Expr) -> bool {
    let (Some((side, value)), Some((again, different))) = (fixed(one), fixed(other)) else { return false };
    let (Expr::Const(a, ty), Expr::Const(b, _)) = (value, different) else { return false };
    let parts = |value: &Datum| matches!(value, Datum::Null | Datum::Array(_) | Datum::Record(_));
    // Domains and types of extensions have an equality that their oid does not tell.
    let known = ty.oid < FIRST_OF_DOMAINS && function(one) == function(other) && side.same(again);
    known && !parts(a) && !parts(b) && order::compare_as(ty.oid, a, b).is_ne()
}

/// Whether an equality says the same, either way round.
fn says(condition: &Expr, derived: &Expr) -> bool {
    let (Some((_, a, b)), Some((_, c, d))) = (comparison(condition), comparison(derived)) else { return false };
    function(condition) == function(derived) && (a.same(c) && b.same(d) || a.same(d) && b.same(c))
}
