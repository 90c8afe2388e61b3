//! Values from numbers: `make_date`, `make_time`, `make_timestamp`, `make_interval`, `to_timestamp(double precision)`.

use super::calendar::{
    Civil, DAY, DAY_SECONDS, HOUR, MAX_TIMESTAMP, MIN_DATE, MINUTE, SECOND, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY,
    Y2000_DAYS, Y2000_MICROS, days_in_month, is_valid_timestamp,
};
use super::clock::interval_out_of_range;
use super::clock_field::displacement;
use super::fault::Fault;
use super::zone::ZoneSpec;
use crate::{Error, Interval, Result, SqlState};

fn out_of_range(message: String) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
}

/// Days since 1970 of a date; negative years are BC. 22008.
pub fn make_date(year: i32, month: i32, day: i32) -> Result<i32> {
    let civil = civil_date(year, month, day).map_err(|counted| no_such_date(counted, month, day))?;
    civil.to_date().ok_or_else(|| out_of_range(format!("date out of range: {}-{month:02}-{day:02}", civil.year)))
}

fn no_such_date(year: i32, month: i32, day: i32) -> Error {
    out_of_range(format!("date field value out of range: {year}-{month:02}-{day:02}"))
}

/// A date, or the year as the calendar counts it where there is no such date: 1 BC is the year 0.
fn civil_date(year: i32, month: i32, day: i32) -> std::result::Result<Civil, i32> {
    // An impossible BC year (-2147483648) stays negative and fails the check.
    let astronomical = if year < 0 { year.checked_neg().map(|before| 1 - before) } else { Some(year) };
    let valid = |year: &i32| (1..=12).contains(&month) && day >= 1 && day <= days_in_month(*year, month);
    match astronomical.filter(|_| year != 0).filter(valid) {
        Some(year) => Ok(Civil { year, month, day, ..Civil::default() }),
        None => Err(astronomical.unwrap_or(year)),
    }
}

/// Microseconds since midnight. 22008.
pub fn make_time(hour: i32, minute: i32, seconds: f64) -> Result<i64> {
    let whole = (seconds * SECOND as f64).round_ties_even();
    let in_range =
        (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60.0 * SECOND as f64).contains(&whole);
    let time = i64::from(hour) * HOUR + i64::from(minute) * MINUTE + if in_range { whole as i64 } else { 0 };
    if !in_range || time > DAY {
        return Err(out_of_range(format!("time field value out of range: {hour}:{minute:02}:{}", padded_g(seconds))));
    }
    Ok(time)
}

/// C's `%02g`.
fn padded_g(value: f64) -> String {
    format!("{:0>2}", general(value))
}

/// C's `%g`: six significant digits, exponent form for very large and small numbers.
fn general(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{value:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..6).contains(&exponent) {
        return trim(&format!("{value:.*}", (5 - exponent) as usize));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

/// A local timestamp. 22008.
pub fn make_timestamp(year: i32, month: i32, day: i32, hour: i32, minute: i32, seconds: f64) -> Result<i64> {
    let civil = civil_date(year, month, day).map_err(|_| no_such_date(year, month, day))?;
    if !super::calendar::is_valid_julian(civil.year, civil.month) {
        return Err(out_of_range(format!("date out of range: {year}-{month:02}-{day:02}")));
    }
    let time = make_time(hour, minute, seconds)?;
    let micros = i128::from(civil.days()) * i128::from(DAY) + i128::from(time);
    i64::try_from(micros).ok().filter(|micros| is_valid_timestamp(*micros)).ok_or_else(|| {
        let seconds = padded_g(seconds);
        out_of_range(format!("timestamp out of range: {year}-{month:02}-{day:02} {hour}:{minute:02}:{seconds}"))
    })
}

/// The zone of `make_timestamptz`: a displacement with sign, an abbreviation or a name. 22023.
pub fn zone_argument(text: &str) -> Result<ZoneSpec> {
    let invalid = |message| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(invalid(format!("invalid input syntax for type numeric time zone: \"{text}\""))
            .hint("Numeric time zones must have \"-\" or \"+\" as first character."));
    }
    match displacement(text) {
        Ok(west) => Ok(ZoneSpec::Fixed(-west)),
        Err(Fault::Displacement) => Err(invalid(format!("numeric time zone \"{text}\" out of range"))),
        Err(_) => ZoneSpec::parse(text),
    }
}

/// An interval from its fields. 22008 on overflow, NaN and infinity.
pub fn make_interval(fields: [i32; 6], seconds: f64) -> Result<Interval> {
    let [years, months, weeks, days, hours, minutes] = fields;
    let micros = (seconds * SECOND as f64).round_ties_even();
    let interval = || {
        if !(-9.2e18..9.2e18).contains(&micros) {
            return None;
        }
        let clock = i64::from(hours) * HOUR + i64::from(minutes) * MINUTE;
        Some(Interval {
            // PostgreSQL 15 lets these two wrap around.
            months: years.wrapping_mul(12).wrapping_add(months),
            days: weeks.wrapping_mul(7).wrapping_add(days),
            micros: clock.checked_add(micros as i64)?,
        })
    };
    interval().ok_or_else(interval_out_of_range)
}

/// A timestamp from seconds since 1970. 22008 for NaN and out of range.
pub fn timestamp_from_seconds(seconds: f64) -> Result<i64> {
    if seconds.is_nan() {
        return Err(Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, "timestamp cannot be NaN"));
    }
    if seconds.is_infinite() {
        return Ok(if seconds > 0.0 { TIMESTAMP_INFINITY } else { TIMESTAMP_NEG_INFINITY });
    }
    let overflow = || {
        Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, format!("timestamp out of range: \"{}\"", general(seconds)))
    };
    let first = i64::from(MIN_DATE) * DAY_SECONDS;
    if seconds < first as f64 || seconds > (MAX_TIMESTAMP / SECOND) as f64 {
        return Err(overflow());
    }
    // The rounding happens on PostgreSQL's scale, which begins in 2000.
    let since_2000 = (seconds - (i64::from(Y2000_DAYS) * DAY_SECONDS) as f64) * SECOND as f64;
    let micros = (since_2000.round_ties_even() as i64).checked_add(Y2000_MICROS);
    micros.filter(|micros| is_valid_timestamp(*micros)).ok_or_else(overflow)
}
