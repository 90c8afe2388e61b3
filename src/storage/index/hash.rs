//! The hash index: key bytes to row ids in sharded hash tables.

use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use dictdb_types::RowId;
use hashbrown::{DefaultHashBuilder, HashSet, HashTable};
use parking_lot::RwLock;
use smallvec::SmallVec;

use super::RowIds;
use super::key::Key;

const SHARD_BITS: u32 = 4;

/// From so many rows of one key on, they are a set.
const FEW: usize = 16;

/// A key with its rows.
#[derive(Clone, Debug)]
struct Entry {
    key: Key,
    rows: Rows,
}

#[derive(Clone, Debug)]
enum Rows {
    Few(SmallVec<[RowId; 2]>),
    Many(HashSet<RowId>),
}

impl Rows {
    fn copy_to(&self, out: &mut RowIds) {
        match self {
            Rows::Few(rows) => out.extend_from_slice(rows),
            Rows::Many(rows) => out.extend(rows.iter().copied()),
        }
    }

    /// Whether the row was not there.
    fn add(&mut self, row: RowId) -> bool {
        match self {
            Rows::Few(rows) if rows.contains(&row) => false,
            Rows::Few(rows) if rows.len() < FEW => {
                rows.push(row);
                true
            }
            Rows::Few(rows) => {
                *self = Rows::Many(rows.iter().copied().chain([row]).collect());
                true
            }
            Rows::Many(rows) => rows.insert(row),
        }
    }

    fn contains(&self, row: RowId) -> bool {
        match self {
            Rows::Few(rows) => rows.contains(&row),
            Rows::Many(rows) => rows.contains(&row),
        }
    }

    /// Whether no row is left.
    fn remove(&mut self, row: RowId) -> bool {
        match self {
            Rows::Few(rows) => {
                rows.retain(|other| *other != row);
                rows.is_empty()
            }
            Rows::Many(rows) => {
                rows.remove(&row);
                rows.is_empty()
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Shard {
    table: HashTable<Entry>,
    entries: usize,
    boxed_bytes: usize,
}

/// An equality index. The hash is seeded, so that clients cannot choose collisions.
#[derive(Debug, Default)]
pub(super) struct HashIndex {
    shards: [RwLock<Shard>; 1 << SHARD_BITS],
    hasher: OnceLock<DefaultHashBuilder>,
}

impl HashIndex {
    /// The same entries, under the same hashes.
    pub(super) fn copy(&self) -> Self {
        let shards = std::array::from_fn(|shard| RwLock::new(self.shards[shard].read().clone()));
        HashIndex { shards, hasher: self.hasher.get_or_init(DefaultHashBuilder::default).clone().into() }
    }

    fn hash(&self, key: &Key) -> u64 {
        self.hasher.get_or_init(DefaultHashBuilder::default).hash_one((key.head, key.tail()))
    }

    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        // The table uses the upper seven bits and the lower ones: take bits between them.
        &self.shards[(hash >> 48) as usize & ((1 << SHARD_BITS) - 1)]
    }

    pub(super) fn lookup(&self, key: &[u8], rows: &mut RowIds, stale: &AtomicUsize) -> bool {
        let key = Key::new(key);
        let hash = self.hash(&key);
        let shard = self.shard(hash).read();
        if let Some(entry) = shard.table.find(hash, |entry| entry.key == key) {
            entry.rows.copy_to(rows);
        }
        stale.load(Ordering::Acquire) == 0
    }

    pub(super) fn holds(&self, key: &[u8], row: RowId) -> bool {
        let key = Key::new(key);
        let hash = self.hash(&key);
        let shard = self.shard(hash).read();
        shard.table.find(hash, |entry| entry.key == key).is_some_and(|entry| entry.rows.contains(row))
    }

    pub(super) fn each_entry(&self, part: usize, visit: &mut dyn FnMut(&[u8], RowId)) -> bool {
        let Some(shard) = self.shards.get(part) else { return false };
        let mut rows = RowIds::new();
        for entry in &shard.read().table {
            rows.clear();
            entry.rows.copy_to(&mut rows);
            let key = entry.key.to_bytes();
            rows.iter().for_each(|row| visit(&key, *row));
        }
        true
    }

    pub(super) fn insert(&self, key: &[u8], row: RowId) {
        let key = Key::new(key);
        let hash = self.hash(&key);
        self.add(&mut self.shard(hash).write(), hash, key, row);
    }

    fn add(&self, shard: &mut Shard, hash: u64, key: Key, row: RowId) {
        if let Some(entry) = shard.table.find_mut(hash, |entry| entry.key == key) {
            shard.entries += usize::from(entry.rows.add(row));
            return;
        }
        shard.entries += 1;
        shard.boxed_bytes += key.boxed_bytes();
        let entry = Entry { key, rows: Rows::Few(SmallVec::from_slice(&[row])) };
        shard.table.insert_unique(hash, entry, |entry| self.hash(&entry.key));
    }

    pub(super) fn insert_unique<E>(
        &self,
        key: &[u8],
        row: RowId,
        admit: impl FnOnce(&[RowId]) -> Result<(), E>,
    ) -> Result<(), E> {
        let key = Key::new(key);
        let hash = self.hash(&key);
        let mut shard = self.shard(hash).write();
        if let Some(entry) = shard.table.find(hash, |entry| entry.key == key) {
            let mut rows = RowIds::new();
            entry.rows.copy_to(&mut rows);
            admit(&rows)?;
        }
        self.add(&mut shard, hash, key, row);
        Ok(())
    }

    pub(super) fn remove_if(&self, key: &[u8], row: RowId, dead: impl FnOnce() -> bool) {
        let key = Key::new(key);
        let hash = self.hash(&key);
        let mut shard = self.shard(hash).write();
        let Ok(mut found) = shard.table.find_entry(hash, |entry| entry.key == key) else { return };
        if !found.get().rows.contains(row) || !dead() {
            return;
        }
        if found.get_mut().rows.remove(row) {
            found.remove();
            shard.boxed_bytes -= key.boxed_bytes();
        }
        shard.entries -= 1;
    }

    pub(super) fn entries(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().entries).sum()
    }

    pub(super) fn distinct(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().table.len()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        let of = |shard: &RwLock<Shard>| {
            let shard = shard.read();
            shard.table.capacity() * (size_of::<Entry>() + 1) + shard.boxed_bytes
        };
        self.shards.iter().map(of).sum()
    }
}
