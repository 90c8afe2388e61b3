//! UNION ALL: one input after the other.

use std::sync::Arc;

use dictdb_planner::pruning::LatePruning;
use dictdb_types::{Physical, Result};

use super::{Chunk, Cursor, Node};
use crate::runtime::Runtime;

/// Append.
#[derive(Debug)]
pub(crate) struct Append {
    /// The inputs.
    pub inputs: Vec<Arc<dyn Node>>,
    /// What rules some of them out.
    pub pruning: Option<Arc<LatePruning>>,
    /// Layouts of the columns.
    pub columns: Box<[Physical]>,
}

impl Node for Append {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let inputs = self.inputs.iter().map(|input| input.clone().open()).collect();
        Box::new(AppendCursor { inputs, current: 0, kept: None, pruning: self.pruning.clone() })
    }

    fn columns(&self) -> &[Physical] {
        &self.columns
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
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        if let (Some(pruning), None) = (&self.pruning, &self.kept) {
            self.kept = Some(rt.kept(pruning));
        }
        while let Some(input) = self.inputs.get_mut(self.current) {
            if self.kept.as_ref().is_some_and(|kept| kept.get(self.current) == Some(&false)) {
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
        self.inputs.iter_mut().try_for_each(|input| input.rescan(rt))
    }
}
