//! How long the cache of results takes to be asked and to be filled, counted in buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Upper bounds of the buckets; one more bucket has what is longer.
pub const BOUNDS_NANOS: [u64; 10] =
    [500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
const BUCKETS: usize = BOUNDS_NANOS.len() + 1;

/// Durations of one kind of operation.
#[derive(Debug, Default)]
pub(super) struct Latency {
    counts: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

impl Latency {
    /// Does something and counts how long it took.
    pub(super) fn of<T>(&self, operation: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = operation();
        self.count(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        result
    }

    fn count(&self, nanos: u64) {
        self.counts[BOUNDS_NANOS.partition_point(|bound| *bound < nanos)].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What was counted.
    pub(super) fn read(&self) -> LatencyReading {
        LatencyReading {
            counts: std::array::from_fn(|bucket| self.counts[bucket].load(Ordering::Relaxed)),
            nanos: self.nanos.load(Ordering::Relaxed),
        }
    }
}

/// One reading of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencyReading {
    /// How many there were in each bucket.
    pub counts: [u64; BUCKETS],
    /// All of them together.
    pub nanos: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_the_bucket_whose_bound_they_do_not_pass() {
        let latency = Latency::default();
        [0, 500, 501, u64::MAX >> 1].into_iter().for_each(|nanos| latency.count(nanos));
        let reading = latency.read();
        assert_eq!((reading.counts[0], reading.counts[1], reading.counts[BUCKETS - 1]), (2, 1, 1));
        assert_eq!(reading.nanos, (u64::MAX >> 1) + 1001);
        assert_eq!(latency.of(|| 7), 7);
        assert_eq!(latency.read().counts.iter().sum::<u64>(), 5);
    }
}
