//! Index entries of rows: made on insert and on updates of keys, with uniqueness decided under the index's latch.

use std::sync::Arc;

use dictdb_types::{Datum, Oid, Result, RowId};
use smallvec::SmallVec;

use super::Table;
use super::read::{has_key, key_of};
use super::write::{Inserted, Written};
use crate::block::{Block, RowView};
use crate::index::{Index, Key, KeyOutcome};
use crate::transaction::{KeyChange, Log, Transaction};
use crate::value::{Overlay, RowReader};
use crate::writers::Holder;

/// A row that has the unique key already.
#[derive(Clone, Debug)]
pub struct UniqueConflict {
    /// The index, by [`IndexDef::id`](crate::IndexDef::id).
    pub index: Oid,
    /// The row that has the key.
    pub row: RowId,
    /// The key's bytes.
    pub key: Vec<u8>,
}

/// How a row stands to a condition that only one row may satisfy.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It does not satisfy it.
    Clear,
    /// It satisfies it.
    Taken,
    /// A transaction in progress decides.
    Busy(Holder),
}

/// Why an entry cannot go in.
pub(super) enum Obstacle {
    Busy(Holder),
    Conflict(UniqueConflict),
}

impl Obstacle {
    pub(super) fn into_inserted(self) -> Inserted {
        match self {
            Obstacle::Busy(holder) => Inserted::Busy(holder),
            Obstacle::Conflict(conflict) => Inserted::Conflict(conflict),
        }
    }

    pub(super) fn into_written(self) -> Written {
        match self {
            Obstacle::Busy(holder) => Written::Busy(holder),
            Obstacle::Conflict(conflict) => Written::Conflict(conflict),
        }
    }
}

/// Keys of a row in all indexes, end to end in one buffer.
#[derive(Default)]
pub(super) struct Keys {
    bytes: Vec<u8>,
    /// End of each key, and what it is.
    ends: SmallVec<[(usize, KeyOutcome); 4]>,
}

impl Keys {
    pub(super) fn get(&self, index: usize) -> (&[u8], KeyOutcome) {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before].0);
        let (end, outcome) = self.ends[index];
        (&self.bytes[start..end], outcome)
    }
}

impl Table {
    pub(super) fn keys_of(&self, indexes: &[Arc<Index>], row: &dyn RowReader) -> Result<Keys> {
        let mut keys = Keys::default();
        for index in indexes {
            let outcome = index.def().key.key(row, &mut keys.bytes)?;
            keys.ends.push((keys.bytes.len(), outcome));
        }
        Ok(keys)
    }

    /// Enters a new row into all indexes, up to the first where something is in the way.
    pub(super) fn enter_keys(
        &self,
        indexes: &[Arc<Index>],
        keys: &Keys,
        row: RowId,
        transaction: &Transaction,
    ) -> Result<Option<Obstacle>> {
        for (at, index) in indexes.iter().enumerate() {
            let (key, outcome) = keys.get(at);
            if let Err(obstacle) = self.enter_key(index, key, outcome, row, transaction)? {
                return Ok(Some(obstacle));
            }
        }
        Ok(None)
    }

    pub(super) fn enter_key(
        &self,
        index: &Arc<Index>,
        key: &[u8],
        outcome: KeyOutcome,
        row: RowId,
        transaction: &Transaction,
    ) -> Result<Result<(), Obstacle>> {
        let def = index.def();
        match outcome {
            KeyOutcome::NotIndexed => {}
            KeyOutcome::Key if index.is_unique() => return self.enter_unique(index, key, row, transaction),
            KeyOutcome::HasNull if def.nulls_not_distinct && index.is_unique() => {
                return self.enter_unique(index, key, row, transaction);
            }
            _ => index.insert(key, row),
        }
        Ok(Ok(()))
    }

    fn enter_unique(
        &self,
        index: &Arc<Index>,
        key: &[u8],
        row: RowId,
        transaction: &Transaction,
    ) -> Result<Result<(), Obstacle>> {
        let outcome = index.insert_unique(key, row, |rows| {
            rows.iter().filter(|other| **other != row).try_for_each(|other| {
                match self.has_key_now(index, key, *other, transaction) {
                    Ok(None) => Ok(()),
                    Ok(Some(obstacle)) => Err(Ok(obstacle)),
                    Err(error) => Err(Err(error)),
                }
            })
        });
        match outcome {
            Ok(()) => Ok(Ok(())),
            Err(Ok(obstacle)) => Ok(Err(obstacle)),
            Err(Err(error)) => Err(error),
        }
    }

    /// Whether a row has the key, or may have it when a transaction in progress ends.
    fn has_key_now(
        &self,
        index: &Arc<Index>,
        key: &[u8],
        row: RowId,
        transaction: &Transaction,
    ) -> Result<Option<Obstacle>> {
        Ok(match self.standing(row, transaction, |version| has_key(index, version, key))? {
            Standing::Clear => None,
            Standing::Busy(holder) => Some(Obstacle::Busy(holder)),
            Standing::Taken => {
                Some(Obstacle::Conflict(UniqueConflict { index: index.def().id, row, key: key.to_vec() }))
            }
        })
    }

