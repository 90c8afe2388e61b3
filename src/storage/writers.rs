//! The table of writing transactions: maps the slot in a stamp to the transaction's state.
//!
//! A slot is claimed at a transaction's first write and released after all of its stamps are rewritten (commit) or
//! undone (rollback). Whoever finds an in-progress stamp under a block's latch therefore finds its writer here.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use dictdb_types::{Error, Result, SqlState, TxnId};
use parking_lot::Mutex;

use crate::version::{Stamp, View, Writer};

/// Transactions that can have written something and be in progress at the same time.
pub const WRITERS_MAX: usize = 1 << 16;
const CHUNK: usize = 256;

/// `Slot::state` of a transaction in progress; otherwise the commit timestamp.
const IN_PROGRESS: u64 = 0;

/// One writing transaction.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Slot {
    /// Commit timestamp, or zero while in progress or rolling back.
    state: AtomicU64,
    /// `TxnId` of the occupant, zero when free.
    id: AtomicU64,
    /// Session of the occupant.
    session: AtomicU32,
    generation: AtomicU32,
    /// Counts partial rollbacks of the occupant, so that those who wait for it look again.
    epoch: AtomicU32,
    /// How many threads sleep, or are about to, until an occupant of this slot ends.
    sleepers: AtomicU32,
}

/// A writing transaction as somebody who must wait for it knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    slot: u16,
    epoch: u32,
    id: TxnId,
}

impl Holder {
    /// The transaction that has to end.
    pub fn id(self) -> TxnId {
        self.id
    }
}

/// All slots.
pub(crate) struct Writers {
    chunks: Vec<OnceLock<Box<[Slot]>>>,
    free: Mutex<Free>,
    next_id: AtomicU64,
}

struct Free {
    slots: Vec<u16>,
    unused: usize,
}

impl Writers {
    pub(crate) fn new() -> Self {
        Writers {
            chunks: (0..WRITERS_MAX / CHUNK).map(|_| OnceLock::new()).collect(),
            free: Mutex::new(Free { slots: Vec::new(), unused: 0 }),
            next_id: AtomicU64::new(FIRST_NORMAL_ID),
        }
    }

    fn slot(&self, slot: u16) -> &Slot {
        let chunk = self.chunks[slot as usize / CHUNK].get_or_init(|| (0..CHUNK).map(|_| Slot::default()).collect());
        &chunk[slot as usize % CHUNK]
    }

    /// Enters a transaction. 53300 when [`WRITERS_MAX`] are in progress.
    pub(crate) fn claim(&self, session: u32) -> Result<(Writer, TxnId)> {
        self.enter(session, None)
    }

    /// Enters a transaction that had an id before a restart. 53300.
    pub(crate) fn claim_as(&self, session: u32, id: TxnId) -> Result<(Writer, TxnId)> {
        self.skip_to(TxnId(id.0 + 1));
        self.enter(session, Some(id))
    }

    /// Gives a transaction to another session.
    pub(crate) fn set_session(&self, writer: Writer, session: u32) {
        self.slot(writer.slot()).session.store(session, Ordering::Release);
    }

    fn enter(&self, session: u32, id: Option<TxnId>) -> Result<(Writer, TxnId)> {
        let slot = {
            let mut free = self.free.lock();
            match free.slots.pop() {
                Some(slot) => slot,
                None if free.unused < WRITERS_MAX - 1 => {
                    free.unused += 1;
                    (free.unused - 1) as u16
                }
                None => return Err(Error::new(SqlState::TOO_MANY_CONNECTIONS, "too many transactions in progress")),
            }
        };
        let id = id.map_or_else(|| self.next_id.fetch_add(1, Ordering::Relaxed), |id| id.0);
        let entry = self.slot(slot);
        let generation = entry.generation.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        entry.state.store(IN_PROGRESS, Ordering::Relaxed);
        entry.session.store(session, Ordering::Relaxed);
        entry.id.store(id, Ordering::Release);
        Ok((Writer::new(slot, generation), TxnId(id)))
    }

    /// The id that the next writing transaction will get.
    pub(crate) fn next_id(&self) -> TxnId {
        TxnId(self.next_id.load(Ordering::Relaxed))
    }

    /// The ids of transactions in progress, ascending.
    pub(crate) fn ids(&self) -> Vec<TxnId> {
        let used = self.free.lock().unused;
        let ids = (0..used).map(|slot| self.slot(slot as u16).id.load(Ordering::Acquire)).filter(|id| *id != 0);
        let mut ids: Vec<TxnId> = ids.map(TxnId).collect();
        ids.sort_unstable();
        ids
    }

