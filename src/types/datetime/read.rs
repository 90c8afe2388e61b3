//! Reading values of each type from text: the common reading, then the type's own range and rounding.

use super::calendar::{
    Civil, DATE_INFINITY, DATE_NEG_INFINITY, DAY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, days_in_month,
};
use super::fault::{Fault, out_of_range};
use super::precision::{round_micros, scale_timestamp};
use super::reader::{Decoded, Reading, Surroundings, Target, decode};
use super::token::{MAX_DATETIME_CHARS, MAX_INTERVAL_CHARS, Tokens};
use super::{interval_typmod, read_interval, read_iso_interval, zone};
use crate::{Env, Error, Interval, IntervalStyle, Result, SqlState};

fn decode_text(text: &str, env: &dyn Env, target: Target) -> Result<Decoded, Fault> {
    let tokens = Tokens::split(text, MAX_DATETIME_CHARS)?;
    decode(&tokens, &Surroundings::of(env), target)
}

/// Reads a `date`: days since 1970-01-01, `i32::MAX`/`i32::MIN` for the infinities. 22007, 22008, 22009, 22023.
pub fn input_date(text: &str, env: &dyn Env) -> Result<i32> {
    if let Some((civil, "")) = iso_date(text) {
        return Ok(civil.days() as i32);
    }
    let decoded = decode_text(text, env, Target::Timestamp).map_err(|fault| fault.report("date", text))?;
    match decoded.reading {
        Reading::Fields => decoded.civil.to_date().ok_or_else(|| out_of_range("date", text)),
        Reading::Epoch => Ok(0),
        Reading::Infinity => Ok(DATE_INFINITY),
        Reading::NegInfinity => Ok(DATE_NEG_INFINITY),
    }
}

/// Reads a `time`: microseconds since midnight, rounded to the precision in `typmod` (-1: none). 22007, 22008.
pub fn input_time(text: &str, typmod: i32, env: &dyn Env) -> Result<i64> {
    let decoded = decode_text(text, env, Target::Time).map_err(|fault| fault.report("time", text))?;
    Ok(round_micros(decoded.civil.time(), typmod))
}

/// Reads a `timetz`: microseconds since local midnight and seconds west of UTC. 22007, 22008, 22009, 22023.
pub fn input_timetz(text: &str, typmod: i32, env: &dyn Env) -> Result<(i64, i32)> {
    let decoded = decode_text(text, env, Target::Time).map_err(|fault| fault.report("time with time zone", text))?;
    Ok((round_micros(decoded.civil.time(), typmod), decoded.west))
}

/// Reads a `timestamp`: microseconds since 1970-01-01 00:00 local time; a zone in the text is checked and dropped.
/// 22007, 22008, 22009, 22023.
pub fn input_timestamp(text: &str, typmod: i32, env: &dyn Env) -> Result<i64> {
    if let Some(civil) = iso_timestamp(text) {
        return scale_timestamp(civil.days() * DAY + civil.time(), typmod);
    }
    let decoded = decode_text(text, env, Target::Timestamp).map_err(|fault| fault.report("timestamp", text))?;
    scale_timestamp(instant(&decoded, 0, text)?, typmod)
}

/// Reads a `timestamptz`: microseconds since 1970-01-01 00:00 UTC. 22007, 22008, 22009, 22023.
pub fn input_timestamptz(text: &str, typmod: i32, env: &dyn Env) -> Result<i64> {
    if let Some(civil) = iso_timestamp(text) {
        let utc = zone::utc(&env.format().time_zone, &civil).ok_or_else(|| out_of_range("timestamp", text))?;
        return scale_timestamp(utc, typmod);
    }
    // As it is printed in UTC, which backups are.
    if let Some(civil) = text.strip_suffix("+00").and_then(iso_timestamp) {
        return scale_timestamp(civil.days() * DAY + civil.time(), typmod);
    }
    let decoded =
        decode_text(text, env, Target::Timestamp).map_err(|fault| fault.report("timestamp with time zone", text))?;
    scale_timestamp(instant(&decoded, decoded.west, text)?, typmod)
}

fn instant(decoded: &Decoded, west: i32, text: &str) -> Result<i64> {
    match decoded.reading {
        Reading::Fields => decoded.civil.to_micros(west).ok_or_else(|| out_of_range("timestamp", text)),
        Reading::Epoch => Ok(0),
        Reading::Infinity => Ok(TIMESTAMP_INFINITY),
        Reading::NegInfinity => Ok(TIMESTAMP_NEG_INFINITY),
    }
}

/// Reads an `interval` in any style, restricted and rounded as `typmod` says. 22007, 22008, 22015.
pub fn input_interval(text: &str, typmod: i32, env: &dyn Env) -> Result<Interval> {
    let sql_standard = env.format().interval_style == IntervalStyle::SqlStandard;
    let decoded = Tokens::split(text, MAX_INTERVAL_CHARS)
        .and_then(|tokens| read_interval::decode(&tokens, interval_typmod::range(typmod), sql_standard));
    let decoded = match decoded {
        Err(Fault::Format) => read_iso_interval::decode(text),
        decoded => decoded,
    };
    let sum = decoded.map_err(|fault| match fault {
        Fault::Field => Fault::Interval.report("interval", text),
        fault => fault.report("interval", text),
    })?;
    let interval =
        sum.finish().ok_or_else(|| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range"))?;
    interval_typmod::restrict(interval, typmod)
}

/// The form values are printed and dumped in, `yyyy-mm-dd hh:mm:ss[.ffffff]`, without the general reader. What is not
/// exactly that, or not a valid date and time, goes the general way.
fn iso_timestamp(text: &str) -> Option<Civil> {
    let (mut civil, rest) = iso_date(text)?;
    let bytes = rest.as_bytes();
    if bytes.len() < 9 || bytes.len() > 16 || bytes[0] != b' ' || bytes[3] != b':' || bytes[6] != b':' {
        return None;
    }
    civil.hour = fixed_digits(&bytes[1..3])?;
    civil.minute = fixed_digits(&bytes[4..6])?;
    civil.second = fixed_digits(&bytes[7..9])?;
    if let Some((point, digits)) = bytes[9..].split_first() {
        if *point != b'.' || digits.is_empty() {
            return None;
        }
        civil.micros = fixed_digits(digits)? * 10_i32.pow(6 - digits.len() as u32);
    }
    (civil.hour < 24 && civil.minute < 60 && civil.second < 60).then_some(civil)
}

/// A leading `yyyy-mm-dd` that is a date of our era, and what follows it.
fn iso_date(text: &str) -> Option<(Civil, &str)> {
    let bytes = text.as_bytes();
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = fixed_digits(&bytes[..4])?;
    let month = fixed_digits(&bytes[5..7])?;
    let day = fixed_digits(&bytes[8..10])?;
    let valid = year > 0 && (1..=12).contains(&month) && day > 0 && day <= days_in_month(year, month);
    valid.then(|| (Civil { year, month, day, ..Civil::default() }, &text[10..]))
}

fn fixed_digits(bytes: &[u8]) -> Option<i32> {
    bytes.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i32::from(byte - b'0')))
}
