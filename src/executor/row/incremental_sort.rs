//! Sorting input that is in the order of the first keys already: run by run of rows that are equal by those, so that the
//! first rows come before the input has been read.

use std::cmp::Ordering;
use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope};
use crate::keys::{OrderKey, compare_values, order_values};
use crate::runtime::{Runtime, row_bytes};

/// Incremental sort. Rows with equal keys keep their order.
#[derive(Debug)]
pub(crate) struct IncrementalSort {
    input: Arc<dyn Node>,
    keys: Arc<[OrderKey]>,
    /// How many of them the input is in the order of.
    presorted: usize,
    /// The columns that the keys are, if they are nothing else.
    columns: Option<Box<[usize]>>,
}

impl IncrementalSort {
    /// A sort by these keys, of the first of which the input is in the order.
    pub fn new(input: Arc<dyn Node>, keys: Arc<[OrderKey]>, presorted: usize) -> Self {
        let column = |key: &OrderKey| if let Code::Input(column) = key.code { Some(column) } else { None };
        let columns = keys.iter().map(column).collect();
        IncrementalSort { input, keys, presorted, columns }
    }

    /// Order of two rows by the keys from one on, up to another.
    fn compare(&self, a: &Item, b: &Item, from: usize, to: usize) -> Ordering {
        let keys = &self.keys[from..to];
        match &self.columns {
            Some(columns) => {
                let by_key = keys.iter().zip(&columns[from..to]).map(|(key, at)| key.compare(&a.row[*at], &b.row[*at]));
                by_key.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            }
            None => compare_values(keys, &a.values[from..to], &b.values[from..to]),
        }
    }
}

impl Node for IncrementalSort {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(IncrementalSortCursor {
            node: self,
            input,
            run: Vec::new(),
            next: 0,
            ahead: None,
            ended: false,
            spare: Vec::new(),
            position: 0,
            charged: 0,
        })
    }
}

struct IncrementalSortCursor {
    node: Arc<IncrementalSort>,
    input: Box<dyn Cursor>,
    /// The current run, sorted, and the next row of it.
    run: Vec<Item>,
    next: usize,
    /// The first row of the next run, read already.
    ahead: Option<Item>,
    ended: bool,
    /// Rows whose memory can be used again.
    spare: Vec<Row>,
    position: usize,
    /// Memory taken from the budget: that of the largest run.
    charged: usize,
}

/// A row, with its key values where those are not columns of it.
struct Item {
    values: Row,
    row: Row,
}

impl IncrementalSortCursor {
    fn read(&mut self, rt: &Runtime) -> Result<Option<Item>> {
        let mut row = self.spare.pop().unwrap_or_default();
        if self.ended || !self.input.next(rt, &mut row)? {
            self.ended = true;
            return Ok(None);
        }
        rt.tick(self.position)?;
        self.position = self.position.wrapping_add(1);
        let values = match self.node.columns {
            Some(_) => Row::new(),
            None => order_values(&self.node.keys, Scope::new(rt, &row))?,
        };
        Ok(Some(Item { values, row }))
    }

    /// Reads the next run and sorts it; `false`: there is none.
    fn next_run(&mut self, rt: &Runtime) -> Result<bool> {
        self.spare.extend(self.run.drain(..).map(|item| item.row));
        self.next = 0;
        let first = match self.ahead.take() {
            Some(ahead) => Some(ahead),
            None => self.read(rt)?,
        };
        let Some(first) = first else { return Ok(false) };
        let node = self.node.clone();
        self.run.push(first);
        let mut bytes = 0;
        while let Some(next) = self.read(rt)? {
            if node.compare(&self.run[0], &next, 0, node.presorted).is_ne() {
                self.ahead = Some(next);
                break;
            }
            bytes += row_bytes(&next.row) + row_bytes(&next.values);
            if bytes > self.charged {
                rt.charge(bytes - self.charged)?;
                self.charged = bytes;
            }
            self.run.push(next);
        }
        self.run.sort_by(|a, b| node.compare(a, b, node.presorted, node.keys.len()));
        Ok(true)
    }
}

impl Cursor for IncrementalSortCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if self.next >= self.run.len() && !self.next_run(rt)? {
            return Ok(false);
        }
        std::mem::swap(row, &mut self.run[self.next].row);
        self.next += 1;
        Ok(true)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.run.clear();
        self.next = 0;
        self.ahead = None;
        self.ended = false;
        self.input.rescan(rt)
    }
}
