//! Insert, update, delete. Each is done completely or not at all; what is in the way is returned as data.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Result, RowId};
use parking_lot::RwLockWriteGuard;

use super::keys::{KeyUpdates, UniqueConflict};
use super::read::VersionTag;
use super::{Table, row_id};
use crate::block::{BLOCK_ROWS, Block};
use crate::hook::ChangeKind;
use crate::index::KeyOutcome;
use crate::lock::RowStrength;
use crate::serializable::{RowChange, RowKeys};
use crate::snapshot::Snapshot;
use crate::transaction::Transaction;
use crate::value::{DatumRow, RowReader};
use crate::version::{Stamp, Writer};
use crate::writers::Holder;

/// What became of an insert.
#[derive(Clone, Debug)]
pub enum Inserted {
    /// It is there.
    Done(RowId),
    /// A transaction in progress has the same unique key, or had it: wait for it and insert again.
    Busy(Holder),
    /// A row with the same unique key is there.
    Conflict(UniqueConflict),
}

/// What became of an update or delete.
#[derive(Clone, Debug)]
pub enum Written {
    /// It is done.
    Done,
    /// A transaction in progress has changed or locked the row, or has the new unique key: wait for it and try again.
    Busy(Holder),
    /// Somebody committed a newer version after the snapshot. READ COMMITTED reads it with [`Table::read_latest`] and
    /// decides again; REPEATABLE READ fails with [`crate::concurrent_update`].
    Changed,
    /// Somebody deleted the row. READ COMMITTED goes on without it; REPEATABLE READ fails with
    /// [`crate::concurrent_delete`] if that was after the snapshot.
    Deleted,
    /// The transaction itself changed the row in the same command, or, if `later`, in one that the command started
    /// (27000 in PostgreSQL).
    SelfModified {
        /// By a command started by the current one.
        later: bool,
    },
    /// A row with the same unique key is there.
    Conflict(UniqueConflict),
}

impl Table {
    /// Inserts a row: one datum per storage column; missing ones are NULL.
    pub fn insert(self: &Arc<Self>, transaction: &Transaction, snapshot: &Snapshot, row: &[Datum]) -> Result<Inserted> {
        self.insert_row(transaction, snapshot, &DatumRow(row))
    }

    /// Inserts a row from any source of values.
    ///
    /// XX000 if a value is not of its column's layout.
    pub fn insert_row(
        self: &Arc<Self>,
        transaction: &Transaction,
        snapshot: &Snapshot,
        row: &dyn RowReader,
    ) -> Result<Inserted> {
        let (writer, _) = transaction.identity()?;
        let indexes = self.indexes();
        let keys = self.keys_of(&indexes, row)?;
        let stamp = Stamp::in_progress(writer, snapshot.command(), false);
        let id = self.place_row(row, stamp)?;
        if let Some(obstacle) = self.enter_keys(&indexes, &keys, id, transaction)? {
            self.undo_insert(id);
            self.free_slots(std::iter::once(id));
            return Ok(obstacle.into_inserted());
        }
        transaction.log().lock().add(self, ChangeKind::Insert, id);
        self.note_written(id);
        if let Some(own) = transaction.serializable() {
            let after = self.row_keys(id, transaction)?;
            transaction.wrote(own, RowChange { table: self.id(), row: Some(id), before: RowKeys::new(), after })?;
        }
        Ok(Inserted::Done(id))
    }

    /// Gives columns of a row new values. `expected` is the version a re-check has seen; without it, the version the
    /// snapshot sees.
    ///
    /// Takes NO KEY UPDATE strength, or UPDATE if the key of an index with `row_identity` changes.
    pub fn update(
        self: &Arc<Self>,
        transaction: &Transaction,
        snapshot: &Snapshot,
        row: RowId,
        expected: Option<VersionTag>,
        changes: &[(usize, Datum)],
    ) -> Result<Written> {
        let written = self.track(transaction, row, || self.try_update(transaction, snapshot, row, expected, changes));
        let stays = matches!(written, Ok(Written::Busy(_) | Written::Changed));
        transaction.attempted(self, row, stays);
        written
    }

    /// Under SERIALIZABLE: tells of the keys that a row has before and after it is written.
    fn track(
        self: &Arc<Self>,
        transaction: &Transaction,
        row: RowId,
        write: impl FnOnce() -> Result<Written>,
    ) -> Result<Written> {
        let Some(own) = transaction.serializable() else { return write() };
        let before = self.row_keys(row, transaction)?;
        let written = write()?;
        if let Written::Done = written {
            let after = self.row_keys(row, transaction)?;
            transaction.wrote(own, RowChange { table: self.id(), row: Some(row), before, after })?;
        }
        Ok(written)
    }

