//! Which rows of a table have changed since some moment, and the keys they had then: what an incremental backup reads.
//!
//! ```text
//!   begin_tracking ──► commits note their rows, under the commit lock ──► begin_tracking: what was noted, and a new beginning
//! ```
//! Nothing is noted, and nothing is paid but one load per commit, until somebody asks. A row counts once however often it
//! changes, so the cost of a set is that of the rows it names. When it would name too many it gives up, and says so.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use dictdb_types::{Datum, RowId};
use hashbrown::HashMap;

use crate::hook::ChangeKind;
use crate::snapshot::Snapshot;
use crate::storage::{Shared, Storage};
use crate::table::Table;
use crate::transaction::Change;
use crate::value::RowReader;
use crate::version::View;

/// Rows of one table that are noted one by one; beyond it a copy of the table is cheaper than a list of its changes.
const MAX_ROWS: usize = 1 << 20;

/// A row that existed at the beginning.
#[derive(Clone, Debug, Default)]
pub struct OldRow {
    /// Its key then, if the row is gone or has another one now.
    pub key: Option<Box<[Datum]>>,
}

/// The rows of a table that have changed.
#[derive(Clone, Debug, Default)]
pub struct ChangeSet {
    key: Vec<usize>,
    rows: HashMap<RowId, OldRow>,
    /// First and last of consecutive rows that are new.
    inserted: BTreeMap<u64, u64>,
    is_full: bool,
}

impl ChangeSet {
    /// Whether there were so many changes that they are not known one by one.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        !self.is_full && self.rows.is_empty() && self.inserted.is_empty()
    }

    /// The rows in order: new ones, and those that were there before with what is known of them.
    pub fn into_rows(self) -> Vec<(RowId, Option<OldRow>)> {
        let mut rows: Vec<_> = self.rows.into_iter().map(|(row, old)| (row, Some(old))).collect();
        let known: hashbrown::HashSet<RowId> = rows.iter().map(|(row, _)| *row).collect();
        let new = self.inserted.into_iter().flat_map(|(first, last)| (first..=last).map(RowId));
        rows.extend(new.filter(|row| !known.contains(row)).map(|row| (row, None)));
        rows.sort_unstable_by_key(|(row, _)| *row);
        rows
    }

    fn is_new(&self, row: RowId) -> bool {
        self.inserted.range(..=row.0).next_back().is_some_and(|(_, last)| row.0 <= *last)
    }

    fn insert(&mut self, first: u64, last: u64) {
        match self.inserted.range_mut(..=first).next_back() {
            Some((_, end)) if *end + 1 >= first => *end = (*end).max(last),
            _ => {
                self.inserted.insert(first, last);
            }
        }
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Inserted(first, count) => self.insert(first.0, first.0 + count - 1),
            Note::Changed(row, key) => {
                if let Some(old) = self.rows.get_mut(&row) {
                    old.key = old.key.take().or(key);
                } else if !self.is_new(row) {
                    self.rows.insert(row, OldRow { key });
                }
            }
        }
        if self.rows.len() + self.inserted.len() > MAX_ROWS {
            *self = ChangeSet { key: std::mem::take(&mut self.key), is_full: true, ..ChangeSet::default() };
        }
    }
}

/// What a commit says of a row.
pub(crate) enum Note {
    Inserted(RowId, u64),
    Changed(RowId, Option<Box<[Datum]>>),
}

impl Table {
    /// Begins to note changes, with the storage columns of a key whose old values are wanted. Returns what was noted since
    /// the last beginning; `None` if nothing has been. Call it while no transaction can commit: [`Storage::at_rest`].
    pub fn begin_tracking(&self, storage: &Storage, key: &[usize]) -> Option<ChangeSet> {
        let set = ChangeSet { key: key.to_vec(), ..ChangeSet::default() };
        storage.0.tracking.fetch_add(1, Ordering::AcqRel);
        self.tracked.lock().replace(set)
    }

    fn tracked_key(&self) -> Option<Vec<usize>> {
        self.tracked.lock().as_ref().filter(|set| !set.is_full).map(|set| set.key.clone())
    }
}

/// Notes of a transaction, by the number of the table in its log, and what they were made under.
#[derive(Default)]
pub(crate) struct Notes {
    generation: u64,
    list: Vec<(u32, Note)>,
}

