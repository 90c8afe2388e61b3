//! Sorting input that is in the order of the first keys already: run by run of rows that are equal by those, so that the
//! first rows come before the input has been read.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use dictdb_types::{Datum, Result};

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

    /// What is compared of a row: the row itself where all keys are columns of it, the values of its keys otherwise.
    fn values<'r>(&self, rt: &Runtime, row: &'r Row) -> Result<Cow<'r, [Datum]>> {
        match self.columns {
            Some(_) => Ok(Cow::Borrowed(row)),
            None => order_values(&self.keys, Scope::new(rt, row)).map(Cow::Owned),
        }
    }

    /// Order of two rows by the keys from one on, up to another.
    fn compare(&self, a: &[Datum], b: &[Datum], from: usize, to: usize) -> Ordering {
        let keys = &self.keys[from..to];
        let Some(columns) = &self.columns else { return compare_values(keys, &a[from..to], &b[from..to]) };
        for (key, column) in keys.iter().zip(&columns[from..to]) {
            let order = key.compare(&a[*column], &b[*column]);
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }
}

impl Node for IncrementalSort {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(IncrementalSortCursor {
            node: self,
            input,
            row: Row::new(),
            is_ahead: false,
            ended: false,
            run: Run::default(),
            position: 0,
            charged: 0,
        })
    }
}

struct IncrementalSortCursor {
    node: Arc<IncrementalSort>,
    input: Box<dyn Cursor>,
    /// The last row read; the first one of the next run if `is_ahead`.
    row: Row,
    is_ahead: bool,
    ended: bool,
    run: Run,
    position: usize,
    /// Memory taken from the budget: that of the largest run.
    charged: usize,
}

/// The rows of a run. They change places with those of whoever reads and of whoever is given them, so that no value moves
/// and every run uses the memory of the last one.
#[derive(Default)]
struct Run {
    rows: Vec<Row>,
    /// The values of their keys, where those are not columns of the rows.
    keys: Vec<Row>,
    /// The numbers of the rows in their order, and how many of them have been given out.
    order: Vec<u32>,
    next: usize,
}

impl Run {
    fn clear(&mut self) {
        self.keys.clear();
        self.order.clear();
        self.next = 0;
    }

    fn len(&self) -> usize {
        self.order.len()
    }

    fn push(&mut self, row: &mut Row, keys: Option<Row>) {
        let number = self.len();
        if number == self.rows.len() {
            self.rows.push(Row::new());
        }
        std::mem::swap(&mut self.rows[number], row);
        self.keys.extend(keys);
        self.order.push(number as u32);
    }

    /// What is compared of a row.
    fn values(&self, number: usize) -> &[Datum] {
        if self.keys.is_empty() { &self.rows[number] } else { &self.keys[number] }
    }

    fn sort(&mut self, compare: impl Fn(&[Datum], &[Datum]) -> Ordering) {
        let mut order = std::mem::take(&mut self.order);
        order.sort_by(|a, b| compare(self.values(*a as usize), self.values(*b as usize)));
        self.order = order;
    }

    /// Gives the next row out; `false` when there is none.
    fn give(&mut self, row: &mut Row) -> bool {
        let Some(number) = self.order.get(self.next) else { return false };
        self.next += 1;
        std::mem::swap(&mut self.rows[*number as usize], row);
        true
    }
}

impl IncrementalSortCursor {
    fn read(&mut self, rt: &Runtime) -> Result<bool> {
        if self.ended || !self.input.next(rt, &mut self.row)? {
            self.ended = true;
            return Ok(false);
        }
        rt.tick(self.position)?;
        self.position = self.position.wrapping_add(1);
        Ok(true)
    }

    /// Reads the next run and sorts it; `false`: there is none.
    fn next_run(&mut self, rt: &Runtime) -> Result<bool> {
        self.run.clear();
        if !std::mem::take(&mut self.is_ahead) && !self.read(rt)? {
            return Ok(false);
        }
        let node = self.node.clone();
        let mut bytes = 0;
        loop {
            let keys = match node.values(rt, &self.row)? {
                Cow::Borrowed(values) => self.belongs(&node, values).then_some(None),
                Cow::Owned(values) => self.belongs(&node, &values).then_some(Some(values)),
            };
            let Some(keys) = keys else {
                self.is_ahead = true;
                break;
            };
            // A single row is held as every operator holds one.
            if self.run.len() > 0 {
                bytes += row_bytes(&self.row) + keys.as_deref().map_or(0, row_bytes);
            }
            if bytes > self.charged {
                rt.charge(bytes - self.charged)?;
                self.charged = bytes;
            }
            self.run.push(&mut self.row, keys);
            if !self.read(rt)? {
                break;
            }
        }
        self.run.sort(|a, b| node.compare(a, b, node.presorted, node.keys.len()));
        Ok(true)
    }

    /// Whether a row with these values is one of the current run.
    fn belongs(&self, node: &IncrementalSort, values: &[Datum]) -> bool {
        self.run.len() == 0 || node.compare(self.run.values(0), values, 0, node.presorted).is_eq()
    }
}

impl Cursor for IncrementalSortCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        Ok(self.run.give(row) || self.next_run(rt)? && self.run.give(row))
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.run.clear();
        self.is_ahead = false;
        self.ended = false;
        self.input.rescan(rt)
    }
}
