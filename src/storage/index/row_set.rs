//! Sets of rows: what an entry of an inverted index points to, and what a search gives.
//!
//! ```text
//!   RowSet = block → slots;   slots = a sorted list while there are few, then a bit for each of the block's slots
//! ```
//! Sets are cut and joined block by block, and read in the order of rows.

use std::cmp::Ordering;

use dictdb_types::RowId;
use smallvec::SmallVec;

use crate::block::{BLOCK_ROWS, BLOCK_SHIFT};

/// With more slots than this a block has bits, which take as much room as four times as many listed slots.
const FEW_MAX: usize = 64;
const WORDS: usize = BLOCK_ROWS / 64;

type Bits = [u64; WORDS];

/// Rows of a table.
#[derive(Clone, Debug, Default)]
pub struct RowSet {
    /// Sorted by block; none is empty.
    blocks: SmallVec<[(u32, Slots); 1]>,
}

#[derive(Clone, Debug)]
enum Slots {
    /// Sorted.
    Few(SmallVec<[u16; 4]>),
    Many(Box<Bits>),
}

fn place(row: RowId) -> (u32, u16) {
    ((row.0 >> BLOCK_SHIFT) as u32, (row.0 as usize % BLOCK_ROWS) as u16)
}

impl RowSet {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|(_, slots)| slots.len()).sum()
    }

    /// Whether a row is among them.
    pub fn contains(&self, row: RowId) -> bool {
        let (block, slot) = place(row);
        self.find(block).is_ok_and(|at| self.blocks[at].1.contains(slot))
    }

    /// Number of blocks with rows.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// Appends the rows of the block at a place, in order; nothing beyond the last.
    pub fn block_rows(&self, at: usize, out: &mut Vec<RowId>) {
        if let Some((block, slots)) = self.blocks.get(at) {
            let first = u64::from(*block) << BLOCK_SHIFT;
            slots.for_each(|slot| out.push(RowId(first | u64::from(slot))));
        }
    }

    /// All slots of a block up to its length.
    pub fn add_block(&mut self, block: usize, len: usize) {
        let mut bits = Box::new([0; WORDS]);
        (0..len.min(BLOCK_ROWS)).for_each(|slot| bits[slot / 64] |= 1 << (slot % 64));
        if len > 0 {
            self.union(&RowSet { blocks: SmallVec::from_iter([(block as u32, Slots::Many(bits))]) });
        }
    }

    /// Adds a row; returns whether it is new.
    pub fn insert(&mut self, row: RowId) -> bool {
        let (block, slot) = place(row);
        match self.find(block) {
            Ok(at) => self.blocks[at].1.insert(slot),
            Err(at) => {
                self.blocks.insert(at, (block, Slots::Few(SmallVec::from_slice(&[slot]))));
                true
            }
        }
    }

    /// Removes a row; returns whether it was there.
    pub(super) fn remove(&mut self, row: RowId) -> bool {
        let (block, slot) = place(row);
        let Ok(at) = self.find(block) else { return false };
        let removed = self.blocks[at].1.remove(slot);
        if self.blocks[at].1.is_empty() {
            self.blocks.remove(at);
        }
        removed
    }

    /// Adds the rows of another set.
    pub fn union(&mut self, other: &RowSet) {
        let mut joined = SmallVec::with_capacity(self.blocks.len() + other.blocks.len());
        let (mut mine, mut theirs) =
            (std::mem::take(&mut self.blocks).into_iter().peekable(), other.blocks.iter().peekable());
        while let (Some((a, _)), Some((b, _))) = (mine.peek(), theirs.peek()) {
            match a.cmp(b) {
                Ordering::Less => joined.extend(mine.next()),
                Ordering::Greater => joined.extend(theirs.next().cloned()),
                Ordering::Equal => {
                    if let (Some((block, own)), Some((_, other))) = (mine.next(), theirs.next()) {
                        joined.push((block, own.union(other)));
                    }
                }
            }
        }
        joined.extend(mine);
        joined.extend(theirs.cloned());
        self.blocks = joined;
    }

    /// Keeps the rows that are in another set too.
    pub fn intersect(&mut self, other: &RowSet) {
        let mut rest = other.blocks.as_slice();
        self.blocks.retain(|(block, slots)| {
            let at = rest.partition_point(|(candidate, _)| candidate < block);
            rest = &rest[at..];
            match rest.first() {
                Some((candidate, other)) if candidate == block => {
                    slots.intersect(other);
                    !slots.is_empty()
                }
                _ => false,
            }
        });
    }

    /// Memory outside the set itself.
    pub(super) fn boxed_bytes(&self) -> usize {
        let blocks = if self.blocks.spilled() { self.blocks.capacity() * size_of::<(u32, Slots)>() } else { 0 };
        blocks + self.blocks.iter().map(|(_, slots)| slots.boxed_bytes()).sum::<usize>()
    }

    fn find(&self, block: u32) -> Result<usize, usize> {
        // Rows mostly come in order.
        match self.blocks.last() {
            Some((last, _)) if *last < block => Err(self.blocks.len()),
            Some((last, _)) if *last == block => Ok(self.blocks.len() - 1),
            _ => self.blocks.binary_search_by_key(&block, |(block, _)| *block),
        }
    }
}

impl FromIterator<RowId> for RowSet {
    fn from_iter<I: IntoIterator<Item = RowId>>(rows: I) -> Self {
        let mut set = RowSet::default();
        rows.into_iter().for_each(|row| {
            set.insert(row);
        });
        set
    }
}

impl Slots {
    fn len(&self) -> usize {
        match self {
            Slots::Few(slots) => slots.len(),
            Slots::Many(bits) => bits.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Slots::Few(slots) => slots.is_empty(),
            Slots::Many(bits) => bits.iter().all(|word| *word == 0),
        }
    }

