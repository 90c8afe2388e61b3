//! Reads a CTE in columns, whichever way it is kept: [`crate::cte`].

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::of_rows::OfRows;
use super::{Chunk, Cursor, Node};
use crate::cte::enter;
use crate::row;
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

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

struct CteCursor {
    node: Arc<CteScan>,
    reads: Reads,
}

/// What a reader has begun to read.
enum Reads {
    Nothing,
    /// Chunks, from this position on.
    Chunks(usize),
    /// Columns made of rows.
    Rows(Box<dyn Cursor>),
}

impl CteCursor {
    fn begin(&mut self, rt: &Runtime) -> Result<()> {
        let (query, state) = rt.cte(self.node.cte)?;
        self.reads = match enter(state)?.is_in_columns(query) {
            true => Reads::Chunks(0),
            false => {
                let CteScan { cte, columns } = &*self.node;
                let input = Arc::new(row::cte::CteScan { cte: *cte, columns: columns.clone() });
                Reads::Rows(Arc::new(OfRows { input, columns: columns.clone() }).open())
            }
        };
        Ok(())
    }
}

impl Cursor for CteCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        if matches!(self.reads, Reads::Nothing) {
            self.begin(rt)?;
        }
        match &mut self.reads {
            Reads::Nothing => Ok(None),
            Reads::Rows(rows) => rows.next(rt),
            Reads::Chunks(position) => {
                let (query, state) = rt.cte(self.node.cte)?;
                let found = enter(state)?.chunk(query, *position, rt)?;
                *position += usize::from(found.is_some());
                Ok(found)
            }
        }
    }

    fn rescan(&mut self, _: &Arc<Runtime>) -> Result<()> {
        self.reads = Reads::Nothing;
        Ok(())
    }
}
