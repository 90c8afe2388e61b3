//! The side that refers: its parent must be there, and stay.

use dictdb_storage::{Isolation, LockMode, RowLocked, RowStrength, Snapshot, concurrent_update};
use dictdb_types::{Datum, Error, Result, RowId, SqlState};
use hashbrown::HashSet;

use super::super::violation::shown_key;
use super::super::writer::Writer;
use super::ForeignKeyCode;
use super::convert::convert;
use crate::keys::equality_key;

/// Keys whose parents were found and locked while working off one queue. A lock stays, so once is enough.
#[derive(Default)]
pub(crate) struct CheckedKeys(HashSet<Vec<u8>>);

/// How many keys are remembered.
const REMEMBERED_KEYS: usize = 1 << 16;

impl ForeignKeyCode {
    /// Checks what a row of the child refers to. 23503.
    pub fn check_child(&self, row: RowId, writer: &Writer<'_>, checked: &mut CheckedKeys) -> Result<()> {
        let read = self.child.handle.table.read_latest(row, &writer.cx.transaction, |version| self.child.read(version));
        // A row that is gone again refers to nothing.
        let Some((_, values)) = read else { return Ok(()) };
        let values = values?;
        let nulls = values.iter().filter(|value| value.is_null()).count();
        if nulls == values.len() || nulls > 0 && !self.key.match_full {
            return Ok(());
        }
        if nulls > 0 {
            return Err(self
                .missing_parent()
                .detail("MATCH FULL does not allow mixing of null and nonnull key values."));
        }
        let mut remembered = self.constraint.oid.0.to_be_bytes().to_vec();
        let mut key = Vec::new();
        equality_key(&values, &self.child.oids, &mut key);
        remembered.append(&mut key);
        if checked.0.contains(&remembered) {
            return Ok(());
        }
        for (side, _) in self.parents() {
            self.lock(side, LockMode::RowShare, writer)?;
        }
        if !self.lock_parent(&values, writer)? {
            return Err(self.not_present(&values, writer));
        }
        if checked.0.len() < REMEMBERED_KEYS {
            checked.0.insert(remembered);
        }
        Ok(())
    }

    /// Locks the parent of these values FOR KEY SHARE; `false` if there is none.
    fn lock_parent(&self, values: &[Datum], writer: &Writer<'_>) -> Result<bool> {
        let Some(wanted) = convert(values, &self.child.oids, &self.parent.oids) else { return Ok(false) };
        let transaction = &writer.cx.transaction;
        loop {
            let snapshot = self.parents_snapshot(writer)?;
            let mut found = None;
            for (side, search) in self.parents() {
                let parent = search.find(side, &wanted, &snapshot, transaction)?.into_iter().next();
                found = found.or(parent.map(|parent| (&side.handle.table, parent)));
            }
            let Some((table, parent)) = found else { return Ok(false) };
            match table.lock_row(transaction, &snapshot, parent, None, RowStrength::KeyShare)? {
                RowLocked::Done | RowLocked::SelfModified => return Ok(true),
                RowLocked::Busy(holder) => writer.wait(holder)?,
                RowLocked::Changed => writer.if_read_committed((), concurrent_update)?,
                RowLocked::Deleted => {
                    // To whoever only locks, PostgreSQL calls a deletion an update too.
                    writer.if_read_committed((), concurrent_update)?;
                    writer.if_deleted((table, parent), ())?;
                }
            }
        }
    }

    /// What the parent is looked for in: what the transaction sees; but in a partitioned table, as PostgreSQL does, what there is now.
    fn parents_snapshot(&self, writer: &Writer<'_>) -> Result<Snapshot> {
        let transaction = &writer.cx.transaction;
        let is_partitioned =
            || writer.cx.catalog.relation(self.key.referenced).is_some_and(|root| root.is_partitioned());
        match transaction.isolation() != Isolation::ReadCommitted && is_partitioned() {
            true => transaction.latest_snapshot(),
            false => transaction.snapshot(),
        }
    }

    fn missing_parent(&self) -> Error {
        let child = &self.child.handle.relation;
        let message = format!(
            "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
            child.name, self.constraint.name
        );
        Error::new(SqlState::FOREIGN_KEY_VIOLATION, message).table(&*child.name).constraint(&*self.constraint.name)
    }

    fn not_present(&self, values: &[Datum], writer: &Writer<'_>) -> Error {
        let key = shown_key(&self.child.handle.relation, &self.child.columns, values, writer.cx);
        let catalog = &writer.cx.catalog;
        let parent = catalog.relation(self.key.referenced).map_or("?", |referenced| &referenced.name);
        self.missing_parent()
            .detail(format!("{key} is not present in table \"{parent}\"."))
            .schema(writer.schema_name(&self.child.handle.relation))
    }
}
