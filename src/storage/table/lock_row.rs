//! SELECT … FOR UPDATE and its weaker kin: locking a row without changing it.

use std::sync::Arc;

use dictdb_types::{Result, RowId};

use super::Table;
use super::read::VersionTag;
use super::write::Written;
use crate::lock::RowStrength;
use crate::snapshot::Snapshot;
use crate::transaction::Transaction;
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
    /// KEY SHARE does not wait for an update in progress that leaves key columns alone.
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
        let compatible = strength == RowStrength::KeyShare && {
            let stamp = *block.stamps.get(slot).unwrap_or(&crate::version::Stamp::FREE);
            let below = || block.find_latest(slot, transaction.writer(), &transaction.session().shared.writers);
            !stamp.is_committed()
                && !stamp.is_free()
                && !stamp.is_of(transaction.writer())
                && !stamp.changes_key()
                && below().is_some_and(|(stamp, _)| match expected {
                    Some(tag) => tag == VersionTag(stamp),
                    None => !stamp.is_committed() || stamp.0 <= snapshot.view().ts,
                })
        };
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
}
