//! The parts of an interval while it is read: each field adds to them, fractions spill into the next smaller part.

use super::calendar::{DAY, MONTH_DAYS};
use super::fault::Fault;
use crate::Interval;

/// Years, months, days and microseconds before they become an [`Interval`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IntervalSum {
    years: i32,
    months: i32,
    days: i32,
    micros: i64,
}

/// A number with its fraction, both of one sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantity {
    pub(super) whole: i64,
    pub(super) fraction: f64,
}

impl IntervalSum {
    /// Adds units of `scale` microseconds.
    pub(super) fn add_micros(&mut self, quantity: Quantity, scale: i64) -> Result<(), Fault> {
        let whole = quantity.whole.checked_mul(scale).and_then(|micros| self.micros.checked_add(micros));
        self.micros = whole.ok_or(Fault::Field)?;
        self.add_fraction_micros(quantity.fraction, scale)
    }

    /// Adds units of `scale` days.
    pub(super) fn add_days(&mut self, quantity: Quantity, scale: i32) -> Result<(), Fault> {
        add(&mut self.days, quantity.whole, scale)?;
        self.add_fraction_days(quantity.fraction, scale)
    }

    /// Adds months; their fraction becomes days of a month of 30.
    pub(super) fn add_months(&mut self, quantity: Quantity) -> Result<(), Fault> {
        add(&mut self.months, quantity.whole, 1)?;
        self.add_fraction_days(quantity.fraction, MONTH_DAYS)
    }

    /// Adds units of `scale` years; their fraction becomes whole months.
    pub(super) fn add_years(&mut self, quantity: Quantity, scale: i32) -> Result<(), Fault> {
        add(&mut self.years, quantity.whole, scale)?;
        let months = (quantity.fraction * f64::from(scale) * 12.0).round_ties_even();
        add(&mut self.months, months as i64, 1)
    }

    fn add_fraction_days(&mut self, fraction: f64, scale: i32) -> Result<(), Fault> {
        let days = fraction * f64::from(scale);
        add(&mut self.days, days.trunc() as i64, 1)?;
        self.add_fraction_micros(days - days.trunc(), DAY)
    }

    fn add_fraction_micros(&mut self, fraction: f64, scale: i64) -> Result<(), Fault> {
        let exact = fraction * scale as f64;
        let mut micros = exact as i64;
        let rest = exact - micros as f64;
        if rest > 0.5 {
            micros += 1;
        } else if rest < -0.5 {
            micros -= 1;
        }
        self.micros = self.micros.checked_add(micros).ok_or(Fault::Field)?;
        Ok(())
    }

    /// Replaces everything below a day.
    pub(super) fn set_micros(&mut self, micros: i64) {
        self.micros = micros;
    }

    /// Turns every part around, as `ago` asks.
    pub(super) fn negate(&mut self) -> Result<(), Fault> {
        let negated = (|| {
            Some(IntervalSum {
                years: self.years.checked_neg()?,
                months: self.months.checked_neg()?,
                days: self.days.checked_neg()?,
                micros: self.micros.checked_neg()?,
            })
        })();
        *self = negated.ok_or(Fault::Field)?;
        Ok(())
    }

    /// The interval, unless it has too many months.
    pub(super) fn finish(self) -> Option<Interval> {
        let months = i64::from(self.years) * 12 + i64::from(self.months);
        Some(Interval { months: i32::try_from(months).ok()?, days: self.days, micros: self.micros })
    }
}

fn add(part: &mut i32, whole: i64, scale: i32) -> Result<(), Fault> {
    let whole = i32::try_from(whole).ok().and_then(|whole| whole.checked_mul(scale));
    *part = whole.and_then(|whole| part.checked_add(whole)).ok_or(Fault::Field)?;
    Ok(())
}
