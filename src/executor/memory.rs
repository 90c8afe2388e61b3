//! The memory budget: what tables and their indexes hold, also those that a restore builds, and what statements and caches reserve
//! beside them.
//!
//! Reservations are counted exactly, tables are measured: not oftener than a small part of the time goes into it. The last eighth of the
//! budget is not for rows, so that statements can still be run when tables are full: to look, and to delete.

use std::fmt::{Display, Formatter};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use datafusion_common::{DataFusionError, Result as DataFusionResult};
use datafusion_execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};
use dictdb_storage::Storage;
use parking_lot::Mutex;

/// Part of the budget that rows do not get.
const STATEMENTS_PART: usize = 8;
/// Time between two measurements, at least, and as a multiple of what one takes.
const MEASURE_EVERY_MICROS: u64 = 100_000;
const MEASURE_PART: u64 = 50;

/// The budget of a server.
pub(crate) struct Budget {
    limit: usize,
    reserved: AtomicUsize,
    tables: Tables,
}

/// What tables hold, as last measured.
struct Tables {
    storage: OnceLock<Storage>,
    /// Storages that are being built beside it.
    beside: Mutex<Vec<Storage>>,
    bytes: AtomicUsize,
    begun: Instant,
    /// When to measure again, in microseconds since `begun`.
    due: AtomicU64,
}

impl Tables {
    /// Bytes that tables hold now, or a little while ago.
    fn bytes(&self) -> usize {
        if self.storage.get().is_none() {
            return 0;
        }
        let now = self.micros();
        let due = self.due.load(Ordering::Relaxed);
        let is_mine = || self.due.compare_exchange(due, u64::MAX, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if now >= due && is_mine() {
            self.measure();
        }
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes that tables hold now.
    fn measure(&self) -> usize {
        let begun = self.micros();
        let beside = self.beside.lock().clone();
        let bytes = self.storage.get().into_iter().chain(&beside).map(Storage::bytes).sum();
        self.bytes.store(bytes, Ordering::Relaxed);
        let done = self.micros();
        self.due.store(done + MEASURE_EVERY_MICROS.max((done - begun) * MEASURE_PART), Ordering::Relaxed);
        bytes
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Budget {
        let (bytes, due) = (AtomicUsize::new(0), AtomicU64::new(0));
        let tables = Tables { storage: OnceLock::new(), beside: Mutex::default(), bytes, begun: Instant::now(), due };
        Budget { limit, reserved: AtomicUsize::new(0), tables }
    }

    /// Names the storage whose tables count; once.
    pub fn count(&self, storage: Storage) {
        // A server has one storage.
        let _ = self.tables.storage.set(storage);
    }

    /// Has a storage that is being built count, or count no longer.
    pub fn count_beside(&self, storage: &Storage, counts: bool) {
        let mut beside = self.tables.beside.lock();
        match counts {
            true => beside.push(storage.clone()),
            false => beside.retain(|other| !other.is_same(storage)),
        }
    }

    /// What stands in the way of more rows, if anything does.
    pub fn obstacle(&self) -> Option<String> {
        // A transaction may have given much back a moment ago.
        if self.is_full(self.tables.bytes()) { self.obstacle_now() } else { None }
    }

    /// The same by what tables hold now.
    pub fn obstacle_now(&self) -> Option<String> {
        let (tables, reserved, limit) = (self.tables.measure(), self.reserved(), self.limit);
        self.is_full(tables).then(|| {
            format!("Tables hold {tables} bytes and statements {reserved} of the {limit} bytes of max_memory.")
        })
    }

    fn is_full(&self, tables: usize) -> bool {
        tables > self.limit - self.limit / STATEMENTS_PART || tables + self.reserved() > self.limit
    }
}

impl MemoryPool for Budget {
    fn name(&self) -> &str {
        "max_memory"
    }

    fn grow(&self, _: &MemoryReservation, additional: usize) {
        self.reserved.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, _: &MemoryReservation, shrink: usize) {
        self.reserved.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> DataFusionResult<()> {
        let room = self.limit.saturating_sub(self.tables.bytes()).max(self.limit / STATEMENTS_PART);
        let grown = |used: usize| used.checked_add(additional).filter(|used| *used <= room);
        match self.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown) {
            Ok(_) => Ok(()),
            Err(used) => {
                let consumer = reservation.consumer().name();
                let held = reservation.size();
                let detail = format!(
                    "Failed to allocate {additional} bytes for {consumer}, which holds {held}: statements hold {used} of {room} bytes."
                );
                Err(DataFusionError::ResourcesExhausted(detail))
            }
        }
    }

    fn reserved(&self) -> usize {
        self.reserved.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Display::fmt(self, f)
    }
}

impl Display for Budget {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} bytes", self.reserved(), self.limit)
    }
}
