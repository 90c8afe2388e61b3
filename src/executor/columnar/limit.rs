//! LIMIT and OFFSET. WITH TIES is the row engine's.

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::{Chunk, Cursor, Node};
use crate::eval::{Code, Scope};
use crate::row::limit::row_count;
use crate::runtime::Runtime;

/// Limit.
#[derive(Debug)]
pub(crate) struct Limit {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Number of rows; NULL is all.
    pub limit: Option<Code>,
    /// Rows left out before; NULL is none.
    pub offset: Option<Code>,
}

impl Node for Limit {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(LimitCursor { input: self.input.clone().open(), node: self, left: None })
    }

    fn columns(&self) -> &[Physical] {
        self.input.columns()
    }
}

struct LimitCursor {
    node: Arc<Limit>,
    input: Box<dyn Cursor>,
    /// Rows still to skip and to return; known from the first call on.
    left: Option<(u64, u64)>,
}

impl LimitCursor {
    fn bounds(&self, rt: &Runtime) -> Result<(u64, u64)> {
        let scope = Scope::new(rt, &[]);
        let count = |code: &Option<Code>, clause| match code {
            Some(code) => row_count(code, scope, clause),
            None => Ok(None),
        };
        let offset = count(&self.node.offset, "OFFSET")?.unwrap_or(0);
        Ok((offset, count(&self.node.limit, "LIMIT")?.unwrap_or(u64::MAX)))
    }
}

impl Cursor for LimitCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        let (mut skip, mut wanted) = match self.left {
            Some(left) => left,
            None => self.bounds(rt)?,
        };
        let mut result = None;
        while wanted > 0 && result.is_none() {
            let Some(chunk) = self.input.next(rt)? else { break };
            let rows = chunk.rows as u64;
            if rows <= skip {
                skip -= rows;
                continue;
            }
            let taken = (rows - skip).min(wanted);
            result = Some(if taken == rows { chunk } else { chunk.slice(skip as usize, taken as usize) });
            skip = 0;
            wanted -= taken;
        }
        self.left = Some((skip, wanted));
        Ok(result)
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.left = None;
        self.input.rescan(rt)
    }
}