impl Notes {
    /// What to say of a transaction's changes; `own` sees them, the clock does not yet.
    pub(crate) fn of(shared: &Shared, changes: &[Change], tables: &[std::sync::Arc<Table>], own: &Snapshot) -> Notes {
        let mut notes = Notes { generation: shared.tracking.load(Ordering::Acquire), list: Vec::new() };
        let before = View { ts: shared.clock.load(Ordering::Acquire), own: None, command: 0 };
        let keys: Vec<_> = tables.iter().map(|table| table.tracked_key()).collect();
        for change in changes {
            let (number, row) = (change.table, change.row);
            let Some(key) = &keys[number as usize] else { continue };
            let note = match change.kind {
                ChangeKind::Insert => Note::Inserted(row, change.count.into()),
                kind => {
                    let table = &tables[number as usize];
                    let old = table.key_as_of(row, &before, own, key);
                    let now =
                        (kind == ChangeKind::Update).then(|| table.key_as_of(row, own.view(), own, key)).flatten();
                    let is_kept = old.as_ref().zip(now.as_ref()).is_some_and(|(old, now)| same_key(old, now));
                    Note::Changed(row, old.filter(|_| !is_kept && !key.is_empty()))
                }
            };
            notes.list.push((number, note));
        }
        notes
    }

    /// Whether somebody has begun to track since they were made.
    pub(crate) fn are_stale(&self, shared: &Shared) -> bool {
        self.generation != shared.tracking.load(Ordering::Acquire)
    }

    /// Enters them; under the commit lock.
    pub(crate) fn enter(self, tables: &[std::sync::Arc<Table>]) {
        for (number, note) in self.list {
            if let Some(set) = tables[number as usize].tracked.lock().as_mut().filter(|set| !set.is_full) {
                set.note(note);
            }
        }
    }
}

impl Table {
    fn key_as_of(&self, row: RowId, view: &View, snapshot: &Snapshot, key: &[usize]) -> Option<Box<[Datum]>> {
        self.with_version(row, view, snapshot.writers(), |version| {
            key.iter().map(|slot| version.column(*slot).to_datum().unwrap_or(Datum::Null)).collect()
        })
    }
}

fn same_key(a: &[Datum], b: &[Datum]) -> bool {
    let image = |key: &[Datum]| {
        let mut bytes = Vec::new();
        crate::image::encode_row(&crate::value::DatumRow(key), key.len(), &mut bytes);
        bytes
    };
    image(a) == image(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dictdb_types::{Oid, Physical};

    fn set_of(rows: Vec<(RowId, Option<OldRow>)>) -> Vec<(u64, Option<Option<i32>>)> {
        let key = |old: OldRow| old.key.map(|key| if let Datum::Int4(v) = key[0] { v } else { -1 });
        rows.into_iter().map(|(row, old)| (row.0, old.map(key))).collect()
    }

    #[test]
    fn a_set_names_each_row_once_with_its_first_key() {
        let storage = Storage::new();
        let table = storage.create_table(Oid(1), &[Physical::Int4, Physical::Int4]);
        let rows = |keys: &[i32]| {
            let transaction = storage.begin();
            let snapshot = transaction.snapshot().unwrap();
            let insert = |key: &i32| match table.insert(&transaction, &snapshot, &[Datum::Int4(*key), Datum::Int4(0)]) {
                Ok(crate::Inserted::Done(row)) => row,
                other => panic!("{other:?}"),
            };
            let rows: Vec<RowId> = keys.iter().map(insert).collect();
            drop(snapshot);
            transaction.commit().unwrap();
            rows
        };
        let before = rows(&[10, 20, 30]);
        assert!(table.begin_tracking(&storage, &[0]).is_none());
        let change = |row: RowId, key: i32| {
            let transaction = storage.begin();
            let snapshot = transaction.snapshot().unwrap();
            table.update(&transaction, &snapshot, row, None, &[(0, Datum::Int4(key)), (1, Datum::Int4(9))]).unwrap();
            transaction.commit().unwrap();
        };
        change(before[0], 10);
        change(before[0], 11);
        change(before[0], 12);
        let new = rows(&[40, 50]);
        change(new[0], 41);
        let delete = storage.begin();
        table.delete(&delete, &delete.snapshot().unwrap(), before[1], None).unwrap();
        delete.commit().unwrap();
        let undone = storage.begin();
        table.delete(&undone, &undone.snapshot().unwrap(), before[2], None).unwrap();
        undone.rollback();
        let noted = table.begin_tracking(&storage, &[0]).unwrap();
        assert_eq!(
            set_of(noted.into_rows()),
            [(before[0].0, Some(Some(10))), (before[1].0, Some(Some(20))), (new[0].0, None), (new[1].0, None)]
        );
        assert!(table.begin_tracking(&storage, &[0]).unwrap().is_empty());
    }
}
