//! Casts among date and time types, and the functions that apply their type modifiers.

use dictdb_types::datetime::calendar::{Civil, SECOND, is_valid_timestamp};
use dictdb_types::datetime::{
    Clock, date_out_of_range_for_timestamp, date_to_timestamp, interval_to_time, interval_typmod, is_finite_timestamp,
    round_micros, scale_timestamp, timestamp_from_seconds, timestamp_out_of_range, timestamp_to_date,
    timestamp_to_time, to_timestamp, to_timestamptz, zone,
};
use dictdb_types::{Interval, Result};

use super::values::{Date, Time, TimeTz, Timestamp};
use crate::CallContext;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this file by `prosrc`; those PostgreSQL writes in SQL by signature.
pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "date_timestamp" => |a: Date| date_to_timestamp(a.0, Clock::Local).map(Timestamp),
    "date_timestamptz" => |cx; a: Date| date_to_timestamp(a.0, cx.session_clock()).map(Timestamp),
    "timestamp_date" => |a: Timestamp| Date(timestamp_to_date(a.0, Clock::Local)),
    "timestamptz_date" => |cx; a: Timestamp| Date(timestamp_to_date(a.0, cx.session_clock())),
    "timestamp_time" => |a: Timestamp| timestamp_to_time(a.0, Clock::Local).map(Time),
    "timestamptz_time" => |cx; a: Timestamp| timestamp_to_time(a.0, cx.session_clock()).map(Time),
    "timestamptz_timetz" => |cx; a: Timestamp| timestamptz_to_timetz(cx, a),
    "timestamp_timestamptz" => |cx; a: Timestamp| to_timestamptz(a.0, &cx.env.format().time_zone).map(Timestamp),
    "timestamptz_timestamp" => |cx; a: Timestamp| to_timestamp(a.0, &cx.env.format().time_zone).map(Timestamp),
    "datetime_timestamp" => |a: Date, b: Time| at_time(a, b),
    "timedate_pl(time without time zone,date)" => |b: Time, a: Date| at_time(a, b),
    "timestamptz(date,time without time zone)" => |cx; a: Date, b: Time| at_session_time(cx, a, b),
    "datetimetz_timestamptz" => |a: Date, b: TimeTz| at_zoned_time(a, b),
    "timetzdate_pl(time with time zone,date)" => |b: TimeTz, a: Date| at_zoned_time(a, b),
    "time_interval" => |a: Time| Interval::of_micros(a.0),
    "interval_time" => |a: Interval| Time(interval_to_time(&a)),
    "time_timetz" => |cx; a: Time| time_to_timetz(cx, a),
    "timetz_time" => |a: TimeTz| Time(a.0),
    "float8_timestamptz" => |seconds: f64| timestamp_from_seconds(seconds).map(Timestamp),
    "time_scale" => |a: Time, typmod: i32| Time(round_micros(a.0, typmod)),
    "timetz_scale" => |a: TimeTz, typmod: i32| TimeTz(round_micros(a.0, typmod), a.1),
    "timestamp_scale" => |a: Timestamp, typmod: i32| scale_timestamp(a.0, typmod).map(Timestamp),
    "timestamptz_scale" => |a: Timestamp, typmod: i32| scale_timestamp(a.0, typmod).map(Timestamp),
    "interval_scale" => |a: Interval, typmod: i32| interval_typmod::restrict(a, typmod),
};

fn timestamptz_to_timetz(cx: &CallContext<'_>, a: Timestamp) -> Option<TimeTz> {
    is_finite_timestamp(a.0).then(|| {
        let (civil, east) = cx.session_clock().civil_and_offset(a.0);
        TimeTz(civil.time(), -east)
    })
}

/// A time with the offset the session's zone has at that time today.
fn time_to_timetz(cx: &CallContext<'_>, a: Time) -> TimeTz {
    let clock = cx.session_clock();
    let Civil { year, month, day, .. } = clock.civil(cx.env.transaction_timestamp());
    let mut local = Civil { year, month, day, ..Civil::default() };
    local.set_time(a.0);
    TimeTz(a.0, -zone::offset_of_local(&cx.env.format().time_zone, local.seconds()))
}

fn at_time(a: Date, b: Time) -> Result<Timestamp> {
    let midnight = date_to_timestamp(a.0, Clock::Local)?;
    if !is_finite_timestamp(midnight) {
        return Ok(Timestamp(midnight));
    }
    let sum = midnight.checked_add(b.0).filter(|sum| is_valid_timestamp(*sum));
    sum.map(Timestamp).ok_or_else(timestamp_out_of_range)
}

fn at_session_time(cx: &CallContext<'_>, a: Date, b: Time) -> Result<Timestamp> {
    to_timestamptz(at_time(a, b)?.0, &cx.env.format().time_zone).map(Timestamp)
}

fn at_zoned_time(a: Date, b: TimeTz) -> Result<Timestamp> {
    let midnight = date_to_timestamp(a.0, Clock::Local)?;
    if !is_finite_timestamp(midnight) {
        return Ok(Timestamp(midnight));
    }
    let sum = midnight.checked_add(b.0 + i64::from(b.1) * SECOND).filter(|sum| is_valid_timestamp(*sum));
    sum.map(Timestamp).ok_or_else(date_out_of_range_for_timestamp)
}
