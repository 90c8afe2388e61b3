//! Window functions in columns: the input in memory, sorted into partitions, each call a column over it.
//!
//! What a call computes is decided in [`call`]: ranks and values of other rows by their places alone, aggregates over whole
//! partitions by the accumulators of GROUP BY, anything else row by row over columns of arguments, by [`crate::window`].

mod aggregate;
mod call;
mod numeric;
mod partitions;
mod place;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder};
use dictdb_types::{Error, Physical, Result};

pub(super) use self::call::CallCode;
use self::partitions::Partitions;
use super::sort::{SortKey, key_columns, places};
use super::vector::{Batch, Vector};
use super::{Chunk, Cursor, Node, concat};
use crate::engine::BATCH_ROWS;
use crate::runtime::Runtime;

/// Window.
#[derive(Debug)]
pub(crate) struct Window {
    /// Input.
    pub input: Arc<dyn Node>,
    /// PARTITION BY, then ORDER BY.
    pub keys: Box<[SortKey]>,
    /// How many of the keys are PARTITION BY's.
    pub partition: usize,
    /// The calls.
    pub calls: Box<[CallCode]>,
    /// What ends a partition when it is not true: over the calls alone.
    pub run: Option<Vector>,
    /// Layouts of the output: input, calls.
    pub columns: Box<[Physical]>,
}

impl Node for Window {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(WindowCursor { input: self.input.clone().open(), node: self, result: None, next: 0 })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

struct WindowCursor {
    node: Arc<Window>,
    input: Box<dyn Cursor>,
    /// All rows, in order.
    result: Option<Chunk>,
    /// The next row to give.
    next: usize,
}

/// The input in the order of its partitions.
struct Sorted {
    chunk: Chunk,
    partitions: Partitions,
}

impl WindowCursor {
    fn read(&mut self, rt: &Arc<Runtime>) -> Result<Chunk> {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.input.next(rt)? {
            rt.charge(chunk.bytes())?;
            chunks.push(chunk);
        }
        let all = concat(&chunks, self.node.input.columns())?;
        match u32::try_from(all.rows) {
            Ok(_) => Ok(all),
            Err(_) => Err(crate::engine::out_of_memory("Too many rows to sort.")),
        }
    }

    fn compute(&mut self, rt: &Arc<Runtime>) -> Result<Chunk> {
        let all = self.read(rt)?;
        let node = &*self.node;
        if all.rows == 0 {
            return concat(&[], &node.columns);
        }
        let sorted = node.sorted(all, rt)?;
        rt.charge(sorted.chunk.bytes())?;
        let calls = node.calls.iter().map(|call| call.eval(&sorted, rt));
        let calls = calls.collect::<Result<Vec<ArrayRef>>>()?;
        let kept = node.run.as_ref().map(|run| sorted.partitions.until_not(run, &calls, rt)).transpose()?;
        let Sorted { mut chunk, .. } = sorted;
        chunk.columns.extend(calls);
        match kept {
            Some(kept) => chunk.filter(&kept),
            None => Ok(chunk),
        }
    }
}

impl Window {
    /// Sorts rows, of which there are some.
    fn sorted(&self, all: Chunk, rt: &Runtime) -> Result<Sorted> {
        let batch = Batch { columns: &all.columns, rows: all.rows, rt };
        let keys = key_columns(&self.keys, batch)?;
        if keys.is_empty() {
            return Ok(Sorted { partitions: Partitions::one(all.rows), chunk: all });
        }
        let places = places(&keys, &self.keys)?;
        let keys = Chunk { columns: keys, rows: all.rows }.take(&places)?;
        Ok(Sorted { chunk: all.take(&places)?, partitions: Partitions::of(&keys, self.partition)? })
    }
}

impl Partitions {
    /// In every partition the rows before the first for which a condition over the calls is not true.
    fn until_not(&self, run: &Vector, calls: &[ArrayRef], rt: &Runtime) -> Result<BooleanArray> {
        let holds = run.select(Batch { columns: calls, rows: self.rows(), rt })?;
        let mut kept = BooleanBufferBuilder::new(self.rows());
        for (rows, _) in self.each() {
            let holding = rows.clone().take_while(|row| holds.value(*row)).count();
            kept.append_n(holding, true);
            kept.append_n(rows.len() - holding, false);
        }
        Ok(BooleanArray::new(kept.finish(), None))
    }
}

impl Cursor for WindowCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        if self.result.is_none() {
            self.result = Some(self.compute(rt)?);
            self.next = 0;
        }
        let result = self.result.as_ref().ok_or_else(|| Error::internal("window lost its rows"))?;
        let rows = (result.rows - self.next).min(BATCH_ROWS);
        let from = self.next;
        self.next += rows;
        Ok((rows > 0).then(|| result.slice(from, rows)))
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.result = None;
        self.input.rescan(rt)
    }
}
