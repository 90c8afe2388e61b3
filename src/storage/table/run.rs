//! Runs: consecutive rows that are made column by column, under no latch, and then put into their table at once.

use dictdb_types::{Datum, Error, Result, RowId, SqlState};

use super::restore::RESTORED;
use super::{Table, place};
use crate::block::BLOCK_ROWS;
use crate::column::Column;
use crate::value::{RowReader, ValueRef};

/// Rows in the making.
pub struct Run {
    columns: Vec<Column>,
    rows: usize,
}

/// One row of some columns.
pub(super) struct ColumnsRow<'a> {
    pub(super) columns: &'a [Column],
    pub(super) row: usize,
}

impl RowReader for ColumnsRow<'_> {
    fn column(&self, index: usize) -> ValueRef<'_> {
        self.columns.get(index).map_or(ValueRef::Null, |column| column.get(self.row))
    }
}

impl Run {
    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Sets a value of the row that is being made; what is not set is NULL, and what is set again has the last value. XX001 when it
    /// does not fit the table.
    #[inline]
    pub fn put(&mut self, column: usize, value: ValueRef<'_>) -> Result<()> {
        let Some(column) = self.columns.get_mut(column) else { return Err(unfit("there is no such column")) };
        column.check(value).map_err(|error| unfit(error.message()))?;
        match column.len().checked_sub(self.rows) {
            Some(0) => column.push(value),
            Some(_) => column.set(self.rows, value),
            None => {
                pad(column, self.rows);
                column.push(value);
            }
        }
        Ok(())
    }

    /// Ends a row.
    #[inline]
    pub fn end_row(&mut self) {
        self.rows += 1;
    }
}

fn unfit(what: &str) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("a stored row does not fit its table: {what}"))
}

/// Fills up with NULL.
fn pad(column: &mut Column, rows: usize) {
    if column.len() == 0 {
        *column = Column::constant(column.physical(), Datum::Null, rows);
    }
    while column.len() < rows {
        column.push(ValueRef::Null);
    }
}

impl Table {
    /// Begins a run of about so many rows.
    pub fn begin_run(&self, rows: usize) -> Run {
        let columns = self.columns.read().iter().map(|layout| Column::with_room(*layout, rows)).collect();
        Run { columns, rows: 0 }
    }

    /// Puts a run where its rows were, the first of them at `first`. An empty block takes the columns over. XX001 when the place is
    /// none.
    pub fn restore_built(&self, first: RowId, mut run: Run) -> Result<()> {
        run.columns.iter_mut().for_each(|column| pad(column, run.rows));
        self.put_columns(first, run.rows, run.columns)
    }

    /// Puts so many rows of all storage columns where they were.
    pub(super) fn put_columns(&self, first: RowId, rows: usize, columns: Vec<Column>) -> Result<()> {
        let (number, slot) = place(first);
        if slot == 0 && rows <= BLOCK_ROWS {
            let mut block = self.change(number, self.block_to_restore(number)?);
            if block.len() == 0 {
                block.columns = columns;
                block.stamps = vec![RESTORED; rows];
                self.measure(&mut block);
                return Ok(());
            }
        }
        let mut row = 0;
        self.restore_rows(first, rows as u64, |put| {
            row += 1;
            put(Some(&ColumnsRow { columns: &columns, row: row - 1 }))
        })
    }
}
