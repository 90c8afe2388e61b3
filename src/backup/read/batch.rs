//! Rows of a table on their way into storage.

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

/// Lines, end to end.
#[derive(Default)]
pub(super) struct Text {
    pub(super) text: Vec<u8>,
    /// Where each ends.
    pub(super) ends: Vec<usize>,
}

impl Text {
    pub(super) fn is_full(&self) -> bool {
        self.text.len() >= MAX_BYTES
    }
}

/// The memory of texts that are done, for the next: fresh memory costs as much as what is done with it.
#[derive(Default)]
pub(super) struct Buffers(Mutex<Vec<Text>>);

impl Buffers {
    /// An empty text.
    pub(super) fn take(&self) -> Text {
        self.0.lock().pop().unwrap_or_default()
    }

    fn give_back(&self, mut text: Text) {
        text.text.clear();
        text.ends.clear();
        self.0.lock().push(text);
    }
}

enum Rows {
    /// Consecutive rows, as lines end to end.
    Lines { first: u64, text: Text, buffers: Arc<Buffers> },
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
    /// Rows from `first` on; the text's memory goes back to `buffers`.
    pub(super) fn lines(target: &Arc<Target>, first: u64, text: Text, buffers: &Arc<Buffers>) -> Batch {
        Batch { target: target.clone(), rows: Rows::Lines { first, text, buffers: buffers.clone() } }
    }

    pub(super) fn gone(target: &Arc<Target>, first: u64, count: u64) -> Batch {
        Batch { target: target.clone(), rows: Rows::Gone { first, count } }
    }

    pub(super) fn encoded(target: &Arc<Target>, schema: &SchemaRef, batch: Encoded) -> Batch {
        Batch { target: target.clone(), rows: Rows::Encoded { schema: schema.clone(), batch } }
    }

    fn apply(self) -> Result<()> {
        let Target { table, shape, surroundings, .. } = &*self.target;
        match self.rows {
            Rows::Lines { first, text, buffers } => {
                let (mut start, mut row) = (0, shape.no_cells());
                let mut ends = text.ends.iter();
                table.restore_rows(RowId(first), ends.len() as u64, |put| {
                    let end = ends.next().copied().unwrap_or(start);
                    shape.take(&text.text[start..end], surroundings, &mut row)?;
                    start = end;
                    put(Some(&row))
                })?;
                drop(row);
                buffers.give_back(text);
                Ok(())
            }
            Rows::Gone { first, count } => table.restore_rows(RowId(first), count, |put| put(None)),
            Rows::Encoded { schema, batch } => {
                let batch = batch.decode(&schema);
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
