//! Text forms of dates, times and intervals.
//!
//! Input reads what PostgreSQL's `DecodeDateTime` family reads, output writes the four `DateStyle`s and the four
//! `IntervalStyle`s. The binary forms are plain integers and live in [`crate::binary`]; calendar functions do not
//! live here.

use crate::{Env, Error, FormatSettings, Interval, Result};

fn unsupported<T>(what: &str) -> Result<T> {
    Err(Error::unsupported(format_args!("text form of type {what}")))
}

/// Reads a `date`: days since 1970-01-01, `i32::MAX`/`i32::MIN` for the infinities. 22007, 22008.
pub fn input_date(_text: &str, _env: &dyn Env) -> Result<i32> {
    unsupported("date")
}

/// Reads a `time`: microseconds since midnight, rounded to the precision in `typmod` (-1: none). 22007, 22008.
pub fn input_time(_text: &str, _typmod: i32, _env: &dyn Env) -> Result<i64> {
    unsupported("time without time zone")
}

/// Reads a `timetz`: microseconds since local midnight and seconds west of UTC. 22007, 22008.
pub fn input_timetz(_text: &str, _typmod: i32, _env: &dyn Env) -> Result<(i64, i32)> {
    unsupported("time with time zone")
}

/// Reads a `timestamp`: microseconds since 1970-01-01 00:00 local time. 22007, 22008.
pub fn input_timestamp(_text: &str, _typmod: i32, _env: &dyn Env) -> Result<i64> {
    unsupported("timestamp without time zone")
}

/// Reads a `timestamptz`: microseconds since 1970-01-01 00:00 UTC. 22007, 22008, 22023.
pub fn input_timestamptz(_text: &str, _typmod: i32, _env: &dyn Env) -> Result<i64> {
    unsupported("timestamp with time zone")
}

/// Reads an `interval`, restricted and rounded as `typmod` says. 22007, 22015.
pub fn input_interval(_text: &str, _typmod: i32, _env: &dyn Env) -> Result<Interval> {
    unsupported("interval")
}

/// Writes a `date`.
pub fn write_date(_days: i32, _settings: &FormatSettings, _out: &mut String) -> Result<()> {
    unsupported("date")
}

/// Writes a `time`.
pub fn write_time(_micros: i64, _settings: &FormatSettings, _out: &mut String) -> Result<()> {
    unsupported("time without time zone")
}

/// Writes a `timetz`; `west` is in seconds.
pub fn write_timetz(_micros: i64, _west: i32, _settings: &FormatSettings, _out: &mut String) -> Result<()> {
    unsupported("time with time zone")
}

/// Writes a `timestamp`.
pub fn write_timestamp(_micros: i64, _settings: &FormatSettings, _out: &mut String) -> Result<()> {
    unsupported("timestamp without time zone")
}

/// Writes a `timestamptz` in the session's time zone.
pub fn write_timestamptz(_micros: i64, _settings: &FormatSettings, _out: &mut String) -> Result<()> {
    unsupported("timestamp with time zone")
}

/// Writes an `interval`.
pub fn write_interval(_value: &Interval, _settings: &FormatSettings, _out: &mut String) -> Result<()> {
    unsupported("interval")
}
