//! The results themselves: by key, within a number of bytes, the least recently used going first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use dictdb_executor::{Engine, Reservation, Row};
use dictdb_types::{CommitTs, Oid, Result};
use parking_lot::Mutex;

use super::POLICIES;
use super::latency::{Latency, LatencyReading};

/// Approximate bytes of an entry besides its key and rows.
const ENTRY_BYTES: usize = 256;

/// A result.
pub(crate) struct Entry {
    pub rows: Arc<[Row]>,
    /// `dictdb.cache_key` of the session that made it.
    pub label: Arc<str>,
    pub database: Oid,
    /// The last commit that it shows.
    pub ts: CommitTs,
    /// When its policy says that it is too old.
    pub expires: Option<Instant>,
    /// Approximate memory of the rows.
    pub bytes: usize,
}

struct Kept {
    entry: Entry,
    bytes: usize,
    /// Its place in [`State::order`].
    used: u64,
}

#[derive(Default)]
struct State {
    entries: HashMap<Arc<[u8]>, Kept>,
    /// Keys from the least recently used on.
    order: BTreeMap<u64, Arc<[u8]>>,
    next_use: u64,
    bytes: usize,
    memory: Option<Reservation>,
}

impl State {
    fn remove(&mut self, key: &[u8]) -> bool {
        let Some(kept) = self.entries.remove(key) else { return false };
        self.order.remove(&kept.used);
        self.bytes -= kept.bytes;
        if let Some(memory) = &mut self.memory {
            memory.shrink(kept.bytes);
        }
        true
    }

    fn use_now(&mut self, key: &[u8]) {
        let next = self.next_use;
        let Some((key, kept)) = self.entries.get_key_value(key).map(|(key, kept)| (key.clone(), kept.used)) else {
            return;
        };
        self.order.remove(&kept);
        self.order.insert(next, key.clone());
        self.next_use += 1;
        if let Some(kept) = self.entries.get_mut(&key) {
            kept.used = next;
        }
    }
}

/// Counts since the server started. Those of look-ups are by policy, the last one being that of no policy.
#[derive(Debug, Default)]
struct Counters {
    hits: [AtomicU64; POLICIES.len() + 1],
    misses: [AtomicU64; POLICIES.len() + 1],
    evictions: AtomicU64,
    expirations: AtomicU64,
    invalidations: AtomicU64,
    gets: Latency,
    puts: Latency,
}

/// One reading of the counts.
#[derive(Clone, Debug, Default)]
pub struct CacheReading {
    /// Name of a policy, or `result` for none, hits and misses.
    pub lookups: Vec<(&'static str, u64, u64)>,
    /// Results that made room for others.
    pub evictions: u64,
    /// Results that were too old.
    pub expirations: u64,
    /// Results that somebody had removed.
    pub invalidations: u64,
    /// Results that are kept.
    pub keys: u64,
    /// Their memory.
    pub bytes: u64,
    /// How long look-ups took.
    pub gets: LatencyReading,
    /// How long it took to keep results.
    pub puts: LatencyReading,
}

/// The results of all sessions.
#[derive(Default)]
pub(crate) struct ResultCache {
    state: Mutex<State>,
    counters: Counters,
}

impl ResultCache {
    /// The rows under a key, if `is_good` says so of the entry. An entry that has expired goes.
    pub fn get(&self, key: &[u8], policy: Option<usize>, is_good: impl FnOnce(&Entry) -> bool) -> Option<Arc<[Row]>> {
        let found = self.counters.gets.of(|| self.look_up(key, is_good));
        let counters = if found.is_some() { &self.counters.hits } else { &self.counters.misses };
        counters[policy.unwrap_or(POLICIES.len())].fetch_add(1, Ordering::Relaxed);
        found
    }

