//! Numbers about a table: for the planner, for `pg_stat_*`, for memory limits.

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use dictdb_types::Datum;

use super::Table;
use crate::block::Block;
use crate::hook::ChangeKind;

/// Blocks a sample looks into at most.
const SAMPLED_BLOCKS: usize = 128;
/// A block is measured again after so many changes.
const CHANGES_PER_MEASUREMENT: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Counters {
    live: AtomicI64,
    inserted: AtomicU64,
    updated: AtomicU64,
    deleted: AtomicU64,
    bytes: AtomicUsize,
    /// What was inserted, updated and deleted before the rows came here from another table of storage.
    earlier: [AtomicI64; 3],
}

impl Counters {
    /// Committed rows.
    pub(super) fn live_rows(&self) -> usize {
        self.live.load(Ordering::Relaxed).max(0) as usize
    }
}

/// What is known about a table without looking at its rows.
#[derive(Clone, Debug)]
pub struct TableStats {
    /// Committed rows; exact but for the moment of a commit.
    pub live_rows: usize,
    /// Rows inserted by committed transactions since the relation was created: `n_tup_ins`.
    pub inserted: u64,
    /// `n_tup_upd`.
    pub updated: u64,
    /// `n_tup_del`.
    pub deleted: u64,
    /// Blocks of 4096 rows.
    pub blocks: usize,
    /// Approximate memory of rows, versions and indexes.
    pub bytes: usize,
    /// What of it is the indexes'.
    pub index_bytes: usize,
}

/// So many places of a block, ascending: by chance and not evenly, because rows of one value often follow each other, and how
/// often two of them are met tells how many values there are.
fn places(slots: usize, wanted: usize, seed: u64) -> Vec<usize> {
    if slots <= wanted {
        return (0..slots).collect();
    }
    // SplitMix64, after Steele, Lea and Flood.
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    let mut places: Vec<usize> = (0..wanted).map(|_| (next() % slots as u64) as usize).collect();
    places.sort_unstable();
    places.dedup();
    places
}

impl Table {
    /// Numbers about the table.
    pub fn stats(&self) -> TableStats {
        let counters = &self.counters;
        let index_bytes = self.index_bytes();
        let [inserted, updated, deleted] = self.counts();
        TableStats {
            live_rows: counters.live_rows(),
            inserted: inserted.max(0) as u64,
            updated: updated.max(0) as u64,
            deleted: deleted.max(0) as u64,
            blocks: self.block_count(),
            bytes: self.row_bytes() + index_bytes,
            index_bytes,
        }
    }

    /// Committed rows.
    pub fn live_rows(&self) -> usize {
        self.counters.live.load(Ordering::Relaxed).max(0) as usize
    }

    /// Rows inserted, updated and deleted, here and before.
    fn counts(&self) -> [i64; 3] {
        let Counters { inserted, updated, deleted, earlier, .. } = &self.counters;
        let here = [inserted, updated, deleted];
        std::array::from_fn(|at| here[at].load(Ordering::Relaxed) as i64 + earlier[at].load(Ordering::Relaxed))
    }

    /// Counts on from the table whose place this one takes. So many of its rows are inserted here again, which does not count.
    pub fn continue_counts(&self, before: &Table, again: usize) {
        let [inserted, updated, deleted] = before.counts();
        for (counter, value) in self.counters.earlier.iter().zip([inserted - again as i64, updated, deleted]) {
            counter.store(value, Ordering::Relaxed);
        }
    }

    /// Rows inserted, updated and deleted by committed transactions since the table is here: tells how old statistics are.
    pub fn changes(&self) -> u64 {
        let Counters { inserted, updated, deleted, .. } = &self.counters;
        [inserted, updated, deleted].iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }

    /// About so many values of a storage column, from places by chance in all parts of the table: of the newest versions,
    /// committed or not. The same table gives the same sample.
    pub fn sample(&self, column: usize, rows: usize) -> Vec<Datum> {
        self.sample_rows(&[column], rows).into_iter().flatten().collect()
    }