    fn contains(&self, slot: u16) -> bool {
        match self {
            Slots::Few(slots) => slots.binary_search(&slot).is_ok(),
            Slots::Many(bits) => bits[usize::from(slot) / 64] >> (slot % 64) & 1 == 1,
        }
    }

    fn for_each(&self, mut visit: impl FnMut(u16)) {
        match self {
            Slots::Few(slots) => slots.iter().for_each(|slot| visit(*slot)),
            Slots::Many(bits) => {
                for (word, bits) in bits.iter().enumerate() {
                    let mut left = *bits;
                    while left != 0 {
                        visit((word * 64) as u16 + left.trailing_zeros() as u16);
                        left &= left - 1;
                    }
                }
            }
        }
    }

    fn insert(&mut self, slot: u16) -> bool {
        match self {
            Slots::Few(slots) => match slots.binary_search(&slot) {
                Ok(_) => false,
                Err(at) if slots.len() < FEW_MAX => {
                    slots.insert(at, slot);
                    true
                }
                Err(_) => {
                    let mut bits = self.to_bits();
                    set(&mut bits, slot);
                    *self = Slots::Many(bits);
                    true
                }
            },
            Slots::Many(bits) => {
                let new = bits[usize::from(slot) / 64] >> (slot % 64) & 1 == 0;
                set(bits, slot);
                new
            }
        }
    }

    fn remove(&mut self, slot: u16) -> bool {
        match self {
            Slots::Few(slots) => slots.binary_search(&slot).map(|at| slots.remove(at)).is_ok(),
            Slots::Many(bits) => {
                let word = &mut bits[usize::from(slot) / 64];
                let was = *word >> (slot % 64) & 1 == 1;
                *word &= !(1 << (slot % 64));
                was
            }
        }
    }

    fn to_bits(&self) -> Box<Bits> {
        match self {
            Slots::Many(bits) => bits.clone(),
            Slots::Few(slots) => {
                let mut bits = Box::new([0; WORDS]);
                slots.iter().for_each(|slot| set(&mut bits, *slot));
                bits
            }
        }
    }

    fn union(mut self, other: &Slots) -> Slots {
        match (&mut self, other) {
            (Slots::Many(bits), Slots::Many(other)) => bits.iter_mut().zip(other.iter()).for_each(|(a, b)| *a |= b),
            (Slots::Few(_), Slots::Many(_)) => return other.clone().union(&self),
            (_, Slots::Few(slots)) => slots.iter().for_each(|slot| {
                self.insert(*slot);
            }),
        }
        self
    }

    fn intersect(&mut self, other: &Slots) {
        match (&mut *self, other) {
            (Slots::Few(slots), other) => slots.retain(|slot| other.contains(*slot)),
            (Slots::Many(bits), Slots::Many(other)) => bits.iter_mut().zip(other.iter()).for_each(|(a, b)| *a &= b),
            (Slots::Many(bits), Slots::Few(slots)) => {
                let kept = slots.iter().copied().filter(|slot| bits[usize::from(*slot) / 64] >> (slot % 64) & 1 == 1);
                *self = Slots::Few(kept.collect());
            }
        }
    }

    fn boxed_bytes(&self) -> usize {
        match self {
            Slots::Few(slots) if slots.spilled() => slots.capacity() * size_of::<u16>(),
            Slots::Few(_) => 0,
            Slots::Many(_) => size_of::<Bits>(),
        }
    }
}

fn set(bits: &mut Bits, slot: u16) {
    bits[usize::from(slot) / 64] |= 1 << (slot % 64);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn rows(set: &RowSet) -> Vec<u64> {
        let mut out = Vec::new();
        (0..set.block_count()).for_each(|at| set.block_rows(at, &mut out));
        out.into_iter().map(|row| row.0).collect()
    }

    /// Numbers that look random and are the same every time.
    fn numbers(seed: u64, count: usize, below: u64) -> Vec<u64> {
        let step = |state: &mut u64| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Some(*state >> 33)
        };
        let mut state = seed;
        std::iter::from_fn(|| step(&mut state)).map(|n| n % below).take(count).collect()
    }

    #[test]
    fn sets_agree_with_a_model() {
        for (seed, count, below) in [(1, 10, 30), (2, 300, 9000), (3, 3000, 9000), (4, 8000, 9000)] {
            let (left, right) = (numbers(seed, count, below), numbers(seed + 100, count, below));
            let model = |rows: &[u64]| rows.iter().copied().collect::<BTreeSet<u64>>();
            let of = |rows: &[u64]| rows.iter().map(|row| RowId(*row)).collect::<RowSet>();
            let (mut joined, mut cut) = (of(&left), of(&left));
            assert_eq!(rows(&joined), model(&left).into_iter().collect::<Vec<_>>());
            assert_eq!(joined.len(), model(&left).len());
            joined.union(&of(&right));
            cut.intersect(&of(&right));
            assert_eq!(rows(&joined), model(&left).union(&model(&right)).copied().collect::<Vec<_>>());
            assert_eq!(rows(&cut), model(&left).intersection(&model(&right)).copied().collect::<Vec<_>>());
            for row in &model(&left) {
                assert!(joined.contains(RowId(*row)));
                joined.remove(RowId(*row));
                assert!(!joined.contains(RowId(*row)));
            }
            assert_eq!(rows(&joined), model(&right).difference(&model(&left)).copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn whole_blocks_end_at_their_length() {
        let mut set = RowSet::default();
        set.add_block(1, 3);
        set.add_block(2, 0);
        assert_eq!(rows(&set), [4096, 4097, 4098]);
    }
}
