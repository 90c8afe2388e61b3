//! Operators and functions of `tsquery`: building, taking apart, containment, rewriting, order.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

use dictdb_types::tsearch::{MAX_POSITION, Operator, Query, compare, compare_nodes};
use dictdb_types::{bail, oids};

use super::query;
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "tsquery_and" => |a: &[u8], b: &[u8]| joined(Operator::And, a, b),
    "tsquery_or" => |a: &[u8], b: &[u8]| joined(Operator::Or, a, b),
    "tsquery_phrase" => |a: &[u8], b: &[u8]| joined(Operator::Phrase(1), a, b),
    "tsquery_phrase_distance" => |a: &[u8], b: &[u8], distance: i32| match u16::try_from(distance) {
        Ok(distance) if distance <= MAX_POSITION + 1 => Ok(joined(Operator::Phrase(distance), a, b)),
        _ => bail!(
            INVALID_PARAMETER_VALUE,
            "distance in phrase operator must be an integer value between zero and {} inclusive",
            MAX_POSITION + 1
        ),
    },
    "tsquery_not" => |a: &[u8]| Query::to_bytes(query(a).map(|own| Query::Not(Box::new(own))).as_ref()),
    "tsquery_numnode" => |a: &[u8]| query(a).map_or(0, |own| own.nodes() as i32),
    "tsquerytree" => |a: &[u8]| indexable(a),
    "tsq_mcontains" => |a: &[u8], b: &[u8]| words(b).is_subset(&words(a)),
    "tsq_mcontained" => |a: &[u8], b: &[u8]| words(a).is_subset(&words(b)),
    "tsquery_rewrite" => |a: &[u8], target: &[u8], substitute: &[u8]| rewritten(a, target, substitute),
    "tsquery_eq" => |a: &[u8], b: &[u8]| compare(oids::TSQUERY, a, b).is_eq(),
    "tsquery_ne" => |a: &[u8], b: &[u8]| compare(oids::TSQUERY, a, b).is_ne(),
    "tsquery_lt" => |a: &[u8], b: &[u8]| compare(oids::TSQUERY, a, b).is_lt(),
    "tsquery_le" => |a: &[u8], b: &[u8]| compare(oids::TSQUERY, a, b).is_le(),
    "tsquery_gt" => |a: &[u8], b: &[u8]| compare(oids::TSQUERY, a, b).is_gt(),
    "tsquery_ge" => |a: &[u8], b: &[u8]| compare(oids::TSQUERY, a, b).is_ge(),
    "tsquery_cmp" => |a: &[u8], b: &[u8]| compare(oids::TSQUERY, a, b) as i32,
};

/// A query with every occurrence of another replaced by a third; an empty one is nowhere.
pub fn rewritten(own: &[u8], target: &[u8], substitute: &[u8]) -> Vec<u8> {
    let (Some(tree), Some(target)) = (query(own), query(target)) else { return own.to_vec() };
    let substitute = query(substitute).map(|own| flatten(own, false));
    let rewritten = rewrite(flatten(tree, true), &flatten(target, true), substitute.as_ref());
    Query::to_bytes(rewritten.map(unflatten).as_ref())
}

/// Two queries under an operator; an empty one is as if it were not there.
fn joined(operator: Operator, a: &[u8], b: &[u8]) -> Vec<u8> {
    match (query(a), query(b)) {
        (Some(left), Some(right)) => Query::to_bytes(Some(&Query::binary(operator, left, right))),
        (None, _) => b.to_vec(),
        (_, None) => a.to_vec(),
    }
}

/// What of a query an index can help with: `T` when nothing.
fn indexable(bytes: &[u8]) -> String {
    let Some(own) = query(bytes) else { return String::new() };
    let mut out = String::new();
    match without_negations(own) {
        Some(own) => own.write(&mut out),
        None => out.push('T'),
    }
    out
}

fn without_negations(own: Query) -> Option<Query> {
    match own {
        Query::Term(_) => Some(own),
        Query::Not(_) => None,
        Query::Binary(Operator::Or, left, right) => {
            Some(Query::binary(Operator::Or, without_negations(*left)?, without_negations(*right)?))
        }
        Query::Binary(operator, left, right) => match (without_negations(*left), without_negations(*right)) {
            (Some(left), Some(right)) => Some(Query::binary(operator, left, right)),
            (left, right) => left.or(right),
        },
    }
}

fn words(bytes: &[u8]) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    if let Some(own) = query(bytes) {
        own.for_each_term(&mut |term| {
            words.insert(term.word.clone());
        });
    }
    words
}

/// A query whose chains of one operator are flat and sorted, so that parts of them can be found. Operands stand from
/// right to left, as PostgreSQL keeps them.
#[derive(Clone, Debug)]
enum Flat {
    Leaf(Query),
    Not(Box<Flat>),
    Chain(Operator, Vec<Flat>),
}

