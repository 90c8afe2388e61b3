//! Window calls over one sorted partition, wherever its rows stand: [`crate::row`] has them as rows, [`crate::columnar`] in
//! columns, and both show the arguments of a call as [`Arguments`].
//!
//! Where the frame of a row begins and ends is decided in [`frame`].

pub(crate) mod frame;

use std::ops::Range;

use dictdb_functions::CallContext;
use dictdb_functions::window::{PartitionView, WindowFn, WindowFunction, window};
use dictdb_planner::expr::{Expr, FrameBound, WindowCall};
use dictdb_types::{Datum, Error, Result, Type};

use self::frame::Frames;
use crate::aggregate::{AggregateCode, AggregateState};
use crate::eval::CompileContext;
use crate::row::Row;
use crate::runtime::Runtime;

/// The function of a call.
#[derive(Debug)]
pub(crate) enum WindowFunctionCode {
    /// `row_number` and its kin.
    Function {
        /// Its constructor.
        make: WindowFn,
        /// Types of the arguments.
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

impl WindowFunctionCode {
    /// Compiles the function of a call. 0A000 for one without implementation.
    pub fn compile(call: &WindowCall, cx: &CompileContext<'_>) -> Result<Self> {
        if call.aggregate {
            let (args, filter) = (&call.args, call.filter.as_ref());
            let steady = is_steady(call);
            let moves = steady && !matches!(call.window.frame.start, FrameBound::UnboundedPreceding);
            let code = AggregateCode::compile_plain(&call.function, args, filter, call.ty, moves, cx)?;
            return Ok(WindowFunctionCode::Aggregate { code, steady });
        }
        let make = window(&call.function.source).ok_or_else(|| {
            Error::unsupported(format_args!("window function {} (oid {})", call.function.name, call.function.oid))
        })?;
        let types = call.args.iter().map(|arg| cx.types.base_type(arg.ty())).collect();
        Ok(WindowFunctionCode::Function { make, types, result: call.ty })
    }
}

/// Whether arguments and FILTER give the same when they are evaluated again.
pub(crate) fn is_steady(call: &WindowCall) -> bool {
    !call.args.iter().chain(&call.filter).any(Expr::is_volatile)
}

/// The arguments of a call in one partition.
pub(crate) trait Arguments {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// One argument at a row; NULL where there is none.
    fn one(&self, row: usize, index: usize) -> Result<Datum>;

    /// All of them; `false` when FILTER leaves the row out.
    fn all(&self, row: usize, args: &mut Row) -> Result<bool>;
}

/// A partition as window functions see it.
pub(crate) struct View<'a> {
    arguments: Box<dyn Arguments + 'a>,
    peers: &'a [Range<usize>],
    frames: &'a Frames<'a>,
}

impl PartitionView for View<'_> {
    fn rows(&self) -> usize {
        self.arguments.rows()
    }

    fn arg(&self, row: usize, index: usize) -> Result<Datum> {
        self.arguments.one(row, index)
    }

    fn peers(&self, row: usize) -> Range<usize> {
        self.peers.get(row).cloned().unwrap_or_default()
    }

    fn frame(&self, row: usize) -> Result<[Range<usize>; 3]> {
        self.frames.of(row)
    }
}

/// A call on its way through a partition.
pub(crate) enum Running<'a> {
    /// A window function.
    Function {
        /// Its state.
        running: Box<dyn WindowFunction>,
        /// What it is called with.
        cx: CallContext<'a>,
        /// What it sees.
        view: View<'a>,
    },
    /// A frame that only grows is added to, one that moves forward gives rows back if the accumulator can and the arguments are
    /// steady, any other is added up anew.
    Aggregate {
        /// The frames.
        frames: &'a Frames<'a>,
        /// The aggregate.
        sliding: Sliding<'a>,
        /// The last frame and its value.
        last: Option<([Range<usize>; 3], Datum)>,
    },
}

impl<'a> Running<'a> {
    /// Begins a partition with these arguments, peers of each row, and frames.
    pub fn new(
        function: &'a WindowFunctionCode,
        arguments: Box<dyn Arguments + 'a>,
        peers: &'a [Range<usize>],
        frames: &'a Frames<'a>,
        rt: &'a Runtime,
    ) -> Self {
        match function {
            WindowFunctionCode::Aggregate { code, steady } => {
                let (state, args) = (code.start(), Row::new());
                let sliding = Sliding { code, arguments, rt, state, held: 0..0, args, retracts: *steady };
                Running::Aggregate { frames, sliding, last: None }
            }
            WindowFunctionCode::Function { make, types, result } => {
                let view = View { arguments, peers, frames };
                Running::Function { running: make(), cx: CallContext::new(rt.env(), types, *result), view }
            }
        }
    }

    /// The value at the next row.
    pub fn value(&mut self, row: usize) -> Result<Datum> {
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

/// An aggregate over a frame that moves.
pub(crate) struct Sliding<'a> {
    code: &'a AggregateCode,
    arguments: Box<dyn Arguments + 'a>,
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
            if self.arguments.all(row, &mut self.args)? && !self.state.retract(self.code, self.rt.env(), &self.args)? {
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
            if self.arguments.all(row, &mut self.args)? {
                self.state.add(self.code, self.rt.env(), &self.args)?;
            }
        }
        Ok(())
    }
}
