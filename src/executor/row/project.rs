//! Computes columns.

use std::collections::HashSet;
use std::sync::Arc;

use dictdb_types::{Datum, Result};

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope, eval_into};
use crate::runtime::Runtime;

/// Project.
#[derive(Debug)]
pub(crate) struct Project {
    input: Arc<dyn Node>,
    /// Output columns over the input row.
    codes: Box<[Code]>,
    /// The input columns that the output columns are, where they are nothing else and no two are the same: then values move.
    moved: Option<Box<[usize]>>,
}

impl Project {
    /// A projection to these columns.
    pub fn new(input: Arc<dyn Node>, codes: Box<[Code]>) -> Self {
        let column = |code: &Code| if let Code::Input(column) = code { Some(*column) } else { None };
        let columns: Option<Box<[usize]>> = codes.iter().map(column).collect();
        let moved = columns.filter(|columns| columns.iter().collect::<HashSet<_>>().len() == columns.len());
        Project { input, codes, moved }
    }
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
        match &self.node.moved {
            Some(columns) => row.extend(columns.iter().map(|column| take(&mut self.buffer, *column))),
            None => eval_into(&self.node.codes, Scope::new(rt, &self.buffer), row)?,
        }
        Ok(true)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.input.rescan(rt)
    }
}

fn take(row: &mut Row, column: usize) -> Datum {
    row.get_mut(column).map_or(Datum::Null, |value| std::mem::replace(value, Datum::Null))
}