    fn look_up(&self, key: &[u8], is_good: impl FnOnce(&Entry) -> bool) -> Option<Arc<[Row]>> {
        let mut state = self.state.lock();
        let entry = &state.entries.get(key)?.entry;
        if entry.expires.is_some_and(|expires| expires <= Instant::now()) {
            state.remove(key);
            self.counters.expirations.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let rows = is_good(entry).then(|| entry.rows.clone())?;
        state.use_now(key);
        Some(rows)
    }

    /// Keeps a result, in the place of an older one, within so many bytes. Without room for it in the server's memory it is not kept,
    /// and that is false.
    pub fn put(&self, key: &[u8], entry: Entry, limit_bytes: usize, engine: &Engine) -> bool {
        self.counters.puts.of(|| self.keep(key, entry, limit_bytes, engine))
    }

    fn keep(&self, key: &[u8], entry: Entry, limit_bytes: usize, engine: &Engine) -> bool {
        let bytes = entry.bytes + key.len() + entry.label.len() + ENTRY_BYTES;
        let mut state = self.state.lock();
        state.remove(key);
        if bytes > limit_bytes {
            return true;
        }
        while state.bytes + bytes > limit_bytes {
            let Some(oldest) = state.order.first_key_value().map(|(_, key)| key.clone()) else { break };
            state.remove(&oldest);
            self.counters.evictions.fetch_add(1, Ordering::Relaxed);
        }
        let memory = state.memory.get_or_insert_with(|| engine.reserve("result cache"));
        if memory.grow(bytes).is_err() {
            return false;
        }
        let (key, used): (Arc<[u8]>, u64) = (key.into(), state.next_use);
        state.next_use += 1;
        state.bytes += bytes;
        state.order.insert(used, key.clone());
        state.entries.insert(key, Kept { entry, bytes, used });
        true
    }

    /// Removes the results of a database whose label satisfies a condition; how many.
    pub fn invalidate(&self, database: Oid, matches: impl Fn(&str) -> Result<bool>) -> Result<u64> {
        let mut state = self.state.lock();
        let mut doomed = Vec::new();
        for (key, kept) in state.entries.iter().filter(|(_, kept)| kept.entry.database == database) {
            if matches(&kept.entry.label)? {
                doomed.push(key.clone());
            }
        }
        doomed.iter().for_each(|key| {
            state.remove(key);
        });
        self.counters.invalidations.fetch_add(doomed.len() as u64, Ordering::Relaxed);
        Ok(doomed.len() as u64)
    }

    /// Removes everything.
    pub fn clear(&self) {
        *self.state.lock() = State::default();
    }

    /// What was counted, and what is kept.
    pub fn read(&self) -> CacheReading {
        let get = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let names = POLICIES.iter().map(|policy| policy.name).chain(["result"]);
        let Counters { hits, misses, evictions, expirations, invalidations, gets, puts } = &self.counters;
        let state = self.state.lock();
        CacheReading {
            lookups: names
                .zip(hits.iter().zip(misses))
                .map(|(name, (hit, miss))| (name, get(hit), get(miss)))
                .collect(),
            evictions: get(evictions),
            expirations: get(expirations),
            invalidations: get(invalidations),
            keys: state.entries.len() as u64,
            bytes: state.bytes as u64,
            gets: gets.read(),
            puts: puts.read(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dictdb_functions::Registry;
    use dictdb_types::Datum;

    use super::*;

    fn entry(label: &str, expires: Option<Instant>) -> Entry {
        let rows: Arc<[Row]> = vec![vec![Datum::Int4(1)]].into();
        Entry { rows, label: label.into(), database: Oid(1), ts: CommitTs(5), expires, bytes: 1000 }
    }

    fn engine() -> Arc<Engine> {
        Engine::new(1 << 20, Registry::builtin()).unwrap()
    }

    fn has(cache: &ResultCache, key: &[u8]) -> bool {
        cache.get(key, None, |_| true).is_some()
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let (cache, engine) = (ResultCache::default(), engine());
        for key in [b"a", b"b"] {
            cache.put(key, entry("", None), 3000, &engine);
        }
        assert!(has(&cache, b"a"));
        cache.put(b"c", entry("", None), 3000, &engine);
        assert!(has(&cache, b"a") && !has(&cache, b"b") && has(&cache, b"c"));
        let reading = cache.read();
        assert_eq!((reading.evictions, reading.keys), (1, 2));
        assert_eq!(reading.bytes as usize, engine.reserved_bytes());
    }

    #[test]
    fn what_is_too_large_or_too_old_is_not_given() {
        let (cache, engine) = (ResultCache::default(), engine());
        cache.put(b"large", entry("", None), 1000, &engine);
        cache.put(b"old", entry("", Some(Instant::now())), 9000, &engine);
        cache.put(b"young", entry("", Some(Instant::now() + Duration::from_secs(60))), 9000, &engine);
        assert!(!has(&cache, b"large") && !has(&cache, b"old") && has(&cache, b"young"));
        assert!(cache.get(b"young", None, |entry| entry.ts >= CommitTs(6)).is_none());
        assert_eq!((cache.read().expirations, cache.read().keys), (1, 1));
    }

    #[test]
    fn results_are_removed_by_label_and_database() {
        let (cache, engine) = (ResultCache::default(), engine());
        for (key, label) in [(b"1", "device:1"), (b"2", "device:2"), (b"3", "other")] {
            cache.put(key, entry(label, None), 9000, &engine);
        }
        let of_device = |label: &str| Ok(label.starts_with("device:"));
        assert_eq!(cache.invalidate(Oid(2), of_device).unwrap(), 0);
        assert_eq!(cache.invalidate(Oid(1), of_device).unwrap(), 2);
        assert!(has(&cache, b"3") && !has(&cache, b"1"));
    }
}
