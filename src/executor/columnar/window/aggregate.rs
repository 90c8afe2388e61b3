//! Aggregates over partitions, and whatever needs frames.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt32Array};
use arrow::compute;
use dictdb_planner::expr::{AggregateCall, WindowCall};
use dictdb_types::arrow::{ColumnBuilder, ColumnReader};
use dictdb_types::{Datum, Physical, Result};

use super::super::aggregate::{self as groups, GroupArguments};
use super::super::error::arrow_error;
use super::super::vector::{self, Batch, Vector, VectorContext};
use super::partitions::Partitions;
use crate::row::Row;
use crate::runtime::Runtime;
use crate::window::frame::{FrameCode, Frames};
use crate::window::{Arguments, Running, WindowFunctionCode};

/// An aggregate over the whole partition: partitions are groups.
#[derive(Debug)]
pub(super) struct Total {
    call: groups::CallCode,
}

impl Total {
    pub fn compile(call: &WindowCall, cx: &VectorContext<'_>) -> Result<Self> {
        let call = AggregateCall {
            function: call.function.clone(),
            args: call.args.clone(),
            distinct: false,
            order: Vec::new(),
            within_group: false,
            filter: call.filter.clone(),
            ty: call.ty,
        };
        Ok(Total { call: groups::CallCode::compile(&call, true, cx)? })
    }

    pub fn column(&self, partitions: &Partitions, batch: Batch<'_>, rt: &Arc<Runtime>) -> Result<ArrayRef> {
        let arguments = GroupArguments::of(&self.call, batch)?;
        let rows = partitions.each().map(|(rows, _)| rows.len()).enumerate();
        let numbers: Vec<usize> = rows.flat_map(|(number, rows)| std::iter::repeat_n(number, rows)).collect();
        let mut totals = self.call.start()?;
        arguments.feed(&mut *totals, &numbers, partitions.count(), rt)?;
        let totals = totals.finish(partitions.count(), rt)?;
        let places = UInt32Array::from_iter_values(numbers.iter().map(|number| *number as u32));
        compute::take(&totals, &places, None).map_err(arrow_error)
    }
}

/// A call that is computed row by row, over columns of arguments.
#[derive(Debug)]
pub(super) struct Framed {
    function: WindowFunctionCode,
    frame: FrameCode,
    args: Box<[Vector]>,
    /// Layouts of the arguments.
    layouts: Box<[Physical]>,
    filter: Option<Vector>,
    /// The first ORDER BY key, for frames that depend on its values.
    key: Option<(Vector, Physical)>,
    /// Layout of the result.
    result: Physical,
}

impl Framed {
    pub fn compile(
        call: &WindowCall,
        frame: FrameCode,
        args: Box<[Vector]>,
        filter: Option<Vector>,
        cx: &VectorContext<'_>,
    ) -> Result<Self> {
        let physical = |ty: dictdb_types::Type| cx.eval.types.physical(ty.oid);
        let key = call.window.order.first().filter(|_| frame.compares_values());
        let key = key.map(|key| vector::compile(&key.expr, cx).map(|vector| (vector, physical(key.expr.ty()))));
        Ok(Framed {
            function: WindowFunctionCode::compile(call, cx.eval)?,
            key: key.transpose()?,
            frame,
            args,
            layouts: call.args.iter().map(|arg| physical(arg.ty())).collect(),
            filter,
            result: physical(call.ty),
        })
    }

    pub fn column(&self, partitions: &Partitions, batch: Batch<'_>) -> Result<ArrayRef> {
        let columns = vector::arrays(&self.args, batch)?;
        let columns = Columns {
            readers: columns.iter().zip(&self.layouts).map(|(c, l)| ColumnReader::new(c, *l)).collect::<Result<_>>()?,
            mask: self.filter.as_ref().map(|filter| filter.select(batch)).transpose()?,
        };
        let key = self.key.as_ref().map(|(vector, _)| vector.array(batch)).transpose()?;
        let key = key.as_ref().zip(self.key.as_ref());
        let key = key.map(|(column, (_, layout))| ColumnReader::new(column, *layout)).transpose()?;
        let mut builder = ColumnBuilder::new(self.result, batch.rows);
        for (rows, groups) in partitions.each() {
            let groups = groups.iter().map(|peers| peers.start - rows.start..peers.end - rows.start);
            let peers: Vec<Range<usize>> =
                groups.flat_map(|peers| std::iter::repeat_n(peers.clone(), peers.len())).collect();
            let values = || {
                let value = |row| key.as_ref().map_or(Ok(Datum::Null), |key| key.get(row));
                rows.clone().map(value).collect()
            };
            let frames = Frames::new(&self.frame, &peers, values, batch.rt)?;
            let arguments = Box::new(PartitionColumns { columns: &columns, rows: rows.clone() });
            let mut running = Running::new(&self.function, arguments, &peers, &frames, batch.rt);
            for row in 0..rows.len() {
                batch.rt.tick(row)?;
                builder.push(&running.value(row)?)?;
            }
        }
        Ok(builder.finish())
    }
}

/// Columns of arguments.
struct Columns<'a> {
    readers: Vec<ColumnReader<'a>>,
    /// The rows that FILTER keeps; all without one.
    mask: Option<BooleanArray>,
}

/// The arguments of one partition.
struct PartitionColumns<'a> {
    columns: &'a Columns<'a>,
    rows: Range<usize>,
}

impl Arguments for PartitionColumns<'_> {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn one(&self, row: usize, index: usize) -> Result<Datum> {
        let reader = self.columns.readers.get(index).filter(|_| row < self.rows.len());
        reader.map_or(Ok(Datum::Null), |reader| reader.get(self.rows.start + row))
    }

    fn all(&self, row: usize, args: &mut Row) -> Result<bool> {
        let row = self.rows.start + row;
        if self.columns.mask.as_ref().is_some_and(|mask| !mask.value(row)) {
            return Ok(false);
        }
        args.clear();
        self.columns.readers.iter().try_for_each(|reader| reader.get(row).map(|value| args.push(value)))?;
        Ok(true)
    }
}
