//! Runs a gate: row by row.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::one_time::{self, OneTime};
use crate::runtime::Runtime;

pub(crate) type Gate = one_time::Gate<dyn Node>;

impl Node for Gate {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(GateCursor { input: self.input.clone().open(), node: self, is_open: OneTime::default() })
    }
}

struct GateCursor {
    node: Arc<Gate>,
    input: Box<dyn Cursor>,
    is_open: OneTime,
}

impl Cursor for GateCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        Ok(self.is_open.holds(&self.node.condition, rt)? && self.input.next(rt, row)?)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.is_open = OneTime::default();
        self.input.rescan(rt)
    }
}
