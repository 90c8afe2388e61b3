//! All rows, or none, by a condition that is about no row: looked at once.

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::{Chunk, Cursor, Node};
use crate::eval::Code;
use crate::one_time::OneTime;
use crate::runtime::Runtime;

/// Gate.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Whether there are rows.
    pub condition: Code,
}

impl Node for Gate {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(GateCursor { input: self.input.clone().open(), node: self, is_open: OneTime::default() })
    }

    fn columns(&self) -> &[Physical] {
        self.input.columns()
    }
}

struct GateCursor {
    node: Arc<Gate>,
    input: Box<dyn Cursor>,
    is_open: OneTime,
}

impl Cursor for GateCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        if self.is_open.holds(&self.node.condition, rt)? { self.input.next(rt) } else { Ok(None) }
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.is_open = OneTime::default();
        self.input.rescan(rt)
    }
}
