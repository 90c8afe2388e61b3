//! Changes of a table's shape: columns and indexes. The caller holds a relation lock that keeps writers out.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Oid, Physical, Result, RowId};

use super::keys::UniqueConflict;
use super::{Table, row_id};
use crate::column::Column;
use crate::index::{Index, IndexDef, KeyOutcome};
use crate::value::RowReader;
use crate::writers::Holder;

/// What became of building an index.
#[derive(Debug)]
pub enum IndexBuilt {
    /// It is there and complete for every snapshot.
    Done(Arc<Index>),
    /// Two rows have one key, of which this is one.
    Conflict(UniqueConflict),
    /// A row of a transaction in progress decides whether there is a conflict: wait for it and build again.
    Busy(Holder),
}

/// Columns that are to be cleared, and for how many they are not yet.
#[derive(Default)]
pub(super) struct HeldColumns {
    holders: usize,
    waiting: Vec<usize>,
}

/// Keeps the values of a table's columns: [`Table::hold_columns`].
pub struct ColumnsHeld(Arc<Table>);

impl Drop for ColumnsHeld {
    fn drop(&mut self) {
        let mut held = self.0.held_columns.lock();
        held.holders -= 1;
        if held.holders == 0 {
            held.waiting.drain(..).for_each(|column| self.0.clear_column_now(column));
        }
    }
}

impl Table {
    /// Adds a column; rows that are there have `missing` in it, without being rewritten. Returns its index. XX000 if
    /// the value is not of the layout.
    pub fn add_column(&self, physical: Physical, missing: Datum) -> Result<usize> {
        Column::new(physical).check((&missing).into())?;
        let mut columns = self.columns.write();
        for (number, cell) in self.all_blocks() {
            let mut block = self.change(number, cell);
            let len = block.len();
            while block.columns.len() <= columns.len() {
                block.columns.push(Column::constant(physical, missing.clone(), len));
            }
        }
        columns.push(physical);
        Ok(columns.len() - 1)
    }

    /// Frees the memory of a column that no snapshot needs: it reads as NULL from now on, or when nobody holds columns any more.
    pub fn clear_column(&self, column: usize) {
        let mut held = self.held_columns.lock();
        match held.holders {
            0 => self.clear_column_now(column),
            _ => held.waiting.push(column),
        }
    }

    /// Keeps the values of columns for somebody who reads the table without a lock, as of a moment that he takes now: DROP COLUMN does
    /// not wait for him.
    pub fn hold_columns(self: &Arc<Self>) -> ColumnsHeld {
        self.held_columns.lock().holders += 1;
        ColumnsHeld(self.clone())
    }

    fn clear_column_now(&self, column: usize) {
        for (number, cell) in self.all_blocks() {
            let mut block = self.change(number, cell);
            let len = block.len();
            if let Some(column) = block.columns.get_mut(column) {
                *column = Column::constant(column.physical(), Datum::Null, len);
            }
            self.account(&mut block);
        }
    }

    /// Builds an index over all versions of all rows, so that old snapshots can use it too.
    ///
    /// A lock must keep other writers out. `writers` comes from the building transaction.
    pub fn create_index(
        self: &Arc<Self>,
        transaction: &crate::transaction::Transaction,
        def: IndexDef,
    ) -> Result<IndexBuilt> {
        if self.index(def.id).is_some() {
            return Err(Error::internal(format!("index {} exists", def.id)));
        }
        let index = Arc::new(Index::new(def));
        let mut key = Vec::new();
        for row in self.rows() {
            if let Some(obstacle) = self.index_row(&index, row, transaction, &mut key)? {
                return Ok(obstacle);
            }
        }
        let mut indexes = self.indexes.write();
        *indexes = indexes.iter().cloned().chain([index.clone()]).collect();
        Ok(IndexBuilt::Done(index))
    }

    /// Puts the indexes into this order, in which keys are checked.
    pub fn order_indexes(&self, order: &[Oid]) {
        let mut indexes = self.indexes.write();
        let mut sorted = indexes.to_vec();
        sorted.sort_by_key(|index| order.iter().position(|id| *id == index.def().id).unwrap_or(usize::MAX));
        *indexes = sorted.into();
    }

    /// An index that the writing transaction has dropped: its uniqueness holds no longer, but it goes only when that
    /// transaction commits. A lock must keep other writers out until then, or until [`Table::restore_index`].
    pub fn release_index(&self, id: Oid) {
        if let Some(index) = self.index(id) {
            index.set_released(true);
        }
    }

    /// Takes back [`Table::release_index`], with what was written since.
    pub fn restore_index(&self, id: Oid) {
        if let Some(index) = self.index(id) {
            index.set_released(false);
        }
    }

    /// Forgets an index. Statements that hold it still read it.
    pub fn drop_index(&self, id: Oid) {
        let mut indexes = self.indexes.write();
        *indexes = indexes.iter().filter(|index| index.def().id != id).cloned().collect();
    }

    /// Every row id with a row or what was one.
    fn rows(&self) -> impl Iterator<Item = RowId> {
        let lens = self.all_blocks().map(|(number, cell)| (number, cell.latch.read().len()));
        lens.flat_map(|(block, len)| (0..len).map(move |slot| row_id(block, slot)))
    }

    /// Enters the keys of all versions of a row; the newest one's, which is made in `key`, with its uniqueness.
    fn index_row(
        &self,
        index: &Arc<Index>,
        row: RowId,
        transaction: &crate::transaction::Transaction,
        key: &mut Vec<u8>,
    ) -> Result<Option<IndexBuilt>> {
        let Some((cell, slot)) = self.cell(row) else { return Ok(None) };
        key.clear();
        let mut newest = None;
        let mut older: Vec<(Vec<u8>, KeyOutcome)> = Vec::new();
        {
            let block = cell.latch.read();
            let is_row = block.stamps.get(slot).is_some_and(|stamp| !stamp.is_free()) && !block.is_deleted(slot);
            for (age, version) in block.versions(slot).enumerate() {
                let version: &dyn RowReader = &version;
                if age == 0 && is_row {
                    newest = Some(index.def().key.key(version, key)?);
                } else {
                    let mut key = Vec::new();
                    let outcome = index.def().key.key(version, &mut key)?;
                    older.push((key, outcome));
                }
            }
        }
        for (old, outcome) in older {
            if outcome != KeyOutcome::NotIndexed && (newest.is_none() || old != *key) {
                // An old key of a row stays for old snapshots, and the row may be found by it in vain.
                index.add_stale();
                index.insert(&old, row);
            }
        }
        let Some(outcome) = newest else { return Ok(None) };
        Ok(match self.enter_key(index, key, outcome, row, transaction)? {
            Ok(()) => None,
            Err(super::keys::Obstacle::Busy(holder)) => Some(IndexBuilt::Busy(holder)),
            Err(super::keys::Obstacle::Conflict(conflict)) => Some(IndexBuilt::Conflict(conflict)),
        })
    }
}
