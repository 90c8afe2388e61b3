//! Window frames: where the frame of a row begins and ends, and what EXCLUDE takes out.

use std::ops::Range;

use dictdb_functions::facts;
use dictdb_functions::{CallContext, ScalarFn, scalar};
use dictdb_planner::expr::{Frame, FrameBound, FrameExclude, FrameUnit, SortKey};
use dictdb_types::{Datum, Error, Result, SqlState, Type, bail, oids};

use crate::eval::{Code, CompileContext, Scope, compile};
use crate::runtime::Runtime;

/// A compiled frame.
#[derive(Debug)]
pub(crate) struct FrameCode {
    unit: FrameUnit,
    start: BoundCode,
    end: BoundCode,
    exclude: FrameExclude,
    /// Direction of the first ORDER BY key, for RANGE with an offset.
    descending: bool,
    nulls_first: bool,
}

/// Frames that only grow from row to row of a partition, from its first row on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growing {
    /// The whole partition from the start.
    Whole,
    /// To the last row that is equal under ORDER BY.
    ToPeers,
    /// To the row itself.
    ToRow,
}

impl Growing {
    /// The rows that frames grow by at a time, in a partition of these rows with these groups of peers.
    pub fn steps(self, rows: Range<usize>, groups: &[Range<usize>]) -> Vec<Range<usize>> {
        match self {
            Growing::Whole => [rows].into(),
            Growing::ToPeers => groups.to_vec(),
            Growing::ToRow => rows.map(|row| row..row + 1).collect(),
        }
    }
}

#[derive(Debug)]
enum BoundCode {
    UnboundedPreceding,
    Preceding(Offset),
    CurrentRow,
    Following(Offset),
    UnboundedFollowing,
}

#[derive(Debug)]
struct Offset {
    code: Code,
    /// `in_range` of the ordering type, for RANGE.
    in_range: Option<InRange>,
}

#[derive(Debug)]
struct InRange {
    kernel: ScalarFn,
    types: [Type; 5],
}

impl FrameCode {
    /// Compiles a frame over these ORDER BY keys. 0A000 for RANGE with an offset over a type without `in_range`.
    pub fn compile(frame: &Frame, order: &[SortKey], cx: &CompileContext<'_>) -> Result<Self> {
        let bound = |bound: &FrameBound| -> Result<BoundCode> {
            Ok(match bound {
                FrameBound::UnboundedPreceding => BoundCode::UnboundedPreceding,
                FrameBound::Preceding(offset) => BoundCode::Preceding(Offset::compile(frame, offset, order, cx)?),
                FrameBound::CurrentRow => BoundCode::CurrentRow,
                FrameBound::Following(offset) => BoundCode::Following(Offset::compile(frame, offset, order, cx)?),
                FrameBound::UnboundedFollowing => BoundCode::UnboundedFollowing,
            })
        };
        Ok(FrameCode {
            unit: frame.unit,
            start: bound(&frame.start)?,
            end: bound(&frame.end)?,
            exclude: frame.exclude,
            descending: order.first().is_some_and(|key| key.descending),
            nulls_first: order.first().is_some_and(|key| key.nulls_first),
        })
    }

    /// How the frames grow, if they do from the first row on.
    pub fn growing(&self) -> Option<Growing> {
        match (&self.start, &self.end, self.exclude) {
            (BoundCode::UnboundedPreceding, BoundCode::UnboundedFollowing, FrameExclude::NoOthers) => {
                Some(Growing::Whole)
            }
            (BoundCode::UnboundedPreceding, BoundCode::CurrentRow, FrameExclude::NoOthers) => {
                Some(if self.unit == FrameUnit::Rows { Growing::ToRow } else { Growing::ToPeers })
            }
            _ => None,
        }
    }

    /// Whether every frame is the whole partition, under this ORDER BY.
    pub fn is_whole(&self, order: &[SortKey]) -> bool {
        match self.growing() {
            Some(Growing::Whole) => true,
            Some(Growing::ToPeers) => order.is_empty(),
            Some(Growing::ToRow) | None => false,
        }
    }

    /// Whether frames depend on the values of the ORDER BY key.
    pub fn compares_values(&self) -> bool {
        [&self.start, &self.end].iter().any(|bound| match bound {
            BoundCode::Preceding(offset) | BoundCode::Following(offset) => offset.in_range.is_some(),
            _ => false,
        })
    }
}

