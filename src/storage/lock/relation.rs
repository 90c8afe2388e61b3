//! Relation locks: three weak modes as counters in one atomic word, the rest in the manager's queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use smallvec::SmallVec;

use super::wait::WaitCell;
use super::{LockMode, LockTag};

/// Set while the relation has a queue: weak modes then take the slow path too.
const STRONG: u64 = 1 << 63;
const COUNTER_BITS: u32 = 21;

/// The lock of one relation. Plans keep it, so that locking needs no lookup.
#[derive(Debug)]
pub struct RelationLock {
    tag: LockTag,
    state: AtomicU64,
}

fn unit(mode: LockMode) -> u64 {
    1 << ((mode as u32 - 1) * COUNTER_BITS)
}

impl RelationLock {
    pub(super) fn new(tag: LockTag) -> Self {
        RelationLock { tag, state: AtomicU64::new(0) }
    }

    /// What it is on.
    pub fn tag(&self) -> LockTag {
        self.tag
    }

    /// Takes a weak mode if no strong one is about: one atomic operation.
    pub(super) fn try_weak(&self, mode: LockMode) -> bool {
        let granted = self.state.fetch_add(unit(mode), Ordering::AcqRel) & STRONG == 0;
        if !granted {
            self.state.fetch_sub(unit(mode), Ordering::AcqRel);
        }
        granted
    }

    /// Counts a weak mode that the manager granted.
    pub(super) fn add_weak(&self, mode: LockMode) {
        self.state.fetch_add(unit(mode), Ordering::AcqRel);
    }

    /// Gives a weak mode back. Returns whether somebody may wait for that.
    pub(super) fn release_weak(&self, mode: LockMode) -> bool {
        self.state.fetch_sub(unit(mode), Ordering::AcqRel) & STRONG != 0
    }

    pub(super) fn set_strong(&self, strong: bool) {
        match strong {
            true => self.state.fetch_or(STRONG, Ordering::AcqRel),
            false => self.state.fetch_and(!STRONG, Ordering::AcqRel),
        };
    }

    /// Holders of a weak mode, over all sessions.
    pub(super) fn weak_count(&self, mode: LockMode) -> u64 {
        (self.state.load(Ordering::Acquire) / unit(mode)) & ((1 << COUNTER_BITS) - 1)
    }
}

/// A relation lock of a session's transaction.
#[derive(Clone, Debug)]
pub(crate) struct HeldRelation {
    pub(super) lock: Arc<RelationLock>,
    pub(super) mode: LockMode,
}

/// An advisory lock of a session.
#[derive(Clone, Debug)]
pub(crate) struct HeldAdvisory {
    pub(super) tag: LockTag,
    pub(super) mode: LockMode,
    /// How often it was taken at session level.
    pub(super) session: u32,
}

/// Locks of a session. Those of its transaction are in the order taken.
#[derive(Debug, Default)]
pub(crate) struct HeldLocks {
    pub(super) relations: SmallVec<[HeldRelation; 8]>,
    /// Transaction-level advisory locks, once per call.
    pub(super) advisory: Vec<(LockTag, LockMode)>,
    pub(super) session_advisory: Vec<HeldAdvisory>,
    /// Transactions that the session has ended.
    pub(super) ended: u64,
    /// Who waits for the end of the one it is in.
    pub(super) watchers: Vec<Arc<WaitCell>>,
}

impl HeldLocks {
    /// Whether the transaction has this mode on the relation.
    pub(super) fn has(&self, tag: LockTag, mode: LockMode) -> bool {
        self.relations.iter().any(|held| held.mode == mode && held.lock.tag == tag)
    }

    /// Modes held on a tag at any level, as bits.
    pub(super) fn modes(&self, tag: LockTag) -> u16 {
        let relations = self.relations.iter().filter(|held| held.lock.tag == tag).map(|held| held.mode);
        let advisory = self.advisory.iter().filter(|held| held.0 == tag).map(|held| held.1);
        let session = self.session_advisory.iter().filter(|held| held.tag == tag).map(|held| held.mode);
        relations.chain(advisory).chain(session).fold(0, |set, mode| set | mode.bit())
    }

    /// The locks of the transaction.
    pub(crate) fn of_transaction(&self) -> impl Iterator<Item = (LockTag, LockMode)> {
        let relations = self.relations.iter().map(|held| (held.lock.tag, held.mode));
        relations.chain(self.advisory.iter().copied())
    }

    /// Whether session and transaction both have the same advisory lock.
    pub(crate) fn has_shared_advisory(&self) -> bool {
        self.session_advisory.iter().any(|held| self.advisory.iter().any(|(tag, _)| *tag == held.tag))
    }

    /// Gives back the transaction's locks taken after a mark. Those that somebody may wait for are returned; the others cost one
    /// atomic operation each.
    pub(super) fn give_back(&mut self, mark: (usize, usize)) -> SmallVec<[(LockTag, LockMode); 4]> {
        let mut queued = SmallVec::new();
        while self.relations.len() > mark.0
            && let Some(HeldRelation { lock, mode }) = self.relations.pop()
        {
            if !mode.is_weak() || lock.release_weak(mode) {
                queued.push((lock.tag(), mode));
            }
        }
        if self.advisory.len() > mark.1 {
            queued.extend(self.advisory.drain(mark.1..));
        }
        queued
    }

    /// How much the transaction holds: a mark for savepoints.
    pub(crate) fn mark(&self) -> (usize, usize) {
        (self.relations.len(), self.advisory.len())
    }
}
