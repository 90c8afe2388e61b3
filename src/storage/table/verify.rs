//! Whether an index says what its table does: every row a snapshot sees has its entry, every entry has its row, and no two rows share
//! a unique key. Nothing is changed, and writers go on meanwhile.
//!
//! Of the kinds whose searches are looked at again anyway (inverted, boxes) an entry too many is harmless, and only rows are followed
//! to their entries. So it is in a clone of a table ([`super::cloning`]).

use std::sync::Arc;
use std::time::Duration;

use dictdb_types::{Result, RowId};

use super::Table;
use super::read::key_of;
use crate::index::{Bound, Candidates, Direction, Index, IndexCursor, IndexKind, KeyOutcome};
use crate::snapshot::Snapshot;

/// Entries that are looked at between two calls of `check`.
const ENTRIES_AT_ONCE: usize = 1024;
/// A row is looked at again so often, with this time between, before its entry is called one without a row: a writer that rolls back
/// takes its row out just before the entries.
const LOOKS: usize = 5;
const TIME_BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Something wrong with an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexFault {
    /// A row that has no entry.
    Missing(RowId),
    /// An entry whose row is not there, or has another key.
    Dangling(RowId),
    /// Two rows with one unique key.
    Duplicate(RowId, RowId),
}

/// Announces stale entries for as long as it lives: cursors then give the keys with the rows.
struct Announced<'a>(&'a Index);

impl<'a> Announced<'a> {
    fn new(index: &'a Index) -> Announced<'a> {
        index.add_stale();
        Announced(index)
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.0.remove_stale();
    }
}

impl Table {
    /// Reports what is wrong with an index as the snapshot sees the table. `unique` is what the catalog says of it, `check` is called
    /// often and ends the search by its error. Memory is that of one block's keys.
    pub fn verify_index(
        &self,
        index: &Arc<Index>,
        snapshot: &Snapshot,
        unique: bool,
        check: &dyn Fn() -> Result<()>,
        report: &mut dyn FnMut(IndexFault) -> Result<()>,
    ) -> Result<()> {
        for block in 0..self.block_count() {
            check()?;
            for (row, key, outcome) in self.keys_of_block(block, index, snapshot)? {
                if !index.holds(&key, row) {
                    report(IndexFault::Missing(row))?;
                }
                let distinct = outcome == KeyOutcome::HasNull && !index.def().nulls_not_distinct;
                if unique
                    && !distinct
                    && let Some(other) = self.lower_row_with_key(index, &key, row, snapshot)?
                {
                    report(IndexFault::Duplicate(other, row))?;
                }
            }
        }
        match index.def().kind {
            _ if self.is_clone => Ok(()),
            IndexKind::Ordered => self.verify_ordered(index, check, report),
            IndexKind::Hash => self.verify_hash(index, check, report),
            IndexKind::Inverted | IndexKind::Regions | IndexKind::Blocks => Ok(()),
        }
    }

    /// The keys of the rows of a block that the snapshot sees and the index should have.
    fn keys_of_block(
        &self,
        block: usize,
        index: &Index,
        snapshot: &Snapshot,
    ) -> Result<Vec<(RowId, Vec<u8>, KeyOutcome)>> {
        let mut keys = Vec::new();
        self.each_visible(block, snapshot, |row, version| {
            let mut key = Vec::new();
            match index.def().key.key(version, &mut key)? {
                KeyOutcome::NotIndexed => {}
                outcome => keys.push((row, key, outcome)),
            }
            Ok::<_, dictdb_types::Error>(())
        })?;
        Ok(keys)
    }

    /// A row before this one that has the same key for the snapshot.
    fn lower_row_with_key(&self, index: &Index, key: &[u8], row: RowId, snapshot: &Snapshot) -> Result<Option<RowId>> {
        let mut lower = None;
        self.find(index, key, snapshot, |other, _| {
            lower = (other < row).then_some(other);
            Ok::<_, dictdb_types::Error>(lower.is_none())
        })?;
        Ok(lower)
    }

    fn verify_ordered(
        &self,
        index: &Arc<Index>,
        check: &dyn Fn() -> Result<()>,
        report: &mut dyn FnMut(IndexFault) -> Result<()>,
    ) -> Result<()> {
        let _announced = Announced::new(index);
        let mut cursor = IndexCursor::new(index.clone(), Bound::Unbounded, Bound::Unbounded, Direction::Forward);
        let mut batch = Candidates::default();
        while cursor.next_batch(ENTRIES_AT_ONCE, &mut batch) {
            check()?;
            for (at, row) in batch.rows().iter().enumerate() {
                let has_key = || self.has_version(index, *row, |key| batch.is_found_by(at, || Ok(key.to_vec())));
                // What is no longer in the index was taken out meanwhile.
                let is_there = || Ok(batch.key(at).is_none_or(|key| index.holds(key, *row)));
                if dangles(has_key, is_there)? {
                    report(IndexFault::Dangling(*row))?;
                }
            }
        }
        Ok(())
    }

    fn verify_hash(
        &self,
        index: &Arc<Index>,
        check: &dyn Fn() -> Result<()>,
        report: &mut dyn FnMut(IndexFault) -> Result<()>,
    ) -> Result<()> {
        for part in 0.. {
            check()?;
            let mut suspects: Vec<(Vec<u8>, RowId)> = Vec::new();
            let go_on = index.each_hash_entry(part, &mut |key, row| {
                if !matches!(self.has_version(index, row, |own| Ok(own == key)), Ok(true)) {
                    suspects.push((key.to_vec(), row));
                }
            });
            for (key, row) in suspects {
                if dangles(|| self.has_version(index, row, |own| Ok(own == key)), || Ok(index.holds(&key, row)))? {
                    report(IndexFault::Dangling(row))?;
                }
            }
            if !go_on {
                break;
            }
        }
        Ok(())
    }

    /// Whether some version of a row has a key that satisfies a condition.
    fn has_version(&self, index: &Index, row: RowId, mut satisfies: impl FnMut(&[u8]) -> Result<bool>) -> Result<bool> {
        let Some((cell, slot)) = self.cell(row) else { return Ok(false) };
        let block = cell.latch.read();
        for version in block.versions(slot) {
            if let Some(key) = key_of(index, &version)?
                && satisfies(&key)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether an entry stays without its row.
fn dangles(has_row: impl Fn() -> Result<bool>, is_there: impl Fn() -> Result<bool>) -> Result<bool> {
    for look in 0..LOOKS {
        if has_row()? || !is_there()? {
            return Ok(false);
        }
        if look + 1 < LOOKS {
            std::thread::sleep(TIME_BETWEEN_LOOKS);
        }
    }
    Ok(true)
}
