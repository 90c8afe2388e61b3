//! The inverted index: from entries (a word, an element, a key of a document) to the rows whose values have them.
//!
//! To the rest of storage a row has one key in an index. Here that key is the list of the row's entries, sorted and each
//! once, so that updates, rollback and reclaiming treat this index as any other:
//!
//! ```text
//!   key = entry, entry, …      entry = length (4, big endian), bytes
//! ```
//! An entry goes when no version of its row has it, whatever key it was part of.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use dictdb_types::RowId;
use parking_lot::RwLock;

use super::row_set::RowSet;

/// What rows are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryQuery {
    /// None.
    Nothing,
    /// Those with an entry.
    Entry(Vec<u8>),
    /// Those with an entry that begins so.
    Prefix(Vec<u8>),
    /// Those with an entry between these, themselves included.
    Range(Vec<u8>, Vec<u8>),
    /// Those that at least so many of these find.
    AtLeast(usize, Vec<EntryQuery>),
    /// Those that all of these find.
    All(Vec<EntryQuery>),
    /// Those that any of these finds.
    Any(Vec<EntryQuery>),
}

/// Appends a row's entries as its key.
pub fn write_entries(mut entries: Vec<Vec<u8>>, out: &mut Vec<u8>) {
    entries.sort_unstable();
    entries.dedup();
    for entry in entries {
        out.extend_from_slice(&(entry.len() as u32).to_be_bytes());
        out.extend_from_slice(&entry);
    }
}

/// The entries of a key.
fn entries(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = key;
    std::iter::from_fn(move || {
        let (len, after) = rest.split_first_chunk::<4>()?;
        let (entry, after) = after.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        rest = after;
        Some(entry)
    })
}

#[derive(Clone, Debug, Default)]
struct Entries {
    rows: BTreeMap<Box<[u8]>, RowSet>,
    pairs: usize,
}

/// Entries with their rows, behind one latch.
#[derive(Debug, Default)]
pub(super) struct InvertedIndex(RwLock<Entries>);

impl InvertedIndex {
    /// The same entries.
    pub(super) fn copy(&self) -> Self {
        InvertedIndex(RwLock::new(self.0.read().clone()))
    }

    pub(super) fn holds(&self, key: &[u8], row: RowId) -> bool {
        let own = self.0.read();
        entries(key).all(|entry| own.rows.get(entry).is_some_and(|rows| rows.contains(row)))
    }

    pub(super) fn insert(&self, key: &[u8], row: RowId) {
        let mut own = self.0.write();
        for entry in entries(key) {
            let new = match own.rows.get_mut(entry) {
                Some(rows) => rows.insert(row),
                None => {
                    own.rows.insert(entry.into(), RowSet::from_iter([row]));
                    true
                }
            };
            own.pairs += usize::from(new);
        }
    }

    /// Removes the entries of a key that `kept`, which runs under the latch, does not name in one of its keys.
    pub(super) fn remove_except(&self, key: &[u8], row: RowId, kept: impl FnOnce() -> Vec<Vec<u8>>) {
        let mut own = self.0.write();
        let kept = kept();
        let kept: HashSet<&[u8]> = kept.iter().flat_map(|key| entries(key)).collect();
        for entry in entries(key).filter(|entry| !kept.contains(entry)) {
            let Some(rows) = own.rows.get_mut(entry) else { continue };
            let removed = rows.remove(row);
            let empty = rows.is_empty();
            own.pairs -= usize::from(removed);
            if empty {
                own.rows.remove(entry);
            }
        }
    }

    pub(super) fn search(&self, query: &EntryQuery) -> RowSet {
        self.0.read().search(query).into_owned()
    }

    pub(super) fn entries(&self) -> usize {
        self.0.read().pairs
    }

    pub(super) fn distinct(&self) -> usize {
        self.0.read().rows.len()
    }

    pub(super) fn bytes(&self) -> usize {
        let own = self.0.read();
        let boxed = own.rows.iter().map(|(entry, rows)| entry.len() + rows.boxed_bytes()).sum::<usize>();
        boxed + own.rows.len() * size_of::<(Box<[u8]>, RowSet)>()
    }
}

