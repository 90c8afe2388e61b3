//! Rows out of and back into Arrow arrays: what a binary backup does with a table.

use arrow::array::ArrayRef;
use dictdb_types::{Datum, Error, Physical, Result, RowId, SqlState};

use super::Table;
use super::run::ColumnsRow;
use super::scan::{ScanBatch, row_ids_of};
use crate::column::Column;
use crate::snapshot::Snapshot;
use crate::value::RowReader;

impl Table {
    /// Single rows as arrays, those that the snapshot sees, with their ids.
    pub fn gather(&self, rows: &[RowId], snapshot: &Snapshot, projection: &[usize]) -> Result<ScanBatch> {
        let layouts = self.columns();
        let layout = |slot: &usize| {
            let layout = layouts.get(*slot).copied();
            layout.map(Column::new).ok_or_else(|| Error::internal(format!("there is no storage column {slot}")))
        };
        let mut columns = projection.iter().map(layout).collect::<Result<Vec<Column>>>()?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let seen = self.read(*row, snapshot, |version| {
                projection.iter().zip(&mut columns).for_each(|(slot, column)| column.push(version.value(*slot)));
            });
            found.extend(seen.map(|()| *row));
        }
        let columns = columns.iter_mut().map(Column::freeze).collect::<Result<_>>()?;
        Ok(ScanBatch { rows: found.len(), columns, row_ids: Some(row_ids_of(&found)) })
    }

    /// Puts rows where they were: `ids` in ascending order, and an array for each storage column that has values. Whole blocks take
    /// the arrays over. XX001 when an array does not fit the table.
    pub fn restore_arrays(&self, ids: &[RowId], arrays: &[Option<ArrayRef>]) -> Result<()> {
        let columns = self.columns_of(ids.len(), arrays)?;
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(()) };
        if last.0.checked_sub(first.0) == Some(ids.len() as u64 - 1) {
            return self.put_columns(*first, ids.len(), columns);
        }
        let mut row = 0;
        for run in ids.chunk_by(|before, id| before.0.checked_add(1) == Some(id.0)) {
            self.restore_rows(run[0], run.len() as u64, |put| {
                row += 1;
                put(Some(&ColumnsRow { columns: &columns, row: row - 1 }))
            })?;
        }
        Ok(())
    }

    /// A column for each storage column: without an array it is NULL throughout.
    fn columns_of(&self, rows: usize, arrays: &[Option<ArrayRef>]) -> Result<Vec<Column>> {
        let layouts = self.columns();
        if arrays.len() != layouts.len() || arrays.iter().flatten().any(|array| array.len() != rows) {
            let message = format!("arrays do not have the shape of table {}", self.id());
            return Err(Error::new(SqlState::DATA_CORRUPTED, message));
        }
        let column = |(layout, array): (&Physical, &Option<ArrayRef>)| match array {
            Some(array) => Column::from_array(*layout, array),
            None => Ok(Column::constant(*layout, Datum::Null, rows)),
        };
        layouts.iter().zip(arrays).map(column).collect()
    }
}

/// Rows as arrays, one for each of these layouts. XX000 when a value is of another.
pub fn arrays_of(layouts: &[Physical], rows: &[&dyn RowReader]) -> Result<Vec<ArrayRef>> {
    let array = |(index, layout): (usize, &Physical)| {
        let mut column = Column::new(*layout);
        for row in rows {
            let value = row.column(index);
            column.check(value)?;
            column.push(value);
        }
        column.freeze()
    };
    layouts.iter().enumerate().map(array).collect()
}

/// The values of an array of this layout. XX001 when it is of another.
pub fn datums_of(layout: Physical, array: &ArrayRef) -> Result<Vec<Datum>> {
    let column = Column::from_array(layout, array)?;
    (0..array.len()).map(|row| column.get(row).to_datum()).collect()
}
