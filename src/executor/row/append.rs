//! UNION ALL: one input after the other.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::pruning::{Members, PruningCode};
use crate::runtime::Runtime;

/// Append.
#[derive(Debug)]
pub(crate) struct Append {
    /// The inputs.
    pub inputs: Vec<Arc<dyn Node>>,
    /// What rules some of them out.
    pub pruning: Option<PruningCode>,
}

impl Node for Append {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let inputs = self.inputs.iter().map(|input| input.clone().open()).collect();
        Box::new(AppendCursor { inputs, current: 0, members: Members::default(), node: self })
    }
}

struct AppendCursor {
    inputs: Vec<Box<dyn Cursor>>,
    current: usize,
    node: Arc<Append>,
    members: Members,
}

impl Cursor for AppendCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        while let Some(input) = self.inputs.get_mut(self.current) {
            if !self.members.reads(self.current, self.node.pruning.as_ref(), rt) {
                self.current += 1;
                continue;
            }
            if input.next(rt, row)? {
                return Ok(true);
            }
            self.current += 1;
        }
        Ok(false)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.current = 0;
        self.members.rescan(self.node.pruning.as_ref());
        self.inputs.iter_mut().try_for_each(|input| input.rescan(rt))
    }
}
