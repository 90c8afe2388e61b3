//! Row locks that are not writes: FOR UPDATE and its weaker kin.
//!
//! A write is its own lock, by its stamp. The table here is asked only when a relation has any entry, and always
//! under the latch of the row's block, which keeps writers and lockers of a row apart.

use std::sync::atomic::{AtomicUsize, Ordering};

use dictdb_types::RowId;
use hashbrown::HashMap;
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::RowStrength;
use crate::version::Writer;

const SHARDS: usize = 16;

type Holders = SmallVec<[(Writer, RowStrength); 2]>;

/// The row locks of one table.
#[derive(Debug, Default)]
pub(crate) struct RowLocks {
    /// Entries in all shards; zero is the common case and costs one load.
    count: AtomicUsize,
    shards: [Mutex<HashMap<RowId, Holders>>; SHARDS],
}

/// How to take back what [`RowLocks::lock`] did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowLockUndo {
    pub(crate) row: RowId,
    /// What the transaction had before.
    pub(crate) previous: Option<RowStrength>,
}

impl RowLocks {
    fn shard(&self, row: RowId) -> &Mutex<HashMap<RowId, Holders>> {
        &self.shards[row.0 as usize % SHARDS]
    }

    /// Somebody else who has a lock on the row that conflicts with `strength`.
    #[inline]
    pub(crate) fn conflict(&self, row: RowId, strength: RowStrength, own: Option<Writer>) -> Option<Writer> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let shard = self.shard(row).lock();
        let holders = shard.get(&row)?;
        holders
            .iter()
            .find(|(writer, held)| Some(*writer) != own && held.conflicts(strength))
            .map(|(writer, _)| *writer)
    }

    /// Whether a transaction has a lock on the row.
    pub(crate) fn holds(&self, row: RowId, own: Writer) -> bool {
        self.count.load(Ordering::Acquire) > 0
            && self.shard(row).lock().get(&row).is_some_and(|holders| holders.iter().any(|(writer, _)| *writer == own))
    }

    /// How strongly a transaction has locked the row.
    pub(crate) fn strength(&self, row: RowId, own: Writer) -> Option<RowStrength> {
        let shard = self.shard(row).lock();
        shard.get(&row)?.iter().find(|(writer, _)| *writer == own).map(|(_, strength)| *strength)
    }

    /// Adds or strengthens a lock. The caller has asked for conflicts under the same latch, but shared latches admit
    /// other lockers: the check is made again. `Ok(None)` means the transaction had it already.
    pub(crate) fn lock(&self, row: RowId, strength: RowStrength, own: Writer) -> Result<Option<RowLockUndo>, Writer> {
        self.count.fetch_add(1, Ordering::AcqRel);
        let mut shard = self.shard(row).lock();
        let holders = shard.entry(row).or_default();
        let outcome = match holders.iter().find(|(writer, held)| *writer != own && held.conflicts(strength)) {
            Some((writer, _)) => Err(*writer),
            None => Ok(()),
        };
        let mine = holders.iter().position(|(writer, _)| *writer == own);
        let added = match (outcome, mine) {
            (Err(_), _) => false,
            (Ok(()), Some(_)) => false,
            (Ok(()), None) => {
                holders.push((own, strength));
                true
            }
        };
        if !added {
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
        outcome?;
        let undo = RowLockUndo { row, previous: mine.map(|at| holders[at].1) };
        match mine {
            Some(at) if holders[at].1 < strength => holders[at].1 = strength,
            Some(_) => return Ok(None),
            None => {}
        }
        Ok(Some(undo))
    }

    /// Takes a lock back to what it was before.
    pub(crate) fn undo(&self, undo: RowLockUndo, own: Writer) {
        let mut shard = self.shard(undo.row).lock();
        let Some(holders) = shard.get_mut(&undo.row) else { return };
        let Some(at) = holders.iter().position(|(writer, _)| *writer == own) else { return };
        match undo.previous {
            Some(strength) => holders[at].1 = strength,
            None => {
                holders.swap_remove(at);
                self.count.fetch_sub(1, Ordering::AcqRel);
            }
        }
        if holders.is_empty() {
            shard.remove(&undo.row);
        }
    }
}
