//! The order in which PostgreSQL's hash tables have groups, for the sake of programs that count on it.
//!
//! A group is where its hash says, or as near behind as others leave room: of those that want the same place the one that came
//! first, and nobody stands farther from its own place than it has to for another's sake. The table is read backwards.

use std::sync::Arc;

use dictdb_functions::hash_value;
use dictdb_planner::physical;
use dictdb_types::{Datum, Oid, Result, Type, TypeLookup};

use crate::runtime::Runtime;

/// More groups than this come in the order in which they were found: no program knows the order of so many by heart.
pub(crate) const MOST_GROUPS: usize = 4096;
/// The part of a table that may be in use.
const FILL: f64 = 0.9;

/// A hash table over rows.
#[derive(Clone, Debug)]
pub(crate) struct HashTable {
    /// The columns hashed, each with its base type.
    columns: Arc<[(usize, Oid)]>,
    /// Places in the beginning.
    size: usize,
}

impl HashTable {
    /// The table for rows with columns of these types.
    pub fn new(table: &physical::HashTable, types: &[Type], lookup: &dyn TypeLookup) -> Self {
        let typed = |column: &usize| Some((*column, lookup.base_type(*types.get(*column)?).oid));
        let size = (table.expected.clamp(1.0, MOST_GROUPS as f64) / FILL) as usize;
        HashTable { columns: table.columns.iter().filter_map(typed).collect(), size: size.max(2).next_power_of_two() }
    }

    /// The hash of a row. 42883 for a type that cannot be hashed.
    pub fn hash(&self, rt: &Runtime, value: impl Fn(usize) -> Result<Datum>) -> Result<u32> {
        let mut hash = 0u32;
        for (column, ty) in &*self.columns {
            hash = hash.rotate_left(1);
            let value = value(*column)?;
            if !value.is_null() {
                hash ^= hash_value(rt.env(), &value, *ty)?;
            }
        }
        Ok(finish(hash))
    }

    /// The order of rows with these hashes, which came in this order.
    pub fn order(&self, hashes: &[u32]) -> Vec<u32> {
        let mut places = Places::new(self.size);
        for number in 0..hashes.len() {
            if places.is_full(number) {
                places = places.doubled(hashes);
            }
            places.insert(number as u32, hashes);
        }
        places.backwards()
    }
}

/// The finalizer of MurmurHash3.
fn finish(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// The numbers of rows at their places.
struct Places(Vec<Option<u32>>);

impl Places {
    fn new(size: usize) -> Self {
        Places(vec![None; size])
    }

    fn is_full(&self, used: usize) -> bool {
        used as f64 >= (self.0.len() as f64 * FILL).floor()
    }

    fn wanted(&self, number: u32, hashes: &[u32]) -> usize {
        hashes[number as usize] as usize & (self.0.len() - 1)
    }

    fn next(&self, place: usize) -> usize {
        (place + 1) & (self.0.len() - 1)
    }

    fn insert(&mut self, number: u32, hashes: &[u32]) {
        let mut at = self.wanted(number, hashes);
        let mut distance = 0;
        while let Some(other) = self.0[at] {
            let own = self.wanted(other, hashes);
            if distance > (at + self.0.len() - own) & (self.0.len() - 1) {
                break;
            }
            at = self.next(at);
            distance += 1;
        }
        // Whoever is there, and all behind, make room.
        let mut moving = Some(number);
        while let Some(next) = moving {
            moving = self.0[at].replace(next);
            at = self.next(at);
        }
    }

    /// Twice the table, the rows taken over from the first on that stands where it wants to.
    fn doubled(&self, hashes: &[u32]) -> Places {
        let mut larger = Places::new(self.0.len() * 2);
        let settled =
            |(at, number): (usize, &Option<u32>)| number.is_none_or(|number| self.wanted(number, hashes) == at);
        let start = self.0.iter().enumerate().position(settled).unwrap_or(0);
        for number in self.0[start..].iter().chain(&self.0[..start]).flatten() {
            let mut at = larger.wanted(*number, hashes);
            while larger.0[at].is_some() {
                at = larger.next(at);
            }
            larger.0[at] = Some(*number);
        }
        larger
    }

    /// The numbers from the first free place on backwards.
    fn backwards(self) -> Vec<u32> {
        let free = self.0.iter().position(Option::is_none).unwrap_or(0);
        self.0[..free].iter().rev().chain(self.0[free..].iter().rev()).copied().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_there_once() {
        for count in [0u32, 1, 2, 7, 8, 100, 3000] {
            let hashes: Vec<u32> = (0..count).map(|number| finish(number / 2)).collect();
            let table = HashTable { columns: Arc::new([]), size: 8 };
            let mut order = table.order(&hashes);
            order.sort_unstable();
            assert_eq!(order, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn places_are_read_backwards() {
        let table = HashTable { columns: Arc::new([]), size: 8 };
        assert_eq!(table.order(&[1, 3, 2]), [1, 2, 0]);
        // Two want the place of the first one; the one in between moves on.
        assert_eq!(table.order(&[1, 2, 1]), [1, 2, 0]);
    }
}
