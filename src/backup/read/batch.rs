//! Rows of a table on their way into storage.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use dictdb_storage::Table;
use dictdb_types::{Error, Result, RowId, SqlState};
use parking_lot::Mutex;

use crate::ahead::Ahead;
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
                let ids = target.restore_arrays(&batch)?;
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
        let lines = std::str::from_utf8(&text.text);
        let lines = lines.map_err(|error| Error::new(SqlState::DATA_CORRUPTED, error.to_string()))?;
        for end in &text.ends {
            self.shape.take(&lines[start..*end], &self.surroundings, &mut run)?;
            start = *end;
        }
        self.table.restore_built(RowId(first), run)
    }

    /// Puts the rows of a batch where they were. Returns where that is. XX001 when they do not fit.
    fn restore_arrays(&self, batch: &RecordBatch) -> Result<Vec<RowId>> {
        let invalid = |what: &str| Error::new(SqlState::DATA_CORRUPTED, what.to_owned());
        let (gaps, columns) = batch.columns().split_first().ok_or_else(|| invalid("a batch has no columns"))?;
        let ids = row_ids(gaps).ok_or_else(|| invalid("a batch does not say where its rows are"))?;
        if columns.len() != self.slots.len() {
            return Err(invalid("a batch does not have the columns of its table"));
        }
        let mut arrays: Vec<Option<ArrayRef>> = vec![None; self.table.columns().len()];
        for (slot, column) in self.slots.iter().zip(columns) {
            *arrays.get_mut(*slot).ok_or_else(|| invalid("a column has no place"))? = Some(column.clone());
        }
        self.table.restore_arrays(&ids, &arrays)?;
        Ok(ids)
    }
}

/// Row ids of the gaps between them.
fn row_ids(gaps: &ArrayRef) -> Option<Vec<RowId>> {
    let gaps = gaps.as_primitive_opt::<Int64Type>().filter(|gaps| gaps.null_count() == 0)?;
    let mut next = 0u64;
    let id = |gap: &i64| {
        let id = next.checked_add(u64::try_from(*gap).ok()?)?;
        next = id.checked_add(1)?;
        Some(RowId(id))
    };
    gaps.values().iter().map(id).collect()
}
