//! Computes columns.

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::vector::{Batch, Vector, arrays};
use super::{Chunk, Cursor, Node};
use crate::runtime::Runtime;

/// Project.
#[derive(Debug)]
pub(crate) struct Project {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Output columns.
    pub vectors: Box<[Vector]>,
    /// Their layouts.
    pub columns: Box<[Physical]>,
}

impl Node for Project {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(ProjectCursor { input: self.input.clone().open(), node: self })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

struct ProjectCursor {
    node: Arc<Project>,
    input: Box<dyn Cursor>,
}

impl Cursor for ProjectCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        let Some(chunk) = self.input.next(rt)? else { return Ok(None) };
        let batch = Batch { columns: &chunk.columns, rows: chunk.rows, rt };
        Ok(Some(Chunk { columns: arrays(&self.node.vectors, batch)?, rows: chunk.rows }))
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.input.rescan(rt)
    }
}
