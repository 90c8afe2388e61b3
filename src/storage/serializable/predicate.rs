//! What SERIALIZABLE transactions have read and written.

use std::collections::BTreeSet;

use dictdb_types::Oid;
use hashbrown::HashMap;

use super::RowKeys;
use crate::index::Bound;

/// Ranges of one table that are kept apart; with more the whole table counts as read.
const MAX_RANGES: usize = 256;

/// A range of an index's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    from: Option<(Vec<u8>, bool)>,
    to: Option<(Vec<u8>, bool)>,
}

impl KeyRange {
    pub(crate) fn new(from: Bound<'_>, to: Bound<'_>) -> Self {
        let owned = |bound: Bound<'_>| match bound {
            Bound::Unbounded => None,
            Bound::Included(bytes) => Some((bytes.to_vec(), true)),
            Bound::Excluded(bytes) => Some((bytes.to_vec(), false)),
        };
        KeyRange { from: owned(from), to: owned(to) }
    }

    /// Whether a whole key lies inside; bounds may be the beginnings of keys.
    fn contains(&self, key: &[u8]) -> bool {
        let after = self.from.as_ref().is_none_or(|(bytes, inclusive)| match key.starts_with(bytes) {
            true => *inclusive,
            false => key > bytes.as_slice(),
        });
        let before = self.to.as_ref().is_none_or(|(bytes, inclusive)| match key.starts_with(bytes) {
            true => *inclusive,
            false => key < bytes.as_slice(),
        });
        after && before
    }
}

/// What a transaction has read of one table.
#[derive(Debug)]
enum TableReads {
    /// All of it.
    Whole,
    /// Ranges of keys, by index.
    Ranges(Vec<(Oid, KeyRange)>),
}

/// What a transaction has read.
#[derive(Debug, Default)]
pub(super) struct Reads(HashMap<Oid, TableReads>);

/// What a transaction has written: by table and index the keys of its rows, old and new.
#[derive(Debug, Default)]
pub(super) struct Writes(HashMap<Oid, HashMap<Oid, BTreeSet<Vec<u8>>>>);

impl Reads {
    /// Adds a table, or a range of one.
    pub fn add(&mut self, table: Oid, range: Option<(Oid, KeyRange)>) {
        let reads = self.0.entry(table).or_insert_with(|| TableReads::Ranges(Vec::new()));
        let TableReads::Ranges(ranges) = reads else { return };
        match range {
            Some(range) if ranges.contains(&range) => {}
            Some(range) if ranges.len() < MAX_RANGES => ranges.push(range),
            _ => *reads = TableReads::Whole,
        }
    }

    /// Whether a row with these keys is among what was read.
    pub fn cover(&self, table: Oid, keys: &RowKeys) -> bool {
        match self.0.get(&table) {
            None => false,
            Some(TableReads::Whole) => true,
            Some(TableReads::Ranges(ranges)) => ranges
                .iter()
                .any(|(index, range)| keys.iter().any(|(other, key)| index == other && range.contains(key))),
        }
    }
}

impl Writes {
    /// Adds a row.
    pub fn add(&mut self, table: Oid, keys: RowKeys) {
        let indexes = self.0.entry(table).or_default();
        for (index, key) in keys {
            indexes.entry(index).or_default().insert(key);
        }
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the rows is in a range, or in the table.
    pub fn touch(&self, table: Oid, range: Option<&(Oid, KeyRange)>) -> bool {
        let Some(indexes) = self.0.get(&table) else { return false };
        let Some((index, range)) = range else { return true };
        indexes.get(index).is_some_and(|keys| keys.iter().any(|key| range.contains(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &[u8], to: &[u8]) -> KeyRange {
        KeyRange::new(Bound::Included(from), Bound::Excluded(to))
    }

    #[test]
    fn bounds_are_beginnings_of_keys() {
        assert!(range(b"b", b"d").contains(b"bz"));
        assert!(!range(b"b", b"d").contains(b"da"));
        assert!(!range(b"b", b"d").contains(b"a"));
        assert!(KeyRange::new(Bound::Unbounded, Bound::Included(b"d")).contains(b"dzz"));
    }

    #[test]
    fn many_ranges_become_the_table() {
        let (table, index) = (Oid(1), Oid(2));
        let mut reads = Reads::default();
        for number in 0..=MAX_RANGES as u32 {
            let key = number.to_be_bytes();
            reads.add(table, Some((index, KeyRange::new(Bound::Included(&key), Bound::Included(&key)))));
        }
        assert!(reads.cover(table, &vec![(index, b"zzzzz".to_vec())]));
        assert!(!reads.cover(Oid(9), &vec![(index, b"zzzzz".to_vec())]));
    }
}
