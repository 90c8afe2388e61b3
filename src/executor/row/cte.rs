//! Reads a CTE row by row, whichever way it is kept: [`crate::cte`].

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::{Cursor, Node, Row};
use crate::columnar::{self, source::Source};
use crate::cte::enter;
use crate::runtime::Runtime;

/// Reads a CTE.
#[derive(Debug)]
pub(crate) struct CteScan {
    /// Its number.
    pub cte: usize,
    /// Layouts of its columns.
    pub columns: Box<[Physical]>,
}

impl Node for CteScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(CteCursor { node: self, reads: Reads::Nothing })
    }
}

struct CteCursor {
    node: Arc<CteScan>,
    reads: Reads,
}

/// What a reader has begun to read.
enum Reads {
    Nothing,
    /// Rows, from this position on.
    Rows(usize),
    /// Rows made of columns.
    Columns(Box<dyn Cursor>),
}

impl CteCursor {
    fn begin(&mut self, rt: &Runtime) -> Result<()> {
        let (query, state) = rt.cte(self.node.cte)?;
        self.reads = match enter(state)?.is_in_columns(query) {
            false => Reads::Rows(0),
            true => {
                let CteScan { cte, columns } = &*self.node;
                let input = Arc::new(columnar::cte::CteScan { cte: *cte, columns: columns.clone() });
                Reads::Columns(Arc::new(Source { input }).open())
            }
        };
        Ok(())
    }
}

impl Cursor for CteCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if matches!(self.reads, Reads::Nothing) {
            self.begin(rt)?;
        }
        match &mut self.reads {
            Reads::Nothing => Ok(false),
            Reads::Columns(columns) => columns.next(rt, row),
            Reads::Rows(position) => {
                let (query, state) = rt.cte(self.node.cte)?;
                rt.tick(*position)?;
                let found = enter(state)?.row(query, *position, rt, row)?;
                *position += usize::from(found);
                Ok(found)
            }
        }
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.reads = Reads::Nothing;
        Ok(())
    }
}
