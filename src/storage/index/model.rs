//! The ordered index against `BTreeSet`: random insertions, removals, lookups and cursors that are interrupted.

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_types::{Oid, RowId};

use super::*;
use crate::value::RowReader;

/// A small generator: the tests must not depend on a library's sequence.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

#[derive(Debug)]
struct NoKey;

impl KeyExtractor for NoKey {
    fn key(&self, _: &dyn RowReader, _: &mut Vec<u8>) -> dictdb_types::Result<KeyOutcome> {
        Ok(KeyOutcome::NotIndexed)
    }

    fn columns(&self) -> &[usize] {
        &[]
    }
}

fn index(kind: IndexKind) -> Arc<Index> {
    Arc::new(Index::new(IndexDef {
        id: Oid(1),
        kind,
        unique: false,
        nulls_not_distinct: false,
        row_identity: false,
        key: Arc::new(NoKey),
    }))
}

/// Keys of three shapes: short, exactly a head long, and long with a common beginning.
fn key(random: &mut Random, keys: usize) -> Vec<u8> {
    let number = random.below(keys) as u32;
    let mut key = match number % 3 {
        0 => vec![1],
        1 => vec![1; 19],
        _ => vec![1; 30],
    };
    key.extend(number.to_be_bytes());
    key.extend([0; 20][..1 + number as usize % 7 * 3].iter());
    key.push((number % 2) as u8);
    key
}

type Model = BTreeSet<(Vec<u8>, RowId)>;

fn check(index: &Arc<Index>, model: &Model, random: &mut Random, keys: usize) {
    let distinct: BTreeSet<_> = model.iter().map(|(key, _)| key).collect();
    assert_eq!((index.entries(), index.distinct_keys()), (model.len(), distinct.len()));
    let probe = key(random, keys);
    let mut rows = RowIds::new();
    index.lookup(&probe, &mut rows);
    rows.sort_unstable();
    let expected: Vec<RowId> = model.iter().filter(|(key, _)| *key == probe).map(|(_, row)| *row).collect();
    assert_eq!(rows.as_slice(), expected);
}

fn range(index: &Arc<Index>, model: &Model, random: &mut Random, keys: usize) {
    let (a, b) = (key(random, keys), key(random, keys));
    let bound = |random: &mut Random, key| match random.below(3) {
        0 => Bound::Unbounded,
        1 => Bound::Included(key),
        _ => Bound::Excluded(key),
    };
    let (lower, upper) = (bound(random, &a), bound(random, &b));
    let inside = |key: &Vec<u8>| {
        let above = match lower {
            Bound::Unbounded => true,
            Bound::Included(low) => key.as_slice() >= low,
            Bound::Excluded(low) => key.as_slice() > low,
        };
        above
            && match upper {
                Bound::Unbounded => true,
                Bound::Included(high) => key.as_slice() <= high,
                Bound::Excluded(high) => key.as_slice() < high,
            }
    };
    let mut expected: Vec<RowId> = model.iter().filter(|(key, _)| inside(key)).map(|(_, row)| *row).collect();
    let estimate = index.estimate(lower, upper);
    assert!(estimate <= model.len());
    for direction in [Direction::Forward, Direction::Backward] {
        let mut cursor = IndexCursor::new(index.clone(), lower, upper, direction);
        let (mut found, mut batch) = (Vec::new(), Candidates::default());
        while cursor.next_batch(1 + random.below(100), &mut batch) {
            found.extend_from_slice(batch.rows());
        }
        assert_eq!(found, expected, "{direction:?} {lower:?} {upper:?}");
        expected.reverse();
    }
}

fn run(kind: IndexKind, seed: u64, keys: usize, steps: usize) {
    let (index, mut model, mut random) = (index(kind), Model::new(), Random::new(seed));
    for step in 0..steps {
        let key = key(&mut random, keys);
        let row = RowId(random.below(50) as u64);
        // First mostly growing, then mostly shrinking, then empty.
        let growing = random.below(10) < if step < steps / 2 { 7 } else { 2 };
        if growing {
            if random.below(2) == 0 {
                index.insert(&key, row);
            } else {
                let known = |rows: &[RowId]| if rows.is_empty() { Err(()) } else { Ok(()) };
                index.insert_unique(&key, row, known).unwrap();
            }
            model.insert((key, row));
        } else {
            let victim = model.range((key, row)..).next().cloned();
            if let Some((key, row)) = victim {
                index.remove_unneeded(&key, row, || Some(vec![key.clone()]));
                index.remove(&key, row);
                model.remove(&(key, row));
            }
        }
        if step % 50 == 0 {
            check(&index, &model, &mut random, keys);
        }
        if kind == IndexKind::Ordered && step % 200 == 0 {
            range(&index, &model, &mut random, keys);
        }
    }
    for (key, row) in std::mem::take(&mut model) {
        index.remove(&key, row);
    }
    check(&index, &model, &mut random, keys);
}

