//! The calls: which way of computing serves which.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute;
use dictdb_planner::expr::WindowCall;
use dictdb_types::Result;

use super::super::error::arrow_error;
use super::super::vector::{self, Batch, Vector, VectorContext};
use super::Sorted;
use super::aggregate::{Framed, Total};
use super::numeric::GrowingNumeric;
use super::place::{Numbering, Other};
use crate::runtime::Runtime;
use crate::window::frame::FrameCode;
use crate::window::is_steady;

/// A compiled call.
#[derive(Debug)]
pub(crate) struct CallCode(Kind);

#[derive(Debug)]
enum Kind {
    /// `rank` and its kin.
    Numbering(Numbering),
    /// The value of another row.
    Other(Other, Vector),
    /// An aggregate over the whole partition.
    Total(Total),
    /// An aggregate of numbers over frames that grow.
    Numeric(GrowingNumeric),
    /// Anything over frames.
    Framed(Box<Framed>),
}

impl CallCode {
    /// Compiles a call. `None` if its arguments may only be evaluated when and where a row asks for them. 0A000 for functions
    /// without implementation.
    pub fn compile(call: &WindowCall, runs: bool, cx: &VectorContext<'_>) -> Result<Option<Self>> {
        let frame = FrameCode::compile(&call.window.frame, &call.window.order, cx.eval)?;
        let args = vector::compile_all(&call.args, cx)?;
        let filter = vector::compile_predicate(call.filter.as_ref(), cx)?;
        let can_fail = args.iter().chain(&filter).any(Vector::can_fail);
        if !call.aggregate {
            if can_fail {
                return Ok(None);
            }
            if let Some(numbering) = Numbering::of(&call.function.source) {
                return Ok(Some(CallCode(Kind::Numbering(numbering))));
            }
            if let Some(other) = Other::of(call, &frame) {
                return Ok(args.into_iter().next().map(|arg| CallCode(Kind::Other(other, arg))));
            }
        }
        let is_asked_once = frame.growing().is_some() && is_steady(call) && filter.is_none();
        let is_count = call.aggregate && call.function.aggregate.is_none() && &*call.function.name == "count";
        if (can_fail && !is_asked_once) || (runs && (can_fail || !is_count)) {
            return Ok(None);
        }
        if call.aggregate && is_steady(call) {
            if frame.is_whole(&call.window.order) {
                return Ok(Some(CallCode(Kind::Total(Total::compile(call, cx)?))));
            }
            if let Some(frames) = frame.growing()
                && let Some(numeric) = GrowingNumeric::compile(call, frames, cx)?
            {
                return Ok(Some(CallCode(Kind::Numeric(numeric))));
            }
        }
        Ok(Some(CallCode(Kind::Framed(Box::new(Framed::compile(call, frame, args, filter, cx)?)))))
    }

    /// The column of its values.
    pub(super) fn eval(&self, sorted: &Sorted, rt: &Arc<Runtime>) -> Result<ArrayRef> {
        let Sorted { chunk, partitions } = sorted;
        let batch = Batch { columns: &chunk.columns, rows: chunk.rows, rt };
        match &self.0 {
            Kind::Numbering(numbering) => Ok(numbering.column(partitions)),
            Kind::Other(other, arg) => {
                compute::take(&arg.array(batch)?, &other.places(partitions), None).map_err(arrow_error)
            }
            Kind::Total(total) => total.column(partitions, batch, rt),
            Kind::Numeric(numeric) => numeric.column(partitions, batch),
            Kind::Framed(framed) => framed.column(partitions, batch),
        }
    }
}
