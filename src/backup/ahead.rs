//! Rows of a restore on their way into the log, while others are still read.

use dictdb_durability::Staging;
use dictdb_storage::{Snapshot, Table};
use dictdb_types::{Result, RowId};

/// The log, for rows that have just been read.
#[derive(Clone, Copy)]
pub(crate) struct Ahead<'a> {
    pub(crate) staging: &'a Staging<'a>,
    pub(crate) snapshot: &'a Snapshot,
}

impl Ahead<'_> {
    pub(crate) fn put(&self, table: &Table, runs: impl Iterator<Item = (RowId, u64)>) -> Result<()> {
        Ok(self.staging.rows(table, runs, self.snapshot)?)
    }
}
