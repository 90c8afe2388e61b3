//! Inputs that are in one order each, as one in that order: `MergeAppend`.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::eval::Scope;
use crate::keys::{OrderKey, compare_values, order_values};
use crate::pruning::{Members, PruningCode};
use crate::runtime::Runtime;

/// Merges its inputs; of rows with equal keys those of earlier inputs come first.
#[derive(Debug)]
pub(crate) struct MergeAppend {
    /// The inputs, each in the order of the keys.
    pub inputs: Vec<Arc<dyn Node>>,
    /// The order.
    pub keys: Box<[OrderKey]>,
    /// What rules some of them out.
    pub pruning: Option<PruningCode>,
}

impl Node for MergeAppend {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let inputs = self.inputs.iter().map(|input| input.clone().open()).collect();
        let (members, heads) = (Members::default(), Vec::new());
        Box::new(MergeAppendCursor { node: self, inputs, members, heads, begun: false })
    }
}

struct MergeAppendCursor {
    node: Arc<MergeAppend>,
    inputs: Vec<Box<dyn Cursor>>,
    members: Members,
    /// The next row of each input that has one, the first in order at the end.
    heads: Vec<Head>,
    begun: bool,
}

struct Head {
    input: usize,
    keys: Row,
    row: Row,
}

impl MergeAppendCursor {
    /// Reads the next row of an input.
    fn advance(&mut self, input: usize, mut row: Row, rt: &Runtime) -> Result<()> {
        if !self.inputs[input].next(rt, &mut row)? {
            return Ok(());
        }
        let keys = order_values(&self.node.keys, Scope::new(rt, &row))?;
        let is_after = |head: &Head| match compare_values(&self.node.keys, &head.keys, &keys) {
            std::cmp::Ordering::Equal => head.input > input,
            order => order.is_gt(),
        };
        let at = self.heads.partition_point(is_after);
        self.heads.insert(at, Head { input, keys, row });
        Ok(())
    }
}

impl Cursor for MergeAppendCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if !self.begun {
            self.begun = true;
            for input in 0..self.inputs.len() {
                if self.members.reads(input, self.node.pruning.as_ref(), rt) {
                    self.advance(input, Row::new(), rt)?;
                }
            }
        }
        let Some(Head { input, row: mut first, .. }) = self.heads.pop() else { return Ok(false) };
        std::mem::swap(row, &mut first);
        // The caller's old row lends its memory.
        self.advance(input, first, rt)?;
        Ok(true)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.begun = false;
        self.heads.clear();
        self.members.rescan(self.node.pruning.as_ref());
        self.inputs.iter_mut().try_for_each(|input| input.rescan(rt))
    }
}
