//! Batches on their way to the disk: taken from the tail, written, and not yet known to be durable.
//!
//! ```text
//!   durable ──┤ batch of one writer ├─┤ batch of the other ├── taken   tail ── appended
//! ```
//! Two writers may each sync a batch at a time. The later one may come back first: what it wrote counts only when everything before it is on
//! disk too, so that the durable position never passes a hole. A batch that fails never comes back, and holds up all that follow.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::Lsn;
use crate::log::tail::Batch;

struct Flight {
    end: Lsn,
    records: u64,
    has_landed: bool,
}

/// The batches, in order.
#[derive(Default)]
pub(super) struct Flights {
    all: Mutex<VecDeque<Flight>>,
    /// How many records are in them.
    records: AtomicU64,
    /// The end of the last one.
    taken: AtomicU64,
}

impl Flights {
    /// A batch is on its way. Called in the order of the log.
    pub(super) fn depart(&self, batch: &Batch) {
        self.all.lock().push_back(Flight { end: batch.end(), records: batch.records, has_landed: false });
        self.records.fetch_add(batch.records, Ordering::Relaxed);
        self.taken.store(batch.end().0, Ordering::SeqCst);
    }

    /// A batch is on disk. `publish` is told the position up to which everything is, if that has changed.
    pub(super) fn land(&self, end: Lsn, publish: impl FnOnce(Lsn)) {
        let mut all = self.all.lock();
        if let Some(flight) = all.iter_mut().find(|flight| flight.end == end) {
            flight.has_landed = true;
        }
        let mut durable = None;
        while let Some(flight) = all.pop_front_if(|flight| flight.has_landed) {
            self.records.fetch_sub(flight.records, Ordering::Relaxed);
            durable = Some(flight.end);
        }
        if let Some(durable) = durable {
            publish(durable);
        }
    }

    /// Forgets those that failed.
    pub(super) fn clear(&self) {
        self.all.lock().clear();
        self.records.store(0, Ordering::Relaxed);
    }

    /// How many records are on their way.
    pub(super) fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Whether a position is on its way, or there already.
    pub(super) fn have_taken(&self, lsn: Lsn) -> bool {
        self.taken.load(Ordering::SeqCst) >= lsn.0
    }
}
