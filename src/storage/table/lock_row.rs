//! SELECT … FOR UPDATE and its weaker kin: locking a row without changing it.

use std::sync::Arc;

use dictdb_types::{Result, RowId};

use super::Table;
use super::read::VersionTag;
use super::write::Written;
use crate::block::Block;
use crate::lock::RowStrength;
use crate::snapshot::Snapshot;
use crate::transaction::Transaction;
use crate::version::{Stamp, Writer};
use crate::writers::Holder;

/// What became of locking a row.
#[derive(Clone, Copy, Debug)]
pub enum RowLocked {
    /// It is locked until the transaction ends.
    Done,
    /// A transaction in progress has changed or locked the row: wait, skip or fail.
    Busy(Holder),
    /// As in [`Written::Changed`].
    Changed,
    /// As in [`Written::Deleted`].
    Deleted,
    /// As in [`Written::SelfModified`]: the transaction changed it in the same or a later command.
    SelfModified,
}

impl Table {
    /// Locks a row for the transaction. `expected` as in [`Table::update`].
    ///
    /// KEY SHARE is not concerned by updates that leave key columns alone: it waits for none, and what such a one has committed
    /// after the snapshot changes nothing for it.
    pub fn lock_row(
        self: &Arc<Self>,
        transaction: &Transaction,
        snapshot: &Snapshot,
        row: RowId,
        expected: Option<VersionTag>,
        strength: RowStrength,
    ) -> Result<RowLocked> {
        let locked = self.try_lock_row(transaction, snapshot, row, expected, strength);
        let stays = matches!(locked, Ok(RowLocked::Busy(_) | RowLocked::Changed));
        transaction.attempted(self, row, stays);
        locked
    }

    /// Whether a transaction has a lock on a row.
    pub(crate) fn holds_row(&self, row: RowId, own: Writer) -> bool {
        self.row_locks.holds(row, own)
    }

    fn try_lock_row(
        self: &Arc<Self>,
        transaction: &Transaction,
        snapshot: &Snapshot,
        row: RowId,
        expected: Option<VersionTag>,
        strength: RowStrength,
    ) -> Result<RowLocked> {
        let (writer, _) = transaction.identity()?;
        let Some((cell, slot)) = self.cell(row) else { return Ok(RowLocked::Deleted) };
        // A shared latch: it keeps writers of the block out while the lock goes in.
        let block = cell.latch.read();
        let compatible =
            strength == RowStrength::KeyShare && self.has_kept_key(&block, slot, transaction, snapshot, expected);
        if !compatible {
            match self.newer_version(&block, slot, transaction, snapshot, expected) {
                None => {}
                Some(Written::Busy(holder)) => return Ok(RowLocked::Busy(holder)),
                Some(Written::Changed) => return Ok(RowLocked::Changed),
                Some(Written::SelfModified { .. }) => return Ok(RowLocked::SelfModified),
                Some(_) => return Ok(RowLocked::Deleted),
            }
        }
        match self.row_locks.lock(row, strength, writer) {
            Ok(undo) => {
                drop(block);
                if let Some(undo) = undo {
                    let mut log = transaction.log().lock();
                    let table = log.table(self);
                    log.row_locks.push((table, undo));
                }
                Ok(RowLocked::Done)
            }
            Err(holder) => Ok(RowLocked::Busy(transaction.session().shared.writers.holder(holder))),
        }
    }

    /// Whether what others have done to a row, or are about to, leaves alone the key of the version that is wanted.
    fn has_kept_key(
        &self,
        block: &Block,
        slot: usize,
        transaction: &Transaction,
        snapshot: &Snapshot,
        expected: Option<VersionTag>,
    ) -> bool {
        let writers = &transaction.session().shared.writers;
        let stamp = *block.stamps.get(slot).unwrap_or(&Stamp::FREE);
        if stamp.is_free() || stamp.is_of(transaction.writer()) {
            return false;
        }
        let wanted = |stamp: Stamp| match expected {
            Some(tag) => tag == VersionTag(stamp),
            None => !stamp.is_committed() || stamp.0 <= snapshot.view().ts,
        };
        let is_pending = !writers.resolve(stamp).is_committed();
        if is_pending {
            let below = block.find_latest(slot, transaction.writer(), writers);
            return !stamp.changes_key() && below.is_some_and(|(stamp, _)| wanted(stamp));
        }
        expected.is_none() && block.kept_key_since(slot, snapshot.view(), writers)
    }
}
