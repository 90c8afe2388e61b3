//! Joins on any condition: every right row is a candidate.

use std::sync::Arc;

use dictdb_types::Result;

use super::join::{Candidates, JoinCursor, JoinSpec, RightRows};
use super::{Cursor, Node, Row};
use crate::runtime::Runtime;

/// Nested loop over right rows kept in memory.
#[derive(Debug)]
pub(crate) struct NestedLoop {
    /// The join.
    pub spec: JoinSpec,
    /// Number of left columns.
    pub left_columns: usize,
    /// Right input.
    pub right: Arc<dyn Node>,
}

impl AsRef<JoinSpec> for NestedLoop {
    fn as_ref(&self) -> &JoinSpec {
        &self.spec
    }
}

impl Node for NestedLoop {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let candidates = EveryRow { rows: RightRows::new(&self.right, self.left_columns), position: 0 };
        JoinCursor::open(self, candidates)
    }
}

struct EveryRow {
    rows: RightRows,
    position: usize,
}

impl Candidates for EveryRow {
    fn seek(&mut self, rt: &Runtime, _: &Row) -> Result<()> {
        self.position = 0;
        self.rows.load(rt).map(|_| ())
    }

    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        rt.tick(self.position)?;
        self.position += 1;
        Ok(self.rows.append(self.position - 1, row))
    }

    fn matched(&mut self) {
        self.rows.mark();
    }

    fn next_unmatched(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        self.rows.next_unmatched(rt, row)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.rows.rescan(rt)
    }
}
