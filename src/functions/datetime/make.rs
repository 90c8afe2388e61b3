//! `make_date`, `make_time`, `make_timestamp`, `make_timestamptz`, `make_interval`.

use dictdb_types::Result;
use dictdb_types::datetime::calendar::SECOND;
use dictdb_types::datetime::{
    make_date, make_interval, make_time, make_timestamp, shift, to_timestamptz, zone_argument,
};

use super::values::{Date, Time, Timestamp};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this file by `prosrc`.
pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "make_date" => |year: i32, month: i32, day: i32| make_date(year, month, day).map(Date),
    "make_time" => |hour: i32, minute: i32, seconds: f64| make_time(hour, minute, seconds).map(Time),
    "make_timestamp" => |year: i32, month: i32, day: i32, hour: i32, minute: i32, seconds: f64|
        make_timestamp(year, month, day, hour, minute, seconds).map(Timestamp),
    "make_timestamptz" => |cx; year: i32, month: i32, day: i32, hour: i32, minute: i32, seconds: f64|
        to_timestamptz(make_timestamp(year, month, day, hour, minute, seconds)?, &cx.env.format().time_zone).map(Timestamp),
    "make_timestamptz_at_timezone" => |year: i32, month: i32, day: i32, hour: i32, minute: i32, seconds: f64, zone: &str|
        in_zone(make_timestamp(year, month, day, hour, minute, seconds)?, zone),
    "make_interval" => |years: i32, months: i32, weeks: i32, days: i32, hours: i32, minutes: i32, seconds: f64|
        make_interval([years, months, weeks, days, hours, minutes], seconds),
};

fn in_zone(local: i64, zone: &str) -> Result<Timestamp> {
    let east = zone_argument(zone)?.offset_of_local(local.div_euclid(SECOND));
    shift(local, -east).map(Timestamp)
}
