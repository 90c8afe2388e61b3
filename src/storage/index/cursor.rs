//! Ranges of an ordered index, read in batches: the latch is free between them, and the cursor finds its place again.

use std::sync::Arc;

use dictdb_types::RowId;

use super::node::{Entries, Entry};
use super::{Index, IndexKind, Map};

/// One end of a range of keys. A bound may be the beginning of keys: the leading columns of a longer index.
#[derive(Clone, Copy, Debug, Default)]
pub enum Bound<'a> {
    /// No bound.
    #[default]
    Unbounded,
    /// The keys that begin so, too.
    Included(&'a [u8]),
    /// Not the keys that begin so.
    Excluded(&'a [u8]),
}

/// Reading direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    #[default]
    Forward,
    /// Descending keys.
    Backward,
}

/// A half-open range of byte strings: from `low` on, before `high`.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexRange {
    pub(super) low: Option<Vec<u8>>,
    pub(super) high: Option<Vec<u8>>,
    pub(super) empty: bool,
}

impl IndexRange {
    pub(crate) fn new(lower: Bound<'_>, upper: Bound<'_>) -> Self {
        let (low, never) = match lower {
            Bound::Unbounded => (None, false),
            Bound::Included(key) => (Some(key.to_vec()), false),
            Bound::Excluded(key) => {
                let next = successor(key);
                (next.clone(), next.is_none())
            }
        };
        let high = match upper {
            Bound::Unbounded => None,
            Bound::Included(key) => successor(key),
            Bound::Excluded(key) => Some(key.to_vec()),
        };
        let crossed = matches!((&low, &high), (Some(low), Some(high)) if low >= high);
        IndexRange { low, high, empty: never || crossed }
    }
}

/// The smallest byte string after all that begin with `key`; `None` if there is none.
fn successor(key: &[u8]) -> Option<Vec<u8>> {
    let keep = key.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut next = key[..=keep].to_vec();
    next[keep] += 1;
    Some(next)
}

/// A place between two entries.
#[derive(Debug)]
pub(super) struct Position {
    /// The entry read last.
    pub(super) last: Entry,
    /// Leaf and index in it, good while the tree's version is this.
    pub(super) leaf: u32,
    pub(super) at: usize,
    pub(super) version: u64,
}

/// A batch of rows that an index has in a range, in key order. They are candidates: the version a snapshot sees may
/// have another key or none. [`Table::read_candidate`](crate::Table::read_candidate) decides.
#[derive(Debug, Default)]
pub struct Candidates {
    rows: Vec<RowId>,
    /// The entries, where they are wanted or the index has some of changed keys; empty if there is none.
    keys: Vec<Option<Entry>>,
    /// Whether keys are wanted in any case.
    keeps_keys: bool,
    /// Whether the index has had entries of changed keys.
    is_doubtful: bool,
}

impl Candidates {
    /// A batch that has the keys, whatever the state of the index.
    pub fn with_keys() -> Self {
        Candidates { keeps_keys: true, ..Candidates::default() }
    }

    /// The rows.
    pub fn rows(&self) -> &[RowId] {
        &self.rows
    }

    /// Brings the rows into the order that the table has them in.
    pub fn sort_by_row(&mut self) {
        if self.keys.is_empty() {
            return self.rows.sort_unstable();
        }
        self.keys.resize(self.rows.len(), None);
        let mut both: Vec<_> = std::mem::take(&mut self.rows).into_iter().zip(std::mem::take(&mut self.keys)).collect();
        both.sort_by_key(|(row, _)| *row);
        (self.rows, self.keys) = both.into_iter().unzip();
    }

    /// The key under which a row was found, if the batch has keys. It may have more or fewer zeros at its end.
    pub fn key(&self, at: usize) -> Option<&[u8]> {
        self.keys.get(at)?.as_ref().map(Entry::bytes)
    }

    /// Whether every row has the key by which it was found in the version that an older snapshot sees.
    pub(crate) fn is_exact(&self) -> bool {
        !self.is_doubtful
    }

