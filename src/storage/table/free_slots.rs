//! Slots of dead rows that nobody can reach any more, and when they are used again.
//!
//! As in PostgreSQL's heap, where dead rows wait for VACUUM, new rows go to the end of a table until there is so much room
//! further up that filling it pays: rows that were inserted one after another stay in that order for a scan, and holes
//! are filled from the beginning of the table, whole blocks at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dictdb_types::RowId;
use parking_lot::Mutex;

/// Dead slots that a table may keep before they are used again, besides the share: `autovacuum_vacuum_threshold` in kind.
const THRESHOLD_SLOTS: usize = 1024;
/// And the share of its live rows: one in so many.
const SHARE_DIVISOR: usize = 5;

/// Free slots of a table.
#[derive(Default)]
pub(super) struct FreeSlots {
    /// Length of `usable`, to be read without the lock.
    count: AtomicUsize,
    slots: Mutex<Arc<Slots>>,
}

#[derive(Clone, Default)]
struct Slots {
    /// Not worth using yet.
    waiting: Vec<RowId>,
    /// To be used next, the last one first.
    usable: Vec<RowId>,
}

impl FreeSlots {
    /// Takes slots in; `live` is the number of the table's rows.
    pub(super) fn add(&self, rows: impl Iterator<Item = RowId>, live: usize) {
        let mut slots = self.slots.lock();
        let slots = Arc::make_mut(&mut slots);
        slots.waiting.extend(rows);
        if slots.waiting.len() > THRESHOLD_SLOTS + live / SHARE_DIVISOR {
            self.open(slots);
        }
    }

    /// Takes out slots that are used for something else.
    pub(super) fn remove(&self, rows: std::ops::Range<RowId>) {
        let mut slots = self.slots.lock();
        let slots = Arc::make_mut(&mut slots);
        slots.waiting.retain(|row| !rows.contains(row));
        slots.usable.retain(|row| !rows.contains(row));
        self.count.store(slots.usable.len(), Ordering::Release);
    }

    /// Has all slots used again, as VACUUM does.
    pub(super) fn release(&self) {
        self.open(Arc::make_mut(&mut self.slots.lock()));
    }

    /// Gives back a slot that was taken.
    pub(super) fn put_back(&self, row: RowId) {
        let mut slots = self.slots.lock();
        let slots = Arc::make_mut(&mut slots);
        slots.usable.push(row);
        self.count.store(slots.usable.len(), Ordering::Release);
    }

    /// A slot for a new row.
    pub(super) fn take(&self) -> Option<RowId> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut slots = self.slots.lock();
        let slots = Arc::make_mut(&mut slots);
        let slot = slots.usable.pop();
        self.count.store(slots.usable.len(), Ordering::Release);
        slot
    }

    /// The same slots, for a clone of the table. `meanwhile` runs while no slot is taken or given back.
    pub(super) fn twin(&self, meanwhile: impl FnOnce()) -> FreeSlots {
        let slots = self.slots.lock();
        meanwhile();
        FreeSlots { count: AtomicUsize::new(slots.usable.len()), slots: Mutex::new(slots.clone()) }
    }

    fn open(&self, slots: &mut Slots) {
        let waiting = std::mem::take(&mut slots.waiting);
        slots.usable.extend(waiting);
        slots.usable.sort_unstable_by(|a, b| b.cmp(a));
        self.count.store(slots.usable.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_wait_until_there_are_many_and_come_in_order() {
        let free = FreeSlots::default();
        free.add([7, 3, 5].map(RowId).into_iter(), 0);
        assert_eq!(free.take(), None);
        free.release();
        assert_eq!([free.take(), free.take()], [Some(RowId(3)), Some(RowId(5))]);
        free.put_back(RowId(5));
        free.add((100..).map(RowId).take(THRESHOLD_SLOTS + 21), 100);
        assert_eq!([free.take(), free.take(), free.take()], [Some(RowId(5)), Some(RowId(7)), Some(RowId(100))]);
    }
}
