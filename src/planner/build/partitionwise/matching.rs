//! Which partitions of two tables that are divided by the same key have rows with equal keys.
//!
//! Where the bounds are the same, those in the same place have. Where they differ, partitions of ranges that overlap and of lists
//! that share a value have, and a default partition has with all whose keys the other side's bounds leave out. As in PostgreSQL
//! (`partition_bounds_merge`) there is no answer where one meets several, and hash partitions have to be the same.

use std::cmp::Ordering;

use dictdb_catalog::{PartitionBound, PartitionKey, PartitionStrategy, RangeDatum, compare_bounds};
use dictdb_types::{Datum, oids, order};

use crate::logical::JoinKind;

/// Whether partitions of both sides have the same bounds, place by place.
pub(super) fn are_same(key: &PartitionKey, one: &[PartitionBound], other: &[PartitionBound]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(key, one, other))
}

fn is_same(key: &PartitionKey, one: &PartitionBound, other: &PartitionBound) -> bool {
    match (one, other) {
        (PartitionBound::List { values: a }, PartitionBound::List { values: b }) => {
            a.len() == b.len() && a.iter().all(|value| b.iter().any(|other| compare(key, value, other).is_eq()))
        }
        (PartitionBound::Range { from, to }, PartitionBound::Range { from: other_from, to: other_to }) => {
            compare_bounds(from, other_from, key).is_eq() && compare_bounds(to, other_to, key).is_eq()
        }
        (
            PartitionBound::Hash { modulus, remainder },
            PartitionBound::Hash { modulus: other_modulus, remainder: other_remainder },
        ) => (modulus, remainder) == (other_modulus, other_remainder),
        (PartitionBound::Default, PartitionBound::Default) => true,
        _ => false,
    }
}

/// Order of two values of a LIST key; NULL equals itself and comes last.
fn compare(key: &PartitionKey, a: &Datum, b: &Datum) -> Ordering {
    match (a, b) {
        (Datum::Null, _) | (_, Datum::Null) => a.is_null().cmp(&b.is_null()),
        _ => order::compare_as(key.columns.first().map_or(oids::TEXT, |column| column.ty.oid), a, b),
    }
}

/// Partitions that meet, by their places on either side: one of them may meet none.
pub(super) struct Met {
    pub left: Option<usize>,
    pub right: Option<usize>,
    /// The keys that rows of their join may have.
    pub bound: PartitionBound,
}

/// The bounds of two sides, and how these are joined.
pub(super) struct Matching<'m> {
    pub key: &'m PartitionKey,
    pub kind: JoinKind,
    /// None for partitions that are not read.
    pub left: Vec<Option<&'m PartitionBound>>,
    pub right: Vec<Option<&'m PartitionBound>>,
}

