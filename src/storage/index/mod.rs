//! Indexes: maps from key bytes to row ids.
//!
//! An entry says that *some* version of the row has the key, not which: a row has one entry per key it had in any
//! version that may still be visible. Readers therefore compare the key of the version they see, unless the index has
//! no entries of changed keys at the moment.
//!
//! Inverted indexes and those of boxes ([`inverted`], [`intervals`]) give sets of rows that may be too large whatever the
//! versions are: whoever searches them looks at the rows again.
//!
//! Uniqueness is decided under the index's latch: an entry goes in only after the rows that have the same key are
//! looked at, and the row itself is written before. Of two transactions one sees the other.

mod cloning;
mod cursor;
mod extract;
mod hash;
mod intervals;
mod inverted;
mod key;
#[cfg(test)]
pub(crate) mod model;
mod node;
mod row_set;
mod tree;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use dictdb_types::{Oid, RowId};
use smallvec::SmallVec;

pub use cursor::{Bound, Candidates, Direction, IndexCursor};
pub use extract::{ColumnKey, KeyColumn, KeyExtractor, KeyOutcome};
pub use intervals::cursor::{RegionCursor, RegionDistance, RegionEntry};
pub(crate) use intervals::key_of_region;
pub use intervals::{AxisQuery, Interval, RegionQuery, write_interval};
pub use inverted::{EntryQuery, write_entries};
pub(crate) use key::Key;
pub use row_set::RowSet;

use cloning::Ties;
use hash::HashIndex;
use intervals::blocks::BlockIndex;
use intervals::tree::RegionIndex;
use inverted::InvertedIndex;
use tree::TreeIndex;

/// How an index finds keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// `btree`: equality, ranges, order.
    Ordered,
    /// `hash`: equality.
    Hash,
    /// `gin`: entries that rows have any number of. Keys are written by [`write_entries`].
    Inverted,
    /// `gist`: boxes in boxes. Keys are intervals, written by [`write_interval`].
    Regions,
    /// `brin`: the box around the rows of each block, of keys written likewise.
    Blocks,
}

/// What an index is.
#[derive(Clone, Debug)]
pub struct IndexDef {
    /// `pg_class.relfilenode` of the index, or its oid: the caller's name for it.
    pub id: Oid,
    /// How it finds keys.
    pub kind: IndexKind,
    /// Whether two rows may not have one key.
    pub unique: bool,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
    /// Whether an update of its columns locks the row against `FOR KEY SHARE`: a unique index that a foreign key
    /// can refer to.
    pub row_identity: bool,
    /// Computes keys.
    pub key: Arc<dyn KeyExtractor>,
}

/// An index of a table.
#[derive(Debug)]
pub struct Index {
    def: IndexDef,
    /// Empty until the first use of a clone.
    map: OnceLock<Map>,
    ties: Ties,
    /// Entries whose key their row's newest version no longer has, including those about to be.
    stale: AtomicUsize,
    /// Whether nobody looks for rows with the same key: the transaction that writes has dropped it.
    released: AtomicBool,
}

#[derive(Debug)]
enum Map {
    Ordered(TreeIndex),
    Hash(Box<HashIndex>),
    Inverted(InvertedIndex),
    Regions(RegionIndex),
    Blocks(BlockIndex),
}

impl Map {
    fn of(kind: IndexKind) -> Map {
        match kind {
            IndexKind::Ordered => Map::Ordered(TreeIndex::default()),
            IndexKind::Hash => Map::Hash(Box::default()),
            IndexKind::Inverted => Map::Inverted(InvertedIndex::default()),
            IndexKind::Regions => Map::Regions(RegionIndex::default()),
            IndexKind::Blocks => Map::Blocks(BlockIndex::default()),
        }
    }

    fn entries(&self) -> usize {
        match self {
            Map::Ordered(tree) => tree.entries(),
            Map::Hash(hash) => hash.entries(),
            Map::Inverted(inverted) => inverted.entries(),
            Map::Regions(regions) => regions.entries(),
            Map::Blocks(blocks) => blocks.blocks(),
        }
    }

