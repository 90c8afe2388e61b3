//! What became of transactions: the ids behind commit timestamps, and who rolled back.
//!
//! Versions carry commit timestamps, clients know ids (`xmin`, `pg_xact_status`). The ids of the last commits are kept, in
//! the order of their timestamps; a version from before them counts as frozen, which is what PostgreSQL's catalogs call a
//! version that everybody sees.

use std::collections::{BTreeSet, VecDeque};

use dictdb_types::TxnId;
use parking_lot::Mutex;

use crate::block::RowView;
use crate::transaction::Transaction;
use crate::version::Stamp;

/// Commits whose ids are known, and rollbacks.
pub(crate) const COMMITS_KEPT: usize = 1 << 20;
const ROLLBACKS_KEPT: usize = 1 << 14;
/// `FrozenTransactionId`.
const FROZEN: TxnId = TxnId(2);
/// `FirstNormalTransactionId`.
pub(crate) const FIRST_NORMAL: u64 = 3;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has not.
    InProgress,
    /// Its changes are there for good.
    Committed,
    /// They are gone.
    Aborted,
}

/// The transactions behind a version of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who made it.
    pub made_by: TxnId,
    /// Who replaced or deleted it, or is about to; zero is nobody.
    pub ended_by: TxnId,
    /// The command that made it, while its transaction is in progress.
    pub command: u32,
}

#[derive(Default)]
pub(crate) struct History(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// Timestamp of the first of `ids`, which are those of consecutive commits.
    first: u64,
    ids: VecDeque<TxnId>,
    aborted: BTreeSet<TxnId>,
    /// Transactions before this one are not remembered.
    known_from: TxnId,
}

impl History {
    /// Notes a commit, in the order of commits.
    pub(crate) fn committed(&self, ts: u64, id: TxnId) {
        let mut kept = self.0.lock();
        if kept.ids.is_empty() || kept.first + kept.ids.len() as u64 != ts {
            kept.ids.clear();
            kept.first = ts;
        }
        if kept.ids.len() == COMMITS_KEPT {
            kept.ids.pop_front();
            kept.first += 1;
        }
        kept.ids.push_back(id);
    }

    /// Notes a rollback.
    pub(crate) fn aborted(&self, id: TxnId) {
        let mut kept = self.0.lock();
        kept.aborted.insert(id);
        if kept.aborted.len() > ROLLBACKS_KEPT
            && let Some(forgotten) = kept.aborted.pop_first()
        {
            kept.known_from = kept.known_from.max(TxnId(forgotten.0 + 1));
        }
    }

    /// Nothing is known of transactions before this one.
    pub(crate) fn begins_at(&self, id: TxnId) {
        self.0.lock().known_from = id;
    }

    /// The transaction that committed at a moment.
    fn id_at(&self, ts: u64) -> TxnId {
        let kept = self.0.lock();
        let at = ts.checked_sub(kept.first).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| kept.ids.get(at)).copied().unwrap_or(FROZEN)
    }
}

impl Transaction {
    /// The transactions behind a version of a row.
    pub fn origin(&self, version: &RowView<'_>) -> Origin {
        let (made, ended) = version.stamps();
        let command = if made.is_committed() { 0 } else { made.command() };
        let ended_by = ended.map_or(TxnId(0), |stamp| self.id_behind(stamp));
        Origin { made_by: self.id_behind(made), ended_by, command }
    }

    fn id_behind(&self, stamp: Stamp) -> TxnId {
        let shared = &self.session().shared;
        match shared.writers.resolve(stamp) {
            settled if settled.is_committed() => shared.history.id_at(settled.0),
            open => shared.writers.holder(open.writer()).id(),
        }
    }

    /// How a transaction ended; `None` when that is not known any more, or when there was none.
    pub fn outcome_of(&self, id: TxnId) -> Option<Outcome> {
        let shared = &self.session().shared;
        if id.0 < FROZEN.0 + 1 {
            return (id.0 > 0).then_some(Outcome::Committed);
        }
        if shared.writers.is_in_progress(id) {
            return Some(Outcome::InProgress);
        }
        let kept = shared.history.0.lock();
        match kept.aborted.contains(&id) {
            true => Some(Outcome::Aborted),
            false => (id >= kept.known_from).then_some(Outcome::Committed),
        }
    }

    /// The ids of the transactions that have written and are in progress, ascending.
    pub fn ids_in_progress(&self) -> Vec<TxnId> {
        self.session().shared.writers.ids()
    }

    /// The id the next writing transaction gets.
    pub fn next_id(&self) -> TxnId {
        self.session().shared.writers.next_id()
    }
}
