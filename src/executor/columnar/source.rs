//! Rows of batches: a columnar operator below row ones, or at the top of a plan.

use std::sync::Arc;

use dictdb_types::Result;
use dictdb_types::arrow::ColumnReader;

use super::{Chunk, Cursor, Node};
use crate::row::{self, Row};
use crate::runtime::Runtime;

/// A columnar operator's batches as rows.
#[derive(Debug)]
pub(crate) struct Source {
    /// The operator.
    pub input: Arc<dyn Node>,
}

impl row::Node for Source {
    fn open(self: Arc<Self>) -> Box<dyn row::Cursor> {
        Box::new(SourceCursor {
            input: self.input.clone().open(),
            node: self,
            rows: Vec::new().into_iter(),
            chunk: None,
        })
    }
}

struct SourceCursor {
    node: Arc<Source>,
    input: Box<dyn Cursor>,
    /// Rows of the current chunk that were made in advance.
    rows: std::vec::IntoIter<Row>,
    /// The current chunk and the first row that was not made.
    chunk: Option<(Chunk, usize)>,
}

/// Rows that are made of a chunk at a time: column by column is faster, but LIMIT may not want them all.
const ROWS_AHEAD: usize = 256;

impl SourceCursor {
    /// Makes the next rows; `false` at the end.
    fn advance(&mut self, rt: &Runtime) -> Result<bool> {
        let (chunk, from) = match self.chunk.take() {
            Some(current) => current,
            None => match self.input.next(&rt.handle()?)? {
                Some(chunk) => (chunk, 0),
                None => return Ok(false),
            },
        };
        let to = (from + ROWS_AHEAD).min(chunk.rows);
        let mut rows: Vec<Row> = (from..to).map(|_| Row::with_capacity(chunk.columns.len())).collect();
        for (column, physical) in chunk.columns.iter().zip(self.node.input.columns()) {
            let reader = ColumnReader::new(column, *physical)?;
            for (row, at) in rows.iter_mut().zip(from..to) {
                row.push(reader.get(at)?);
            }
        }
        self.rows = rows.into_iter();
        if to < chunk.rows {
            self.chunk = Some((chunk, to));
        }
        Ok(true)
    }
}

impl row::Cursor for SourceCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        loop {
            if let Some(next) = self.rows.next() {
                *row = next;
                return Ok(true);
            }
            if !self.advance(rt)? {
                return Ok(false);
            }
        }
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.rows = Vec::new().into_iter();
        self.chunk = None;
        self.input.rescan(&rt.handle()?)
    }
}
