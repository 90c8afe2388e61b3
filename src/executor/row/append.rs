//! UNION ALL: one input after the other.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::runtime::Runtime;

/// Append.
#[derive(Debug)]
pub(crate) struct Append {
    /// The inputs.
    pub inputs: Vec<Arc<dyn Node>>,
}

impl Node for Append {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(AppendCursor { inputs: self.inputs.iter().map(|input| input.clone().open()).collect(), current: 0 })
    }
}

struct AppendCursor {
    inputs: Vec<Box<dyn Cursor>>,
    current: usize,
}

impl Cursor for AppendCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        while let Some(input) = self.inputs.get_mut(self.current) {
            if input.next(rt, row)? {
                return Ok(true);
            }
            self.current += 1;
        }
        Ok(false)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.current = 0;
        self.inputs.iter_mut().try_for_each(|input| input.rescan(rt))
    }
}
