//! Rows of a table on their way into storage.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use arrow::datatypes::SchemaRef;
use dictdb_storage::Table;
use dictdb_types::{Error, Result, RowId, SqlState};
use parking_lot::Mutex;

use super::arrow::put_batch;
use crate::ipc::Encoded;
use crate::record::Shape;
use crate::surroundings::Surroundings;

/// A batch of lines is full from here on: a block of usual rows is less.
const MAX_BYTES: usize = 4 << 20;

/// Where rows go, and how they are read.
pub(super) struct Target {
    pub(super) table: Arc<Table>,
    pub(super) shape: Shape,
    /// Storage columns of its live columns.
    pub(super) slots: Vec<usize>,
    pub(super) surroundings: Arc<Surroundings>,
}

enum Rows {
    /// Consecutive rows, as lines end to end.
    Lines { first: u64, text: Vec<u8>, ends: Vec<usize> },
    /// Consecutive rows that are to go.
    Gone { first: u64, count: u64 },
    /// A batch of a stream.
    Encoded { schema: SchemaRef, batch: Encoded },
}

/// Some rows.
pub(super) struct Batch {
    target: Arc<Target>,
    rows: Rows,
}

impl Batch {
    pub(super) fn lines(target: &Arc<Target>, first: u64) -> Batch {
        Batch { target: target.clone(), rows: Rows::Lines { first, text: Vec::new(), ends: Vec::new() } }
    }

    pub(super) fn gone(target: &Arc<Target>, first: u64, count: u64) -> Batch {
        Batch { target: target.clone(), rows: Rows::Gone { first, count } }
    }

    pub(super) fn encoded(target: &Arc<Target>, schema: &SchemaRef, batch: Encoded) -> Batch {
        Batch { target: target.clone(), rows: Rows::Encoded { schema: schema.clone(), batch } }
    }

    /// Appends a line, which `read` puts behind what there is.
    pub(super) fn push(&mut self, read: impl FnOnce(&mut Vec<u8>) -> io::Result<usize>) -> io::Result<usize> {
        let Rows::Lines { text, ends, .. } = &mut self.rows else { return Ok(0) };
        let length = read(text)?;
        ends.push(text.len());
        Ok(length)
    }

    pub(super) fn is_full(&self) -> bool {
        matches!(&self.rows, Rows::Lines { text, .. } if text.len() >= MAX_BYTES)
    }

    fn apply(&self) -> Result<()> {
        let Target { table, shape, surroundings, .. } = &*self.target;
        match &self.rows {
            Rows::Lines { first, text, ends } => {
                let mut start = 0;
                let mut ends = ends.iter();
                table.restore_rows(RowId(*first), ends.len() as u64, |put| {
                    let end = ends.next().copied().unwrap_or(start);
                    let row = shape.take(&text[start..end], surroundings)?;
                    start = end;
                    put(Some(&row))
                })
            }
            Rows::Gone { first, count } => table.restore_rows(RowId(*first), *count, |put| put(None)),
            Rows::Encoded { schema, batch } => {
                let batch = batch.decode(schema);
                let batch = batch.map_err(|error| Error::new(SqlState::DATA_CORRUPTED, error.to_string()))?;
                put_batch(&self.target, &batch)
            }
        }
    }
}

/// A worker: applies batches until there are no more.
pub(super) fn apply_all(batches: &Mutex<Receiver<Batch>>) -> Result<()> {
    loop {
        let next = batches.lock().recv();
        let Ok(batch) = next else { return Ok(()) };
        if let Err(error) = batch.apply() {
            // Whoever sends more must not wait for ever.
            while batches.lock().recv().is_ok() {}
            return Err(error);
        }
    }
}
