//! Constant rows.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope, eval_into};
use crate::runtime::Runtime;

/// `VALUES`, or the single empty row of a SELECT without FROM.
#[derive(Debug)]
pub(crate) struct Values {
    /// The rows.
    pub rows: Vec<Box<[Code]>>,
}

impl Node for Values {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(ValuesCursor { node: self, position: 0 })
    }
}

struct ValuesCursor {
    node: Arc<Values>,
    position: usize,
}

impl Cursor for ValuesCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let Some(codes) = self.node.rows.get(self.position) else { return Ok(false) };
        self.position += 1;
        row.clear();
        eval_into(codes, Scope::new(rt, &[]), row)?;
        Ok(true)
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.position = 0;
        Ok(())
    }
}
