//! Counts an operator's rows and takes its time: chunk by chunk.

use std::sync::Arc;

use dictdb_types::{Physical, Result};

use super::{Chunk, Cursor, Node};
use crate::counter::{self, Counter};
use crate::runtime::Runtime;

pub(super) type Counting = counter::Counting<dyn Node>;

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
