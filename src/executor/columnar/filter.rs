//! Keeps rows.

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::vector::{Batch, Vector};
use super::{Chunk, Cursor, Node};
use crate::runtime::Runtime;

/// Filter.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Which rows stay.
    pub predicate: Vector,
}

impl Node for Filter {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(FilterCursor { input: self.input.clone().open(), node: self })
    }

    fn columns(&self) -> &[Physical] {
        self.input.columns()
    }
}

struct FilterCursor {
    node: Arc<Filter>,
    input: Box<dyn Cursor>,
}

/// The rows of a chunk that satisfy a predicate; `None` if none does.
pub(super) fn keep(chunk: Chunk, predicate: &Vector, rt: &Runtime) -> Result<Option<Chunk>> {
    let mask = predicate.select(Batch { columns: &chunk.columns, rows: chunk.rows, rt })?;
    match mask.true_count() {
        0 => Ok(None),
        all if all == chunk.rows => Ok(Some(chunk)),
        _ => chunk.filter(&mask).map(Some),
    }
}

impl Cursor for FilterCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        while let Some(chunk) = self.input.next(rt)? {
            if let Some(kept) = keep(chunk, &self.node.predicate, rt)? {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.input.rescan(rt)
    }
}