#[test]
fn ordered_index_is_a_sorted_set() {
    for seed in 1..=4 {
        run(IndexKind::Ordered, seed, 20, 6_000);
        run(IndexKind::Ordered, seed, 100_000, 20_000);
    }
}

#[test]
fn hash_index_is_a_set() {
    run(IndexKind::Hash, 1, 20, 6_000);
    run(IndexKind::Hash, 2, 100_000, 20_000);
}

#[test]
fn ascending_and_descending_keys() {
    let index = index(IndexKind::Ordered);
    let key = |i: u32| i.to_be_bytes();
    for i in 0..50_000 {
        index.insert(&key(i), RowId(i as u64));
    }
    let bytes = index.bytes();
    assert!(bytes < 50_000 * 40, "appending fills leaves: {bytes}");
    for i in (50_000..60_000).rev() {
        index.insert(&key(i), RowId(i as u64));
    }
    assert_eq!((index.entries(), index.distinct_keys()), (60_000, 60_000));
    let (mut cursor, mut batch) = (
        IndexCursor::new(index.clone(), Bound::Unbounded, Bound::Unbounded, Direction::Forward),
        Candidates::default(),
    );
    let mut next = 0;
    while cursor.next_batch(1000, &mut batch) {
        for row in batch.rows() {
            assert_eq!(row.0, next);
            next += 1;
        }
    }
    assert_eq!(next, 60_000);
    let estimate = index.estimate(Bound::Included(&key(10_000)), Bound::Excluded(&key(20_000)));
    assert!((5_000..20_000).contains(&estimate), "{estimate}");
}

/// Entries come and go at the right end, where one that comes needs no descent.
#[test]
fn keys_that_grow_while_the_last_ones_go() {
    let (index, mut model, mut random) = (index(IndexKind::Ordered), Model::new(), Random::new(5));
    let mut next = 0_u32;
    for step in 0..40_000 {
        if random.below(10) < if step < 20_000 { 6 } else { 4 } {
            next += random.below(2) as u32;
            let (key, row) = (next.to_be_bytes(), RowId(random.below(3) as u64));
            if random.below(2) == 0 {
                index.insert(&key, row);
            } else {
                index.insert_unique(&key, row, |_| Ok::<(), ()>(())).unwrap();
            }
            model.insert((key.to_vec(), row));
        } else if let Some((key, row)) = model.pop_last() {
            index.remove(&key, row);
        }
        if step % 1000 == 0 {
            let mut batch = Candidates::default();
            let mut cursor = IndexCursor::new(index.clone(), Bound::Unbounded, Bound::Unbounded, Direction::Forward);
            cursor.next_batch(model.len() + 1, &mut batch);
            assert_eq!(batch.rows(), model.iter().map(|(_, row)| *row).collect::<Vec<_>>());
            check(&index, &model, &mut random, 20);
        }
    }
}

/// What is there throughout is returned exactly once, whatever happens around it between batches.
#[test]
fn cursors_survive_changes() {
    for direction in [Direction::Forward, Direction::Backward] {
        let (index, mut random) = (index(IndexKind::Ordered), Random::new(9));
        let key = |i: usize| (i as u32).to_be_bytes();
        (0..4000).step_by(2).for_each(|i| index.insert(&key(i), RowId(i as u64)));
        let mut cursor = IndexCursor::new(index.clone(), Bound::Unbounded, Bound::Unbounded, direction);
        let (mut found, mut batch) = (Vec::new(), Candidates::default());
        while cursor.next_batch(1 + random.below(40), &mut batch) {
            found.extend(batch.rows().iter().filter(|row| row.0 % 4 == 0).map(|row| row.0));
            for _ in 0..random.below(60) {
                let i = random.below(4000);
                match i % 4 {
                    0 => {}
                    2 => index.remove(&key(i), RowId(i as u64)),
                    _ => index.insert(&key(i), RowId(i as u64)),
                }
            }
        }
        let mut expected: Vec<u64> = (0..4000).step_by(4).collect();
        if direction == Direction::Backward {
            expected.reverse();
        }
        assert_eq!(found, expected);
    }
}

/// A bound that is the beginning of keys takes all keys that begin so.
#[test]
fn prefixes() {
    let index = index(IndexKind::Ordered);
    for a in 0..10u8 {
        for b in 0..10u8 {
            index.insert(&[1, a, 1, b], RowId((a * 10 + b) as u64));
        }
    }
    let count = |lower, upper| {
        let (mut batch, mut cursor) =
            (Candidates::default(), IndexCursor::new(index.clone(), lower, upper, Direction::Forward));
        cursor.next_batch(1000, &mut batch);
        batch.rows().len()
    };
    assert_eq!(count(Bound::Included(&[1, 3]), Bound::Included(&[1, 3])), 10);
    assert_eq!(count(Bound::Excluded(&[1, 3]), Bound::Included(&[1, 5])), 20);
    assert_eq!(count(Bound::Included(&[1, 3, 1, 5]), Bound::Included(&[1, 3])), 5);
    assert_eq!(count(Bound::Included(&[1, 3]), Bound::Excluded(&[1, 3, 1, 4])), 4);
}
