//! Rows of a table on their way into storage.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use dictdb_storage::Table;
use dictdb_types::{Error, Result, RowId, SqlState};
use parking_lot::Mutex;

use super::Ahead;
use super::arrow::put_batch;
use crate::ipc::Encoded;
use crate::record::Shape;
use crate::surroundings::Surroundings;

/// A batch of lines is full from here on: a block of usual rows is less.
const MAX_BYTES: usize = 4 << 20;

/// Where rows go, and how they are read.
pub(super) struct Target<'a> {
    pub(super) table: Arc<Table>,
    pub(super) shape: Shape,
    /// Storage columns of its live columns.
    pub(super) slots: Vec<usize>,
    pub(super) surroundings: Arc<Surroundings>,
    /// Where else they go.
    pub(super) ahead: Option<Ahead<'a>>,
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
pub(super) struct Batch<'a> {
    target: Arc<Target<'a>>,
    rows: Rows,
}

impl<'a> Batch<'a> {
    /// Rows from `first` on; the text's memory goes back to `buffers`.
    pub(super) fn lines(target: &Arc<Target<'a>>, first: u64, text: Text, buffers: &Arc<Buffers>) -> Self {
        Batch { target: target.clone(), rows: Rows::Lines { first, text, buffers: buffers.clone() } }
    }

    pub(super) fn gone(target: &Arc<Target<'a>>, first: u64, count: u64) -> Self {
        Batch { target: target.clone(), rows: Rows::Gone { first, count } }
    }

    pub(super) fn encoded(target: &Arc<Target<'a>>, schema: &SchemaRef, batch: Encoded) -> Self {
        Batch { target: target.clone(), rows: Rows::Encoded { schema: schema.clone(), batch } }
    }

    /// Puts the rows where they belong.
    pub(super) fn apply(self) -> Result<()> {
        let target = &*self.target;
        let (first, count) = match self.rows {
            Rows::Lines { first, text, buffers } => {
                target.restore_lines(first, &text)?;
                let count = text.ends.len() as u64;
                buffers.give_back(text);
                (first, count)
            }
            Rows::Gone { first, count } => {
                target.table.restore_rows(RowId(first), count, |put| put(None))?;
                (first, count)
            }
            Rows::Encoded { schema, batch } => {
                let batch = batch.decode(&schema);
                let batch = batch.map_err(|error| Error::new(SqlState::DATA_CORRUPTED, error.to_string()))?;
                let ids = put_batch(target, &batch)?;
                let runs = ids.chunk_by(|before, id| before.0 + 1 == id.0).map(|run| (run[0], run.len() as u64));
                return target.ahead.map_or(Ok(()), |ahead| ahead.put(&target.table, runs));
            }
        };
        target.ahead.map_or(Ok(()), |ahead| ahead.put(&target.table, std::iter::once((RowId(first), count))))
    }
}

impl Target<'_> {
    fn restore_lines(&self, first: u64, text: &Text) -> Result<()> {
        let (mut start, mut run) = (0, self.table.begin_run(text.ends.len()));
        for end in &text.ends {
            self.shape.take(&text.text[start..*end], &self.surroundings, &mut run)?;
            start = *end;
        }
        self.table.restore_built(RowId(first), run)
    }
}
