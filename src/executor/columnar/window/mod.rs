//! Window functions in columns: the input in memory, its partitions in order, each call a column over some of them. Partitions are
//! computed as their rows are asked for.
//!
//! What a call computes is decided in [`call`]: ranks and values of other rows by their places alone, aggregates over whole
//! partitions by the accumulators of GROUP BY, anything else row by row over columns of arguments, by [`crate::window`].

mod aggregate;
mod call;
mod numeric;
mod partitions;
mod place;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder, UInt32Array};
use dictdb_types::{Physical, Result};

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
        Box::new(WindowCursor { input: self.input.clone().open(), node: self, state: None, ready: None })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

struct WindowCursor {
    node: Arc<Window>,
    input: Box<dyn Cursor>,
    /// The input, and how far it was computed.
    state: Option<Ordered>,
    /// Rows that are ready, and the next of them to give.
    ready: Option<(Chunk, usize)>,
}

/// The input as it came, with the order of its partitions.
struct Ordered {
    chunk: Chunk,
    /// The places of its rows in order; none: as they are.
    places: Option<UInt32Array>,
    /// The partitions that were not computed, some together.
    runs: std::vec::IntoIter<Partitions>,
    /// Their first row, in that order.
    next: usize,
}

/// Some whole partitions, their rows in order.
struct Sorted {
    chunk: Chunk,
    partitions: Partitions,
}

impl WindowCursor {
    fn read(&mut self, rt: &Arc<Runtime>) -> Result<Ordered> {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.input.next(rt)? {
            rt.charge(chunk.bytes())?;
            chunks.push(chunk);
        }
        let all = concat(&chunks, self.node.input.columns())?;
        match u32::try_from(all.rows) {
            Ok(_) => self.node.ordered(all, rt),
            Err(_) => Err(crate::engine::out_of_memory("Too many rows to sort.")),
        }
    }

    /// Computes the next partitions, as many as make a batch.
    fn compute(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        let state = match self.state.take() {
            Some(state) => state,
            None => self.read(rt)?,
        };
        let Some(sorted) = self.state.insert(state).take()? else { return Ok(None) };
        let node = &*self.node;
        let calls = node.calls.iter().map(|call| call.eval(&sorted, rt));
        let calls = calls.collect::<Result<Vec<ArrayRef>>>()?;
        let kept = node.run.as_ref().map(|run| sorted.partitions.until_not(run, &calls, rt)).transpose()?;
        let Sorted { mut chunk, .. } = sorted;
        chunk.columns.extend(calls);
        match kept {
            Some(kept) => chunk.filter(&kept).map(Some),
            None => Ok(Some(chunk)),
        }
    }
}

impl Ordered {
    /// The next partitions.
    fn take(&mut self) -> Result<Option<Sorted>> {
        let from = self.next;
        let Some(partitions) = self.runs.next() else { return Ok(None) };
        let rows = partitions.rows();
        self.next += rows;
        let chunk = match &self.places {
            None => self.chunk.slice(from, rows),
            Some(places) => self.chunk.take(&places.slice(from, rows))?,
        };
        Ok(Some(Sorted { chunk, partitions }))
    }
}

impl Window {
    /// Finds the order of some rows.
    fn ordered(&self, all: Chunk, rt: &Runtime) -> Result<Ordered> {
        let batch = Batch { columns: &all.columns, rows: all.rows, rt };
        let keys = key_columns(&self.keys, batch)?;
        let (partitions, places) = if all.rows == 0 {
            (Vec::new(), None)
        } else if keys.is_empty() {
            (vec![Partitions::one(all.rows)], None)
        } else {
            let places = places(&keys, &self.keys)?;
            let keys = Chunk { columns: keys, rows: all.rows }.take(&places)?;
            (Partitions::of(&keys, self.partition)?.into_runs(BATCH_ROWS), Some(places))
        };
        Ok(Ordered { chunk: all, places, runs: partitions.into_iter(), next: 0 })
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
        loop {
            if let Some((chunk, next)) = &mut self.ready {
                let rows = (chunk.rows - *next).min(BATCH_ROWS);
                if rows > 0 {
                    let from = *next;
                    *next += rows;
                    return Ok(Some(chunk.slice(from, rows)));
                }
            }
            match self.compute(rt)? {
                Some(chunk) => self.ready = Some((chunk, 0)),
                None => return Ok(None),
            }
        }
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        (self.state, self.ready) = (None, None);
        self.input.rescan(rt)
    }
}
