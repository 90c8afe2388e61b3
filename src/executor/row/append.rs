//! UNION ALL: one input after the other.

use std::sync::Arc;

use dictdb_planner::pruning::LatePruning;
use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::runtime::Runtime;

/// Append.
#[derive(Debug)]
pub(crate) struct Append {
    /// The inputs.
    pub inputs: Vec<Arc<dyn Node>>,
    /// What rules some of them out.
    pub pruning: Option<Arc<LatePruning>>,
}

impl Node for Append {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let inputs = self.inputs.iter().map(|input| input.clone().open()).collect();
        Box::new(AppendCursor { inputs, current: 0, kept: None, pruning: self.pruning.clone() })
    }
}

struct AppendCursor {
    inputs: Vec<Box<dyn Cursor>>,
    current: usize,
    pruning: Option<Arc<LatePruning>>,
    /// Which inputs are read, once that is known.
    kept: Option<Vec<bool>>,
}

impl Cursor for AppendCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if let (Some(pruning), None) = (&self.pruning, &self.kept) {
            self.kept = Some(rt.kept(pruning));
        }
        while let Some(input) = self.inputs.get_mut(self.current) {
            if self.kept.as_ref().is_some_and(|kept| kept.get(self.current) == Some(&false)) {
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
        self.inputs.iter_mut().try_for_each(|input| input.rescan(rt))
    }
}
