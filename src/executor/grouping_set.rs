//! What the operators that group by several sets have in common.

use std::cmp::{Ordering, Reverse};

use dictdb_types::{Datum, Oid, order};

/// The order in which the groups of several grouping sets come: as if the input were sorted once for every chain of sets of
/// which each is part of the one before, and a set's group came after the groups it sums up.
#[derive(Debug)]
pub(crate) struct SetOrder {
    /// Of each set its chain and place in it.
    places: Vec<(usize, usize)>,
    /// Of each chain the grouping expressions, those of its smallest set first.
    columns: Vec<Vec<usize>>,
    /// The sets.
    sets: Vec<Vec<usize>>,
    /// Base types of the grouping expressions.
    types: Box<[Oid]>,
}

impl SetOrder {
    /// The order of some sets of grouping expressions.
    pub fn new(sets: &[Vec<usize>], types: Box<[Oid]>) -> Self {
        let mut by_size: Vec<usize> = (0..sets.len()).collect();
        by_size.sort_by_key(|set| Reverse(sets[*set].len()));
        let mut places = vec![None; sets.len()];
        let mut columns = Vec::new();
        for &first in &by_size {
            if places[first].is_some() {
                continue;
            }
            let (chain, mut last, mut length) = (columns.len(), first, 0);
            let mut own = Vec::new();
            places[first] = Some((chain, 0));
            for &set in &by_size {
                let fits = places[set].is_none() && sets[set].iter().all(|column| sets[last].contains(column));
                if fits {
                    own.splice(0..0, sets[last].iter().copied().filter(|column| !sets[set].contains(column)));
                    (last, length) = (set, length + 1);
                    places[set] = Some((chain, length));
                }
            }
            own.splice(0..0, sets[last].iter().copied());
            columns.push(own);
        }
        SetOrder {
            places: places.into_iter().map(Option::unwrap_or_default).collect(),
            columns,
            sets: sets.to_vec(),
            types,
        }
    }

    /// The chains in their order: the grouping expressions by which groups are put in order, and the sets, larger ones first.
    pub fn chains(&self) -> impl Iterator<Item = (&[usize], Vec<usize>)> {
        self.columns.iter().enumerate().map(|(chain, columns)| {
            let mut sets: Vec<usize> = (0..self.sets.len()).filter(|set| self.places[*set].0 == chain).collect();
            sets.sort_by_key(|set| self.places[*set].1);
            (columns.as_slice(), sets)
        })
    }

    /// Whether a set groups by an expression.
    pub fn has(&self, set: usize, column: usize) -> bool {
        self.sets[set].contains(&column)
    }

    /// The order of two groups, each a set and the values of all grouping expressions.
    pub fn compare(&self, one: (usize, &[Datum]), other: (usize, &[Datum])) -> Ordering {
        let ((chain, place), (other_chain, other_place)) = (self.places[one.0], self.places[other.0]);
        if chain != other_chain {
            return chain.cmp(&other_chain);
        }
        for &column in &self.columns[chain] {
            let order = match (self.has(one.0, column), self.has(other.0, column)) {
                (true, true) => self.compare_values(column, &one.1[column], &other.1[column]),
                (false, false) => break,
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
            };
            if order.is_ne() {
                return order;
            }
        }
        place.cmp(&other_place)
    }

    fn compare_values(&self, column: usize, a: &Datum, b: &Datum) -> Ordering {
        match (a.is_null(), b.is_null()) {
            (false, false) => order::compare_as(self.types[column], a, b),
            (a, b) => a.cmp(&b),
        }
    }
}

/// Where the groups of a set come: that of all rows first, then those of the sets with the most columns.
pub(crate) fn rank(set: &[usize]) -> (bool, Reverse<usize>) {
    (!set.is_empty(), Reverse(set.len()))
}

/// `GROUPING(…)`: one bit per argument, set when the row is not grouped by it; the first is the most significant.
pub(crate) fn grouping(columns: &[usize], set: &[usize]) -> i32 {
    columns.iter().fold(0, |bits, column| bits << 1 | i32::from(!set.contains(column)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dictdb_types::oids;

    #[test]
    fn sums_come_after_what_they_sum_up() {
        let sets = vec![vec![0, 1], vec![0], vec![1], vec![]];
        let order = SetOrder::new(&sets, [oids::INT4, oids::INT4].into());
        let row = |a, b| vec![Datum::Int4(a), Datum::Int4(b)];
        let mut groups = [
            (3, row(2, 7)),
            (2, row(2, 7)),
            (1, row(2, 7)),
            (0, row(2, 7)),
            (1, row(1, 9)),
            (0, row(1, 9)),
            (0, row(1, 8)),
        ];
        groups.sort_by(|a, b| order.compare((a.0, &a.1), (b.0, &b.1)));
        let found: Vec<(usize, i32)> =
            groups.iter().map(|(set, row)| (*set, if let Datum::Int4(b) = row[1] { b } else { 0 })).collect();
        assert_eq!(found, [(0, 8), (0, 9), (1, 9), (0, 7), (1, 7), (3, 7), (2, 7)]);
    }
}
