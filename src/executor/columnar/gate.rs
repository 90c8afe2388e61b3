//! Runs a gate: chunk by chunk.

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::{Chunk, Cursor, Node};
use crate::one_time::{self, OneTime};
use crate::runtime::Runtime;

pub(crate) type Gate = one_time::Gate<dyn Node>;

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
