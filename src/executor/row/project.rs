//! Computes columns.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope, eval_into};
use crate::runtime::Runtime;

/// Project.
#[derive(Debug)]
pub(crate) struct Project {
    input: Arc<dyn Node>,
    /// Output columns over the input row.
    codes: Box<[Code]>,
    /// Where the output columns are input columns and no two the same: how these come to their places.
    swaps: Option<Box<[(usize, usize)]>>,
}

impl Project {
    /// A projection to these columns.
    pub fn new(input: Arc<dyn Node>, codes: Box<[Code]>) -> Self {
        let column = |code: &Code| if let Code::Input(column) = code { Some(*column) } else { None };
        let columns: Option<Vec<usize>> = codes.iter().map(column).collect();
        Project { input, swaps: columns.and_then(swaps), codes }
    }
}

/// The exchanges after which a row begins with these columns of it; `None` if one is there twice.
fn swaps(columns: Vec<usize>) -> Option<Box<[(usize, usize)]>> {
    let width = columns.iter().max().map_or(0, |last| last + 1);
    // Which column is where, after the exchanges so far.
    let mut places: Vec<usize> = (0..width).collect();
    let mut swaps = Vec::new();
    for (to, column) in columns.into_iter().enumerate() {
        let from = to + places.get(to..)?.iter().position(|place| *place == column)?;
        if from != to {
            places.swap(from, to);
            swaps.push((from, to));
        }
    }
    Some(swaps.into())
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
        if let Some(swaps) = &self.node.swaps {
            let found = self.input.next(rt, row)?;
            if found {
                swaps.iter().for_each(|(from, to)| row.swap(*from, *to));
                row.truncate(self.node.codes.len());
            }
            return Ok(found);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_brought_into_order_by_exchanges() {
        for columns in [vec![], vec![0, 1], vec![2, 0, 1], vec![3, 1], vec![1, 2, 0, 4]] {
            let mut row: Vec<usize> = (0..5).collect();
            for (from, to) in swaps(columns.clone()).expect("no column is there twice") {
                row.swap(from, to);
            }
            assert_eq!(row[..columns.len()], columns);
        }
        assert!(swaps(vec![1, 1]).is_none());
    }
}
