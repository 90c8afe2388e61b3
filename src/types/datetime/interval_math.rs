//! Arithmetic on intervals. Months, days and microseconds stay apart, except where a fraction of one must become units
//! of the next (30 days a month, 24 hours a day) and in comparisons.

use std::cmp::Ordering;

use super::calendar::{DAY, DAY_SECONDS, MONTH_DAYS, SECOND};
use super::clock::interval_out_of_range;
use crate::{Error, Interval, Result, SqlState};

impl Interval {
    /// A length of time without days and months.
    pub const fn of_micros(micros: i64) -> Interval {
        Interval { months: 0, days: 0, micros }
    }

    /// The length in microseconds with months of 30 days and days of 24 hours, by which intervals compare.
    pub fn span(&self) -> i128 {
        let days = i128::from(self.months) * i128::from(MONTH_DAYS) + i128::from(self.days);
        days * i128::from(DAY) + i128::from(self.micros)
    }

    /// PostgreSQL's order.
    pub fn compare(&self, other: &Interval) -> Ordering {
        self.span().cmp(&other.span())
    }

    /// Every part negated; 22008 on overflow.
    pub fn negated(&self) -> Result<Interval> {
        let parts = (self.months.checked_neg(), self.days.checked_neg(), self.micros.checked_neg());
        from_parts(parts)
    }

    /// Part by part; 22008 on overflow.
    pub fn plus(&self, other: &Interval) -> Result<Interval> {
        from_parts((
            self.months.checked_add(other.months),
            self.days.checked_add(other.days),
            self.micros.checked_add(other.micros),
        ))
    }

    /// Part by part; 22008 on overflow.
    pub fn minus(&self, other: &Interval) -> Result<Interval> {
        from_parts((
            self.months.checked_sub(other.months),
            self.days.checked_sub(other.days),
            self.micros.checked_sub(other.micros),
        ))
    }

    /// Multiplied by a number; fractions of months and days cascade down. 22008 on overflow or NaN.
    pub fn times(&self, factor: f64) -> Result<Interval> {
        self.scaled(|part| part * factor)
    }

    /// Divided by a number. 22012 by zero, 22008 on overflow or NaN.
    pub fn divided_by(&self, divisor: f64) -> Result<Interval> {
        if divisor == 0.0 {
            return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        self.scaled(|part| part / divisor)
    }

    fn scaled(&self, scale: impl Fn(f64) -> f64) -> Result<Interval> {
        let (exact_months, exact_days) = (scale(f64::from(self.months)), scale(f64::from(self.days)));
        let (months, days) = (to_i32(exact_months)?, to_i32(exact_days)?);
        // Rounding to microseconds keeps binary fractions from showing up as 23:59:59.999999.
        let spilled_days = round_to_micros((exact_months - f64::from(months)) * f64::from(MONTH_DAYS));
        let day_fraction = exact_days - f64::from(days) + spilled_days - spilled_days.trunc();
        let mut seconds = round_to_micros(day_fraction * DAY_SECONDS as f64);
        let whole_days = (seconds / DAY_SECONDS as f64).trunc();
        seconds -= whole_days * DAY_SECONDS as f64;
        let days = days.checked_add(to_i32(whole_days)?).and_then(|days| days.checked_add(spilled_days as i32));
        let micros = (scale(self.micros as f64) + seconds * SECOND as f64).round_ties_even();
        if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&micros) {
            return Err(interval_out_of_range());
        }
        Ok(Interval { months, days: days.ok_or_else(interval_out_of_range)?, micros: micros as i64 })
    }

    /// `justify_hours`: each 24 hours become a day. 22008 on overflow.
    pub fn justify_hours(&self) -> Result<Interval> {
        let days = i64::from(self.days) + self.micros / DAY;
        let days = i32::try_from(days).map_err(|_| interval_out_of_range())?;
        Ok(Interval { days, micros: self.micros % DAY, ..*self }.align_time())
    }

    /// `justify_days`: each 30 days become a month. 22008 on overflow.
    pub fn justify_days(&self) -> Result<Interval> {
        let mut result = self.days_to_months()?;
        if result.months > 0 && result.days < 0 {
            result.days += MONTH_DAYS;
            result.months -= 1;
        } else if result.months < 0 && result.days > 0 {
            result.days -= MONTH_DAYS;
            result.months += 1;
        }
        Ok(result)
    }

    /// `justify_interval`: hours to days, days to months, all parts of one sign. 22008 on overflow.
    pub fn justify_interval(&self) -> Result<Interval> {
        let mut result = *self;
        if (result.days > 0 && result.micros > 0) || (result.days < 0 && result.micros < 0) {
            result = result.days_to_months()?;
        }
        // A day count of the time's sign is below 30 here, one of the other sign moves towards zero.
        result.days += (result.micros / DAY) as i32;
        result.micros %= DAY;
        result = result.days_to_months()?;
        if result.months > 0 && (result.days < 0 || (result.days == 0 && result.micros < 0)) {
            result.days += MONTH_DAYS;
            result.months -= 1;
        } else if result.months < 0 && (result.days > 0 || (result.days == 0 && result.micros > 0)) {
            result.days -= MONTH_DAYS;
            result.months += 1;
        }
        Ok(result.align_time())
    }

    fn days_to_months(&self) -> Result<Interval> {
        let months = self.months.checked_add(self.days / MONTH_DAYS).ok_or_else(interval_out_of_range)?;
        Ok(Interval { months, days: self.days % MONTH_DAYS, ..*self })
    }

    /// Gives a time of less than a day the sign of the days.
    fn align_time(mut self) -> Interval {
        if self.days > 0 && self.micros < 0 {
            self.micros += DAY;
            self.days -= 1;
        } else if self.days < 0 && self.micros > 0 {
            self.micros -= DAY;
            self.days += 1;
        }
        self
    }
}

fn from_parts(parts: (Option<i32>, Option<i32>, Option<i64>)) -> Result<Interval> {
    match parts {
        (Some(months), Some(days), Some(micros)) => Ok(Interval { months, days, micros }),
        _ => Err(interval_out_of_range()),
    }
}

fn to_i32(value: f64) -> Result<i32> {
    if (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value) {
        Ok(value as i32)
    } else {
        Err(interval_out_of_range())
    }
}

fn round_to_micros(value: f64) -> f64 {
    (value * 1_000_000.0).round_ties_even() / 1_000_000.0
}
