//! An operator that counts its rows and takes its time.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::counter::Counter;
use crate::runtime::Runtime;

/// Counting.
#[derive(Debug)]
pub(crate) struct Counting {
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
}

struct CountingCursor {
    number: usize,
    input: Box<dyn Cursor>,
    counter: Counter,
}

impl Cursor for CountingCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let input = &mut self.input;
        self.counter.count(rt, self.number, || input.next(rt, row), |found| usize::from(*found))
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.counter.restart();
        self.input.rescan(rt)
    }
}
