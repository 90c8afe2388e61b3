//! `sum`, `avg`, `min` and `max` of `numeric`.
//!
//! Sums are kept as 128-bit coefficients as long as they and the numbers fit; what is larger, and NaN and the infinities, goes
//! into a [`Numeric`] beside.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewArray};
use dictdb_types::arrow::NumericColumn;
use dictdb_types::numeric::{SmallNumeric, WideNumeric, rescaled};
use dictdb_types::{Error, Numeric, Result};

use super::super::numbers::{decode, numerics};
use super::accumulate::Accumulate;
use crate::runtime::Runtime;

fn column(args: &[ArrayRef]) -> Result<&BinaryViewArray> {
    let [values] = args else { return Err(Error::internal("aggregate of other than one argument")) };
    numerics(values)
}

/// Calls `small` or `large` with the group and value of every row that is not NULL.
fn for_each_value<S>(
    values: &BinaryViewArray,
    groups: &[usize],
    states: &mut [S],
    small: impl Fn(&mut S, SmallNumeric) -> Result<()>,
    large: impl Fn(&mut S, &[u8]) -> Result<()>,
) -> Result<()> {
    for (row, (group, view)) in groups.iter().zip(values.views()).enumerate() {
        if values.is_null(row) {
            continue;
        }
        let Some(state) = states.get_mut(*group) else { continue };
        match SmallNumeric::of_view(*view) {
            Some(value) => small(state, value)?,
            None => large(state, values.value(row))?,
        }
    }
    Ok(())
}

/// The sum of one group. Its scale is the largest of its numbers.
#[derive(Clone, Default)]
pub(in super::super) struct Total {
    coefficient: i128,
    scale: u16,
    count: i64,
    /// What the coefficient does not hold.
    beside: Option<Box<Numeric>>,
}

impl Total {
    /// Adds a number that stands in its view.
    #[inline]
    pub fn add_small(&mut self, value: SmallNumeric) -> Result<()> {
        self.count += 1;
        if value.scale == self.scale
            && let Some(sum) = self.coefficient.checked_add(i128::from(value.coefficient))
        {
            self.coefficient = sum;
            return Ok(());
        }
        self.add_unlike(value.into())
    }

    /// A number of another scale, or one that makes the coefficient too large.
    fn add_unlike(&mut self, value: WideNumeric) -> Result<()> {
        if value.scale > self.scale {
            match rescaled(self.coefficient, value.scale - self.scale) {
                Some(coefficient) => self.coefficient = coefficient,
                None => {
                    let own = Numeric::from_i128(std::mem::take(&mut self.coefficient), self.scale);
                    self.add_beside(&own)?;
                }
            }
            self.scale = value.scale;
        }
        let unlike = rescaled(value.coefficient, self.scale - value.scale);
        match unlike.and_then(|coefficient| self.coefficient.checked_add(coefficient)) {
            Some(sum) => self.coefficient = sum,
            None => self.add_beside(&value.into())?,
        }
        Ok(())
    }

    /// Adds a number that does not stand in its view.
    pub fn add_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.count += 1;
        match WideNumeric::of_bytes(bytes) {
            Some(value) => self.add_unlike(value),
            None => self.add_beside(&decode(bytes)?),
        }
    }

    fn add_beside(&mut self, value: &Numeric) -> Result<()> {
        let sum = match &self.beside {
            Some(beside) => beside.add(value)?,
            None => value.clone(),
        };
        self.beside = Some(Box::new(sum));
        Ok(())
    }

    /// The sum of all as words; `None` if there is more to it, or no number.
    fn words(&self) -> Option<WideNumeric> {
        let is_all = self.beside.is_none() && self.count > 0 && SmallNumeric::has_scale(self.scale);
        is_all.then_some(WideNumeric { coefficient: self.coefficient, scale: self.scale })
    }

    fn exact_sum(&self) -> Result<Option<Numeric>> {
        let own = Numeric::from_i128(self.coefficient, self.scale);
        match &self.beside {
            _ if self.count == 0 => Ok(None),
            Some(beside) => beside.add(&own).map(Some),
            None => Ok(Some(own)),
        }
    }

    /// Appends the sum of all; no number of none.
    pub fn push_sum(&self, out: &mut NumericColumn) -> Result<()> {
        match self.words() {
            Some(sum) => out.push_wide(sum),
            None => out.push(self.exact_sum()?.as_ref()),
        }
        Ok(())
    }

    /// Appends their average; no number of none.
    pub fn push_average(&self, out: &mut NumericColumn) -> Result<()> {
        let count = WideNumeric { coefficient: self.count.into(), scale: 0 };
        match self.words().and_then(|sum| sum.checked_div(count)) {
            Some(average) => out.push_wide(average),
            None => {
                let average = self.exact_sum()?.map(|sum| sum.div(&Numeric::from(self.count)));
                out.push(average.transpose()?.as_ref());
            }
        }
        Ok(())
    }
}

