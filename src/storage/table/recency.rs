//! In what order the rows of a table were last used, for tables that have so many rows and no more.
//!
//! A row is used when it is written and when it is found through an index. The order is kept from the moment somebody asks for it, and
//! never on disk: rows that were there before count as used in the order of a column that says when they were written, or of their ids.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use dictdb_types::{Datum, Result, RowId};
use parking_lot::{Mutex, MutexGuard};

use super::{Table, row_id};
use crate::block::Block;

/// Uses are counted from here on; rows that were there before are below.
const FIRST_USE: u64 = 1 << 48;

/// Rows by their last use.
pub(super) struct Recency {
    order: Mutex<Order>,
    /// Whose turn it is to take rows out.
    turn: Mutex<()>,
}

struct Order {
    rows: BTreeMap<u64, RowId>,
    uses: HashMap<RowId, u64>,
    next: u64,
}

impl Recency {
    fn new() -> Self {
        let order = Order { rows: BTreeMap::new(), uses: HashMap::new(), next: FIRST_USE };
        Recency { order: Mutex::new(order), turn: Mutex::default() }
    }

    fn written(&self, row: RowId) {
        self.order.lock().use_now(row);
    }

    /// A reader may still see a row that is gone: it does not come back by that.
    fn read(&self, row: RowId) {
        let mut order = self.order.lock();
        if order.uses.contains_key(&row) {
            order.use_now(row);
        }
    }

    fn forget(&self, row: RowId) {
        let mut order = self.order.lock();
        if let Some(last) = order.uses.remove(&row) {
            order.rows.remove(&last);
        }
    }

    /// Enters rows that were there before, the least recently used first, unless they have been used since.
    fn fill(&self, rows: impl Iterator<Item = RowId>) {
        let order = &mut *self.order.lock();
        for (place, row) in rows.enumerate() {
            if let Entry::Vacant(unused) = order.uses.entry(row) {
                unused.insert(place as u64);
                order.rows.insert(place as u64, row);
            }
        }
    }
}

impl Order {
    fn use_now(&mut self, row: RowId) {
        let next = self.next;
        self.next += 1;
        if let Some(last) = self.uses.insert(row, next) {
            self.rows.remove(&last);
        }
        self.rows.insert(next, row);
    }
}

impl Table {
    /// Begins to keep the order; `written` is the column by which rows that are there are ordered. Does nothing if it is kept already.
    pub fn keep_recency(&self, written: Option<usize>) -> Result<()> {
        if self.recency.get().is_some() {
            return Ok(());
        }
        let recency = self.recency.get_or_init(Recency::new);
        let mut rows: Vec<(i64, RowId)> = Vec::new();
        for (number, cell) in self.all_blocks() {
            let block = cell.latch.read();
            for slot in (0..block.len()).filter(|slot| has_row(&block, *slot)) {
                let moment = match written.map(|column| block.newest(slot).value(column).to_datum()).transpose()? {
                    Some(Datum::Timestamp(moment)) => moment,
                    _ => 0,
                };
                rows.push((moment, row_id(number, slot)));
            }
        }
        rows.sort_unstable();
        recency.fill(rows.into_iter().map(|(_, row)| row));
        Ok(())
    }

    /// Rows that are there now, those of transactions in progress included; zero while no order is kept.
    pub fn rows_in_use(&self) -> usize {
        self.recency.get().map_or(0, |recency| recency.order.lock().rows.len())
    }

    /// Waits for one's turn to take rows out because they are too many: of two who count at once, both would take out what one of them
    /// should. `None` while no order is kept. It is held for a few deletions, which wait for nobody.
    pub fn turn_to_trim(&self) -> Option<MutexGuard<'_, ()>> {
        self.recency.get().map(|recency| recency.turn.lock())
    }

    /// So many of the least recently used rows.
    pub fn least_recent(&self, count: usize) -> Vec<RowId> {
        self.recency
            .get()
            .map_or_else(Vec::new, |recency| recency.order.lock().rows.values().take(count).copied().collect())
    }

    /// Notes that a row was read.
    #[inline]
    pub(super) fn note_read(&self, row: RowId) {
        if let Some(recency) = self.recency.get() {
            recency.read(row);
        }
    }

    /// Notes that a row was written.
    #[inline]
    pub(super) fn note_written(&self, row: RowId) {
        if let Some(recency) = self.recency.get() {
            recency.written(row);
        }
    }

    /// Notes that a row is gone.
    #[inline]
    pub(super) fn note_gone(&self, row: RowId) {
        if let Some(recency) = self.recency.get() {
            recency.forget(row);
        }
    }

    /// Notes that what was done to a row was undone.
    pub(super) fn note_undone(&self, row: RowId) {
        if self.recency.get().is_none() {
            return;
        }
        let is_there = self.cell(row).is_some_and(|(cell, slot)| has_row(&cell.latch.read(), slot));
        if is_there { self.note_written(row) } else { self.note_gone(row) }
    }
}

fn has_row(block: &Block, slot: usize) -> bool {
    block.stamps.get(slot).is_some_and(|stamp| !stamp.is_free()) && !block.is_deleted(slot)
}