/// The query as chains; with `merge` those inside chains of the same operator become part of them, and all are sorted.
fn flatten(own: Query, merge: bool) -> Flat {
    match own {
        Query::Term(_) => Flat::Leaf(own),
        Query::Not(inner) => Flat::Not(Box::new(flatten(*inner, merge))),
        Query::Binary(operator, left, right) => {
            let merges = merge && !matches!(operator, Operator::Phrase(_));
            let mut items = vec![];
            for side in [flatten(*right, merge), flatten(*left, merge)] {
                match side {
                    Flat::Chain(inner, own) if inner == operator && merges => items.extend(own),
                    other => items.push(other),
                }
            }
            if merge {
                sort(operator, &mut items);
            }
            Flat::Chain(operator, items)
        }
    }
}

fn sort(operator: Operator, items: &mut [Flat]) {
    if !matches!(operator, Operator::Phrase(_)) {
        items.sort_by(order);
    }
}

fn sorted(own: Flat) -> Flat {
    match own {
        Flat::Leaf(_) => own,
        Flat::Not(inner) => Flat::Not(Box::new(sorted(*inner))),
        Flat::Chain(operator, items) => {
            let mut items: Vec<Flat> = items.into_iter().map(sorted).collect();
            sort(operator, &mut items);
            Flat::Chain(operator, items)
        }
    }
}

/// Operators before lexemes, longer chains before shorter ones. Weights and prefixes do not matter.
fn order(a: &Flat, b: &Flat) -> Ordering {
    match (a, b) {
        (Flat::Leaf(a), Flat::Leaf(b)) => compare_nodes(a, b),
        (Flat::Leaf(_), _) => Ordering::Greater,
        (_, Flat::Leaf(_)) => Ordering::Less,
        (Flat::Not(a), Flat::Not(b)) => order(a, b),
        // The number of `!` is the smallest, and larger ones come first.
        (Flat::Not(_), Flat::Chain(..)) => Ordering::Greater,
        (Flat::Chain(..), Flat::Not(_)) => Ordering::Less,
        (Flat::Chain(x, a), Flat::Chain(y, b)) => {
            let by_operator = y.number().cmp(&x.number()).then(b.len().cmp(&a.len()));
            let by_items = || a.iter().zip(b).map(|(a, b)| order(a, b)).find(|by_item| by_item.is_ne());
            let by_distance = match (x, y) {
                (Operator::Phrase(x), Operator::Phrase(y)) => y.cmp(x),
                _ => Ordering::Equal,
            };
            by_operator.then_with(|| by_items().unwrap_or(by_distance))
        }
    }
}

fn unflatten(own: Flat) -> Query {
    match own {
        Flat::Leaf(own) => own,
        Flat::Not(inner) => Query::Not(Box::new(unflatten(*inner))),
        Flat::Chain(operator, items) => {
            // The first two become one, then the last comes beside them, as often as needed.
            let mut items: VecDeque<Query> = items.into_iter().map(unflatten).collect();
            let Some(mut right) = items.pop_front() else { return Query::word("") };
            let mut next = items.pop_front();
            while let Some(left) = next {
                right = Query::binary(operator, left, right);
                next = items.pop_back();
            }
            right
        }
    }
}

/// The query with every occurrence of `target` replaced; `None` when nothing is left. What is put in its place stays as it is, but
/// for operands of a chain that were some of several: those are sorted again.
fn rewrite(own: Flat, target: &Flat, substitute: Option<&Flat>) -> Option<Flat> {
    if order(&own, target).is_eq() {
        return substitute.cloned();
    }
    match own {
        Flat::Leaf(_) => Some(own),
        Flat::Not(inner) => rewrite(*inner, target, substitute).map(|inner| Flat::Not(Box::new(inner))),
        Flat::Chain(operator, items) => {
            let (items, replaced) = without_part(operator, items, target);
            let mut items: Vec<(Flat, bool)> = items.into_iter().map(|item| (item, false)).collect();
            if replaced {
                items.extend(substitute.cloned().map(|substitute| (sorted(substitute), true)));
                items.sort_by(|(a, _), (b, _)| order(a, b));
            }
            let rewritten = |(item, is_new)| if is_new { Some(item) } else { rewrite(item, target, substitute) };
            let mut items: Vec<Flat> = items.into_iter().filter_map(rewritten).collect();
            match items.len() {
                0 => None,
                1 => items.pop(),
                _ => Some(Flat::Chain(operator, items)),
            }
        }
    }
}

/// Takes the operands of `target` out of a longer chain of the same operator, if all are there.
fn without_part(operator: Operator, items: Vec<Flat>, target: &Flat) -> (Vec<Flat>, bool) {
    let Flat::Chain(inner, wanted) = target else { return (items, false) };
    if *inner != operator || wanted.len() >= items.len() || matches!(operator, Operator::Phrase(_)) {
        return (items, false);
    }
    // Both are sorted.
    let mut left = wanted.iter().peekable();
    let mut taken = Vec::with_capacity(items.len());
    for item in &items {
        let is_next = left.peek().is_some_and(|next| order(item, next).is_eq());
        taken.push(is_next);
        if is_next {
            left.next();
        }
    }
    if left.next().is_some() {
        return (items, false);
    }
    let others = items.into_iter().zip(taken).filter(|(_, taken)| !taken);
    (others.map(|(item, _)| item).collect(), true)
}
