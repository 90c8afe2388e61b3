//! Window frames: where the frame of a row begins and ends, and what EXCLUDE takes out.

use std::ops::Range;

use dictdb_functions::facts;
use dictdb_functions::{CallContext, ScalarFn, scalar};
use dictdb_planner::expr::{Frame, FrameBound, FrameExclude, FrameUnit, SortKey};
use dictdb_types::{Datum, Error, Result, SqlState, Type, bail, oids};

use super::Row;
use crate::eval::{Code, CompileContext, Scope, compile};
use crate::keys::OrderKey;
use crate::runtime::Runtime;

/// A compiled frame.
#[derive(Debug)]
pub(crate) struct FrameCode {
    unit: FrameUnit,
    start: BoundCode,
    end: BoundCode,
    exclude: FrameExclude,
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
        Ok(FrameCode { unit: frame.unit, start: bound(&frame.start)?, end: bound(&frame.end)?, exclude: frame.exclude })
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
    key: Option<&'a OrderKey>,
    order: &'a [Row],
    peers: &'a [Range<usize>],
    /// Peer groups in order; only for GROUPS.
    groups: Vec<Range<usize>>,
    start: Datum,
    end: Datum,
    rt: &'a Runtime,
}

impl<'a> Frames<'a> {
    /// Frames over a partition sorted by `keys` with these key values. 22004 and 22013 for bad offsets.
    pub fn new(
        code: &'a FrameCode,
        keys: &'a [OrderKey],
        order: &'a [Row],
        peers: &'a [Range<usize>],
        rt: &'a Runtime,
    ) -> Result<Self> {
        let mut groups: Vec<Range<usize>> = Vec::new();
        if code.unit == FrameUnit::Groups {
            groups.extend_from_slice(peers);
            groups.dedup();
        }
        Ok(Frames {
            code,
            key: keys.first(),
            order,
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
            BoundCode::UnboundedFollowing => Ok(self.order.len()),
        }
    }

    fn end(&self, row: usize) -> Result<usize> {
        match &self.code.end {
            BoundCode::UnboundedPreceding => Ok(0),
            BoundCode::CurrentRow if self.code.unit == FrameUnit::Rows => Ok(row + 1),
            BoundCode::CurrentRow => Ok(self.peers_of(row).end),
            BoundCode::Preceding(offset) => self.offset_end(row, offset, true),
            BoundCode::Following(offset) => self.offset_end(row, offset, false),
            BoundCode::UnboundedFollowing => Ok(self.order.len()),
        }
    }

    fn offset_start(&self, row: usize, offset: &Offset, preceding: bool) -> Result<usize> {
        Ok(match self.code.unit {
            FrameUnit::Rows => shift(row, count(&self.start), preceding).unwrap_or(0).min(self.order.len()),
            FrameUnit::Groups => match shift(self.group_of(row), count(&self.start), preceding) {
                Some(group) => self.groups.get(group).map_or(self.order.len(), |group| group.start),
                None => 0,
            },
            FrameUnit::Range => self.search(|candidate| self.is_before(candidate, row, offset, preceding))?,
        })
    }

    fn offset_end(&self, row: usize, offset: &Offset, preceding: bool) -> Result<usize> {
        Ok(match self.code.unit {
            FrameUnit::Rows => {
                shift(row, count(&self.end), preceding).map_or(0, |last| (last + 1).min(self.order.len()))
            }
            FrameUnit::Groups => match shift(self.group_of(row), count(&self.end), preceding) {
                Some(group) => self.groups.get(group).map_or(self.order.len(), |group| group.end),
                None => 0,
            },
            FrameUnit::Range => self.search(|candidate| self.is_not_after(candidate, row, offset, preceding))?,
        })
    }

    /// Whether a row lies before the start that `offset` gives the frame of `current`.
    fn is_before(&self, candidate: usize, current: usize, offset: &Offset, preceding: bool) -> Result<bool> {
        let (Some(key), Some(in_range)) = (self.key, &offset.in_range) else { return Ok(false) };
        let (value, base) = (self.value(candidate), self.value(current));
        if value.is_null() || base.is_null() {
            return Ok(if key.nulls_first {
                value.is_null() && !base.is_null()
            } else {
                !value.is_null() && base.is_null()
            });
        }
        let subtract = preceding != key.descending;
        in_range.holds(value, base, &self.start, subtract, key.descending, self.rt).map(|inside| !inside)
    }

    /// Whether a row lies before the end that `offset` gives the frame of `current`, or at it.
    fn is_not_after(&self, candidate: usize, current: usize, offset: &Offset, preceding: bool) -> Result<bool> {
        let (Some(key), Some(in_range)) = (self.key, &offset.in_range) else { return Ok(false) };
        let (value, base) = (self.value(candidate), self.value(current));
        if value.is_null() || base.is_null() {
            return Ok(if key.nulls_first {
                value.is_null() || !base.is_null()
            } else {
                !value.is_null() || base.is_null()
            });
        }
        let subtract = preceding != key.descending;
        in_range.holds(value, base, &self.end, subtract, !key.descending, self.rt)
    }

    fn value(&self, row: usize) -> &Datum {
        self.order.get(row).and_then(|values| values.first()).unwrap_or(&Datum::Null)
    }

    /// The first row for which a condition that holds for a beginning of the partition does not hold.
    fn search(&self, mut holds: impl FnMut(usize) -> Result<bool>) -> Result<usize> {
        let (mut low, mut high) = (0, self.order.len());
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
