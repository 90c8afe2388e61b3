//! Window functions: the input in memory, sorted into partitions, each call computed over its frames ([`crate::window`]).

use std::ops::Range;
use std::sync::Arc;

use dictdb_types::{Datum, Result};

use super::quicksort::quicksort;
use super::{Cursor, Node, Row, drain};
use crate::eval::{Code, Scope};
use crate::keys::{OrderKey, compare_values, order_values};
use crate::runtime::Runtime;
use crate::window::frame::{FrameCode, Frames};
use crate::window::{Arguments, Running, WindowFunctionCode};

/// Window.
#[derive(Debug)]
pub(crate) struct Window {
    /// Input.
    pub input: Arc<dyn Node>,
    /// PARTITION BY; partitions come in this order.
    pub partition: Box<[OrderKey]>,
    /// ORDER BY.
    pub order: Box<[OrderKey]>,
    /// The calls.
    pub calls: Box<[WindowCallCode]>,
    /// What ends a partition when it is not true.
    pub run: Option<Code>,
}

/// One call.
#[derive(Debug)]
pub(crate) struct WindowCallCode {
    /// What is computed.
    pub function: WindowFunctionCode,
    /// The arguments of a window function; an aggregate has its own.
    pub args: Box<[Code]>,
    /// Over which frame.
    pub frame: FrameCode,
}

impl Node for Window {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(WindowCursor { node: self, input, rows: None })
    }
}

struct WindowCursor {
    node: Arc<Window>,
    input: Box<dyn Cursor>,
    rows: Option<std::vec::IntoIter<Row>>,
}

/// An input row with what it is sorted by.
struct Item {
    partition: Row,
    order: Row,
    row: Row,
}

impl WindowCursor {
    fn compute(&mut self, rt: &Runtime) -> Result<Vec<Row>> {
        let items = self.sorted(rt)?;
        let mut out = Vec::with_capacity(items.len());
        let mut items = items.into_iter().peekable();
        while let Some(first) = items.next() {
            let mut partition = vec![first];
            let keys = &self.node.partition;
            while let Some(item) =
                items.next_if(|item| compare_values(keys, &item.partition, &partition[0].partition).is_eq())
            {
                partition.push(item);
            }
            self.compute_partition(rt, partition, &mut out)?;
        }
        Ok(out)
    }

    fn sorted(&mut self, rt: &Runtime) -> Result<Vec<Item>> {
        let node = &self.node;
        let mut items = Vec::new();
        for (position, row) in drain(&mut *self.input, rt)?.into_iter().enumerate() {
            rt.tick(position)?;
            let scope = Scope::new(rt, &row);
            let partition = order_values(&node.partition, scope)?;
            let order = order_values(&node.order, scope)?;
            items.push(Item { partition, order, row });
        }
        quicksort(&mut items, &|a, b| {
            compare_values(&node.partition, &a.partition, &b.partition)
                .then_with(|| compare_values(&node.order, &a.order, &b.order))
        });
        Ok(items)
    }

    fn compute_partition(&self, rt: &Runtime, items: Vec<Item>, out: &mut Vec<Row>) -> Result<()> {
        let (rows, order): (Vec<Row>, Vec<Row>) = items.into_iter().map(|item| (item.row, item.order)).unzip();
        let peers = peer_groups(&self.node.order, &order);
        let calls = self.node.calls.iter();
        let values = || Ok(order.iter().map(|values| values.first().cloned().unwrap_or(Datum::Null)).collect());
        let frames = calls.map(|call| Frames::new(&call.frame, &peers, values, rt));
        let frames = frames.collect::<Result<Vec<_>>>()?;
        let calls = self.node.calls.iter().zip(&frames);
        let calls = calls.map(|(call, frames)| {
            let arguments = Box::new(RowArguments { call, rows: &rows, rt });
            Running::new(&call.function, arguments, &peers, frames, rt)
        });
        let mut running: Vec<Running<'_>> = calls.collect();
        let mut results: Vec<Row> = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            rt.tick(row)?;
            let values = running.iter_mut().map(|call| call.value(row)).collect::<Result<Row>>()?;
            if let Some(run) = &self.node.run
                && !run.is_true(Scope::new(rt, &values))?
            {
                break;
            }
            results.push(values);
        }
        drop(running);
        drop(frames);
        out.extend(rows.into_iter().zip(results).map(|(mut row, values)| {
            row.extend(values);
            row
        }));
        Ok(())
    }
}

/// For each row of a sorted partition, the range of rows equal to it under ORDER BY.
fn peer_groups(keys: &[OrderKey], order: &[Row]) -> Vec<Range<usize>> {
    let mut groups = Vec::with_capacity(order.len());
    let mut start = 0;
    while start < order.len() {
        let same = |row: &Row| compare_values(keys, row, &order[start]).is_eq();
        let end = start + order[start..].iter().take_while(|row| same(row)).count();
        groups.extend(std::iter::repeat_n(start..end, end - start));
        start = end;
    }
    groups
}

/// The arguments of a call over rows.
struct RowArguments<'a> {
    call: &'a WindowCallCode,
    rows: &'a [Row],
    rt: &'a Runtime,
}

impl Arguments for RowArguments<'_> {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn one(&self, row: usize, index: usize) -> Result<Datum> {
        match (self.rows.get(row), self.call.args.get(index)) {
            (Some(row), Some(arg)) => arg.eval(Scope::new(self.rt, row)),
            _ => Ok(Datum::Null),
        }
    }

    fn all(&self, row: usize, args: &mut Row) -> Result<bool> {
        match (self.rows.get(row), &self.call.function) {
            (Some(row), WindowFunctionCode::Aggregate { code, .. }) => code.arguments(Scope::new(self.rt, row), args),
            _ => Ok(false),
        }
    }
}

impl Cursor for WindowCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if self.rows.is_none() {
            self.rows = Some(self.compute(rt)?.into_iter());
        }
        match self.rows.as_mut().and_then(Iterator::next) {
            Some(next) => {
                *row = next;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.rows = None;
        self.input.rescan(rt)
    }
}