impl Offset {
    fn compile(
        frame: &Frame,
        offset: &dictdb_planner::expr::Expr,
        order: &[SortKey],
        cx: &CompileContext<'_>,
    ) -> Result<Self> {
        let in_range = match (frame.unit, order) {
            (FrameUnit::Range, [key]) => {
                let [base, offset] = [key.expr.ty(), offset.ty()].map(|ty| cx.types.base_type(ty));
                Some(InRange::of(base, offset)?)
            }
            _ => None,
        };
        Ok(Offset { code: compile(offset, cx)?, in_range })
    }
}

impl InRange {
    fn of(base: Type, offset: Type) -> Result<Self> {
        let types = [base, base, offset, Type::new(oids::BOOL), Type::new(oids::BOOL)];
        facts::procs_named("in_range")
            .find(|proc| proc.args.iter().eq(types.iter().map(|ty| &ty.oid)))
            .and_then(|proc| scalar(proc.source))
            .map(|kernel| InRange { kernel, types })
            .ok_or_else(|| {
                Error::unsupported(format_args!(
                    "RANGE with offset PRECEDING/FOLLOWING for column type {} and offset type {}",
                    base.oid, offset.oid
                ))
            })
    }

    /// `value <= base ± offset` (`less`), or `>=`.
    fn holds(
        &self,
        value: &Datum,
        base: &Datum,
        offset: &Datum,
        subtract: bool,
        less: bool,
        rt: &Runtime,
    ) -> Result<bool> {
        let cx = CallContext::new(rt.env(), &self.types, Type::new(oids::BOOL));
        let args = [value.clone(), base.clone(), offset.clone(), Datum::Bool(subtract), Datum::Bool(less)];
        Ok(matches!((self.kernel)(&cx, &args)?, Datum::Bool(true)))
    }
}

/// The frames of one partition.
pub(crate) struct Frames<'a> {
    code: &'a FrameCode,
    /// Values of the ORDER BY key, if frames depend on them.
    values: Vec<Datum>,
    /// For each row the rows equal to it under ORDER BY.
    peers: &'a [Range<usize>],
    /// Peer groups in order; only for GROUPS.
    groups: Vec<Range<usize>>,
    start: Datum,
    end: Datum,
    rt: &'a Runtime,
}

impl<'a> Frames<'a> {
    /// Frames over a partition with these peers of each row; `values` are those of its ORDER BY key, asked for if frames depend
    /// on them. 22004 and 22013 for bad offsets.
    pub fn new(
        code: &'a FrameCode,
        peers: &'a [Range<usize>],
        values: impl FnOnce() -> Result<Vec<Datum>>,
        rt: &'a Runtime,
    ) -> Result<Self> {
        let mut groups: Vec<Range<usize>> = Vec::new();
        if code.unit == FrameUnit::Groups {
            groups.extend_from_slice(peers);
            groups.dedup();
        }
        Ok(Frames {
            code,
            values: if code.compares_values() { values()? } else { Vec::new() },
            peers,
            groups,
            start: offset(&code.start, "starting", rt)?,
            end: offset(&code.end, "ending", rt)?,
            rt,
        })
    }

    /// The frame of a row, cut by EXCLUDE into at most three parts.
    pub fn of(&self, row: usize) -> Result<[Range<usize>; 3]> {
        let start = self.start(row)?;
        let end = self.end(row)?.max(start);
        let peers = self.peers.get(row).cloned().unwrap_or_default();
        let cut = |from: usize, to: usize| from.max(start)..to.min(end).max(from.max(start));
        Ok(match self.code.exclude {
            FrameExclude::NoOthers => [start..end, 0..0, 0..0],
            FrameExclude::CurrentRow => [cut(start, row), cut(row + 1, end), 0..0],
            FrameExclude::Group => [cut(start, peers.start), cut(peers.end, end), 0..0],
            FrameExclude::Ties => [cut(start, peers.start), cut(row, row + 1), cut(peers.end, end)],
        })
    }

    fn start(&self, row: usize) -> Result<usize> {
        match &self.code.start {
            BoundCode::UnboundedPreceding => Ok(0),
            BoundCode::CurrentRow if self.code.unit == FrameUnit::Rows => Ok(row),
            BoundCode::CurrentRow => Ok(self.peers_of(row).start),
            BoundCode::Preceding(offset) => self.offset_start(row, offset, true),
            BoundCode::Following(offset) => self.offset_start(row, offset, false),
            BoundCode::UnboundedFollowing => Ok(self.peers.len()),
        }
    }

