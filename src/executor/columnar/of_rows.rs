//! Batches of rows: a row operator below columnar ones.

use std::sync::Arc;

use dictdb_types::arrow::ColumnBuilder;
use dictdb_types::{Physical, Result};

use super::{Chunk, Cursor, Node};
use crate::engine::BATCH_ROWS;
use crate::row::{self, Row};
use crate::runtime::Runtime;

/// A row operator's rows as columns.
#[derive(Debug)]
pub(crate) struct OfRows {
    /// The operator.
    pub input: Arc<dyn row::Node>,
    /// Layouts of its columns.
    pub columns: Box<[Physical]>,
}

impl Node for OfRows {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(OfRowsCursor { input: self.input.clone().open(), node: self, done: false })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

struct OfRowsCursor {
    node: Arc<OfRows>,
    input: Box<dyn row::Cursor>,
    done: bool,
}

impl Cursor for OfRowsCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        if self.done {
            return Ok(None);
        }
        let mut builders: Vec<_> = self.node.columns.iter().map(|column| ColumnBuilder::new(*column, 0)).collect();
        let mut row = Row::new();
        let mut rows = 0;
        while rows < BATCH_ROWS {
            if !self.input.next(rt, &mut row)? {
                self.done = true;
                break;
            }
            for (builder, value) in builders.iter_mut().zip(&row) {
                builder.push(value)?;
            }
            rows += 1;
        }
        let columns = builders.iter_mut().map(ColumnBuilder::finish).collect();
        Ok((rows > 0).then_some(Chunk { columns, rows }))
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.done = false;
        self.input.rescan(rt)
    }
}
