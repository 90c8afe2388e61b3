//! Counts an operator's rows and takes its time: row by row.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::counter::{self, Counter};
use crate::runtime::Runtime;

pub(crate) type Counting = counter::Counting<dyn Node>;

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
