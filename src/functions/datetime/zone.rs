//! `AT TIME ZONE`: the functions `timezone(zone, value)`.

use dictdb_types::datetime::calendar::{DAY, SECOND};
use dictdb_types::datetime::zone::ZoneSpec;
use dictdb_types::datetime::{is_finite_timestamp, shift, write_interval};
use dictdb_types::{Error, Interval, Result, SqlState};

use super::values::{TimeTz, Timestamp};
use crate::CallContext;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this file by `prosrc`.
pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "timestamp_zone" => |zone: &str, a: Timestamp| local_to_utc(zone, a),
    "timestamptz_zone" => |zone: &str, a: Timestamp| utc_to_local(zone, a),
    "timetz_zone" => |cx; zone: &str, a: TimeTz| move_time(a, ZoneSpec::parse(zone)?.offset_at(now_seconds(cx))),
    "timestamp_izone" => |cx; zone: Interval, a: Timestamp| local_to_utc_at(cx, zone, a),
    "timestamptz_izone" => |cx; zone: Interval, a: Timestamp| utc_to_local_at(cx, zone, a),
    "timetz_izone" => |cx; zone: Interval, a: TimeTz| offset_of(cx, &zone).map(|east| move_time(a, east)),
};

fn now_seconds(cx: &CallContext<'_>) -> i64 {
    cx.env.transaction_timestamp().div_euclid(SECOND)
}

fn local_to_utc(zone: &str, a: Timestamp) -> Result<Timestamp> {
    if !is_finite_timestamp(a.0) {
        return Ok(a);
    }
    let east = ZoneSpec::parse(zone)?.offset_of_local(a.0.div_euclid(SECOND));
    shift(a.0, -east).map(Timestamp)
}

fn utc_to_local(zone: &str, a: Timestamp) -> Result<Timestamp> {
    if !is_finite_timestamp(a.0) {
        return Ok(a);
    }
    let east = ZoneSpec::parse(zone)?.offset_at(a.0.div_euclid(SECOND));
    shift(a.0, east).map(Timestamp)
}

fn local_to_utc_at(cx: &CallContext<'_>, zone: Interval, a: Timestamp) -> Result<Timestamp> {
    if !is_finite_timestamp(a.0) {
        return Ok(a);
    }
    shift(a.0, -offset_of(cx, &zone)?).map(Timestamp)
}

fn utc_to_local_at(cx: &CallContext<'_>, zone: Interval, a: Timestamp) -> Result<Timestamp> {
    if !is_finite_timestamp(a.0) {
        return Ok(a);
    }
    shift(a.0, offset_of(cx, &zone)?).map(Timestamp)
}

/// Seconds east of UTC of a zone given as an interval. 22023 if it has months or days.
fn offset_of(cx: &CallContext<'_>, zone: &Interval) -> Result<i32> {
    if zone.months != 0 || zone.days != 0 {
        let mut text = String::new();
        write_interval(zone, cx.env.format(), &mut text)?;
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("interval time zone \"{text}\" must not include months or days"),
        ));
    }
    Ok((zone.micros / SECOND) as i32)
}

/// The same instant at another offset east of UTC.
fn move_time(a: TimeTz, east: i32) -> TimeTz {
    let micros = a.0 + (i64::from(a.1) + i64::from(east)) * SECOND;
    TimeTz(micros.rem_euclid(DAY), -east)
}
