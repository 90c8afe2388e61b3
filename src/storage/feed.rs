//! Committed changes of watched tables, row by row and in commit order, for who follows them live.
//!
//! ```text
//!   commit: rows of watched tables are read (no lock) ─► commit lock: catalog, log, clock ─► Watcher::committed
//! ```
//! A row counts once per transaction, with the state the transaction left and the key it had before: what came and went within one
//! transaction is not told. While no table is watched a commit pays one load.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use dictdb_types::{CommitTs, Datum, Oid, RowId, TxnId};
use hashbrown::HashSet;

use crate::hook::{ChangeKind, Lsn};
use crate::image::encode_row;
use crate::snapshot::Snapshot;
use crate::storage::{Shared, Storage};
use crate::table::Table;
use crate::transaction::Change;
use crate::value::{DatumRow, RowReader};
use crate::version::View;

/// Rows of one table and transaction that are told one by one.
const MAX_ROWS: usize = 1 << 16;
/// Bytes of the same.
const MAX_BYTES: usize = 32 << 20;

/// What a transaction did to a row.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// The key columns' values before; `None` when the row is new.
    pub old_key: Option<Box<[Datum]>>,
    /// All storage columns' values after; `None` when the row is gone.
    pub new: Option<Box<[Datum]>>,
}

/// What a transaction did to a watched table.
#[derive(Debug)]
pub struct TableChanges {
    /// The table.
    pub table: Oid,
    /// Its rows, in the order in which they were first touched.
    pub rows: Vec<RowChange>,
    /// Their size, approximately.
    pub bytes: usize,
    /// There were more than anybody is told of; `rows` is empty then.
    pub is_overflown: bool,
}

/// The commit that changes belong to.
#[derive(Clone, Copy, Debug)]
pub struct CommitMoment {
    /// Snapshots from here on see it.
    pub ts: CommitTs,
    /// The transaction.
    pub id: TxnId,
    /// Where the log has it; `None` when nothing of it is logged.
    pub lsn: Option<Lsn>,
}

/// Hears of commits. Both calls are made under the commit lock: they must be quick and take no lock that is held during a commit.
pub trait Watcher: Send + Sync {
    /// A commit has changed a catalog; it writes to these tables.
    fn catalog_changed(&self, storage: &Storage, written: &[Arc<Table>]);

    /// A commit has become visible that changed watched tables or a catalog.
    fn committed(&self, moment: CommitMoment, changes: Vec<TableChanges>);
}

/// The storage's side of watching.
#[derive(Default)]
pub(crate) struct Feed {
    watcher: OnceLock<Arc<dyn Watcher>>,
    /// Tables that are watched.
    tables: AtomicUsize,
    /// Changes whenever a table begins or ceases to be watched.
    generation: AtomicU64,
}

impl Feed {
    /// The watcher, if any table is watched.
    #[inline]
    pub(crate) fn watcher(&self) -> Option<&Arc<dyn Watcher>> {
        if self.tables.load(Ordering::Acquire) == 0 { None } else { self.watcher.get() }
    }
}

impl Storage {
    /// Sets who hears of watched tables; once. Returns whether it was the first call.
    pub fn set_watcher(&self, watcher: Arc<dyn Watcher>) -> bool {
        self.0.feed.watcher.set(watcher).is_ok()
    }
}

