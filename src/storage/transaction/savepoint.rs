//! Savepoints: marks in the log, and going back to them.

use dictdb_types::{Error, Result};

use super::Transaction;
use super::log::{Log, Mark};
use crate::hook::ChangeKind;
use crate::version::Writer;

/// A savepoint of a transaction, valid until it or an earlier one is released, or an earlier one rolled back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SavepointId(usize);

impl Transaction {
    /// Marks this moment.
    pub fn savepoint(&self) -> SavepointId {
        let locks = self.session().held.lock().mark();
        let mut log = self.log().lock();
        let mark = log.mark(locks);
        log.marks.push(mark);
        SavepointId(log.marks.len() - 1)
    }

    /// Undoes what was done since: rows, index entries, and locks taken since, as in PostgreSQL. The savepoint stays,
    /// later ones are gone. XX000 if there is no such savepoint.
    pub fn rollback_to(&self, savepoint: SavepointId) -> Result<()> {
        let locks = self.undo_to(savepoint)?;
        let shared = &self.session().shared;
        shared.locks.release_after(self.session(), locks);
        if let Some((writer, id)) = self.writer().zip(self.id())
            && shared.writers.bump_epoch(writer)
        {
            shared.locks.wake(id);
        }
        Ok(())
    }

    /// Undoes what was done since, but keeps the locks. Returns how many there were then. XX000 if there is no such savepoint.
    pub fn undo_to(&self, savepoint: SavepointId) -> Result<(usize, usize)> {
        let mut log = self.log().lock();
        let Some(mark) = log.marks.get(savepoint.0).copied() else {
            return Err(Error::internal("savepoint is gone"));
        };
        log.marks.truncate(savepoint.0 + 1);
        if let Some(writer) = self.writer() {
            undo(&mut log, mark, writer);
        }
        Ok(mark.locks)
    }

    /// Forgets a savepoint and later ones, and keeps what was done. XX000 if there is no such savepoint.
    pub fn release(&self, savepoint: SavepointId) -> Result<()> {
        let mut log = self.log().lock();
        if savepoint.0 >= log.marks.len() {
            return Err(Error::internal("savepoint is gone"));
        }
        log.marks.truncate(savepoint.0);
        Ok(())
    }
}

/// Undoes the log from a mark on.
///
/// Rows first, so that index entries are judged by the versions that remain. Slots of inserted rows are free for
/// others only when no entry points to them.
pub(super) fn undo(log: &mut Log, mark: Mark, writer: Writer) {
    let tables = &log.tables;
    for change in log.changes[mark.changes..].iter().rev() {
        let table = &tables[change.table as usize];
        change.rows().rev().for_each(|row| match change.kind {
            ChangeKind::Insert => table.undo_insert(row),
            ChangeKind::Update | ChangeKind::Delete => table.undo_change(row),
        });
    }
    for change in log.keys.drain(mark.keys..).rev() {
        let table = &tables[change.table as usize];
        if let Some(key) = &change.new {
            table.remove_dead_entry(&change.index, key, change.row);
        }
        change.index.remove_stale();
    }
    for change in &log.changes[mark.changes..] {
        if change.kind == ChangeKind::Insert {
            tables[change.table as usize].free_slots(change.rows());
        }
    }
    for (table, undo) in log.row_locks.drain(mark.row_locks..).rev() {
        tables[table as usize].row_locks().undo(undo, writer);
    }
    log.changes.truncate(mark.changes);
}