    /// As [`Table::sample`], of several columns together.
    pub fn sample_rows(&self, columns: &[usize], rows: usize) -> Vec<Vec<Datum>> {
        let blocks = self.block_count();
        let mut sample = Vec::with_capacity(rows.min(blocks << crate::block::BLOCK_SHIFT));
        // Rows that follow each other are often alike: many places with few rows each.
        let taken = blocks.clamp(1, SAMPLED_BLOCKS);
        let per_block = rows.div_ceil(taken);
        for number in (0..taken).map(|at| at * blocks / taken) {
            let Some(cell) = self.block(number) else { continue };
            let block = cell.latch.read();
            for slot in places(block.len(), per_block, number as u64) {
                if block.is_deleted(slot) {
                    continue;
                }
                let newest = block.newest(slot);
                let row: Result<Vec<Datum>, _> =
                    columns.iter().map(|column| newest.value(*column).to_datum()).collect();
                sample.extend(row.ok());
            }
        }
        sample
    }

    /// Approximate memory of rows, versions and indexes.
    pub fn bytes(&self) -> usize {
        self.row_bytes() + self.index_bytes()
    }

    fn row_bytes(&self) -> usize {
        self.counters.bytes.load(Ordering::Relaxed)
    }

    fn index_bytes(&self) -> usize {
        self.indexes().iter().map(|index| index.bytes()).sum()
    }

    /// Counts rows of a transaction that commits.
    pub(crate) fn count_commit(&self, kind: ChangeKind, rows: usize) {
        let counters = &self.counters;
        let (total, live) = match kind {
            ChangeKind::Insert => (&counters.inserted, rows as i64),
            ChangeKind::Update => (&counters.updated, 0),
            ChangeKind::Delete => (&counters.deleted, -(rows as i64)),
        };
        total.fetch_add(rows as u64, Ordering::Relaxed);
        if live != 0 {
            counters.live.fetch_add(live, Ordering::Relaxed);
        }
    }

    /// Counts the rows that were restored.
    pub(super) fn count_restored(&self, rows: usize) {
        self.counters.live.store(rows as i64, Ordering::Relaxed);
    }

    /// Counts what a block has for itself that is the image of another table's; after the first change it is measured whole.
    pub(super) fn account_image(&self, image: &mut Block) {
        image.measured_bytes = image.stamps.capacity() * size_of::<crate::version::Stamp>();
        image.changes = CHANGES_PER_MEASUREMENT - 1;
        self.counters.bytes.fetch_add(image.measured_bytes, Ordering::Relaxed);
    }

    /// Keeps the count of memory: measures a block that has changed often enough.
    pub(super) fn account(&self, block: &mut Block) {
        self.account_changes(block, 1);
    }

    /// The same after several changes.
    pub(super) fn account_changes(&self, block: &mut Block, changes: usize) {
        let measurements = block.changes / CHANGES_PER_MEASUREMENT;
        block.changes += changes;
        if block.changes / CHANGES_PER_MEASUREMENT > measurements || block.measured_bytes == 0 {
            self.measure(block);
        }
    }

    /// Measures a block.
    pub(super) fn measure(&self, block: &mut Block) {
        let bytes = block.bytes();
        let before = std::mem::replace(&mut block.measured_bytes, bytes);
        self.counters.bytes.fetch_add(bytes.wrapping_sub(before), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn places_are_all_or_scattered() {
        assert_eq!(places(3, 5, 1), [0, 1, 2]);
        let some = places(4096, 40, 1);
        assert!(some.len() > 30 && some.iter().all(|slot| *slot < 4096));
        assert_eq!(some, places(4096, 40, 1));
        assert_ne!(some, places(4096, 40, 2));
        let gaps: std::collections::BTreeSet<_> = some.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.len() > 10);
    }
}
