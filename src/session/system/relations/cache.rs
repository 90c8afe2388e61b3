//! `dictdb.cache_stats`.

use super::super::output::{Output, row};
use super::Source;

/// What the cache of results has done since the server started, and what it holds.
pub fn cache_stats(source: &Source<'_>, out: &mut Output<'_>) {
    let instance = &source.env.shared.instance;
    let reading = instance.results.read();
    let hits: u64 = reading.lookups.iter().map(|(_, hits, _)| hits).sum();
    let misses: u64 = reading.lookups.iter().map(|(_, _, misses)| misses).sum();
    let rate = hits as f64 / (hits + misses).max(1) as f64;
    row!(out; hits as i64, misses as i64, rate, reading.keys as i64, reading.bytes as i64,
        instance.result_cache_bytes() as i64, reading.evictions as i64, reading.expirations as i64,
        reading.invalidations as i64);
}