impl Table {
    /// Has commits tell of its rows from now on, with the old values of some storage columns. Call it while no transaction can
    /// commit: [`Storage::in_commit_order`], or [`Watcher::catalog_changed`].
    pub fn watch(&self, storage: &Storage, key: &[usize]) {
        if self.watched.lock().replace(key.into()).is_none() {
            storage.0.feed.tables.fetch_add(1, Ordering::AcqRel);
        }
        storage.0.feed.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Ends it.
    pub fn unwatch(&self, storage: &Storage) {
        if self.watched.lock().take().is_some() {
            storage.0.feed.tables.fetch_sub(1, Ordering::AcqRel);
        }
        storage.0.feed.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// What is to be told of a transaction, and what was watched when it was read.
pub(crate) struct News {
    generation: u64,
    tables: Vec<TableChanges>,
}

impl News {
    /// Reads the rows of a transaction's changes; `own` sees them, the clock does not yet.
    pub(crate) fn of(shared: &Shared, changes: &[Change], tables: &[Arc<Table>], own: &Snapshot) -> News {
        let generation = shared.feed.generation.load(Ordering::Acquire);
        let before = View { ts: shared.clock.load(Ordering::Acquire), own: None, command: 0 };
        let mut found = Vec::new();
        for (number, table) in tables.iter().enumerate() {
            if let Some(key) = table.watched.lock().clone() {
                let own_changes = changes.iter().filter(|change| change.table as usize == number);
                found.push(Reading { table, key, before: &before, own, scratch: Vec::new() }.all(own_changes));
            }
        }
        News { generation, tables: found }
    }

    /// Whether somebody has begun or ceased to watch since.
    pub(crate) fn is_stale(&self, shared: &Shared) -> bool {
        self.generation != shared.feed.generation.load(Ordering::Acquire)
    }

    /// Whether nothing watched has changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// What there is to tell.
    pub(crate) fn into_changes(self) -> Vec<TableChanges> {
        self.tables
    }
}

/// Reads a transaction's rows of one table.
struct Reading<'a> {
    table: &'a Table,
    key: Arc<[usize]>,
    before: &'a View,
    own: &'a Snapshot,
    scratch: Vec<u8>,
}

impl Reading<'_> {
    fn all<'c>(mut self, changes: impl Iterator<Item = &'c Change>) -> TableChanges {
        let mut told = TableChanges { table: self.table.id(), rows: Vec::new(), bytes: 0, is_overflown: false };
        let every: Vec<usize> = (0..self.table.columns().len()).collect();
        let mut seen = HashSet::new();
        for change in changes {
            for row in change.rows().filter(|row| seen.insert(*row)) {
                let new = self.values(row, self.own.view(), &every);
                let is_new = change.kind == ChangeKind::Insert;
                let key = self.key.clone();
                let old_key = if is_new { None } else { self.values(row, self.before, &key) };
                if old_key.is_none() && new.is_none() {
                    continue;
                }
                told.bytes += self.size(old_key.as_deref()) + self.size(new.as_deref());
                told.rows.push(RowChange { old_key, new });
                if told.rows.len() > MAX_ROWS || told.bytes > MAX_BYTES {
                    return TableChanges { table: told.table, rows: Vec::new(), bytes: 0, is_overflown: true };
                }
            }
        }
        told
    }

    fn values(&self, row: RowId, view: &View, columns: &[usize]) -> Option<Box<[Datum]>> {
        self.table.with_version(row, view, self.own.writers(), |version| {
            columns.iter().map(|slot| version.column(*slot).to_datum().unwrap_or(Datum::Null)).collect()
        })
    }

    /// The length of the values' image, and what a row costs besides.
    fn size(&mut self, values: Option<&[Datum]>) -> usize {
        let Some(values) = values else { return size_of::<RowChange>() };
        self.scratch.clear();
        encode_row(&DatumRow(values), values.len(), &mut self.scratch);
        self.scratch.len() + size_of_val(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dictdb_types::Physical;
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Heard(Mutex<Vec<(u64, Option<i32>, Option<i32>)>>);

    impl Watcher for Heard {
        fn catalog_changed(&self, _: &Storage, _: &[Arc<Table>]) {}

        fn committed(&self, moment: CommitMoment, changes: Vec<TableChanges>) {
            let first = |values: &[Datum]| if let Datum::Int4(value) = values[0] { value } else { -1 };
            for row in changes.iter().flat_map(|table| &table.rows) {
                let heard = (moment.ts.0, row.old_key.as_deref().map(first), row.new.as_deref().map(first));
                self.0.lock().push(heard);
            }
        }
    }

    #[test]
    fn a_transaction_tells_of_each_row_once_and_others_of_none() {
        let (storage, heard) = (Storage::new(), Arc::new(Heard::default()));
        assert!(storage.set_watcher(heard.clone()));
        let table = storage.create_table(Oid(1), &[Physical::Int4]);
        let insert = |key: i32| {
            let transaction = storage.begin();
            let snapshot = transaction.snapshot().unwrap();
            let row = match table.insert(&transaction, &snapshot, &[Datum::Int4(key)]) {
                Ok(crate::Inserted::Done(row)) => row,
                other => panic!("{other:?}"),
            };
            drop(snapshot);
            (transaction, row)
        };
        let (unwatched, row) = insert(1);
        unwatched.commit().unwrap();
        let (late, _) = insert(5);
        storage.in_commit_order(|| table.watch(&storage, &[0]));
        // It wrote before anybody watched and commits after.
        let ts = late.commit().unwrap();
        assert_eq!(std::mem::take(&mut *heard.0.lock()), [(ts.0, None, Some(5))]);
        let (transaction, gone) = insert(7);
        let change = |row, key| {
            let snapshot = transaction.snapshot().unwrap();
            table.update(&transaction, &snapshot, row, None, &[(0, Datum::Int4(key))]).unwrap();
        };
        change(row, 2);
        change(row, 3);
        table.delete(&transaction, &transaction.snapshot().unwrap(), gone, None).unwrap();
        let ts = transaction.commit().unwrap();
        assert_eq!(std::mem::take(&mut *heard.0.lock()), [(ts.0, Some(1), Some(3))]);
        let (undone, _) = insert(8);
        undone.rollback();
        storage.in_commit_order(|| table.unwatch(&storage));
        insert(9).0.commit().unwrap();
        assert_eq!(*heard.0.lock(), []);
    }
}