impl Matching<'_> {
    /// The partitions that meet and those that rows are needed of all the same, in the order of their keys.
    pub fn met(&self) -> Option<Vec<Met>> {
        if self.key.strategy == PartitionStrategy::Hash {
            return None;
        }
        let mut met = Vec::new();
        for left in present(&self.left) {
            let mut partners = present(&self.right).filter(|right| self.meet(left, *right));
            let right = partners.next();
            if partners.next().is_some() {
                return None;
            }
            if let Some(right) = right {
                if present(&self.left).any(|other| other != left && self.meet(other, right)) {
                    return None;
                }
                met.push((Some(left), Some(right)));
            }
        }
        self.add_unmatched(&mut met);
        let mut met: Vec<(Met, Place)> = met.into_iter().filter_map(|(left, right)| self.joined(left, right)).collect();
        met.sort_by(|(_, a), (_, b)| self.compare_places(a, b));
        Some(met.into_iter().map(|(met, _)| met).collect())
    }

    /// Adds partitions that an outer join needs although they meet none; two that have nothing but NULL as their key go together.
    fn add_unmatched(&self, met: &mut Vec<(Option<usize>, Option<usize>)>) {
        let (needs_left, needs_right) = match self.kind {
            JoinKind::Inner | JoinKind::Semi => (false, false),
            JoinKind::Left | JoinKind::Anti => (true, false),
            JoinKind::Right => (false, true),
            JoinKind::Full => (true, true),
        };
        let is_null = |bound: Option<&PartitionBound>, is_needed: bool| match bound {
            Some(PartitionBound::List { values }) if is_needed => values.iter().all(Datum::is_null),
            Some(PartitionBound::List { values }) => values.iter().any(Datum::is_null),
            _ => false,
        };
        let unmatched = |side: &[Option<&PartitionBound>], is_met: &dyn Fn(usize) -> bool| {
            present(side).filter(|at| !is_met(*at)).collect::<Vec<usize>>()
        };
        let left = unmatched(&self.left, &|at| met.iter().any(|(left, _)| *left == Some(at)));
        let right = unmatched(&self.right, &|at| met.iter().any(|(_, right)| *right == Some(at)));
        let null_left = left.iter().copied().find(|at| is_null(self.left[*at], needs_left));
        let null_right = right.iter().copied().find(|at| is_null(self.right[*at], needs_right));
        let are_together = null_left.is_some() && null_right.is_some() && (needs_left || needs_right);
        if are_together {
            met.push((null_left, null_right));
        }
        let is_alone = |at: &usize, null: Option<usize>| !(are_together && Some(*at) == null);
        if needs_left {
            met.extend(left.into_iter().filter(|at| is_alone(at, null_left)).map(|at| (Some(at), None)));
        }
        if needs_right {
            met.extend(right.into_iter().filter(|at| is_alone(at, null_right)).map(|at| (None, Some(at))));
        }
    }

    /// Whether rows of two partitions can have equal keys.
    fn meet(&self, left: usize, right: usize) -> bool {
        match (self.left[left], self.right[right]) {
            (Some(PartitionBound::Default), Some(PartitionBound::Default)) => true,
            (Some(bound), Some(PartitionBound::Default)) => self.is_left_out(bound, &self.right),
            (Some(PartitionBound::Default), Some(bound)) => self.is_left_out(bound, &self.left),
            (Some(a), Some(b)) => !self.shared(a, b).is_none_or(|shared| is_empty(&shared)),
            _ => false,
        }
    }

    /// Whether no bound of a side takes some of the keys that a bound takes. (Only asked of a bound that meets at most one.)
    fn is_left_out(&self, bound: &PartitionBound, side: &[Option<&PartitionBound>]) -> bool {
        let others = || side.iter().flatten().filter(|other| !other.is_default());
        match bound {
            PartitionBound::List { values } => {
                let is_taken = |value: &Datum| {
                    others().any(|other| matches!(other, PartitionBound::List { values } if self.has(values, value)))
                };
                values.iter().any(|value| !value.is_null() && !is_taken(value))
            }
            PartitionBound::Range { from, to } => !others().any(|other| match other {
                PartitionBound::Range { from: other_from, to: other_to } => {
                    compare_bounds(other_from, from, self.key).is_le() && compare_bounds(to, other_to, self.key).is_le()
                }
                _ => false,
            }),
            _ => true,
        }
    }

    fn has(&self, values: &[Datum], value: &Datum) -> bool {
        values.iter().any(|own| compare(self.key, own, value).is_eq())
    }

    /// The keys that two bounds take both: NULL equals nothing.
    fn shared(&self, a: &PartitionBound, b: &PartitionBound) -> Option<PartitionBound> {
        match (a, b) {
            (PartitionBound::List { values: a }, PartitionBound::List { values: b }) => {
                let shared = a.iter().filter(|value| !value.is_null() && self.has(b, value));
                Some(PartitionBound::List { values: shared.cloned().collect() })
            }
            (PartitionBound::Range { from, to }, PartitionBound::Range { from: other_from, to: other_to }) => {
                let (from, to) = (self.later(from, other_from), self.earlier(to, other_to));
                compare_bounds(from, to, self.key)
                    .is_lt()
                    .then(|| PartitionBound::Range { from: from.to_vec(), to: to.to_vec() })
            }
            _ => None,
        }
    }

    /// The keys that any of two bounds takes which share some.
    fn either(&self, a: &PartitionBound, b: &PartitionBound) -> PartitionBound {
        match (a, b) {
            (PartitionBound::List { values: a }, PartitionBound::List { values: b }) => {
                let more = b.iter().filter(|value| !self.has(a, value));
                PartitionBound::List { values: a.iter().chain(more).cloned().collect() }
            }
            (PartitionBound::Range { from, to }, PartitionBound::Range { from: other_from, to: other_to }) => {
                let (from, to) = (self.earlier(from, other_from), self.later(to, other_to));
                PartitionBound::Range { from: from.to_vec(), to: to.to_vec() }
            }
            _ => PartitionBound::Default,
        }
    }

    fn earlier<'b>(&self, a: &'b [RangeDatum], b: &'b [RangeDatum]) -> &'b [RangeDatum] {
        if compare_bounds(a, b, self.key).is_le() { a } else { b }
    }

    fn later<'b>(&self, a: &'b [RangeDatum], b: &'b [RangeDatum]) -> &'b [RangeDatum] {
        if compare_bounds(a, b, self.key).is_ge() { a } else { b }
    }

    /// The keys of the rows of a join of two partitions, and where it stands among the others.
    fn joined(&self, left: Option<usize>, right: Option<usize>) -> Option<(Met, Place)> {
        let (one, other) = (left.and_then(|at| self.left[at]), right.and_then(|at| self.right[at]));
        let (bound, first) = match (one, other) {
            (Some(a), Some(b)) if a.is_default() || b.is_default() => {
                let is_open = match self.kind {
                    JoinKind::Inner | JoinKind::Semi => a.is_default() && b.is_default(),
                    JoinKind::Left | JoinKind::Anti => a.is_default(),
                    JoinKind::Right => b.is_default(),
                    JoinKind::Full => true,
                };
                let first = if a.is_default() { b } else { a };
                (if is_open { PartitionBound::Default } else { first.clone() }, first.clone())
            }
            (Some(a), Some(b)) => {
                let shared = self.shared(a, b).filter(|shared| !is_empty(shared)).unwrap_or_else(null_only);
                match self.kind {
                    JoinKind::Inner | JoinKind::Semi => (shared.clone(), shared),
                    JoinKind::Left | JoinKind::Anti => (a.clone(), a.clone()),
                    JoinKind::Right => (b.clone(), b.clone()),
                    JoinKind::Full => (self.either(a, b), self.either(a, b)),
                }
            }
            (Some(bound), None) | (None, Some(bound)) => (bound.clone(), bound.clone()),
            (None, None) => return None,
        };
        Some((Met { left, right, bound }, Place(first)))
    }

    fn compare_places(&self, a: &Place, b: &Place) -> Ordering {
        let is_last = |place: &Place| place.0.is_default();
        match (&a.0, &b.0) {
            (PartitionBound::Range { from: a, .. }, PartitionBound::Range { from: b, .. }) => {
                compare_bounds(a, b, self.key)
            }
            (PartitionBound::List { values: a }, PartitionBound::List { values: b }) => {
                let least = |values: &[Datum]| values.iter().min_by(|a, b| compare(self.key, a, b)).cloned();
                compare(self.key, &least(a).unwrap_or(Datum::Null), &least(b).unwrap_or(Datum::Null))
            }
            _ => is_last(a).cmp(&is_last(b)),
        }
    }
}

