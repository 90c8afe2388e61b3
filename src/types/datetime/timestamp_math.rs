//! Arithmetic of timestamps and intervals, on the clock of either timestamp type.

use super::calendar::{
    Civil, DAY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, civil_from_days, days_in_month, is_valid_timestamp,
};
use super::clock::{Clock, interval_out_of_range, timestamp_out_of_range};
use crate::{Error, Interval, Result, SqlState};

/// Whether a timestamp is neither `infinity` nor `-infinity`.
pub fn is_finite_timestamp(micros: i64) -> bool {
    !matches!(micros, TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY)
}

/// A timestamp plus an interval: months first (the day stays within the month), then days, both on the clock's
/// calendar, then the time. Infinities stay. 22008 out of range.
pub fn add_interval(micros: i64, interval: &Interval, clock: Clock<'_>) -> Result<i64> {
    if !is_finite_timestamp(micros) {
        return Ok(micros);
    }
    let mut result = micros;
    if interval.months != 0 {
        let mut civil = clock.civil(result);
        let months = i64::from(civil.year) * 12 + i64::from(civil.month) - 1 + i64::from(interval.months);
        civil.year = months.div_euclid(12) as i32;
        civil.month = months.rem_euclid(12) as i32 + 1;
        civil.day = civil.day.min(days_in_month(civil.year, civil.month));
        result = clock.micros(&civil)?;
    }
    if interval.days != 0 {
        let civil = clock.civil(result);
        let (year, month, day) = civil_from_days(civil.days() + i64::from(interval.days));
        result = clock.micros(&Civil { year, month, day, ..civil })?;
    }
    let sum = result.checked_add(interval.micros).filter(|sum| is_valid_timestamp(*sum));
    sum.ok_or_else(timestamp_out_of_range)
}

/// A timestamp minus an interval. 22008 out of range.
pub fn subtract_interval(micros: i64, interval: &Interval, clock: Clock<'_>) -> Result<i64> {
    // The most negative fields stay as they are, as in PostgreSQL, and are out of the range of timestamps then.
    let negated = Interval {
        months: interval.months.wrapping_neg(),
        days: interval.days.wrapping_neg(),
        micros: interval.micros.wrapping_neg(),
    };
    add_interval(micros, &negated, clock)
}

/// The time between two timestamps of one type, in days and less. 22008 for infinities and out of range.
pub fn difference(a: i64, b: i64) -> Result<Interval> {
    if !is_finite_timestamp(a) || !is_finite_timestamp(b) {
        return Err(Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, "cannot subtract infinite timestamps"));
    }
    // PostgreSQL 15 lets this wrap around.
    Interval::of_micros(a.wrapping_sub(b)).justify_hours()
}

/// `age(a, b)`: the difference field by field, in years, months, days and time. 22008 for infinities.
pub fn age(a: i64, b: i64, clock: Clock<'_>) -> Result<Interval> {
    if !is_finite_timestamp(a) || !is_finite_timestamp(b) {
        return Err(timestamp_out_of_range());
    }
    let (late, early) = (clock.civil(a.max(b)), clock.civil(a.min(b)));
    let mut months = (late.year - early.year) * 12 + late.month - early.month;
    let mut days = late.day - early.day;
    let mut micros = late.time() - early.time();
    while micros < 0 {
        micros += DAY;
        days -= 1;
    }
    // Days borrow from the month of the second argument's date when it is the earlier one, else of the first's.
    while days < 0 {
        days += days_in_month(early.year, early.month);
        months -= 1;
    }
    let age = Interval { months, days, micros };
    if a < b { age.negated() } else { Ok(age) }
}

/// `date_bin`: the start of the bin a timestamp is in, bins counting from `origin`. Infinities stay.
/// 0A000 for strides with months, 22008 for strides that are not positive and out of range.
pub fn bin(stride: &Interval, micros: i64, origin: i64) -> Result<i64> {
    let out_of_range = |message| Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, message);
    if !is_finite_timestamp(micros) {
        return Ok(micros);
    }
    if !is_finite_timestamp(origin) {
        return Err(out_of_range("origin out of range"));
    }
    if stride.months != 0 {
        return Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "timestamps cannot be binned into intervals containing months or years",
        ));
    }
    let days = i64::from(stride.days).checked_mul(DAY);
    let stride = days.and_then(|days| days.checked_add(stride.micros)).ok_or_else(interval_out_of_range)?;
    if stride <= 0 {
        return Err(out_of_range("stride must be greater than zero"));
    }
    let distance = micros.checked_sub(origin).ok_or_else(interval_out_of_range)?;
    let start = micros.checked_sub(distance.rem_euclid(stride));
    start.filter(|start| is_valid_timestamp(*start)).ok_or_else(timestamp_out_of_range)
}