    /// Says, before entries are added, whether the index has some of changed keys.
    pub(super) fn begin(&mut self, is_doubtful: bool) {
        self.is_doubtful |= is_doubtful;
    }

    #[inline]
    pub(super) fn push(&mut self, entries: &Entries, at: usize) {
        if self.keeps_keys || self.is_doubtful {
            // Those that came before there was any doubt are exact.
            self.keys.resize(self.rows.len(), None);
            self.keys.push(Some(entries.get(at)));
        }
        self.rows.push(RowId(entries.row(at)));
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.keys.clear();
        self.is_doubtful = false;
    }

    /// Whether the key of a version is the one under which the row was found. `key` is asked only if need be.
    pub(crate) fn is_found_by<E>(&self, at: usize, key: impl FnOnce() -> Result<Vec<u8>, E>) -> Result<bool, E> {
        if self.is_exact() {
            return Ok(true);
        }
        let Some(Some(entry)) = self.keys.get(at) else { return Ok(true) };
        key().map(|key| entry.has_key(&key))
    }
}

/// Reads a range in batches.
#[derive(Debug)]
pub struct IndexCursor {
    index: Arc<Index>,
    range: IndexRange,
    direction: Direction,
    position: Option<Position>,
    done: bool,
}

impl IndexCursor {
    /// A cursor before the first row of the range. Only ordered indexes have ranges: other cursors are empty.
    pub fn new(index: Arc<Index>, lower: Bound<'_>, upper: Bound<'_>, direction: Direction) -> Self {
        let range = IndexRange::new(lower, upper);
        let done = range.empty || index.def().kind != IndexKind::Ordered;
        IndexCursor { index, range, direction, position: None, done }
    }

    /// Replaces the batch by the next up to `max` rows. Returns whether there are any. Take the snapshot before the
    /// first batch.
    pub fn next_batch(&mut self, max: usize, batch: &mut Candidates) -> bool {
        batch.clear();
        self.add_batch(max, batch)
    }

    /// Adds the next up to `max` rows to a batch. Returns whether it has any.
    pub fn add_batch(&mut self, max: usize, batch: &mut Candidates) -> bool {
        if self.done || max == 0 {
            return !batch.rows.is_empty();
        }
        if let Map::Ordered(tree) = self.index.map() {
            let from = self.position.take();
            self.position = tree.scan(&self.range, self.direction, from, max, batch, &self.index.stale);
        }
        self.done = self.position.is_none();
        !batch.rows.is_empty()
    }

    /// Whether the last batch was the last there is.
    pub fn is_at_end(&self) -> bool {
        self.done
    }

    /// The index it reads.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }
}

impl Index {
    /// Estimated rows of a range; the number of entries for an index without order.
    pub fn estimate(&self, lower: Bound<'_>, upper: Bound<'_>) -> usize {
        let range = IndexRange::new(lower, upper);
        match self.map() {
            _ if range.empty => 0,
            Map::Ordered(tree) => tree.estimate(&range),
            Map::Hash(_) | Map::Inverted(_) | Map::Regions(_) | Map::Blocks(_) => self.entries(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successors() {
        assert_eq!(successor(b"a"), Some(b"b".to_vec()));
        assert_eq!(successor(&[1, 255, 255]), Some(vec![2]));
        assert_eq!(successor(&[255]), None);
        assert_eq!(successor(&[]), None);
    }

    #[test]
    fn crossed_bounds_are_empty() {
        assert!(IndexRange::new(Bound::Included(b"b"), Bound::Included(b"a")).empty);
        assert!(IndexRange::new(Bound::Excluded(b"a"), Bound::Included(b"a")).empty);
        assert!(IndexRange::new(Bound::Included(b"a"), Bound::Excluded(b"a")).empty);
        assert!(!IndexRange::new(Bound::Included(b"a"), Bound::Included(b"a")).empty);
    }
}
