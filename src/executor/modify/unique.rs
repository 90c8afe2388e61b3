//! Deferrable unique constraints: their index takes duplicates, which are looked for at the end of the statement or
//! transaction.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Constraint, ConstraintKind, Relation};
use dictdb_storage::{Index, KeyOutcome, RowLocked, RowStrength, Storage};
use dictdb_types::{Error, Result, RowId, opaque};

use super::target::{Target, place};
use super::violation;
use super::writer::Writer;
use crate::access::TableHandle;
use crate::row::Row;

/// A deferrable unique constraint.
#[derive(Debug)]
pub(crate) struct UniqueCode {
    /// The constraint.
    pub constraint: Arc<Constraint>,
    handle: TableHandle,
    index: Arc<Index>,
    nulls_not_distinct: bool,
    /// Places of the columns.
    places: Vec<usize>,
}

impl UniqueCode {
    /// The deferrable unique constraints of a table.
    pub fn of_relation(relation: &Arc<Relation>, catalog: &Catalog, storage: &Storage) -> Result<Box<[Arc<Self>]>> {
        let mut found = Vec::new();
        for constraint in relation.constraints.iter().filter(|constraint| constraint.deferrable) {
            let (ConstraintKind::Primary { columns, index } | ConstraintKind::Unique { columns, index }) =
                &constraint.kind
            else {
                continue;
            };
            let handle = TableHandle::new(relation, storage)?;
            let info =
                catalog.relation(*index).and_then(|index| Some((index.storage, index.index()?.nulls_not_distinct)));
            let (storage_id, nulls_not_distinct) = info.ok_or_else(|| Error::internal("constraint without index"))?;
            let index = handle.table.index(storage_id).ok_or_else(|| Error::internal("index without storage"))?;
            let places = columns.iter().map(|attnum| place(*attnum)).collect::<Result<_>>()?;
            found.push(Arc::new(UniqueCode {
                constraint: constraint.clone(),
                handle,
                index,
                nulls_not_distinct,
                places,
            }));
        }
        Ok(found.into())
    }

    /// The table it is of.
    pub fn table(&self) -> dictdb_types::Oid {
        self.handle.relation.oid
    }

    /// Whether an update changed the key.
    pub fn changed(&self, old: &Row, new: &Row) -> bool {
        !same_image(&self.places, old, new)
    }

    /// Fails with 23505 if another row has the key of this one.
    pub fn check(&self, row: RowId, writer: &Writer<'_>) -> Result<()> {
        let table = &self.handle.table;
        let transaction = &writer.cx.transaction;
        let Some((_, key)) = table.read_latest(row, transaction, |version| self.key(version)) else { return Ok(()) };
        let Some(key) = key? else { return Ok(()) };
        for other in table.candidates(&self.index, &key) {
            if other != row && self.is_taken(other, &key, writer)? {
                let target = Target::bare(&self.handle, &writer.cx.catalog);
                let row = writer.read_latest(&target, row)?.map(|(_, row)| row).unwrap_or_default();
                return Err(violation::unique(&target, self.index.def().id, &row, writer));
            }
        }
        Ok(())
    }

    /// The key of a version; `None` when it has none that must be unique.
    fn key(&self, version: &dyn dictdb_storage::RowReader) -> Result<Option<Vec<u8>>> {
        let mut key = Vec::new();
        Ok(match self.index.def().key.key(version, &mut key)? {
            KeyOutcome::Key => Some(key),
            KeyOutcome::HasNull if self.nulls_not_distinct => Some(key),
            KeyOutcome::HasNull | KeyOutcome::NotIndexed => None,
        })
    }

    /// Whether another row has the key, after the transaction that is writing it, if any, has ended.
    fn is_taken(&self, other: RowId, key: &[u8], writer: &Writer<'_>) -> Result<bool> {
        let table = &self.handle.table;
        let transaction = &writer.cx.transaction;
        loop {
            let snapshot = transaction.latest_snapshot()?;
            match table.lock_row(transaction, &snapshot, other, None, RowStrength::KeyShare)? {
                RowLocked::Busy(holder) => writer.wait(holder)?,
                RowLocked::Changed => {}
                RowLocked::Deleted => return Ok(false),
                RowLocked::Done | RowLocked::SelfModified => {
                    let latest = table.read_latest(other, transaction, |version| self.key(version));
                    return Ok(latest.map(|(_, found)| found).transpose()?.flatten().as_deref() == Some(key));
                }
            }
        }
    }
}

/// Whether the values at some places are the same, byte for byte.
pub(super) fn same_image(places: &[usize], a: &Row, b: &Row) -> bool {
    places.iter().all(|place| match (a.get(*place), b.get(*place)) {
        (Some(a), Some(b)) => {
            let (mut a_bytes, mut b_bytes) = (Vec::new(), Vec::new());
            opaque::encode(a, &mut a_bytes);
            opaque::encode(b, &mut b_bytes);
            a_bytes == b_bytes
        }
        _ => false,
    })
}
