//! Sorting input that is in the order of the first keys already: run by run of rows that are equal by those, so that the
//! first rows come before the input has been read.

use std::cmp::Ordering;
use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::eval::Scope;
use crate::keys::{OrderKey, compare_values, order_values};
use crate::runtime::{Runtime, row_bytes};

/// Incremental sort. Rows with equal keys keep their order.
#[derive(Debug)]
pub(crate) struct IncrementalSort {
    /// Input.
    pub input: Arc<dyn Node>,
    /// The keys.
    pub keys: Arc<[OrderKey]>,
    /// How many of them the input is in the order of.
    pub presorted: usize,
}

impl Node for IncrementalSort {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(IncrementalSortCursor {
            node: self,
            input,
            run: Vec::new().into_iter(),
            ahead: None,
            ended: false,
            position: 0,
            charged: 0,
        })
    }
}

struct IncrementalSortCursor {
    node: Arc<IncrementalSort>,
    input: Box<dyn Cursor>,
    /// The current run, sorted.
    run: std::vec::IntoIter<Item>,
    /// The first row of the next run, read already.
    ahead: Option<Item>,
    ended: bool,
    position: usize,
    /// Memory taken from the budget: that of the largest run.
    charged: usize,
}

/// A row with its key values.
struct Item {
    values: Row,
    row: Row,
}

impl IncrementalSortCursor {
    fn read(&mut self, rt: &Runtime) -> Result<Option<Item>> {
        let mut row = Row::new();
        if self.ended || !self.input.next(rt, &mut row)? {
            self.ended = true;
            return Ok(None);
        }
        rt.tick(self.position)?;
        self.position = self.position.wrapping_add(1);
        let values = order_values(&self.node.keys, Scope::new(rt, &row))?;
        Ok(Some(Item { values, row }))
    }

    /// Reads the next run and sorts it; `false`: there is none.
    fn next_run(&mut self, rt: &Runtime) -> Result<bool> {
        let first = match self.ahead.take() {
            Some(ahead) => Some(ahead),
            None => self.read(rt)?,
        };
        let Some(first) = first else { return Ok(false) };
        let node = self.node.clone();
        let (same, rest) = node.keys.split_at(node.presorted);
        let mut bytes = 0;
        let mut items = vec![first];
        while let Some(next) = self.read(rt)? {
            if compare_values(same, &items[0].values, &next.values) != Ordering::Equal {
                self.ahead = Some(next);
                break;
            }
            bytes += row_bytes(&next.row) + row_bytes(&next.values);
            if bytes > self.charged {
                rt.charge(bytes - self.charged)?;
                self.charged = bytes;
            }
            items.push(next);
        }
        if items.len() > 1 {
            let after = node.presorted;
            items.sort_by(|a, b| compare_values(rest, &a.values[after..], &b.values[after..]));
        }
        self.run = items.into_iter();
        Ok(true)
    }
}

impl Cursor for IncrementalSortCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        loop {
            if let Some(item) = self.run.next() {
                *row = item.row;
                return Ok(true);
            }
            if !self.next_run(rt)? {
                return Ok(false);
            }
        }
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.run = Vec::new().into_iter();
        self.ahead = None;
        self.ended = false;
        self.input.rescan(rt)
    }
}
