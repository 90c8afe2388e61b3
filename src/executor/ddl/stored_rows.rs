//! The rows that a table has, for commands that look at all of them.

use std::ops::Range;
use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_storage::{RowReader, RowView, Snapshot};
use dictdb_types::{Env, Result, RowId};

use super::DdlContext;
use crate::access::TableHandle;
use crate::modify::Target;
use crate::row::Row;

/// The rows of a table as a command finds them, a block at a time. An error is 57014, or of a value that cannot be read.
pub(in crate::ddl) struct StoredRows {
    target: Target,
    snapshot: Snapshot,
    env: Arc<dyn Env>,
    blocks: Range<usize>,
}

impl DdlContext<'_> {
    /// Reads a table from its beginning.
    pub(in crate::ddl) fn stored_rows(&mut self, relation: &Arc<Relation>) -> Result<StoredRows> {
        let handle = TableHandle::new(relation, self.storage)?;
        let target = Target::bare(&handle, &self.view());
        let blocks = 0..handle.table.block_count();
        Ok(StoredRows { target, snapshot: self.transaction.latest_snapshot()?, env: self.row_env(), blocks })
    }

    /// Whether a table has rows.
    pub(in crate::ddl) fn has_rows(&mut self, relation: &Arc<Relation>) -> Result<bool> {
        self.stored_rows(relation)?.any(|_, _| Ok(true))
    }

    /// Whether a row of a table has NULL at this place.
    pub(in crate::ddl) fn has_null(&mut self, relation: &Arc<Relation>, place: usize) -> Result<bool> {
        let mut rows = self.stored_rows(relation)?;
        let slot = rows.target.slot(place);
        rows.any(|_, version| Ok(version.column(slot).is_null()))
    }

    /// Shows every row of a table to a test that may refuse it.
    pub(in crate::ddl) fn check_rows(
        &mut self,
        relation: &Arc<Relation>,
        mut test: impl FnMut(&Row, &dyn Env) -> Result<()>,
    ) -> Result<()> {
        let env = self.row_env();
        for rows in self.stored_rows(relation)? {
            rows?.iter().try_for_each(|row| test(row, &*env))?;
        }
        Ok(())
    }
}

impl StoredRows {
    /// Whether a test that needs nothing but the stored version holds for one of the rows that are left.
    fn any(&mut self, mut test: impl FnMut(RowId, &RowView<'_>) -> Result<bool>) -> Result<bool> {
        for number in self.blocks.by_ref() {
            self.env.check_interrupts()?;
            let table = &self.target.handle.table;
            if !table.for_each_in_block(number, &self.snapshot, |id, version| test(id, version).map(|holds| !holds))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The ids of the rows that are left, in the order of what `key` says of each.
    pub fn sorted_by<K: Ord>(&mut self, mut key: impl FnMut(&dyn RowReader) -> Result<K>) -> Result<Vec<RowId>> {
        let mut keys = Vec::new();
        self.any(|id, version| {
            keys.push((key(version)?, id));
            Ok(false)
        })?;
        keys.sort();
        Ok(keys.into_iter().map(|(_, id)| id).collect())
    }

    /// The rows with these ids.
    pub fn rows(&self, ids: &[RowId]) -> Result<Vec<Row>> {
        self.env.check_interrupts()?;
        let read = |id: &RowId| self.target.handle.table.read(*id, &self.snapshot, |version| self.row(version));
        ids.iter().filter_map(read).collect()
    }

    fn block(&self, number: usize) -> Result<Vec<Row>> {
        self.env.check_interrupts()?;
        let mut rows = Vec::new();
        self.target.handle.table.for_each_in_block(number, &self.snapshot, |_, version| -> Result<bool> {
            rows.push(self.row(version)?);
            Ok(true)
        })?;
        Ok(rows)
    }

    fn row(&self, version: &dyn RowReader) -> Result<Row> {
        let mut row = Row::with_capacity(self.target.width());
        self.target.read_full(version, &mut row)?;
        Ok(row)
    }
}

impl Iterator for StoredRows {
    type Item = Result<Vec<Row>>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.blocks.next()?;
        Some(self.block(number))
    }
}
