//! Window functions: the input in memory, sorted into partitions, each call computed over its frames.
//!
//! Where the frame of a row begins and ends is decided in [`super::frame`].

use std::ops::Range;
use std::sync::Arc;

use dictdb_functions::CallContext;
use dictdb_functions::window::{PartitionView, WindowFn, WindowFunction};
use dictdb_types::{Datum, Result, Type};

use super::frame::{FrameCode, Frames};
use super::quicksort::quicksort;
use super::{Cursor, Node, Row, drain};
use crate::aggregate::{AggregateCode, AggregateState};
use crate::eval::{Code, Scope};
use crate::keys::{OrderKey, compare_values, order_values};
use crate::runtime::Runtime;

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
    /// Over which frame.
    pub frame: FrameCode,
}

/// The function of a call.
#[derive(Debug)]
pub(crate) enum WindowFunctionCode {
    /// `row_number` and its kin.
    Function {
        /// Its constructor.
        make: WindowFn,
        /// Arguments.
        args: Box<[Code]>,
        /// Their types.
        types: Box<[Type]>,
        /// Result type.
        result: Type,
    },
    /// An aggregate over the frame.
    Aggregate {
        /// The aggregate with its arguments.
        code: AggregateCode,
        /// Its arguments and FILTER give the same when they are evaluated again, so that rows can be taken back.
        steady: bool,
    },
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
        let frames = calls.map(|call| Frames::new(&call.frame, &self.node.order, &order, &peers, rt));
        let frames = frames.collect::<Result<Vec<_>>>()?;
        let calls = self.node.calls.iter().zip(&frames);
        let mut running: Vec<Running<'_>> =
            calls.map(|(call, frames)| Running::new(&call.function, &rows, &peers, frames, rt)).collect();
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

/// A partition as window functions see it.
struct View<'a> {
    rt: &'a Runtime,
    rows: &'a [Row],
    args: &'a [Code],
    peers: &'a [Range<usize>],
    frames: &'a Frames<'a>,
}

impl PartitionView for View<'_> {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn arg(&self, row: usize, index: usize) -> Result<Datum> {
        match (self.rows.get(row), self.args.get(index)) {
            (Some(row), Some(arg)) => arg.eval(Scope::new(self.rt, row)),
            _ => Ok(Datum::Null),
        }
    }

    fn peers(&self, row: usize) -> Range<usize> {
        self.peers.get(row).cloned().unwrap_or_default()
    }

    fn frame(&self, row: usize) -> Result<[Range<usize>; 3]> {
        self.frames.of(row)
    }
}

/// A call on its way through a partition.
enum Running<'a> {
    Function {
        running: Box<dyn WindowFunction>,
        cx: CallContext<'a>,
        view: View<'a>,
    },
    /// A frame that only grows is added to, one that moves forward gives rows back if the accumulator can and the arguments are
    /// steady, any other is added up anew.
    Aggregate {
        frames: &'a Frames<'a>,
        sliding: Sliding<'a>,
        /// The last frame and its value.
        last: Option<([Range<usize>; 3], Datum)>,
    },
}

impl<'a> Running<'a> {
    fn new(
        function: &'a WindowFunctionCode,
        rows: &'a [Row],
        peers: &'a [Range<usize>],
        frames: &'a Frames<'a>,
        rt: &'a Runtime,
    ) -> Self {
        match function {
            WindowFunctionCode::Aggregate { code, steady } => {
                let (state, args) = (code.start(), Row::new());
                let sliding = Sliding { code, rows, rt, state, held: 0..0, args, retracts: *steady };
                Running::Aggregate { frames, sliding, last: None }
            }
            WindowFunctionCode::Function { make, args, types, result } => {
                let view = View { rt, rows, args, peers, frames };
                Running::Function { running: make(), cx: CallContext::new(rt.env(), types, *result), view }
            }
        }
    }

    /// The value at the next row.
    fn value(&mut self, row: usize) -> Result<Datum> {
        match self {
            Running::Function { running, cx, view } => running.evaluate(cx, view, row),
            Running::Aggregate { frames, sliding, last } => {
                let frame = frames.of(row)?;
                if let Some((known, value)) = last
                    && *known == frame
                {
                    return Ok(value.clone());
                }
                let value = sliding.move_to(&frame)?;
                *last = Some((frame, value.clone()));
                Ok(value)
            }
        }
    }
}

struct Sliding<'a> {
    code: &'a AggregateCode,
    rows: &'a [Row],
    rt: &'a Runtime,
    state: AggregateState,
    /// Rows inside the state.
    held: Range<usize>,
    args: Row,
    /// Whether rows can be taken back: the accumulator has not refused to.
    retracts: bool,
}

impl Sliding<'_> {
    fn move_to(&mut self, frame: &[Range<usize>; 3]) -> Result<Datum> {
        let mut parts = frame.iter().filter(|part| !part.is_empty());
        let (first, more) = (parts.next().cloned(), parts.next().is_some());
        let whole = first.unwrap_or(0..0);
        if more {
            self.restart();
            for part in frame {
                self.add(part.clone())?;
            }
            let value = self.state.finish(self.code, self.rt)?;
            self.restart();
            return Ok(value);
        }
        if !self.slide(&whole)? {
            self.restart();
            self.held = whole.start..whole.start;
        }
        self.add(self.held.end.max(whole.start)..whole.end)?;
        self.held = whole;
        self.state.finish(self.code, self.rt)
    }

    fn restart(&mut self) {
        self.state = self.code.start();
        self.held = 0..0;
    }

    /// Takes back what lies before the new frame; `false`: start over.
    fn slide(&mut self, frame: &Range<usize>) -> Result<bool> {
        if frame.start < self.held.start || frame.end < self.held.end || frame.start > self.held.end {
            return Ok(false);
        }
        if frame.start > self.held.start && !self.retracts {
            return Ok(false);
        }
        for row in self.held.start..frame.start {
            self.rt.tick(row)?;
            if self.arguments(row)? && !self.state.retract(self.code, self.rt.env(), &self.args)? {
                self.retracts = false;
                return Ok(false);
            }
        }
        self.held.start = frame.start;
        Ok(true)
    }

    fn add(&mut self, rows: Range<usize>) -> Result<()> {
        for row in rows {
            self.rt.tick(row)?;
            if self.arguments(row)? {
                self.state.add(self.code, self.rt.env(), &self.args)?;
            }
        }
        Ok(())
    }

    /// Evaluates the arguments of a row; `false` when FILTER leaves it out.
    fn arguments(&mut self, row: usize) -> Result<bool> {
        match self.rows.get(row) {
            Some(row) => self.code.arguments(Scope::new(self.rt, row), &mut self.args),
            None => Ok(false),
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
