//! `sum`, `avg`, `max` and `min` of `numeric` over frames that only grow: every row is looked at once.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, BinaryViewArray, UInt32Array};
use arrow::compute;
use dictdb_planner::expr::WindowCall;
use dictdb_types::arrow::NumericColumn;
use dictdb_types::numeric::SmallNumeric;
use dictdb_types::{Result, oids};

use super::super::aggregate::numeric::Total;
use super::super::error::arrow_error;
use super::super::numbers::{decode, numerics};
use super::super::vector::{Batch, Vector, VectorContext};
use super::partitions::Partitions;
use crate::window::frame::Growing;

/// An aggregate of numbers.
#[derive(Debug)]
pub(super) struct GrowingNumeric {
    aggregate: Aggregate,
    frames: Growing,
    arg: Vector,
}

#[derive(Clone, Copy, Debug)]
enum Aggregate {
    Sum,
    Average,
    Greatest,
    Least,
}

impl GrowingNumeric {
    /// `None` for other aggregates and types.
    pub fn compile(call: &WindowCall, frames: Growing, cx: &VectorContext<'_>) -> Result<Option<Self>> {
        let [arg] = call.args.as_slice() else { return Ok(None) };
        let is_built_in = call.aggregate && call.function.aggregate.is_none() && call.filter.is_none();
        if !is_built_in || cx.eval.types.base_type(arg.ty()).oid != oids::NUMERIC {
            return Ok(None);
        }
        let aggregate = match &*call.function.name {
            "sum" => Aggregate::Sum,
            "avg" => Aggregate::Average,
            "max" => Aggregate::Greatest,
            "min" => Aggregate::Least,
            _ => return Ok(None),
        };
        let arg = super::super::vector::compile(arg, cx)?;
        Ok(Some(GrowingNumeric { aggregate, frames, arg }))
    }

    pub fn column(&self, partitions: &Partitions, batch: Batch<'_>) -> Result<ArrayRef> {
        let values = self.arg.array(batch)?;
        let numbers = numerics(&values)?;
        match self.aggregate {
            Aggregate::Sum => self.totals(partitions, numbers, Total::push_sum),
            Aggregate::Average => self.totals(partitions, numbers, Total::push_average),
            Aggregate::Greatest => self.extremes(partitions, numbers, Ordering::Greater, &values),
            Aggregate::Least => self.extremes(partitions, numbers, Ordering::Less, &values),
        }
    }

    /// A value of the sum so far for every step by which frames grow.
    fn totals(
        &self,
        partitions: &Partitions,
        numbers: &BinaryViewArray,
        push: impl Fn(&Total, &mut NumericColumn) -> Result<()>,
    ) -> Result<ArrayRef> {
        let mut out = NumericColumn::with_capacity(numbers.len());
        let mut steps = 0;
        let mut places: Vec<u32> = Vec::with_capacity(numbers.len());
        for (rows, groups) in partitions.each() {
            let mut total = Total::default();
            for step in self.frames.steps(rows, groups) {
                places.extend(std::iter::repeat_n(steps, step.len()));
                for row in step {
                    add(&mut total, numbers, row)?;
                }
                push(&total, &mut out)?;
                steps += 1;
            }
        }
        let values = out.finish_with_nulls()?;
        match values.len() == places.len() {
            true => Ok(values),
            false => compute::take(&values, &UInt32Array::from(places), None).map_err(arrow_error),
        }
    }

    /// The value of the row that is the first in an order so far. Of equal numbers the last one counts, as in PostgreSQL, which
    /// shows where their scales differ.
    fn extremes(
        &self,
        partitions: &Partitions,
        numbers: &BinaryViewArray,
        stays: Ordering,
        values: &ArrayRef,
    ) -> Result<ArrayRef> {
        let mut places: Vec<Option<u32>> = Vec::with_capacity(numbers.len());
        for (rows, groups) in partitions.each() {
            let mut best: Option<usize> = None;
            for step in self.frames.steps(rows, groups) {
                let length = step.len();
                for row in step.filter(|row| numbers.is_valid(*row)) {
                    let is_better = match best {
                        None => true,
                        Some(best) => compare(numbers, best, row)? != stays,
                    };
                    if is_better {
                        best = Some(row);
                    }
                }
                places.extend(std::iter::repeat_n(best.map(|best| best as u32), length));
            }
        }
        compute::take(values, &UInt32Array::from(places), None).map_err(arrow_error)
    }
}

fn add(total: &mut Total, numbers: &BinaryViewArray, row: usize) -> Result<()> {
    match SmallNumeric::of_view(numbers.views()[row]) {
        _ if numbers.is_null(row) => Ok(()),
        Some(small) => total.add_small(small),
        None => total.add_bytes(numbers.value(row)),
    }
}

fn compare(numbers: &BinaryViewArray, one: usize, other: usize) -> Result<Ordering> {
    let small = |row: usize| SmallNumeric::of_view(numbers.views()[row]);
    match (small(one), small(other)) {
        (Some(one), Some(other)) if one.scale == other.scale => Ok(one.coefficient.cmp(&other.coefficient)),
        _ => Ok(decode(numbers.value(one))?.cmp(&decode(numbers.value(other))?)),
    }
}