    /// Whether a row satisfies a condition in the version that is there now, or may when a transaction in progress ends.
    /// `satisfies` runs under the block's latch: it must not call storage.
    pub fn standing(
        &self,
        row: RowId,
        transaction: &Transaction,
        mut satisfies: impl FnMut(&RowView<'_>) -> Result<bool>,
    ) -> Result<Standing> {
        let Some((cell, slot)) = self.cell(row) else { return Ok(Standing::Clear) };
        let block = cell.latch.read();
        let writers = &transaction.session().shared.writers;
        let Some(stamp) = block.stamps.get(slot).map(|stamp| writers.resolve(*stamp)) else {
            return Ok(Standing::Clear);
        };
        if stamp.is_free() {
            return Ok(Standing::Clear);
        }
        if !stamp.is_committed() && !stamp.is_of(transaction.writer()) {
            // Its own versions, and the one that comes back if it rolls back.
            for version in block.open_versions(slot, writers) {
                if satisfies(&version)? {
                    return Ok(Standing::Busy(writers.holder(stamp.writer())));
                }
            }
            return Ok(Standing::Clear);
        }
        let taken = !block.is_deleted(slot) && satisfies(&block.newest(slot))?;
        Ok(if taken { Standing::Taken } else { Standing::Clear })
    }

    /// Enters the new keys of an updated row.
    pub(super) fn enter_key_updates(
        &self,
        updates: &KeyUpdates,
        row: RowId,
        transaction: &Transaction,
    ) -> Result<Option<Obstacle>> {
        for update in &updates.0 {
            let Some((key, outcome)) = &update.new else { continue };
            if let Err(obstacle) = self.enter_key(&update.index, key, *outcome, row, transaction)? {
                return Ok(Some(obstacle));
            }
        }
        Ok(None)
    }

    /// Removes an entry unless a version of the row still has the key.
    pub(crate) fn remove_dead_entry(&self, index: &Arc<Index>, key: &Key, row: RowId) {
        self.remove_dead(index, &key.to_bytes(), row);
    }

    pub(super) fn remove_dead(&self, index: &Arc<Index>, key: &[u8], row: RowId) {
        index.remove_unneeded(key, row, || {
            let Some((cell, slot)) = self.cell(row) else { return Some(Vec::new()) };
            let block = cell.latch.read();
            block.versions(slot).filter_map(|version| key_of(index, &version).transpose()).collect::<Result<_>>().ok()
        });
    }

    /// Takes back an inserted row with its entries. The slot is dead, and not free until the caller says so.
    pub(crate) fn undo_insert(&self, row: RowId) {
        let indexes = self.indexes();
        let Some((cell, slot)) = self.cell(row) else { return };
        let keys = {
            let block = cell.latch.read();
            self.keys_of(&indexes, &block.newest(slot))
        };
        let mut block = self.change(super::place(row).0, cell);
        block.kill(slot);
        // What is rolled back because memory was short must not stay in it.
        block.compact();
        self.account(&mut block);
        drop(block);
        self.note_gone(row);
        if let Ok(keys) = keys {
            for (at, index) in indexes.iter().enumerate() {
                let (key, outcome) = keys.get(at);
                if outcome != KeyOutcome::NotIndexed {
                    index.remove(key, row);
                }
            }
        }
    }
}

/// What an update does to the keys of a row.
#[derive(Default)]
pub(super) struct KeyUpdates(SmallVec<[KeyUpdate; 2]>);

struct KeyUpdate {
    index: Arc<Index>,
    old: Option<Vec<u8>>,
    new: Option<(Vec<u8>, KeyOutcome)>,
}

impl KeyUpdates {
    /// Compares the keys of the newest version with those it will have.
    pub(super) fn of(indexes: &[Arc<Index>], block: &Block, slot: usize, changes: &[(usize, Datum)]) -> Result<Self> {
        let mut updates = KeyUpdates::default();
        if slot >= block.len() {
            return Ok(updates);
        }
        for index in indexes {
            let extractor = &index.def().key;
            if !extractor.columns().iter().any(|column| changes.iter().any(|(changed, _)| changed == column)) {
                continue;
            }
            let (mut old, mut new) = (Vec::new(), Vec::new());
            let before = block.newest(slot);
            let was = extractor.key(&before, &mut old)?;
            let is = extractor.key(&Overlay { base: &before, changes }, &mut new)?;
            let old = (was != KeyOutcome::NotIndexed).then_some(old);
            let new = (is != KeyOutcome::NotIndexed).then_some((new, is));
            if old.as_ref() != new.as_ref().map(|(key, _)| key) {
                updates.0.push(KeyUpdate { index: index.clone(), old, new });
            }
        }
        Ok(updates)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an index changes that foreign keys refer to.
    pub(super) fn changes_identity(&self) -> bool {
        self.0.iter().any(|update| update.index.def().row_identity)
    }

    /// Tells readers of the indexes that entries are about to be stale; before the row is changed.
    pub(super) fn announce(&self) {
        self.0.iter().for_each(|update| update.index.add_stale());
    }

    /// Takes everything back after the row was put back.
    pub(super) fn retract(&self, table: &Table, row: RowId) {
        for update in &self.0 {
            if let Some((key, _)) = &update.new {
                table.remove_dead(&update.index, key, row);
            }
            update.index.remove_stale();
        }
    }

    pub(super) fn log(&self, table: &Arc<Table>, row: RowId, log: &mut Log) {
        for update in &self.0 {
            let number = log.table(table);
            log.keys.push(KeyChange {
                table: number,
                index: update.index.clone(),
                row,
                old: update.old.as_deref().map(Key::new),
                new: update.new.as_ref().map(|(key, _)| Key::new(key)),
            });
        }
    }
}