    fn end(&self, row: usize) -> Result<usize> {
        match &self.code.end {
            BoundCode::UnboundedPreceding => Ok(0),
            BoundCode::CurrentRow if self.code.unit == FrameUnit::Rows => Ok(row + 1),
            BoundCode::CurrentRow => Ok(self.peers_of(row).end),
            BoundCode::Preceding(offset) => self.offset_end(row, offset, true),
            BoundCode::Following(offset) => self.offset_end(row, offset, false),
            BoundCode::UnboundedFollowing => Ok(self.peers.len()),
        }
    }

    fn offset_start(&self, row: usize, offset: &Offset, preceding: bool) -> Result<usize> {
        Ok(match self.code.unit {
            FrameUnit::Rows => shift(row, count(&self.start), preceding).unwrap_or(0).min(self.peers.len()),
            FrameUnit::Groups => match shift(self.group_of(row), count(&self.start), preceding) {
                Some(group) => self.groups.get(group).map_or(self.peers.len(), |group| group.start),
                None => 0,
            },
            FrameUnit::Range => self.search(|candidate| self.is_before(candidate, row, offset, preceding))?,
        })
    }

    fn offset_end(&self, row: usize, offset: &Offset, preceding: bool) -> Result<usize> {
        Ok(match self.code.unit {
            FrameUnit::Rows => {
                shift(row, count(&self.end), preceding).map_or(0, |last| (last + 1).min(self.peers.len()))
            }
            FrameUnit::Groups => match shift(self.group_of(row), count(&self.end), preceding) {
                Some(group) => self.groups.get(group).map_or(self.peers.len(), |group| group.end),
                None => 0,
            },
            FrameUnit::Range => self.search(|candidate| self.is_not_after(candidate, row, offset, preceding))?,
        })
    }

    /// Whether a row lies before the start that `offset` gives the frame of `current`.
    fn is_before(&self, candidate: usize, current: usize, offset: &Offset, preceding: bool) -> Result<bool> {
        let Some(in_range) = &offset.in_range else { return Ok(false) };
        let (value, base) = (self.value(candidate), self.value(current));
        if value.is_null() || base.is_null() {
            return Ok(if self.code.nulls_first {
                value.is_null() && !base.is_null()
            } else {
                !value.is_null() && base.is_null()
            });
        }
        let subtract = preceding != self.code.descending;
        in_range.holds(value, base, &self.start, subtract, self.code.descending, self.rt).map(|inside| !inside)
    }

    /// Whether a row lies before the end that `offset` gives the frame of `current`, or at it.
    fn is_not_after(&self, candidate: usize, current: usize, offset: &Offset, preceding: bool) -> Result<bool> {
        let Some(in_range) = &offset.in_range else { return Ok(false) };
        let (value, base) = (self.value(candidate), self.value(current));
        if value.is_null() || base.is_null() {
            return Ok(if self.code.nulls_first {
                value.is_null() || !base.is_null()
            } else {
                !value.is_null() || base.is_null()
            });
        }
        let subtract = preceding != self.code.descending;
        in_range.holds(value, base, &self.end, subtract, !self.code.descending, self.rt)
    }

    fn value(&self, row: usize) -> &Datum {
        self.values.get(row).unwrap_or(&Datum::Null)
    }

    /// The first row for which a condition that holds for a beginning of the partition does not hold.
    fn search(&self, mut holds: impl FnMut(usize) -> Result<bool>) -> Result<usize> {
        let (mut low, mut high) = (0, self.peers.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(middle)? { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    fn peers_of(&self, row: usize) -> Range<usize> {
        self.peers.get(row).cloned().unwrap_or_default()
    }

    fn group_of(&self, row: usize) -> usize {
        self.groups.partition_point(|group| group.end <= row)
    }
}

/// `position` moved by `by`; `None` before the first.
fn shift(position: usize, by: usize, back: bool) -> Option<usize> {
    if back { position.checked_sub(by) } else { Some(position.saturating_add(by)) }
}

fn count(offset: &Datum) -> usize {
    match offset {
        Datum::Int8(count) => usize::try_from(*count).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// Evaluates the offset of a bound, once per partition: it cannot depend on rows.
fn offset(bound: &BoundCode, which: &str, rt: &Runtime) -> Result<Datum> {
    let (BoundCode::Preceding(offset) | BoundCode::Following(offset)) = bound else { return Ok(Datum::Null) };
    let value = offset.code.eval(Scope::new(rt, &[]))?;
    if value.is_null() {
        bail!(NULL_VALUE_NOT_ALLOWED, "frame {which} offset must not be null");
    }
    if matches!(value, Datum::Int8(count) if count < 0 && offset.in_range.is_none()) {
        return Err(Error::new(
            SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
            format!("frame {which} offset must not be negative"),
        ));
    }
    Ok(value)
}
