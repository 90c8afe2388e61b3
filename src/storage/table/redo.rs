//! Rows of a prepared transaction after a restart: what it had done is done again, as its own, from images of the final state.

use std::sync::Arc;

use dictdb_types::stored::{corrupted, take_uint};
use dictdb_types::{Error, Oid, Result, RowId};

use super::write::Written;
use super::{Table, place};
use crate::hook::ChangeKind;
use crate::image;
use crate::snapshot::Snapshot;
use crate::storage::Storage;
use crate::transaction::Transaction;
use crate::value::{DatumRow, RowReader};
use crate::version::Stamp;

impl Storage {
    /// Does again what a run says, in a transaction that nobody else is beside. XX001.
    pub fn redo_run(&self, transaction: &Transaction, bytes: &mut &[u8]) -> Result<()> {
        let (table, first, rows) = take_head(bytes)?;
        let table = self.table(table).ok_or_else(|| corrupted(&format!("there is no table {table}")))?;
        table.free.remove(RowId(first)..RowId(first + rows));
        let snapshot = transaction.snapshot()?;
        let vacant = table.vacant();
        for row in first..first + rows {
            let image = image::decode_without(bytes, &vacant)?;
            table.redo_row(transaction, &snapshot, RowId(row), image.as_ref().map(|image| image as &dyn RowReader))?;
        }
        Ok(())
    }

    /// Makes room for the rows of a run, before the table is opened for new ones. XX001.
    pub fn reserve_run(&self, bytes: &mut &[u8]) -> Result<()> {
        let (table, first, rows) = take_head(bytes)?;
        for _ in 0..rows {
            image::decode(bytes)?;
        }
        match self.table(table).zip(rows.checked_sub(1)) {
            Some((table, more)) => table.reserve(RowId(first + more)),
            None => Ok(()),
        }
    }
}

fn take_head(bytes: &mut &[u8]) -> Result<(Oid, u64, u64)> {
    let table = Oid(take_uint(bytes)? as u32);
    Ok((table, take_uint(bytes)?, take_uint(bytes)?))
}

impl Table {
    /// Has free slots up to a row, this one included.
    fn reserve(&self, last: RowId) -> Result<()> {
        let (number, slot) = place(last);
        let mut block = self.change(number, self.block_to_restore(number)?);
        while block.len() <= slot {
            block.push(&DatumRow(&[]), Stamp::FREE);
        }
        Ok(())
    }

    fn redo_row(
        self: &Arc<Self>,
        transaction: &Transaction,
        snapshot: &Snapshot,
        row: RowId,
        image: Option<&dyn RowReader>,
    ) -> Result<()> {
        let (number, slot) = place(row);
        let (is_there, width) = {
            let block = self.block(number).ok_or_else(|| Error::internal("a block was not reserved"))?.latch.read();
            let stamp = block.stamps.get(slot).copied().unwrap_or(Stamp::FREE);
            (!stamp.is_free() && !block.is_deleted(slot), block.columns.len())
        };
        let written = match image {
            Some(image) if is_there => {
                let value = |column: usize| Ok((column, image.column(column).to_datum()?));
                let changes = (0..width).map(value).collect::<Result<Vec<_>>>()?;
                self.update(transaction, snapshot, row, None, &changes)?
            }
            Some(image) => return self.insert_at(transaction, snapshot, row, image),
            None if is_there => self.delete(transaction, snapshot, row, None)?,
            None => return Ok(()),
        };
        match written {
            Written::Done => Ok(()),
            other => Err(Error::internal(format!("row {row:?} of a prepared transaction: {other:?}"))),
        }
    }

    /// Inserts a row into a slot that is free and was reserved.
    fn insert_at(
        self: &Arc<Self>,
        transaction: &Transaction,
        snapshot: &Snapshot,
        row: RowId,
        image: &dyn RowReader,
    ) -> Result<()> {
        let (writer, _) = transaction.identity()?;
        let indexes = self.indexes();
        let keys = self.keys_of(&indexes, image)?;
        let stamp = Stamp::in_progress(writer, snapshot.command(), false);
        let fill = |block: &mut crate::block::Block, slot: usize| {
            super::write::check_row(block, image)?;
            block.fill(slot, image, stamp);
            self.account(block);
            Ok::<_, Error>(())
        };
        self.change_block(row, fill).ok_or_else(|| Error::internal("a slot was not reserved"))??;
        if self.enter_keys(&indexes, &keys, row, transaction)?.is_some() {
            return Err(Error::internal(format!("row {row:?} of a prepared transaction has the key of another one")));
        }
        transaction.log().lock().add(self, ChangeKind::Insert, row);
        Ok(())
    }
}
