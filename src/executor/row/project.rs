//! Computes columns.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope, eval_into};
use crate::runtime::Runtime;

/// Project.
#[derive(Debug)]
pub(crate) struct Project {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Output columns over the input row.
    pub codes: Box<[Code]>,
}

impl Node for Project {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(ProjectCursor { input: self.input.clone().open(), node: self, buffer: Row::new() })
    }
}

struct ProjectCursor {
    node: Arc<Project>,
    input: Box<dyn Cursor>,
    buffer: Row,
}

impl Cursor for ProjectCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if !self.input.next(rt, &mut self.buffer)? {
            return Ok(false);
        }
        row.clear();
        eval_into(&self.node.codes, Scope::new(rt, &self.buffer), row)?;
        Ok(true)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.input.rescan(rt)
    }
}
