//! Ordered-set aggregates: `percentile_cont`, `percentile_disc`, `mode`. Rows come sorted; NULL does not count.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Result, bail, oids, order};

use super::{Accumulator, Entry, SortDirection, arg, mismatch, size_of_datum};
use crate::CallContext;

pub(super) const AGGREGATES: &[Entry] = &[
    ("percentile_cont", &[oids::FLOAT8, oids::FLOAT8], continuous),
    ("percentile_cont", &[oids::FLOAT8, oids::INTERVAL], continuous),
    ("percentile_cont", &[oids::FLOAT8_ARRAY, oids::FLOAT8], continuous),
    ("percentile_cont", &[oids::FLOAT8_ARRAY, oids::INTERVAL], continuous),
    ("percentile_disc", &[oids::FLOAT8, oids::ANYELEMENT], || Box::new(Percentile::default())),
    ("percentile_disc", &[oids::FLOAT8_ARRAY, oids::ANYELEMENT], || Box::new(Percentile::default())),
    ("mode", &[oids::ANYELEMENT], || Box::new(Mode::default())),
];

fn continuous() -> Box<dyn Accumulator> {
    Box::new(Percentile { code: PercentileCode { continuous: true }, ..Percentile::default() })
}

/// A percentile over values that somebody else has in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PercentileCode {
    /// Whether it lies between values rather than being one.
    continuous: bool,
}

impl PercentileCode {
    /// The built-in aggregate of this name; `None` if it is no percentile.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "percentile_cont" => Some(PercentileCode { continuous: true }),
            "percentile_disc" => Some(PercentileCode { continuous: false }),
            _ => None,
        }
    }

    /// The result for a direct argument: a fraction, or an array of them. `value` gives one of so many values that are not NULL by its
    /// place. 22003.
    pub fn of_sorted(
        self,
        cx: &CallContext<'_>,
        direct: &Datum,
        values: usize,
        value: &mut dyn FnMut(usize) -> Result<Datum>,
    ) -> Result<Datum> {
        match direct {
            Datum::Null => Ok(Datum::Null),
            Datum::Float8(fraction) => self.at(*fraction, values, value),
            // Over no rows several fractions give one NULL, unchecked.
            Datum::Array(_) if values == 0 => Ok(Datum::Null),
            Datum::Array(fractions) => {
                let mut one = |fraction: &Datum| match fraction {
                    Datum::Float8(fraction) => self.at(*fraction, values, value),
                    _ => Ok(Datum::Null),
                };
                let items = fractions.items.iter().map(&mut one).collect::<Result<_>>()?;
                let element = cx.element_of(cx.result.oid).unwrap_or(oids::FLOAT8);
                Ok(Datum::Array(Arc::new(Array { element, dims: fractions.dims.clone(), items })))
            }
            other => Err(mismatch(other)),
        }
    }

    /// The value below which a fraction of the values lies; 22003 for a fraction outside 0 to 1.
    fn at(self, fraction: f64, values: usize, value: &mut dyn FnMut(usize) -> Result<Datum>) -> Result<Datum> {
        if !(0.0..=1.0).contains(&fraction) {
            bail!(NUMERIC_VALUE_OUT_OF_RANGE, "percentile value {fraction} is not between 0 and 1");
        }
        let Some(last) = values.checked_sub(1) else { return Ok(Datum::Null) };
        if !self.continuous {
            let row = (fraction * values as f64).ceil() as usize;
            return value(row.saturating_sub(1).min(last));
        }
        let place = fraction * last as f64;
        let (low, high) = (place.floor() as usize, (place.ceil() as usize).min(last));
        if low == high {
            return value(low);
        }
        interpolate(&value(low)?, &value(high)?, place - low as f64)
    }
}

#[derive(Default)]
struct Percentile {
    code: PercentileCode,
    values: Vec<Datum>,
    size: usize,
}

fn interpolate(low: &Datum, high: &Datum, part: f64) -> Result<Datum> {
    match (low, high) {
        (Datum::Float8(low), Datum::Float8(high)) => Ok(Datum::Float8(low + part * (high - low))),
        (Datum::Interval(low), Datum::Interval(high)) => Ok(Datum::Interval(high.minus(low)?.times(part)?.plus(low)?)),
        (other, _) => Err(mismatch(other)),
    }
}

impl Accumulator for Percentile {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let value = arg(args, 0);
        if !value.is_null() {
            self.size += size_of_datum(value);
            self.values.push(value.clone());
        }
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(Datum::Null)
    }

    fn finish_ordered(&mut self, cx: &CallContext<'_>, direct: &[Datum], _: &[SortDirection]) -> Result<Datum> {
        let values = &self.values;
        self.code.of_sorted(cx, arg(direct, 0), values.len(), &mut |place| Ok(values[place].clone()))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.size
    }
}

/// The most frequent value; of several the first in the order.
#[derive(Default)]
struct Mode {
    current: Option<(Datum, u64)>,
    best: Option<(Datum, u64)>,
}

impl Mode {
    fn settle(&mut self) {
        let Some((value, count)) = &self.current else { return };
        if self.best.as_ref().is_none_or(|(_, most)| count > most) {
            self.best = Some((value.clone(), *count));
        }
    }
}

impl Accumulator for Mode {
    fn update(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let value = arg(args, 0);
        if value.is_null() {
            return Ok(());
        }
        let ty = cx.env.base_type(cx.arg_type(0)).oid;
        match &mut self.current {
            Some((current, count)) if order::equal_as(ty, current, value) => *count += 1,
            _ => {
                self.settle();
                self.current = Some((value.clone(), 1));
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        self.settle();
        Ok(self.best.as_ref().map_or(Datum::Null, |(value, _)| value.clone()))
    }

    fn size(&self) -> usize {
        let of = |part: &Option<(Datum, u64)>| part.as_ref().map_or(0, |(value, _)| size_of_datum(value));
        size_of::<Self>() + of(&self.current) + of(&self.best)
    }
}
