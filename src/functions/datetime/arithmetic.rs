//! `+`, `-`, `*`, `/` of dates, times, timestamps and intervals; `age`, `justify_…`, `date_bin`.

use dictdb_types::datetime::calendar::{
    DATE_INFINITY, DATE_NEG_INFINITY, SECOND, Y2000_DAYS, Y2000_MICROS, is_valid_date,
};
use dictdb_types::datetime::{
    Clock, add_interval, add_to_time, age, bin, date_out_of_range, date_to_timestamp, difference, is_finite_timestamp,
    subtract_interval,
};
use dictdb_types::{Error, Interval, Result, SqlState};

use super::values::{Date, Time, TimeTz, Timestamp};
use crate::CallContext;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this file by `prosrc`; those PostgreSQL writes in SQL by signature.
pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "date_pli" => |a: Date, n: i32| add_days(a, n.into()),
    "date_mii" => |a: Date, n: i32| add_days(a, -i64::from(n)),
    "integer_pl_date(integer,date)" => |n: i32, a: Date| add_days(a, n.into()),
    "date_mi" => |a: Date, b: Date| days_between(a.0, b.0),
    "date_pl_interval" => |a: Date, b: Interval| date_plus(a, b),
    "interval_pl_date(interval,date)" => |b: Interval, a: Date| date_plus(a, b),
    "date_mi_interval" => |a: Date, b: Interval| date_minus(a, b),
    "time_pl_interval" => |a: Time, b: Interval| Time(add_to_time(a.0, b.micros)),
    "interval_pl_time(interval,time without time zone)" => |b: Interval, a: Time| Time(add_to_time(a.0, b.micros)),
    "time_mi_interval" => |a: Time, b: Interval| Time(add_to_time(a.0, b.micros.wrapping_neg())),
    "time_mi_time" => |a: Time, b: Time| Interval::of_micros(a.0 - b.0),
    "timetz_pl_interval" => |a: TimeTz, b: Interval| TimeTz(add_to_time(a.0, b.micros), a.1),
    "interval_pl_timetz(interval,time with time zone)" => |b: Interval, a: TimeTz| TimeTz(add_to_time(a.0, b.micros), a.1),
    "timetz_mi_interval" => |a: TimeTz, b: Interval| TimeTz(add_to_time(a.0, b.micros.wrapping_neg()), a.1),
    "timestamp_pl_interval" => |a: Timestamp, b: Interval| plus(a, b, Clock::Local),
    "interval_pl_timestamp(interval,timestamp without time zone)" => |b: Interval, a: Timestamp| plus(a, b, Clock::Local),
    "timestamp_mi_interval" => |a: Timestamp, b: Interval| minus(a, b, Clock::Local),
    "timestamptz_pl_interval" => |cx; a: Timestamp, b: Interval| plus(a, b, cx.session_clock()),
    "interval_pl_timestamptz(interval,timestamp with time zone)" => |cx; b: Interval, a: Timestamp| plus(a, b, cx.session_clock()),
    "timestamptz_mi_interval" => |cx; a: Timestamp, b: Interval| minus(a, b, cx.session_clock()),
    "timestamp_mi" => |a: Timestamp, b: Timestamp| difference(a.0, b.0),
    "timestamp_age" => |a: Timestamp, b: Timestamp| age(a.0, b.0, Clock::Local),
    "timestamptz_age" => |cx; a: Timestamp, b: Timestamp| age(a.0, b.0, cx.session_clock()),
    "age(timestamp without time zone)" => |cx; a: Timestamp| age_today(cx, a, Clock::Local),
    "age(timestamp with time zone)" => |cx; a: Timestamp| age_today(cx, a, cx.session_clock()),
    "timestamp_bin" => |stride: Interval, a: Timestamp, origin: Timestamp| bin(&stride, a.0, origin.0).map(Timestamp),
    "timestamptz_bin" => |stride: Interval, a: Timestamp, origin: Timestamp| bin(&stride, a.0, origin.0).map(Timestamp),
    "daterange_subdiff" => |a: Date, b: Date| days_of_2000(a) - days_of_2000(b),
    "tsrange_subdiff" => |a: Timestamp, b: Timestamp| (micros_of_2000(a) - micros_of_2000(b)) / SECOND as f64,
    "tstzrange_subdiff" => |a: Timestamp, b: Timestamp| (micros_of_2000(a) - micros_of_2000(b)) / SECOND as f64,
    "interval_um" => |a: Interval| a.negated(),
    "interval_pl" => |a: Interval, b: Interval| a.plus(&b),
    "interval_mi" => |a: Interval, b: Interval| a.minus(&b),
    "interval_mul" => |a: Interval, factor: f64| a.times(factor),
    "mul_d_interval" => |factor: f64, a: Interval| a.times(factor),
    "interval_div" => |a: Interval, divisor: f64| a.divided_by(divisor),
    "interval_justify_hours" => |a: Interval| a.justify_hours(),
    "interval_justify_days" => |a: Interval| a.justify_days(),
    "interval_justify_interval" => |a: Interval| a.justify_interval(),
};

fn plus(a: Timestamp, b: Interval, clock: Clock<'_>) -> Result<Timestamp> {
    add_interval(a.0, &b, clock).map(Timestamp)
}

fn minus(a: Timestamp, b: Interval, clock: Clock<'_>) -> Result<Timestamp> {
    subtract_interval(a.0, &b, clock).map(Timestamp)
}

fn date_plus(a: Date, b: Interval) -> Result<Timestamp> {
    plus(Timestamp(date_to_timestamp(a.0, Clock::Local)?), b, Clock::Local)
}

fn date_minus(a: Date, b: Interval) -> Result<Timestamp> {
    minus(Timestamp(date_to_timestamp(a.0, Clock::Local)?), b, Clock::Local)
}

fn add_days(date: Date, days: i64) -> Result<Date> {
    if matches!(date.0, DATE_INFINITY | DATE_NEG_INFINITY) {
        return Ok(date);
    }
    let sum = i32::try_from(i64::from(date.0) + days).ok().filter(|sum| is_valid_date(*sum));
    sum.map(Date).ok_or_else(date_out_of_range)
}

/// Days since PostgreSQL's epoch. Infinities are the numbers at the ends, as far from everything as these are.
fn days_of_2000(date: Date) -> f64 {
    let epoch = if matches!(date.0, DATE_INFINITY | DATE_NEG_INFINITY) { 0 } else { Y2000_DAYS };
    f64::from(date.0) - f64::from(epoch)
}

/// The same in microseconds, rounded as a float is.
fn micros_of_2000(timestamp: Timestamp) -> f64 {
    let epoch = if is_finite_timestamp(timestamp.0) { Y2000_MICROS } else { 0 };
    timestamp.0.saturating_sub(epoch) as f64
}

/// Days from the second date to the first; 22008 for infinities.
pub(crate) fn days_between(a: i32, b: i32) -> Result<i32> {
    if [a, b].iter().any(|days| matches!(*days, DATE_INFINITY | DATE_NEG_INFINITY)) {
        return Err(Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, "cannot subtract infinite dates"));
    }
    // Dates span less than 32 bits of days.
    Ok(a.wrapping_sub(b))
}

/// The age at the last midnight.
fn age_today(cx: &CallContext<'_>, a: Timestamp, clock: Clock<'_>) -> Result<Interval> {
    age(date_to_timestamp(cx.today().0, clock)?, a.0, clock)
}
