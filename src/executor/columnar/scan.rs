//! Every row of a table, block by block, sharing the table's memory.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, UInt32Array};
use arrow::compute;
use arrow::datatypes::Int64Type;
use dictdb_storage::ScanBatch;
use dictdb_types::arrow::ColumnBuilder;
use dictdb_types::{Error, Physical, Result, RowId};

use super::error::arrow_error;
use super::vector::Vector;
use super::{Chunk, Cursor, Node, concat};
use crate::access::TableHandle;
use crate::access::columns::{OutputColumns, Source, ctid};
use crate::engine::BATCH_ROWS;
use crate::runtime::Runtime;

/// Batches with fewer rows wait for more after a filter.
const SMALL_CHUNK: usize = BATCH_ROWS / 4;

/// SeqScan.
#[derive(Debug)]
pub(crate) struct Scan {
    handle: TableHandle,
    output: OutputColumns,
    filter: Option<Vector>,
    /// Storage columns that are read.
    projection: Vec<usize>,
    columns: Box<[Physical]>,
}

impl Scan {
    /// A scan with these output columns; the filter is over them.
    pub fn new(handle: TableHandle, output: OutputColumns, filter: Option<Vector>, columns: Box<[Physical]>) -> Self {
        let slots = output.sources().iter().filter_map(|source| match source {
            Source::Slot(slot) => Some(*slot),
            Source::Constant(_) | Source::Ctid | Source::Origin(_) => None,
        });
        Scan { projection: slots.collect(), handle, output, filter, columns }
    }

    /// Arranges what storage read into output columns.
    fn arrange(&self, batch: ScanBatch) -> Result<Chunk> {
        let mut read = batch.columns.into_iter();
        let missing = || Error::internal("scan without a column");
        let mut columns = Vec::with_capacity(self.columns.len());
        for (source, physical) in self.output.sources().iter().zip(&self.columns) {
            columns.push(match source {
                Source::Slot(_) => read.next().ok_or_else(missing)?,
                Source::Constant(value) => {
                    let mut builder = ColumnBuilder::new(*physical, 1);
                    builder.push(value)?;
                    let zeros = UInt32Array::from(vec![0u32; batch.rows]);
                    compute::take(&builder.finish(), &zeros, None).map_err(arrow_error)?
                }
                Source::Origin(_) => return Err(Error::internal("transactions of versions in columns")),
                Source::Ctid => ctids(batch.row_ids.as_ref().ok_or_else(missing)?, *physical)?,
            });
        }
        if self.output.has_row_id() {
            columns.push(marked(batch.row_ids.ok_or_else(missing)?, self.output.mark())?);
        }
        Ok(Chunk { columns, rows: batch.rows })
    }

    fn wants_row_ids(&self) -> bool {
        self.output.has_row_id() || self.output.sources().iter().any(|source| matches!(source, Source::Ctid))
    }
}

/// Row ids with the mark of the member they are of.
fn marked(row_ids: ArrayRef, mark: i64) -> Result<ArrayRef> {
    if mark == 0 {
        return Ok(row_ids);
    }
    let ids = row_ids.as_any().downcast_ref::<Int64Array>().ok_or_else(|| Error::internal("row ids are not int8"))?;
    Ok(Arc::new(ids.unary::<_, Int64Type>(|id| id | mark)))
}

fn ctids(row_ids: &ArrayRef, physical: Physical) -> Result<ArrayRef> {
    let ids = row_ids.as_any().downcast_ref::<Int64Array>().ok_or_else(|| Error::internal("row ids are not int8"))?;
    let mut builder = ColumnBuilder::new(physical, ids.len());
    ids.values().iter().try_for_each(|id| builder.push(&ctid(RowId(*id as u64))))?;
    Ok(builder.finish())
}

impl Node for Scan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(ScanCursor { node: self, block: 0, ready: Vec::new(), small: Vec::new() })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

struct ScanCursor {
    node: Arc<Scan>,
    /// The next block.
    block: usize,
    /// Batches of the last block, last first.
    ready: Vec<ScanBatch>,
    /// What is left of filtered batches, to be put together.
    small: Vec<Chunk>,
}

impl ScanCursor {
    fn next_batch(&mut self, rt: &Runtime) -> Result<Option<ScanBatch>> {
        let Scan { handle, projection, .. } = &*self.node;
        while self.ready.is_empty() {
            if self.block == 0 {
                rt.cx().transaction.reads_table(&handle.table)?;
            }
            if self.block >= handle.table.block_count() {
                return Ok(None);
            }
            rt.env().check_interrupts()?;
            let snapshot = &rt.cx().snapshot;
            let batches = handle.table.scan_block(self.block, snapshot, projection, self.node.wants_row_ids())?;
            self.ready.extend(batches.into_iter().rev());
            self.block += 1;
        }
        Ok(self.ready.pop())
    }

    /// Puts the small chunks together.
    fn flush(&mut self) -> Result<Option<Chunk>> {
        if self.small.is_empty() {
            return Ok(None);
        }
        concat(&std::mem::take(&mut self.small), &self.node.columns).map(Some)
    }
}

impl Cursor for ScanCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        let node = self.node.clone();
        while let Some(batch) = self.next_batch(rt)? {
            let chunk = node.arrange(batch)?;
            let kept = match &node.filter {
                None => Some(chunk),
                Some(filter) => super::filter::keep(chunk, filter, rt)?,
            };
            let Some(kept) = kept else { continue };
            if self.small.is_empty() && kept.rows >= SMALL_CHUNK {
                return Ok(Some(kept));
            }
            self.small.push(kept);
            if self.small.iter().map(|chunk| chunk.rows).sum::<usize>() >= SMALL_CHUNK {
                return self.flush();
            }
        }
        self.flush()
    }

    fn rescan(&mut self, _: &Arc<Runtime>) -> Result<()> {
        self.block = 0;
        self.ready.clear();
        self.small.clear();
        Ok(())
    }
}