    /// The id of the transaction that a session has in progress.
    pub(crate) fn id_of(&self, session: u32) -> Option<TxnId> {
        let used = self.free.lock().unused;
        let slots = (0..used).map(|slot| self.slot(slot as u16));
        let ids = slots.filter(|slot| slot.session.load(Ordering::Acquire) == session);
        ids.map(|slot| slot.id.load(Ordering::Acquire)).find(|id| *id != 0).map(TxnId)
    }

    pub(crate) fn is_in_progress(&self, id: TxnId) -> bool {
        let used = self.free.lock().unused;
        (0..used).any(|slot| self.slot(slot as u16).id.load(Ordering::Acquire) == id.0)
    }

    /// Hands out no id below this one.
    pub(crate) fn skip_to(&self, next: TxnId) {
        self.next_id.fetch_max(next.0, Ordering::Relaxed);
    }

    /// Makes the transaction committed for snapshots from `ts` on. The caller serialises commits.
    pub(crate) fn set_committed(&self, writer: Writer, ts: u64) {
        self.slot(writer.slot()).state.store(ts, Ordering::Release);
    }

    /// Gives the slot back. No stamp may mention it any more. Returns whether somebody sleeps for it.
    #[must_use]
    pub(crate) fn release(&self, writer: Writer) -> bool {
        let slot = self.slot(writer.slot());
        slot.id.store(0, Ordering::SeqCst);
        let sleepers = slot.sleepers.load(Ordering::SeqCst) > 0;
        self.free.lock().slots.push(writer.slot());
        sleepers
    }

    /// Tells those who wait for the transaction that it gave up some of its changes. Returns whether there are any.
    #[must_use]
    pub(crate) fn bump_epoch(&self, writer: Writer) -> bool {
        let slot = self.slot(writer.slot());
        slot.epoch.fetch_add(1, Ordering::SeqCst);
        slot.sleepers.load(Ordering::SeqCst) > 0
    }

    /// Announces a sleeper, before it asks [`Writers::is_pending`]: either it sees the end or the end sees it.
    pub(crate) fn add_sleeper(&self, holder: Holder) {
        self.slot(holder.slot).sleepers.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn remove_sleeper(&self, holder: Holder) {
        self.slot(holder.slot).sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    /// The commit timestamp behind an in-progress stamp, if its writer has committed and is about to rewrite it.
    #[inline]
    pub(crate) fn committed_at(&self, writer: Writer) -> Option<u64> {
        match self.slot(writer.slot()).state.load(Ordering::Acquire) {
            IN_PROGRESS => None,
            ts => Some(ts),
        }
    }

    /// Identity of the writer of an in-progress stamp, to be asked under the latch under which the stamp was read.
    pub(crate) fn holder(&self, writer: Writer) -> Holder {
        let slot = self.slot(writer.slot());
        Holder {
            slot: writer.slot(),
            epoch: slot.epoch.load(Ordering::Acquire),
            id: TxnId(slot.id.load(Ordering::Acquire)),
        }
    }

    /// Whether waiting for the holder still makes sense.
    pub(crate) fn is_pending(&self, holder: Holder) -> bool {
        let slot = self.slot(holder.slot);
        slot.id.load(Ordering::SeqCst) == holder.id.0 && slot.epoch.load(Ordering::SeqCst) == holder.epoch
    }

    /// Session of a holder.
    pub(crate) fn session(&self, holder: Holder) -> u32 {
        self.slot(holder.slot).session.load(Ordering::Acquire)
    }

    /// Replaces an in-progress stamp of a transaction that has committed by its timestamp.
    #[inline]
    pub(crate) fn resolve(&self, stamp: Stamp) -> Stamp {
        if stamp.is_committed() || stamp.is_free() {
            return stamp;
        }
        self.committed_at(stamp.writer()).map_or(stamp, Stamp::committed)
    }

    /// Whether a version with this stamp is in the view.
    #[inline]
    pub(crate) fn sees(&self, view: &View, stamp: Stamp) -> bool {
        if stamp.is_committed() {
            return stamp.0 <= view.ts;
        }
        if stamp.is_free() {
            return false;
        }
        if view.own == Some(stamp.writer()) {
            return stamp.command() < view.command;
        }
        self.committed_at(stamp.writer()).is_some_and(|ts| ts <= view.ts)
    }
}

/// First id of an ordinary transaction, as in PostgreSQL.
const FIRST_NORMAL_ID: u64 = 3;
