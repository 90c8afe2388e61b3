//! What SERIALIZABLE transactions have read and written.

use std::collections::BTreeSet;

use dictdb_types::{Oid, RowId};
use hashbrown::{HashMap, HashSet};

use super::RowChange;
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

/// What a transaction has written.
#[derive(Debug, Default)]
pub(super) struct Writes(HashMap<Oid, TableWrites>);

/// What a transaction has written in one table.
#[derive(Debug, Default)]
struct TableWrites {
    rows: HashSet<RowId>,
    /// By index the keys of its rows, old and new.
    keys: HashMap<Oid, BTreeSet<Vec<u8>>>,
}

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

    /// Whether a row is among what was read, as it was or as it is now. If the version that was written over was not there to be read,
    /// a row concerns a range only by a key that it did not have.
    pub fn cover(&self, change: &RowChange, was_there: bool) -> bool {
        match self.0.get(&change.table) {
            None => false,
            Some(TableReads::Whole) => true,
            Some(TableReads::Ranges(ranges)) => {
                let is_read = |(index, key): &(Oid, Vec<u8>)| {
                    ranges.iter().any(|(other, range)| index == other && range.contains(key))
                };
                let is_new = |key: &&(Oid, Vec<u8>)| was_there || !change.before.contains(key);
                was_there && change.before.iter().any(is_read) || change.after.iter().filter(is_new).any(is_read)
            }
        }
    }
}

impl Writes {
    /// Adds a row.
    pub fn add(&mut self, change: RowChange) {
        let writes = self.0.entry(change.table).or_default();
        writes.rows.extend(change.row);
        for (index, key) in change.before.into_iter().chain(change.after) {
            writes.keys.entry(index).or_default().insert(key);
        }
    }

    /// Whether this row is one of those.
    pub fn has(&self, table: Oid, row: RowId) -> bool {
        self.0.get(&table).is_some_and(|writes| writes.rows.contains(&row))
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the rows is in a range, or in the table.
    pub fn touch(&self, table: Oid, range: Option<&(Oid, KeyRange)>) -> bool {
        let Some(writes) = self.0.get(&table) else { return false };
        let Some((index, range)) = range else { return true };
        writes.keys.get(index).is_some_and(|keys| keys.iter().any(|key| range.contains(key)))
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
        let inserted =
            |table| RowChange { table, row: None, before: Vec::new(), after: vec![(index, b"zzzzz".to_vec())] };
        assert!(reads.cover(&inserted(table), true));
        assert!(!reads.cover(&inserted(Oid(9)), true));
    }
}
