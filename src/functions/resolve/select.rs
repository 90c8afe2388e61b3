//! Chooses among several functions or operators that all could be called (manual, 10.2 step 3 and 10.3 step 4).

use dictdb_types::{Oid, oids};

use super::traits::{STRING, TypeTraits};
use super::{Scope, can_coerce_all};
use crate::facts::CastContext;

/// Anything with parameter types, one per argument.
pub(super) trait Candidate {
    fn params(&self) -> &[Oid];
}

/// Keeps the candidates that implicit casts can reach.
pub(super) fn reachable<C: Candidate>(scope: &dyn Scope, args: &[Oid], candidates: Vec<C>) -> Vec<C> {
    let fits = |c: &C| can_coerce_all(scope, args, &c.params()[..args.len()], CastContext::Implicit);
    candidates.into_iter().filter(fits).collect()
}

/// The best of several reachable candidates; `None` when no rule prefers one.
pub(super) fn best<C: Candidate>(scope: &dyn Scope, args: &[Oid], mut candidates: Vec<C>) -> Option<C> {
    let args: Vec<Oid> = args.iter().map(|oid| scope.base_of(*oid)).collect();
    let known = |i: usize| args[i] != oids::UNKNOWN;

    keep_best(&mut candidates, |c| count(&args, |i| known(i) && c.params()[i] == args[i]));
    if candidates.len() > 1 {
        let categories: Vec<u8> = args.iter().map(|oid| scope.category(*oid).0).collect();
        keep_best(&mut candidates, |c| {
            let accepts = |param: Oid, i: usize| param == args[i] || scope.is_preferred(categories[i], param);
            count(&args, |i| known(i) && accepts(c.params()[i], i))
        });
    }
    if candidates.len() > 1 && args.contains(&oids::UNKNOWN) {
        keep_category_of_unknowns(scope, &args, &mut candidates);
        if candidates.len() > 1 {
            keep_same_type_for_unknowns(scope, &args, &mut candidates);
        }
    }
    if candidates.len() == 1 { candidates.pop() } else { None }
}

fn count(args: &[Oid], matches: impl Fn(usize) -> bool) -> usize {
    (0..args.len()).filter(|i| matches(*i)).count()
}

/// Keeps those with the highest score, in their order.
fn keep_best<C>(candidates: &mut Vec<C>, score: impl Fn(&C) -> usize) {
    let scores: Vec<usize> = candidates.iter().map(score).collect();
    let best = scores.iter().copied().max();
    let mut scores = scores.into_iter();
    candidates.retain(|_| scores.next() == best);
}

/// For each literal of unknown type: strings if any candidate takes strings, else the category all agree on, and in it
/// the preferred type if any candidate takes that. Does nothing when they disagree or when nobody would remain.
fn keep_category_of_unknowns<C: Candidate>(scope: &dyn Scope, args: &[Oid], candidates: &mut Vec<C>) {
    let mut wanted = Vec::new();
    for i in (0..args.len()).filter(|i| args[*i] == oids::UNKNOWN) {
        let types = || candidates.iter().map(|c| scope.category(c.params()[i]));
        let Some((first, _)) = types().next() else { return };
        let category = if types().any(|(category, _)| category == STRING) {
            STRING
        } else if types().all(|(category, _)| category == first) {
            first
        } else {
            return;
        };
        wanted.push((i, category, types().any(|ty| ty == (category, true))));
    }
    let fits = |c: &C| {
        wanted.iter().all(|(i, category, needs_preferred)| {
            let (has, preferred) = scope.category(c.params()[*i]);
            has == *category && (preferred || !needs_preferred)
        })
    };
    if candidates.iter().any(fits) {
        candidates.retain(fits);
    }
}

/// If all known arguments have one type, takes the unknown ones to be of it too, should that leave one candidate.
fn keep_same_type_for_unknowns<C: Candidate>(scope: &dyn Scope, args: &[Oid], candidates: &mut Vec<C>) {
    let mut known = args.iter().filter(|oid| **oid != oids::UNKNOWN);
    let Some(first) = known.next() else { return };
    if known.any(|oid| oid != first) {
        return;
    }
    let assumed = vec![*first; args.len()];
    let fits = |c: &C| can_coerce_all(scope, &assumed, &c.params()[..args.len()], CastContext::Implicit);
    if candidates.iter().filter(|c| fits(c)).count() == 1 {
        candidates.retain(fits);
    }
}