    fn distinct(&self) -> usize {
        match self {
            Map::Ordered(tree) => tree.distinct(),
            Map::Hash(hash) => hash.distinct(),
            Map::Inverted(inverted) => inverted.distinct(),
            Map::Regions(_) | Map::Blocks(_) => self.entries(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Map::Ordered(tree) => tree.bytes(),
            Map::Hash(hash) => hash.bytes(),
            Map::Inverted(inverted) => inverted.bytes(),
            Map::Regions(regions) => regions.bytes(),
            Map::Blocks(blocks) => blocks.bytes(),
        }
    }
}

/// Rows found; one in the common case.
pub type RowIds = SmallVec<[RowId; 4]>;

impl Index {
    pub(crate) fn new(def: IndexDef) -> Self {
        let map = Map::of(def.kind).into();
        Index { def, map, ties: Ties::default(), stale: AtomicUsize::new(0), released: AtomicBool::new(false) }
    }

    /// Where the keys are.
    #[inline]
    fn map(&self) -> &Map {
        match self.map.get() {
            Some(map) => map,
            None => self.take_over(),
        }
    }

    /// Where they are, for a change.
    #[inline]
    fn map_to_change(&self) -> &Map {
        self.before_change();
        self.map()
    }

    /// What it is.
    pub fn def(&self) -> &IndexDef {
        &self.def
    }

    /// Whether two rows may not have one key now.
    pub(crate) fn is_unique(&self) -> bool {
        self.def.unique && !self.released.load(Ordering::Acquire)
    }

    /// Stops or begins again to be unique.
    pub(crate) fn set_released(&self, released: bool) {
        self.released.store(released, Ordering::Release);
    }

    /// Number of entries: rows and, until they are reclaimed, keys that rows had.
    pub fn entries(&self) -> usize {
        self.map().entries()
    }

    /// Number of different keys.
    pub fn distinct_keys(&self) -> usize {
        self.map().distinct()
    }

    /// Approximate memory; none while it is its source's.
    pub fn bytes(&self) -> usize {
        self.map.get().map_or(0, Map::bytes)
    }

