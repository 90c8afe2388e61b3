//! `btree_gist`: how far two values are apart.

use dictdb_types::datetime::calendar::{TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY};
use dictdb_types::datetime::difference;
use dictdb_types::{Error, Interval, Oid, Result, SqlState};

use crate::args::kernels;
use crate::datetime::arithmetic::days_between;
use crate::datetime::values::{Date, Time, Timestamp};
use crate::kernel::ScalarFn;
use crate::scalar::integer::{Width, in_range};

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "int2_dist" => |a: i16, b: i16| between(a.checked_sub(b), i16::checked_abs),
    "int4_dist" => |a: i32, b: i32| between(a.checked_sub(b), i32::checked_abs),
    "int8_dist" => |a: i64, b: i64| between(a.checked_sub(b), i64::checked_abs),
    "oid_dist" => |a: Oid, b: Oid| Oid(a.0.abs_diff(b.0)),
    "float4_dist" => |a: f32, b: f32|
        finite((a - b).abs(), (a - b).is_infinite() && a.is_finite() && b.is_finite()),
    "float8_dist" => |a: f64, b: f64|
        finite((a - b).abs(), (a - b).is_infinite() && a.is_finite() && b.is_finite()),
    "cash_dist" => |a: i64, b: i64| a.checked_sub(b).and_then(i64::checked_abs).ok_or_else(|| {
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "money out of range")
    }),
    "date_dist" => |a: Date, b: Date| days_between(a.0, b.0).map(i32::wrapping_abs),
    "time_dist" => |a: Time, b: Time| absolute(Interval::of_micros(a.0 - b.0)),
    "ts_dist" => |a: Timestamp, b: Timestamp| apart(a.0, b.0),
    "tstz_dist" => |a: Timestamp, b: Timestamp| apart(a.0, b.0),
    "interval_dist" => |a: Interval, b: Interval| a.minus(&b).and_then(absolute),
};

fn between<T: Width>(difference: Option<T>, abs: fn(T) -> Option<T>) -> Result<T> {
    in_range(difference.and_then(abs))
}

fn finite<T>(distance: T, overflows: bool) -> Result<T> {
    match overflows {
        true => Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")),
        false => Ok(distance),
    }
}

/// The time between two moments; the longest there is when one of them is infinite.
fn apart(a: i64, b: i64) -> Result<Interval> {
    if [a, b].iter().any(|moment| matches!(*moment, TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY)) {
        return Ok(Interval { months: i32::MAX, days: i32::MAX, micros: i64::MAX });
    }
    difference(a, b).and_then(absolute)
}

fn absolute(interval: Interval) -> Result<Interval> {
    if interval.span() < 0 { interval.negated() } else { Ok(interval) }
}