    /// The keys of a row's newest version in all indexes; none if it is gone.
    fn row_keys(&self, row: RowId, transaction: &Transaction) -> Result<RowKeys> {
        let indexes = self.indexes();
        let read = self.read_latest(row, transaction, |version| {
            let mut keys = RowKeys::with_capacity(indexes.len());
            for index in indexes.iter() {
                let mut key = Vec::new();
                if index.def().key.key(version, &mut key)? != KeyOutcome::NotIndexed {
                    keys.push((index.def().id, key));
                }
            }
            Ok(keys)
        });
        read.map_or_else(|| Ok(RowKeys::new()), |(_, keys)| keys)
    }

    fn try_update(
        self: &Arc<Self>,
        transaction: &Transaction,
        snapshot: &Snapshot,
        row: RowId,
        expected: Option<VersionTag>,
        changes: &[(usize, Datum)],
    ) -> Result<Written> {
        let (writer, _) = transaction.identity()?;
        let indexes = self.indexes();
        let Some((cell, slot)) = self.cell(row) else { return Ok(Written::Deleted) };
        let mut block = self.change(super::place(row).0, cell);
        if let Some(obstacle) = self.newer_version(&block, slot, transaction, snapshot, expected) {
            return Ok(obstacle);
        }
        check(&block, changes)?;
        let updates = KeyUpdates::of(&indexes, &block, slot, changes)?;
        let key = updates.changes_identity();
        let strength = if key { RowStrength::Update } else { RowStrength::NoKeyUpdate };
        if let Some(holder) = self.lock_conflict(row, transaction, strength) {
            return Ok(Written::Busy(holder));
        }
        updates.announce();
        let stamp = own_stamp(&block, slot, writer, snapshot.command(), key);
        let writers = &transaction.session().shared.writers;
        block.push_undo(slot, key, changes.iter().map(|(column, _)| *column), writers);
        for (column, value) in changes {
            block.columns[*column].set(slot, value.into());
        }
        block.stamps[slot] = stamp;
        self.account(&mut block);
        drop(block);
        if !updates.is_empty()
            && let Some(obstacle) = self.enter_key_updates(&updates, row, transaction)?
        {
            self.undo_change(row);
            updates.retract(self, row);
            return Ok(obstacle.into_written());
        }
        let mut log = transaction.log().lock();
        log.add(self, ChangeKind::Update, row);
        updates.log(self, row, &mut log);
        self.note_written(row);
        Ok(Written::Done)
    }

    /// Deletes a row. `expected` as in [`Table::update`]. Takes UPDATE strength.
    pub fn delete(
        self: &Arc<Self>,
        transaction: &Transaction,
        snapshot: &Snapshot,
        row: RowId,
        expected: Option<VersionTag>,
    ) -> Result<Written> {
        let written = self.track(transaction, row, || self.try_delete(transaction, snapshot, row, expected));
        let stays = matches!(written, Ok(Written::Busy(_) | Written::Changed));
        transaction.attempted(self, row, stays);
        written
    }

    /// Says of a row that the transaction has deleted that it goes on in another table, as a row of another partition.
    pub fn set_moved(&self, row: RowId) {
        self.change_block(row, |block, slot| block.set_moved(slot));
    }

    /// Whether a row is gone because it went on in another table.
    pub fn is_moved(&self, row: RowId) -> bool {
        self.cell(row).is_some_and(|(cell, slot)| cell.latch.read().is_moved(slot))
    }

    fn try_delete(
        self: &Arc<Self>,
        transaction: &Transaction,
        snapshot: &Snapshot,
        row: RowId,
        expected: Option<VersionTag>,
    ) -> Result<Written> {
        let (writer, _) = transaction.identity()?;
        let Some((cell, slot)) = self.cell(row) else { return Ok(Written::Deleted) };
        let mut block = self.change(super::place(row).0, cell);
        if let Some(obstacle) = self.newer_version(&block, slot, transaction, snapshot, expected) {
            return Ok(obstacle);
        }
        if let Some(holder) = self.lock_conflict(row, transaction, RowStrength::Update) {
            return Ok(Written::Busy(holder));
        }
        let stamp = own_stamp(&block, slot, writer, snapshot.command(), true);
        block.push_undo(slot, true, std::iter::empty(), &transaction.session().shared.writers);
        block.set_deleted(slot, true);
        block.stamps[slot] = stamp;
        self.account(&mut block);
        drop(block);
        transaction.log().lock().add(self, ChangeKind::Delete, row);
        self.note_gone(row);
        Ok(Written::Done)
    }

