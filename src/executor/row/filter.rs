//! Keeps rows.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope};
use crate::runtime::Runtime;

/// Filter.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Which rows stay.
    pub predicate: Code,
}

impl Node for Filter {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(FilterCursor { input: self.input.clone().open(), node: self })
    }
}

struct FilterCursor {
    node: Arc<Filter>,
    input: Box<dyn Cursor>,
}

impl Cursor for FilterCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        while self.input.next(rt, row)? {
            if self.node.predicate.is_true(Scope::new(rt, row))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.input.rescan(rt)
    }
}