    pub(crate) fn add_stale(&self) {
        self.stale.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn remove_stale(&self) {
        self.stale.fetch_sub(1, Ordering::AcqRel);
    }

    /// Appends the rows with an entry for the key. Returns whether every one of them has the key in the version that
    /// a snapshot taken before sees, if it sees one: an entry for which that may not hold is announced before it goes
    /// in, and taken out before the announcement is withdrawn, so it is enough to look under the latch.
    #[inline]
    pub(crate) fn lookup(&self, key: &[u8], rows: &mut RowIds) -> bool {
        match self.map() {
            Map::Ordered(tree) => tree.lookup(key, rows, &self.stale),
            Map::Hash(hash) => hash.lookup(key, rows, &self.stale),
            // Nobody looks for rows by all of their entries, or by their boxes alone.
            Map::Inverted(_) | Map::Regions(_) | Map::Blocks(_) => false,
        }
    }

    /// Whether the row has the entry, or the entries, of a key.
    pub(crate) fn holds(&self, key: &[u8], row: RowId) -> bool {
        match self.map() {
            Map::Ordered(tree) => tree.holds(key, row),
            Map::Hash(hash) => hash.holds(key, row),
            Map::Inverted(inverted) => inverted.holds(key, row),
            Map::Regions(regions) => regions.holds(key, row),
            Map::Blocks(blocks) => blocks.holds(key, row),
        }
    }

    /// Visits the entries of one of the parts of a hash index, under its latch; false when there is no such part.
    pub(crate) fn each_hash_entry(&self, part: usize, visit: &mut dyn FnMut(&[u8], RowId)) -> bool {
        match self.map() {
            Map::Hash(hash) => hash.each_entry(part, visit),
            _ => false,
        }
    }

    /// Adds an entry. One that exists already is left alone.
    pub(crate) fn insert(&self, key: &[u8], row: RowId) {
        match self.map_to_change() {
            Map::Ordered(tree) => tree.insert(key, row),
            Map::Hash(hash) => hash.insert(key, row),
            Map::Inverted(inverted) => inverted.insert(key, row),
            Map::Regions(regions) => regions.insert(key, row),
            Map::Blocks(blocks) => blocks.insert(key, row),
        }
    }

    /// Adds an entry if `admit` agrees, which is shown the rows that have the key and runs under the latch.
    pub(crate) fn insert_unique<E>(
        &self,
        key: &[u8],
        row: RowId,
        admit: impl FnOnce(&[RowId]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.map_to_change() {
            Map::Ordered(tree) => tree.insert_unique(key, row, admit),
            Map::Hash(hash) => hash.insert_unique(key, row, admit),
            Map::Inverted(_) | Map::Regions(_) | Map::Blocks(_) => {
                self.insert(key, row);
                Ok(())
            }
        }
    }

    /// Removes what the key of a row that is gone brought in.
    pub(crate) fn remove(&self, key: &[u8], row: RowId) {
        match self.map_to_change() {
            Map::Ordered(tree) => tree.remove_if(key, row, || true),
            Map::Hash(hash) => hash.remove_if(key, row, || true),
            Map::Inverted(inverted) => inverted.remove_except(key, row, Vec::new),
            Map::Regions(regions) => regions.remove_if(key, row, || true),
            Map::Blocks(_) => {}
        }
    }

    /// Removes what a key brought in and no version of the row needs any more. `needed`, which runs under the latch, gives
    /// the keys of all versions; `None` when they cannot be told, and then nothing is removed: an entry too many is harmless.
    pub(crate) fn remove_unneeded(&self, key: &[u8], row: RowId, needed: impl FnOnce() -> Option<Vec<Vec<u8>>>) {
        let dead = |needed: Option<Vec<Vec<u8>>>| needed.is_some_and(|keys| keys.iter().all(|other| other != key));
        match self.map_to_change() {
            Map::Ordered(tree) => tree.remove_if(key, row, || dead(needed())),
            Map::Hash(hash) => hash.remove_if(key, row, || dead(needed())),
            Map::Inverted(inverted) => {
                inverted.remove_except(key, row, || needed().unwrap_or_else(|| vec![key.to_vec()]));
            }
            Map::Regions(regions) => regions.remove_if(key, row, || dead(needed())),
            Map::Blocks(_) => {}
        }
    }

    /// The rows that have entries as the query wants them, in some version: candidates that the caller looks at. Nothing
    /// for indexes of another kind. Take the snapshot before.
    pub fn search(&self, query: &EntryQuery) -> RowSet {
        match self.map() {
            Map::Inverted(inverted) => inverted.search(query),
            Map::Ordered(_) | Map::Hash(_) | Map::Regions(_) | Map::Blocks(_) => RowSet::default(),
        }
    }

    /// A walk through the entries of an index of boxes, of which there are none in others, in their order or `by_distance`. Take
    /// the snapshot before.
    pub fn walk_regions(&self, query: RegionQuery, by_distance: bool) -> Option<RegionCursor> {
        match self.map() {
            Map::Regions(regions) => Some(RegionCursor::new(regions, &self.stale, query, by_distance)),
            Map::Ordered(_) | Map::Hash(_) | Map::Inverted(_) | Map::Blocks(_) => None,
        }
    }

    /// The rows whose boxes may satisfy a query, as [`Index::search`] finds those that have entries.
    pub fn search_regions(&self, query: &RegionQuery) -> RowSet {
        match self.map() {
            Map::Regions(regions) => regions.search(query),
            Map::Blocks(blocks) => blocks.search(query),
            Map::Ordered(_) | Map::Hash(_) | Map::Inverted(_) => RowSet::default(),
        }
    }
}