    /// Why the newest version of a row is not the transaction's to change, if it is not.
    pub(super) fn newer_version(
        &self,
        block: &Block,
        slot: usize,
        transaction: &Transaction,
        snapshot: &Snapshot,
        expected: Option<VersionTag>,
    ) -> Option<Written> {
        let writers = &transaction.session().shared.writers;
        let stamp = writers.resolve(*block.stamps.get(slot).unwrap_or(&Stamp::FREE));
        if stamp.is_free() {
            return Some(Written::Deleted);
        }
        if stamp.is_of(transaction.writer()) {
            if expected != Some(VersionTag(stamp)) && stamp.command() >= snapshot.command() {
                return Some(Written::SelfModified { later: stamp.command() > snapshot.command() });
            }
        } else if !stamp.is_committed() {
            return Some(Written::Busy(writers.holder(stamp.writer())));
        } else if expected.map_or(stamp.0 > snapshot.view().ts, |tag| tag != VersionTag(stamp)) {
            return Some(if block.is_deleted(slot) { Written::Deleted } else { Written::Changed });
        }
        block.is_deleted(slot).then_some(Written::Deleted)
    }

    /// Whether others have committed nothing about a row since a snapshot was taken.
    pub fn is_unchanged_since(&self, row: RowId, transaction: &Transaction, snapshot: &Snapshot) -> bool {
        let Some((cell, slot)) = self.cell(row) else { return false };
        let block = cell.latch.read();
        let newer = self.newer_version(&block, slot, transaction, snapshot, None);
        !matches!(newer, Some(Written::Changed | Written::Deleted))
    }

    /// Who else has a row lock that `strength` conflicts with. The caller holds the block's latch.
    pub(super) fn lock_conflict(&self, row: RowId, transaction: &Transaction, strength: RowStrength) -> Option<Holder> {
        let locker = self.row_locks.conflict(row, strength, transaction.writer())?;
        Some(transaction.session().shared.writers.holder(locker))
    }

    /// Puts a row into a free slot or at the end.
    fn place_row(&self, row: &dyn RowReader, stamp: Stamp) -> Result<RowId> {
        if let Some(id) = self.free.take()
            && let Some((cell, slot)) = self.cell(id)
        {
            let mut block = self.change(super::place(id).0, cell);
            if let Err(error) = check_row(&block, row) {
                drop(block);
                self.free.put_back(id);
                return Err(error);
            }
            block.fill(slot, row, stamp);
            self.account(&mut block);
            return Ok(id);
        }
        loop {
            let blocks = self.blocks.len();
            if let Some((last, cell)) = blocks.checked_sub(1).and_then(|last| Some((last, self.block(last)?))) {
                let mut block = self.change(last, cell);
                if block.len() < BLOCK_ROWS {
                    check_row(&block, row)?;
                    let slot = block.push(row, stamp);
                    self.account(&mut block);
                    return Ok(row_id(blocks - 1, slot));
                }
            }
            self.blocks.push_after(blocks, || self.new_block());
        }
    }

    /// Takes back the newest version of a row that the transaction updated or deleted.
    pub(crate) fn undo_change(&self, row: RowId) {
        self.change_block(row, |block, slot| block.pop_undo(slot));
        self.note_undone(row);
    }

    /// Rewrites the stamps of consecutive rows.
    pub(crate) fn stamp_committed(&self, rows: impl Iterator<Item = RowId>, writer: Writer, ts: u64) {
        let mut open: Option<(usize, RwLockWriteGuard<'_, Block>)> = None;
        for row in rows {
            let (number, slot) = super::place(row);
            if open.as_ref().is_none_or(|(block, _)| *block != number) {
                drop(open.take());
                open = self.block(number).map(|cell| (number, self.change(number, cell)));
            }
            if let Some((_, block)) = &mut open {
                block.restamp(slot, writer, ts);
            }
        }
    }

    pub(super) fn change_block<R>(&self, row: RowId, change: impl FnOnce(&mut Block, usize) -> R) -> Option<R> {
        let (cell, slot) = self.cell(row)?;
        let mut block = self.change(super::place(row).0, cell);
        (slot < block.len()).then(|| change(&mut block, slot))
    }
}

/// The stamp of a new version. A transaction that changed the key before keeps UPDATE strength.
fn own_stamp(block: &Block, slot: usize, writer: Writer, command: u32, key: bool) -> Stamp {
    let old = block.stamps[slot];
    Stamp::in_progress(writer, command, key || old.is_of(Some(writer)) && old.changes_key())
}

pub(super) fn check_row(block: &Block, row: &dyn RowReader) -> Result<()> {
    block.columns.iter().enumerate().try_for_each(|(index, column)| column.check(row.column(index)))
}

fn check(block: &Block, changes: &[(usize, Datum)]) -> Result<()> {
    changes.iter().try_for_each(|(index, value)| match block.columns.get(*index) {
        Some(column) => column.check(value.into()),
        None => Err(Error::internal(format!("there is no storage column {index}"))),
    })
}