/// `sum(numeric)`, or `avg`.
#[derive(Default)]
pub(super) struct Sum {
    average: bool,
    totals: Vec<Total>,
}

impl Sum {
    pub fn new(average: bool) -> Self {
        Sum { average, totals: Vec::new() }
    }
}

impl Accumulate for Sum {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, _: &Runtime) -> Result<()> {
        self.totals.resize(count, Total::default());
        let large = |total: &mut Total, bytes: &[u8]| total.add_bytes(bytes);
        for_each_value(column(args)?, groups, &mut self.totals, Total::add_small, large)
    }

    fn finish(&mut self, count: usize, _: &Arc<Runtime>) -> Result<ArrayRef> {
        self.totals.resize(count, Total::default());
        let mut out = NumericColumn::with_capacity(count);
        for total in &self.totals {
            if self.average { total.push_average(&mut out)? } else { total.push_sum(&mut out)? }
        }
        out.finish_with_nulls()
    }

    fn bytes(&self) -> usize {
        self.totals.capacity() * size_of::<Total>()
    }
}

/// `max` and `min`. Of equal numbers the last one counts, as in PostgreSQL, which shows where their scales differ.
pub(super) struct Extreme {
    greatest: bool,
    best: Vec<Option<Numeric>>,
}

impl Extreme {
    pub fn new(greatest: bool) -> Self {
        Extreme { greatest, best: Vec::new() }
    }
}

impl Accumulate for Extreme {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, _: &Runtime) -> Result<()> {
        self.best.resize(count, None);
        let greatest = self.greatest;
        let offer = move |best: &mut Option<Numeric>, value: Numeric| {
            let stays = best.as_ref().is_some_and(|best| if greatest { *best > value } else { *best < value });
            if !stays {
                *best = Some(value);
            }
            Ok(())
        };
        let small =
            |best: &mut Option<Numeric>, value: SmallNumeric| offer(best, Numeric::new(value.coefficient, value.scale));
        let large = |best: &mut Option<Numeric>, bytes: &[u8]| offer(best, decode(bytes)?);
        for_each_value(column(args)?, groups, &mut self.best, small, large)
    }

    fn finish(&mut self, count: usize, _: &Arc<Runtime>) -> Result<ArrayRef> {
        self.best.resize(count, None);
        let mut out = NumericColumn::with_capacity(count);
        self.best.drain(..).for_each(|best| out.push(best.as_ref()));
        out.finish_with_nulls()
    }

    fn bytes(&self) -> usize {
        self.best.capacity() * size_of::<Option<Numeric>>()
    }
}

#[cfg(test)]
mod tests {
    use dictdb_types::{Datum, opaque};

    use super::*;

    fn total(values: &[&str]) -> Option<String> {
        let mut total = Total::default();
        for text in values {
            let value = Numeric::parse(text).unwrap();
            match value.parts() {
                dictdb_types::numeric::Parts::Small(coefficient, scale) => {
                    total.add_small(SmallNumeric { coefficient, scale }).unwrap();
                }
                _ => {
                    let mut bytes = vec![];
                    opaque::encode(&Datum::Numeric(value), &mut bytes);
                    total.add_bytes(&bytes).unwrap();
                }
            }
        }
        total.exact_sum().unwrap().map(|sum| sum.to_string())
    }

    #[test]
    fn a_sum_has_the_largest_scale() {
        assert_eq!(total(&[]), None);
        assert_eq!(total(&["1", "2"]).as_deref(), Some("3"));
        assert_eq!(total(&["1.5", "2", "0.25", "1"]).as_deref(), Some("4.75"));
        assert_eq!(total(&["0.000", "2"]).as_deref(), Some("2.000"));
        assert_eq!(
            total(&["1.00000000000000000000", "9000000000000000000"]).as_deref(),
            Some("9000000000000000001.00000000000000000000")
        );
        assert_eq!(
            total(&["100000000000000000000000000000", "0.5"]).as_deref(),
            Some("100000000000000000000000000000.5")
        );
        assert_eq!(total(&["Infinity", "0.5", "-Infinity"]).as_deref(), Some("NaN"));
    }
}
