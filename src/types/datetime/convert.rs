//! Casts between dates, timestamps and times, and comparisons across types.

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use super::calendar::{
    Civil, DATE_INFINITY, DATE_NEG_INFINITY, DAY, SECOND, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, civil_from_days,
    is_valid_timestamp,
};
use super::clock::{Clock, date_out_of_range_for_timestamp, timestamp_out_of_range};
use super::timestamp_math::is_finite_timestamp;
use super::zone;
use crate::{Interval, Result};

/// Midnight of a date on a clock. 22008 for dates after the last timestamp.
pub fn date_to_timestamp(days: i32, clock: Clock<'_>) -> Result<i64> {
    match (days, clock) {
        (DATE_INFINITY, _) => Ok(TIMESTAMP_INFINITY),
        (DATE_NEG_INFINITY, _) => Ok(TIMESTAMP_NEG_INFINITY),
        (_, Clock::Local) => i64::from(days)
            .checked_mul(DAY)
            .filter(|t| is_valid_timestamp(*t))
            .ok_or_else(date_out_of_range_for_timestamp),
        (_, Clock::Zone(zone)) => zone::utc(zone, &midnight(days)).ok_or_else(date_out_of_range_for_timestamp),
    }
}

fn midnight(days: i32) -> Civil {
    let (year, month, day) = civil_from_days(i64::from(days));
    Civil { year, month, day, ..Civil::default() }
}

/// The date of a timestamp on its clock.
pub fn timestamp_to_date(micros: i64, clock: Clock<'_>) -> i32 {
    match micros {
        TIMESTAMP_INFINITY => DATE_INFINITY,
        TIMESTAMP_NEG_INFINITY => DATE_NEG_INFINITY,
        _ => clock.civil(micros).days() as i32,
    }
}

/// Microseconds since midnight of a timestamp on its clock; none of an infinite one.
pub fn timestamp_to_time(micros: i64, clock: Clock<'_>) -> Option<i64> {
    is_finite_timestamp(micros).then(|| clock.civil(micros).time())
}

/// A `timestamp` as `timestamptz` in a zone. 22008 out of range.
pub fn to_timestamptz(local: i64, zone: &TimeZone) -> Result<i64> {
    if !is_finite_timestamp(local) {
        return Ok(local);
    }
    zone::utc(zone, &Civil::from_micros(local)).ok_or_else(timestamp_out_of_range)
}

/// A `timestamptz` as `timestamp` in a zone. 22008 out of range.
pub fn to_timestamp(utc: i64, zone: &TimeZone) -> Result<i64> {
    if !is_finite_timestamp(utc) {
        return Ok(utc);
    }
    shift(utc, zone::offset_at(zone, utc.div_euclid(SECOND)))
}

/// A finite timestamp moved by seconds. 22008 out of range.
pub fn shift(micros: i64, seconds: i32) -> Result<i64> {
    let moved = micros.checked_add(i64::from(seconds) * SECOND);
    moved.filter(|moved| is_valid_timestamp(*moved)).ok_or_else(timestamp_out_of_range)
}

/// The order of a date and a timestamp on a clock; a date after the last timestamp is before infinity.
pub fn compare_date(days: i32, timestamp: i64, clock: Clock<'_>) -> Ordering {
    match date_to_timestamp(days, clock) {
        Ok(midnight) => midnight.cmp(&timestamp),
        Err(_) => beyond(days > 0, timestamp),
    }
}

/// The order of a `timestamp`, in a zone, and a `timestamptz`.
pub fn compare_timestamp(local: i64, utc: i64, zone: &TimeZone) -> Ordering {
    match to_timestamptz(local, zone) {
        Ok(instant) => instant.cmp(&utc),
        Err(_) => beyond(local > 0, utc),
    }
}

/// The order of a finite value outside the range of timestamps, and a timestamp.
fn beyond(late: bool, timestamp: i64) -> Ordering {
    match (late, timestamp) {
        (true, TIMESTAMP_INFINITY) => Ordering::Less,
        (true, _) => Ordering::Greater,
        (false, TIMESTAMP_NEG_INFINITY) => Ordering::Greater,
        (false, _) => Ordering::Less,
    }
}

/// The time of day an interval's time part ends at, counted from midnight.
pub fn interval_to_time(interval: &Interval) -> i64 {
    interval.micros.rem_euclid(DAY)
}

/// A time of day plus or minus the time part of an interval, around midnight.
pub fn add_to_time(time: i64, micros: i64) -> i64 {
    // The sum wraps around where it has more than 64 bits, as in PostgreSQL.
    time.wrapping_add(micros).rem_euclid(DAY)
}

/// The order of two `timetz`: by instant, then by zone. `west` is in seconds.
pub fn compare_timetz((a, a_west): (i64, i32), (b, b_west): (i64, i32)) -> Ordering {
    let instant = |micros: i64, west: i32| micros + i64::from(west) * SECOND;
    instant(a, a_west).cmp(&instant(b, b_west)).then(a_west.cmp(&b_west))
}
