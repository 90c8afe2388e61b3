//! What commits leave behind, until no snapshot can see it.
//!
//! Every commit that replaced something hands in a parcel with its timestamp. Parcels are opened in order, a few at
//! a time and by whoever commits, once the oldest snapshot is at or past their timestamp.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dictdb_types::RowId;
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::index::{Index, Key};
use crate::storage::{Shared, Storage};
use crate::table::Table;

/// After so many parcels a committer looks for the oldest snapshot again.
const PARCELS_PER_LOOK: usize = 32;
/// A commit reclaims at most so many things of others' making.
const ITEMS_PER_COMMIT: usize = 256;
/// A commit reclaims its own garbage at once if there is at most so much of it, and few sessions to look at.
const ITEMS_AT_ONCE: usize = 1024;
const LINES_AT_ONCE: u32 = 16;

/// One thing to reclaim.
pub(crate) enum Item {
    /// Old versions of a row, and the row itself if its newest version is a delete.
    Row(RowId),
    /// An entry for a key that the row no longer has; without a key, only the announcement of the change.
    Entry(Arc<Index>, Option<Key>, RowId),
}

/// What one commit replaced in one table.
pub(crate) struct Parcel {
    pub(crate) ts: u64,
    pub(crate) table: Arc<Table>,
    pub(crate) items: Vec<Item>,
}

/// Parcels in commit order, roughly: a parcel may stand behind a slightly younger one.
#[derive(Default)]
pub(crate) struct Garbage {
    parcels: Mutex<VecDeque<Parcel>>,
    items: AtomicUsize,
    since_look: AtomicUsize,
    /// The horizon as last computed.
    horizon: AtomicU64,
}

impl Garbage {
    /// Things that wait to be reclaimed.
    pub(crate) fn pending(&self) -> usize {
        self.items.load(Ordering::Relaxed)
    }

    /// Takes what a commit replaced. Where nobody can see it any more it is reclaimed here and now: the memory is in
    /// the cache, and it is the cheapest moment.
    pub(crate) fn add(&self, shared: &Shared, parcels: SmallVec<[Parcel; 2]>) {
        let Some(ts) = parcels.first().map(|parcel| parcel.ts) else { return };
        let count: usize = parcels.iter().map(|parcel| parcel.items.len()).sum();
        if count <= ITEMS_AT_ONCE && shared.pins.lines() <= LINES_AT_ONCE {
            let horizon = shared.horizon();
            if horizon >= ts {
                parcels.into_iter().for_each(|parcel| parcel.table.reclaim(parcel.items, horizon));
                return;
            }
        }
        self.items.fetch_add(count, Ordering::Relaxed);
        self.since_look.fetch_add(1, Ordering::Relaxed);
        self.parcels.lock().extend(parcels);
    }

    /// A bounded piece of the work, for committers.
    pub(crate) fn help(&self, shared: &Shared) {
        let pending = self.items.load(Ordering::Relaxed);
        if pending == 0 {
            return;
        }
        // A look that found the oldest snapshot stuck is not repeated by every commit.
        if pending < ITEMS_PER_COMMIT && self.since_look.load(Ordering::Relaxed) < PARCELS_PER_LOOK {
            return;
        }
        let stuck = self.parcels.lock().front().is_some_and(|parcel| parcel.ts > self.horizon.load(Ordering::Relaxed));
        if stuck && self.since_look.fetch_add(1, Ordering::Relaxed) < PARCELS_PER_LOOK {
            return;
        }
        self.since_look.store(0, Ordering::Relaxed);
        self.collect(shared, usize::MAX, ITEMS_PER_COMMIT);
    }

    /// Opens up to `parcels` parcels and reclaims up to about `items` things. Returns how many were reclaimed.
    pub(crate) fn collect(&self, shared: &Shared, parcels: usize, items: usize) -> usize {
        let horizon = shared.horizon();
        self.horizon.store(horizon, Ordering::Relaxed);
        let mut done = 0;
        for _ in 0..parcels {
            let mut parcel = {
                let mut queue = self.parcels.lock();
                match queue.front() {
                    Some(parcel) if parcel.ts <= horizon => queue.pop_front(),
                    _ => None,
                }
            };
            let Some(open) = &mut parcel else { break };
            let rest = open.items.split_off(open.items.len().min(items - done));
            done += open.items.len();
            open.table.reclaim(std::mem::take(&mut open.items), horizon);
            if !rest.is_empty() {
                self.parcels.lock().push_front(Parcel { items: rest, table: open.table.clone(), ts: open.ts });
            }
            if done >= items {
                break;
            }
        }
        self.items.fetch_sub(done, Ordering::Relaxed);
        done
    }
}

impl Storage {
    /// Reclaims everything that no snapshot can see. Returns how many versions, rows and index entries were looked at.
    pub fn vacuum(&self) -> usize {
        let collected = self.0.garbage.collect(&self.0, usize::MAX, usize::MAX);
        self.tables().iter().for_each(|table| table.release_free_slots());
        collected
    }

    /// Versions, rows and index entries that wait until no snapshot can see them.
    pub fn garbage(&self) -> usize {
        self.0.garbage.pending()
    }
}
