//! Changes of a table's shape: columns and indexes. The caller holds a relation lock that keeps writers out.

use std::sync::Arc;

use dictdb_types::{Datum, Oid, Physical, Result};

use super::Table;
use crate::column::Column;

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
}