/// The keys by which joined partitions stand in order; default ones come last.
struct Place(PartitionBound);

fn present(side: &[Option<&PartitionBound>]) -> impl Iterator<Item = usize> {
    let present: Vec<usize> = side.iter().enumerate().filter(|(_, bound)| bound.is_some()).map(|(at, _)| at).collect();
    present.into_iter()
}

fn is_empty(bound: &PartitionBound) -> bool {
    matches!(bound, PartitionBound::List { values } if values.is_empty())
}

fn null_only() -> PartitionBound {
    PartitionBound::List { values: vec![Datum::Null] }
}

#[cfg(test)]
mod tests {
    use dictdb_catalog::{IndexTarget, PartitionColumn};
    use dictdb_types::{Oid, Type};

    use super::*;

    fn key(strategy: PartitionStrategy) -> PartitionKey {
        let target = IndexTarget::Column(1);
        let column =
            PartitionColumn { target, ty: Type::new(oids::INT4), opclass: Oid::INVALID, collation: Oid::INVALID };
        PartitionKey { strategy, columns: vec![column] }
    }

    fn range(from: i32, to: i32) -> PartitionBound {
        let value = |value| vec![RangeDatum::Value(Datum::Int4(value))];
        PartitionBound::Range { from: value(from), to: value(to) }
    }

