//! UNION ALL: one input after the other.

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::{Chunk, Cursor, Node};
use crate::pruning::{Members, PruningCode};
use crate::runtime::Runtime;

/// Append.
#[derive(Debug)]
pub(crate) struct Append {
    /// The inputs.
    pub inputs: Vec<Arc<dyn Node>>,
    /// What rules some of them out.
    pub pruning: Option<PruningCode>,
    /// Layouts of the columns.
    pub columns: Box<[Physical]>,
}

impl Node for Append {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let inputs = self.inputs.iter().map(|input| input.clone().open()).collect();
        Box::new(AppendCursor { inputs, current: 0, members: Members::default(), node: self })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
    }
}

struct AppendCursor {
    inputs: Vec<Box<dyn Cursor>>,
    current: usize,
    node: Arc<Append>,
    members: Members,
}

impl Cursor for AppendCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        while let Some(input) = self.inputs.get_mut(self.current) {
            if !self.members.reads(self.current, self.node.pruning.as_ref(), rt) {
                self.current += 1;
                continue;
            }
            if let Some(chunk) = input.next(rt)? {
                return Ok(Some(chunk));
            }
            self.current += 1;
        }
        Ok(None)
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.current = 0;
        self.members.rescan(self.node.pruning.as_ref());
        self.inputs.iter_mut().try_for_each(|input| input.rescan(rt))
    }
}
