//! What commits leave behind, until no snapshot can see it.
//!
//! Every commit that replaced something hands in a parcel with its timestamp. Parcels are opened in order, a few at
//! a time and by whoever commits, once the oldest snapshot is at or past their timestamp.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dictdb_types::RowId;
use parking_lot::Mutex;

use crate::index::{Index, Key};
use crate::storage::{Shared, Storage};
use crate::table::Table;

/// After so many parcels a committer looks for the oldest snapshot again and opens what it may.
const PARCELS_PER_LOOK: usize = 32;
/// At most so many items are reclaimed by one commit: the work that a commit leaves behind is done twice as fast.
const ITEMS_PER_COMMIT: usize = 256;

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

    pub(crate) fn add(&self, parcel: Parcel) {
        self.items.fetch_add(parcel.items.len(), Ordering::Relaxed);
        self.parcels.lock().push_back(parcel);
        self.since_look.fetch_add(1, Ordering::Relaxed);
    }

    /// A bounded piece of the work, for committers.
    pub(crate) fn help(&self, shared: &Shared) {
        if self.since_look.load(Ordering::Relaxed) >= PARCELS_PER_LOOK {
            self.since_look.store(0, Ordering::Relaxed);
            self.collect(shared, PARCELS_PER_LOOK * 4, ITEMS_PER_COMMIT);
        }
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
        self.0.garbage.collect(&self.0, usize::MAX, usize::MAX)
    }

    /// Versions, rows and index entries that wait until no snapshot can see them.
    pub fn garbage(&self) -> usize {
        self.0.garbage.pending()
    }
}