    fn list(values: &[i32]) -> PartitionBound {
        PartitionBound::List { values: values.iter().map(|value| Datum::Int4(*value)).collect() }
    }

    /// The places of the partitions that meet.
    fn met(
        kind: JoinKind,
        left: &[PartitionBound],
        right: &[PartitionBound],
    ) -> Option<Vec<(Option<usize>, Option<usize>)>> {
        let is_list = left.iter().any(|bound| matches!(bound, PartitionBound::List { .. }));
        let key = key(if is_list { PartitionStrategy::List } else { PartitionStrategy::Range });
        let matching = Matching {
            key: &key,
            kind,
            left: left.iter().map(Some).collect(),
            right: right.iter().map(Some).collect(),
        };
        Some(matching.met()?.iter().map(|met| (met.left, met.right)).collect())
    }

    #[test]
    fn ranges_meet_where_they_overlap() {
        let (left, right) = ([range(0, 10), range(10, 20), range(20, 30)], [range(0, 5), range(10, 20)]);
        assert_eq!(met(JoinKind::Inner, &left, &right), Some(vec![(Some(0), Some(0)), (Some(1), Some(1))]));
        let all = vec![(Some(0), Some(0)), (Some(1), Some(1)), (Some(2), None)];
        assert_eq!(met(JoinKind::Left, &left, &right), Some(all));
        assert!(met(JoinKind::Inner, &left, &[range(5, 15)]).is_none());
    }

    #[test]
    fn a_default_partition_meets_what_is_left_out() {
        let (left, right) = ([range(10, 20), PartitionBound::Default], [range(0, 5), range(10, 20)]);
        assert_eq!(met(JoinKind::Inner, &left, &right), Some(vec![(Some(1), Some(0)), (Some(0), Some(1))]));
        let right = [range(0, 5), range(10, 20), range(20, 30)];
        assert!(met(JoinKind::Inner, &left, &right).is_none());
        assert!(met(JoinKind::Inner, &left, &[range(10, 15)]).is_some());
        assert!(met(JoinKind::Inner, &[range(10, 20)], &[range(10, 15), PartitionBound::Default]).is_none());
    }

    #[test]
    fn lists_meet_in_a_value() {
        let (left, right) = ([list(&[1, 9]), list(&[2, 3])], [list(&[9]), list(&[3, 4])]);
        assert_eq!(met(JoinKind::Inner, &left, &right), Some(vec![(Some(1), Some(1)), (Some(0), Some(0))]));
        assert_eq!(met(JoinKind::Left, &left, &right), Some(vec![(Some(0), Some(0)), (Some(1), Some(1))]));
        assert!(met(JoinKind::Inner, &left, &[list(&[1, 2])]).is_none());
    }
}
