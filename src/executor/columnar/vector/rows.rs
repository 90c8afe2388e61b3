//! Expressions without column kernels: evaluated row by row, read from columns and written to one.

use arrow::array::{Array, ArrayRef};
use dictdb_types::arrow::{ColumnBuilder, ColumnReader};
use dictdb_types::{Datum, Physical, Result};
use smallvec::SmallVec;

use super::{Batch, Vector};
use crate::eval::{CallCode, Code, Scope};

/// An expression over some columns of the batch.
#[derive(Debug)]
pub(crate) struct RowsCode {
    /// The expression; its inputs are positions in `inputs`.
    pub code: Code,
    /// The columns it reads and their layouts.
    pub inputs: Box<[(usize, Physical)]>,
    /// Layout of the result.
    pub result: Physical,
}

impl RowsCode {
    pub(super) fn eval(&self, batch: Batch<'_>) -> Result<ArrayRef> {
        let columns: Vec<&ArrayRef> = self.inputs.iter().filter_map(|(index, _)| batch.columns.get(*index)).collect();
        let readers =
            columns.iter().zip(&self.inputs).map(|(array, (_, physical))| ColumnReader::new(array, *physical));
        let readers: Vec<ColumnReader<'_>> = readers.collect::<Result<_>>()?;
        let mut builder = ColumnBuilder::new(self.result, batch.rows);
        let mut row: Vec<Datum> = vec![Datum::Null; readers.len()];
        for index in 0..batch.rows {
            batch.rt.tick(index)?;
            for (value, reader) in row.iter_mut().zip(&readers) {
                *value = reader.get(index)?;
            }
            let value = self.code.eval_ref(Scope::new(batch.rt, &row))?;
            builder.push(&value)?;
        }
        Ok(builder.finish())
    }
}

/// A call whose arguments are columns.
#[derive(Debug)]
pub(crate) struct RowKernel {
    /// The function.
    pub call: CallCode,
    /// Arguments and their layouts.
    pub args: Box<[Vector]>,
    /// Layouts of the arguments.
    pub layouts: Box<[Physical]>,
    /// Layout of the result.
    pub result: Physical,
}

/// An argument: a column, or one value for all rows.
enum Argument<'a> {
    Column(ColumnReader<'a>),
    Single(Datum),
}

impl RowKernel {
    pub(super) fn eval(&self, batch: Batch<'_>) -> Result<ArrayRef> {
        let values: Vec<_> = self.args.iter().map(|arg| arg.eval(batch)).collect::<Result<_>>()?;
        let mut arguments: SmallVec<[Argument<'_>; 4]> = SmallVec::new();
        for (value, layout) in values.iter().zip(&self.layouts) {
            let (array, single) = value.as_datum().get();
            let reader = ColumnReader::new(array, *layout)?;
            arguments.push(if single { Argument::Single(reader.get(0)?) } else { Argument::Column(reader) });
        }
        let mut builder = ColumnBuilder::new(self.result, batch.rows);
        let mut args: SmallVec<[Datum; 4]> = SmallVec::with_capacity(arguments.len());
        let scope = Scope::new(batch.rt, &[]);
        'rows: for index in 0..batch.rows {
            batch.rt.tick(index)?;
            args.clear();
            for argument in &arguments {
                let value = match argument {
                    Argument::Column(reader) => reader.get(index)?,
                    Argument::Single(value) => value.clone(),
                };
                if self.call.strict && value.is_null() {
                    builder.push_null();
                    continue 'rows;
                }
                args.push(value);
            }
            builder.push(&self.call.apply(scope, &args)?)?;
        }
        debug_assert_eq!(builder.len(), batch.rows);
        let array = builder.finish();
        debug_assert_eq!(array.len(), batch.rows);
        Ok(array)
    }
}
