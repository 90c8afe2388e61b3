//! An operator that counts its rows and takes its time.

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::{Chunk, Cursor, Node};
use crate::counter::Counter;
use crate::runtime::Runtime;

/// Counting.
#[derive(Debug)]
pub(super) struct Counting {
    /// The operator.
    pub input: Arc<dyn Node>,
    /// Its number in the plan.
    pub number: usize,
}

impl Node for Counting {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(CountingCursor { number: self.number, input, counter: Counter::default() })
    }

    fn columns(&self) -> &[Physical] {
        self.input.columns()
    }
}

struct CountingCursor {
    number: usize,
    input: Box<dyn Cursor>,
    counter: Counter,
}

impl Cursor for CountingCursor {
    fn next(&mut self, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        let input = &mut self.input;
        self.counter.count(rt, self.number, || input.next(rt), |chunk| chunk.as_ref().map_or(0, |chunk| chunk.rows))
    }

    fn rescan(&mut self, rt: &Arc<Runtime>) -> Result<()> {
        self.counter.restart();
        self.input.rescan(rt)
    }
}
