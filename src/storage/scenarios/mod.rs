//! Behaviour of tables, transactions and locks together. One file per theme; what they share is here.

mod cloning;
mod locks;
mod model;
mod phenomena;
mod recency;
mod threads;
mod unique;
mod verify;

use std::sync::Arc;

use dictdb_types::{Datum, Oid, Physical, RowId, oids};

use crate::*;

/// A table `t (id int4, value int4, note text)` with a unique ordered index on `id`.
pub(crate) struct Bed {
    pub(crate) storage: Storage,
    pub(crate) table: Arc<Table>,
    pub(crate) index: Arc<Index>,
}

pub(crate) const ID: usize = 0;
pub(crate) const VALUE: usize = 1;

pub(crate) fn column_key(column: usize, oid: Oid) -> Arc<dyn KeyExtractor> {
    Arc::new(ColumnKey::new(vec![KeyColumn { column, oid, descending: false, nulls_first: false }]))
}

/// Waits until so many sessions wait for others.
pub(crate) fn until_waiting(storage: &Storage, count: usize) {
    while storage.locks().iter().filter(|lock| !lock.granted).count() < count {
        std::thread::yield_now();
    }
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with_kind(IndexKind::Ordered)
    }

    pub(crate) fn with_kind(kind: IndexKind) -> Self {
        let storage = Storage::new();
        let table = storage.create_table(Oid(1), &[Physical::Int4, Physical::Int4, Physical::Text]);
        let def = IndexDef {
            id: Oid(2),
            kind,
            unique: true,
            nulls_not_distinct: false,
            row_identity: true,
            key: column_key(ID, oids::INT4),
        };
        let index = match table.create_index(&storage.begin(), def, &|| Ok(())).unwrap() {
            IndexBuilt::Done(index) => index,
            other => panic!("{other:?}"),
        };
        Bed { storage, table, index }
    }

    /// With rows `(id, value)` committed.
    pub(crate) fn with_rows(rows: &[(i32, i32)]) -> Self {
        let bed = Bed::new();
        let transaction = bed.storage.begin();
        rows.iter().for_each(|(id, value)| {
            bed.insert(&transaction, *id, *value);
        });
        transaction.commit().unwrap();
        bed
    }

    pub(crate) fn try_insert(&self, transaction: &Transaction, id: i32, value: i32) -> Inserted {
        let note = Datum::text(format!("note of {id}, long enough to be outside its view"));
        let row = [Datum::Int4(id), Datum::Int4(value), note];
        self.table.insert(transaction, &transaction.snapshot().unwrap(), &row).unwrap()
    }

    pub(crate) fn insert(&self, transaction: &Transaction, id: i32, value: i32) -> RowId {
        match self.try_insert(transaction, id, value) {
            Inserted::Done(row) => row,
            other => panic!("{other:?}"),
        }
    }

    /// The row with this id as a new snapshot of the transaction sees it.
    pub(crate) fn find(&self, transaction: &Transaction, id: i32) -> Option<(RowId, i32)> {
        self.find_at(&transaction.snapshot().unwrap(), id)
    }

    pub(crate) fn find_at(&self, snapshot: &Snapshot, id: i32) -> Option<(RowId, i32)> {
        let mut found = None;
        let key = key(id);
        let visit = |row, version: &RowView<'_>| -> dictdb_types::Result<bool> {
            assert!(found.is_none(), "two rows with one id");
            found = Some((row, int(version, VALUE)));
            Ok(true)
        };
        self.table.find(&self.index, &key, snapshot, visit).unwrap();
        found
    }

    pub(crate) fn set(&self, transaction: &Transaction, id: i32, value: i32) -> Written {
        let snapshot = transaction.snapshot().unwrap();
        let (row, _) = self.find_at(&snapshot, id).expect("row to update");
        self.table.update(transaction, &snapshot, row, None, &[(VALUE, Datum::Int4(value))]).unwrap()
    }

    pub(crate) fn set_id(&self, transaction: &Transaction, id: i32, new: i32) -> Written {
        let snapshot = transaction.snapshot().unwrap();
        let (row, _) = self.find_at(&snapshot, id).expect("row to update");
        self.table.update(transaction, &snapshot, row, None, &[(ID, Datum::Int4(new))]).unwrap()
    }

    pub(crate) fn delete(&self, transaction: &Transaction, id: i32) -> Written {
        let snapshot = transaction.snapshot().unwrap();
        let (row, _) = self.find_at(&snapshot, id).expect("row to delete");
        self.table.delete(transaction, &snapshot, row, None).unwrap()
    }

    /// All rows `(id, value)` by a scan, sorted.
    pub(crate) fn rows(&self, transaction: &Transaction) -> Vec<(i32, i32)> {
        self.rows_at(&Arc::new(transaction.snapshot().unwrap()))
    }

    pub(crate) fn rows_at(&self, snapshot: &Arc<Snapshot>) -> Vec<(i32, i32)> {
        use arrow::array::AsArray;
        use arrow::datatypes::Int32Type;
        let mut rows = Vec::new();
        for batch in self.table.scan(snapshot.clone(), vec![ID, VALUE], false, 0..usize::MAX) {
            let batch = batch.unwrap();
            let (ids, values) =
                (batch.columns[0].as_primitive::<Int32Type>(), batch.columns[1].as_primitive::<Int32Type>());
            assert_eq!(ids.len(), batch.rows);
            rows.extend(ids.values().iter().copied().zip(values.values().iter().copied()));
        }
        let mut visited = Vec::new();
        let visit = |_, version: &RowView<'_>| {
            visited.push((int(version, ID), int(version, VALUE)));
            Ok::<_, ()>(true)
        };
        self.table.for_each(snapshot, visit).unwrap();
        rows.sort_unstable();
        visited.sort_unstable();
        assert_eq!(rows, visited, "scan and visit see the same");
        rows
    }
}

pub(crate) fn key(id: i32) -> Vec<u8> {
    let mut key = Vec::new();
    dictdb_types::sort_key::encode(&Datum::Int4(id), oids::INT4, false, false, &mut key);
    key
}

pub(crate) fn int(row: &dyn RowReader, column: usize) -> i32 {
    match row.column(column) {
        ValueRef::Int4(value) => value,
        other => panic!("{other:?}"),
    }
}

macro_rules! assert_outcome {
    ($outcome:expr, $pattern:pat) => {
        match $outcome {
            $pattern => {}
            other => panic!("{other:?} is not {}", stringify!($pattern)),
        }
    };
}
pub(crate) use assert_outcome;