impl Entries {
    fn search(&self, query: &EntryQuery) -> Cow<'_, RowSet> {
        match query {
            EntryQuery::Nothing => Cow::default(),
            EntryQuery::Entry(entry) => self.rows.get(entry.as_slice()).map_or_else(Cow::default, Cow::Borrowed),
            EntryQuery::Prefix(prefix) => Cow::Owned(self.with_prefix(prefix)),
            EntryQuery::Range(from, to) => Cow::Owned(self.between(from, to)),
            EntryQuery::AtLeast(count, queries) => Cow::Owned(self.at_least(*count, queries)),
            EntryQuery::All(queries) => self.all(queries),
            EntryQuery::Any(queries) => {
                let mut found = queries.iter().map(|query| self.search(query));
                let first = found.next().unwrap_or_default();
                found.fold(first, |mut joined, next| {
                    if !next.is_empty() {
                        joined.to_mut().union(&next);
                    }
                    joined
                })
            }
        }
    }

    /// The smallest set is cut first: it is the one that is copied.
    fn all(&self, queries: &[EntryQuery]) -> Cow<'_, RowSet> {
        let mut found: Vec<Cow<'_, RowSet>> = Vec::with_capacity(queries.len());
        for query in queries {
            let rows = self.search(query);
            if rows.is_empty() {
                return Cow::default();
            }
            found.push(rows);
        }
        found.sort_by_cached_key(|rows| rows.len());
        let mut found = found.into_iter();
        let first = found.next().unwrap_or_default();
        found.fold(first, |mut cut, next| {
            cut.to_mut().intersect(&next);
            cut
        })
    }

    fn between(&self, from: &[u8], to: &[u8]) -> RowSet {
        let mut joined = RowSet::default();
        if from <= to {
            let range = (Bound::Included(from), Bound::Included(to));
            self.rows.range::<[u8], _>(range).for_each(|(_, rows)| joined.union(rows));
        }
        joined
    }

    /// Row by row, how many of the queries find it.
    fn at_least(&self, count: usize, queries: &[EntryQuery]) -> RowSet {
        let mut finds: HashMap<RowId, usize> = HashMap::new();
        let mut rows = Vec::new();
        for query in queries {
            let found = self.search(query);
            rows.clear();
            (0..found.block_count()).for_each(|block| found.block_rows(block, &mut rows));
            rows.iter().for_each(|row| *finds.entry(*row).or_default() += 1);
        }
        let mut enough: Vec<RowId> =
            finds.into_iter().filter(|(_, found)| *found >= count).map(|(row, _)| row).collect();
        enough.sort_unstable();
        enough.into_iter().collect()
    }

    fn with_prefix(&self, prefix: &[u8]) -> RowSet {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let matching = self.rows.range::<[u8], _>(from).take_while(|(entry, _)| entry.starts_with(prefix));
        matching.fold(RowSet::default(), |mut joined, (_, rows)| {
            joined.union(rows);
            joined
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(words: &[&str]) -> Vec<u8> {
        let mut key = Vec::new();
        write_entries(words.iter().map(|word| word.as_bytes().to_vec()).collect(), &mut key);
        key
    }

    fn entry(word: &str) -> EntryQuery {
        EntryQuery::Entry(word.into())
    }

    fn found(index: &InvertedIndex, query: &EntryQuery) -> Vec<u64> {
        let rows = index.search(query);
        (0..10).filter(|row| rows.contains(RowId(*row))).collect()
    }

    #[test]
    fn keys_are_sets_of_entries() {
        assert_eq!(key(&["b", "a", "b"]), key(&["a", "b"]));
        assert_eq!(entries(&key(&["b", "a"])).collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(entries(&[]).count(), 0);
    }

    #[test]
    fn queries_combine() {
        let index = InvertedIndex::default();
        for (row, words) in [(1, &["cat", "dog"][..]), (2, &["cat"]), (3, &["catalog", "dog"])] {
            index.insert(&key(words), RowId(row));
        }
        assert_eq!(found(&index, &entry("cat")), [1, 2]);
        assert_eq!(found(&index, &EntryQuery::Prefix(b"cat".to_vec())), [1, 2, 3]);
        assert_eq!(found(&index, &EntryQuery::All(vec![entry("cat"), entry("dog")])), [1]);
        assert_eq!(found(&index, &EntryQuery::Any(vec![entry("catalog"), entry("cat"), entry("x")])), [1, 2, 3]);
        assert!(found(&index, &EntryQuery::All(vec![entry("cat"), EntryQuery::Nothing])).is_empty());
        let words = || vec![entry("cat"), entry("dog"), entry("catalog")];
        assert_eq!(found(&index, &EntryQuery::AtLeast(2, words())), [1, 3]);
        assert_eq!(found(&index, &EntryQuery::Range(b"catalog".to_vec(), b"d".to_vec())), [3]);
        assert!(found(&index, &EntryQuery::Range(b"d".to_vec(), b"c".to_vec())).is_empty());
        assert_eq!((index.entries(), index.distinct()), (5, 3));
    }

    #[test]
    fn entries_that_another_version_has_stay() {
        let index = InvertedIndex::default();
        index.insert(&key(&["a", "b"]), RowId(1));
        index.insert(&key(&["b", "c"]), RowId(1));
        index.remove_except(&key(&["a", "b"]), RowId(1), || vec![key(&["b", "c"])]);
        assert!(found(&index, &entry("a")).is_empty());
        assert_eq!(found(&index, &entry("b")), [1]);
        index.remove_except(&key(&["b", "c"]), RowId(1), Vec::new);
        assert_eq!((index.entries(), index.distinct()), (0, 0));
    }
}
