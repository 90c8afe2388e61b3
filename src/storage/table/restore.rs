//! Rows out of and back into images: what log and snapshot do with a table.
//!
//! Restoring happens before anybody else uses the table, and before it has indexes: rows are put where they were, as
//! versions that everybody sees.

use std::sync::Arc;

use dictdb_types::stored::put_uint;
use dictdb_types::{Error, Oid, Result, RowId, SqlState};

use super::{Table, place, row_id};
use crate::block::{BLOCK_ROWS, Block, BlockCell};
use crate::image;
use crate::snapshot::Snapshot;
use crate::value::{DatumRow, RowReader};
use crate::version::Stamp;

/// Commit of everything that is restored: before any snapshot.
pub(super) const RESTORED: Stamp = Stamp(1);
/// Rows that were never committed leave gaps, but not of so many blocks.
const GAP_BLOCKS_MAX: usize = 1 << 18;
/// Slots that are looked at under one latch, so that writers of the block need not wait for all of it.
const SLOTS_AT_ONCE: usize = 256;

impl Table {
    /// Appends consecutive rows as a run, as the snapshot sees them.
    pub fn encode_run(&self, first: RowId, rows: u64, snapshot: &Snapshot, out: &mut Vec<u8>) {
        self.encode_run_as(self.id(), first, rows, snapshot, out);
    }

    /// The same as rows of a table with this id.
    pub fn encode_run_as(&self, id: Oid, first: RowId, rows: u64, snapshot: &Snapshot, out: &mut Vec<u8>) {
        put_uint(u64::from(id.0), out);
        put_uint(first.0, out);
        put_uint(rows, out);
        let mut next = first.0;
        while next < first.0 + rows {
            let (number, slot) = place(RowId(next));
            let count = (first.0 + rows - next).min((BLOCK_ROWS - slot) as u64);
            let slots = slot..slot + count as usize;
            let found = self.look_at(number, snapshot.view(), |block, view, width| {
                slots.clone().for_each(|slot| image::encode(block.find(slot, view, snapshot.writers()), width, out));
            });
            if found.is_none() {
                slots.for_each(|_| image::encode(None, 0, out));
            }
            next += count;
        }
    }

    /// Hands the rows of a block that the snapshot sees to `chunk`, as runs of a moderate size of a table with this id.
    pub fn encode_block<E>(
        &self,
        id: Oid,
        number: usize,
        snapshot: &Snapshot,
        buffer: &mut Vec<u8>,
        mut chunk: impl FnMut(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut slot = 0;
        loop {
            let len = self.look_at(number, snapshot.view(), |block, _, _| block.len()).unwrap_or(0);
            if slot >= len {
                return Ok(());
            }
            let end = len.min(slot + SLOTS_AT_ONCE);
            self.encode_run_as(id, row_id(number, slot), (end - slot) as u64, snapshot, buffer);
            chunk(buffer)?;
            slot = end;
        }
    }

    /// Puts rows where they were. XX001 when an image does not fit the table.
    pub(crate) fn restore(&self, first: RowId, rows: u64, images: &mut &[u8]) -> Result<()> {
        let vacant = self.vacant();
        self.restore_rows(first, rows, |put| match image::decode_without(images, &vacant)? {
            Some(row) => put(Some(&row)),
            None => put(None),
        })
    }

    /// Says which storage columns no values are kept of: images that were written before may have some.
    pub fn set_vacant(&self, columns: Arc<[usize]>) {
        *self.vacant.write() = columns;
    }

    pub(super) fn vacant(&self) -> Arc<[usize]> {
        self.vacant.read().clone()
    }

    /// Puts consecutive rows where they were: `next` hands over one each time it is called, or none where there is no row. XX001
    /// when one does not fit the table.
    pub fn restore_rows(
        &self,
        first: RowId,
        rows: u64,
        mut next_row: impl FnMut(&mut dyn FnMut(Option<&dyn RowReader>) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        let end = first.0.checked_add(rows);
        let end = end.ok_or_else(|| Error::new(SqlState::DATA_CORRUPTED, "a run of rows has no end"))?;
        let mut next = first.0;
        while next < end {
            let (number, slot) = place(RowId(next));
            let count = (end - next).min((BLOCK_ROWS - slot) as u64) as usize;
            let mut block = self.change(number, self.block_to_restore(number)?);
            for slot in slot..slot + count {
                next_row(&mut |row| self.restore_slot(&mut block, slot, row))?;
            }
            self.account_changes(&mut block, count);
            next += count as u64;
        }
        Ok(())
    }

    /// The block of this number, which is made with those before it if there is none. XX001 when it is far behind the last.
    pub(super) fn block_to_restore(&self, number: usize) -> Result<&BlockCell> {
        if number > self.blocks.len() + GAP_BLOCKS_MAX {
            let message = format!("block {number} of table {} is far away", self.id());
            return Err(Error::new(SqlState::DATA_CORRUPTED, message));
        }
        while self.blocks.len() <= number {
            self.blocks.push_after(self.blocks.len(), || self.new_block());
        }
        self.block(number).map(|cell| &**cell).ok_or_else(|| Error::internal("a block is missing"))
    }

    fn restore_slot(&self, block: &mut Block, slot: usize, row: Option<&dyn RowReader>) -> Result<()> {
        if let Some(row) = row {
            self.check_image(block, row)?;
        }
        while block.len() < slot {
            block.push(&DatumRow(&[]), Stamp::FREE);
        }
        match row {
            Some(row) if slot == block.len() => {
                block.push(row, RESTORED);
            }
            Some(row) => {
                block.kill(slot);
                block.fill(slot, row, RESTORED);
            }
            None if slot < block.len() => block.kill(slot),
            None => {}
        }
        Ok(())
    }

    fn check_image(&self, block: &Block, row: &dyn RowReader) -> Result<()> {
        let fits = block.columns.iter().enumerate().try_for_each(|(index, column)| column.check(row.column(index)));
        fits.map_err(|error| {
            let message = format!("a stored row does not fit table {}: {}", self.id(), error.message());
            Error::new(SqlState::DATA_CORRUPTED, message)
        })
    }

    /// The same rows under another id.
    pub(crate) fn renamed(mut self, id: Oid) -> Table {
        self.id = id;
        self
    }

    /// Ends restoring: what is not a row is room for new ones.
    pub fn finish_restore(&self) {
        let mut free = Vec::new();
        let mut live = 0;
        let blocks = self.blocks.len();
        for number in 0..blocks {
            let Some(cell) = self.block(number) else { continue };
            // Nobody sees a difference, those who have the same rows included.
            let mut block = cell.latch.write();
            while number + 1 < blocks && block.len() < BLOCK_ROWS {
                block.push(&DatumRow(&[]), Stamp::FREE);
            }
            let slots = (0..block.len()).filter(|slot| block.stamps[*slot].is_free());
            let before = free.len();
            free.extend(slots.map(|slot| row_id(number, slot)));
            live += block.len() - (free.len() - before);
            self.measure(&mut block);
        }
        self.count_restored(live);
        self.free_slots(free.into_iter());
    }

    /// Whether changes of rows are logged: not those of unlogged and temporary tables.
    pub fn is_logged(&self) -> bool {
        self.logged.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Says whether changes of rows are logged; before the first.
    pub fn set_logged(&self, logged: bool) {
        self.logged.store(logged, std::sync::atomic::Ordering::Relaxed);
    }
}
