//! What a transaction did, in order: to stamp it at commit, to undo it at rollback, to write it to a log.

use std::sync::Arc;

use dictdb_types::RowId;
use smallvec::SmallVec;

use crate::hook::{ChangeKind, LogicalChange};
use crate::index::{Index, Key};
use crate::lock::RowLockUndo;
use crate::table::Table;

/// Changes of one kind to consecutive rows of a table; more than one row only for inserts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) table: u32,
    pub(crate) kind: ChangeKind,
    pub(crate) count: u32,
    pub(crate) row: RowId,
}

/// An update that gave a row another key.
pub(crate) struct KeyChange {
    pub(crate) table: u32,
    pub(crate) index: Arc<Index>,
    pub(crate) row: RowId,
    /// The key before; its entry is garbage after commit.
    pub(crate) old: Option<Key>,
    /// The key after; its entry goes at rollback.
    pub(crate) new: Option<Key>,
}

/// The list.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) tables: SmallVec<[Arc<Table>; 4]>,
    pub(crate) changes: SmallVec<[Change; 4]>,
    pub(crate) keys: Vec<KeyChange>,
    pub(crate) row_locks: Vec<(u32, RowLockUndo)>,
    pub(crate) marks: Vec<Mark>,
}

/// Lengths at a savepoint.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    pub(crate) changes: usize,
    pub(crate) keys: usize,
    pub(crate) row_locks: usize,
    /// Relation and advisory locks.
    pub(crate) locks: (usize, usize),
}

impl Log {
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The number of a table in this log.
    #[inline]
    pub(crate) fn table(&mut self, table: &Arc<Table>) -> u32 {
        if let Some(at) = self.tables.iter().rposition(|known| Arc::ptr_eq(known, table)) {
            return at as u32;
        }
        self.tables.push(table.clone());
        (self.tables.len() - 1) as u32
    }

    #[inline]
    pub(crate) fn add(&mut self, table: &Arc<Table>, kind: ChangeKind, row: RowId) {
        let table = self.table(table);
        // A run must not reach over a savepoint.
        let open = self.marks.last().map_or(0, |mark| mark.changes) < self.changes.len();
        if open
            && kind == ChangeKind::Insert
            && let Some(last) = self.changes.last_mut()
            && last.kind == kind
            && last.table == table
            && last.row.0 + last.count as u64 == row.0
            && last.count < u32::MAX
        {
            last.count += 1;
            return;
        }
        self.changes.push(Change { table, kind, count: 1, row });
    }

    pub(crate) fn mark(&self, locks: (usize, usize)) -> Mark {
        Mark { changes: self.changes.len(), keys: self.keys.len(), row_locks: self.row_locks.len(), locks }
    }

    /// Every change.
    pub(crate) fn logical_changes(&self) -> impl Iterator<Item = LogicalChange<'_>> {
        self.changes.iter().map(|change| LogicalChange {
            table: &self.tables[change.table as usize],
            row: change.row,
            rows: change.count.into(),
            kind: change.kind,
        })
    }
}

impl Change {
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = RowId> + use<> {
        let first = self.row.0;
        (first..first + self.count as u64).map(RowId)
    }
}
