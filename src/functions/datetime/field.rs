//! `extract`, `date_part`, `date_trunc`.

use dictdb_types::datetime::zone::{self, ZoneSpec};
use dictdb_types::datetime::{
    Clock, Part, date_part, date_to_timestamp, interval_part, is_finite_timestamp, time_part, timestamp_part, truncate,
    truncate_interval,
};
use dictdb_types::{Error, Interval, Numeric, Result};

use super::values::{Date, Time, TimeTz, Timestamp};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this file by `prosrc`; those PostgreSQL writes in SQL by signature.
pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "extract_date" => |field: &str, a: Date| numeric(date_part(field, a.0)),
    "extract_time" => |field: &str, a: Time| numeric(time_part(field, a.0, None)),
    "extract_timetz" => |field: &str, a: TimeTz| numeric(time_part(field, a.0, Some(a.1))),
    "extract_timestamp" => |field: &str, a: Timestamp| numeric(timestamp_part(field, a.0, Clock::Local)),
    "extract_timestamptz" => |cx; field: &str, a: Timestamp| numeric(timestamp_part(field, a.0, cx.session_clock())),
    "extract_interval" => |field: &str, a: Interval| numeric(interval_part(field, &a)),
    "date_part(text,date)" => |field: &str, a: Date| double(midnight_part(field, a)),
    "time_part" => |field: &str, a: Time| double(time_part(field, a.0, None)),
    "timetz_part" => |field: &str, a: TimeTz| double(time_part(field, a.0, Some(a.1))),
    "timestamp_part" => |field: &str, a: Timestamp| double(timestamp_part(field, a.0, Clock::Local)),
    "timestamptz_part" => |cx; field: &str, a: Timestamp| double(timestamp_part(field, a.0, cx.session_clock())),
    "interval_part" => |field: &str, a: Interval| double(interval_part(field, &a)),
    "timestamp_trunc" => |unit: &str, a: Timestamp| truncate(unit, a.0, Clock::Local, "timestamp without time zone").map(Timestamp),
    "timestamptz_trunc" => |cx; unit: &str, a: Timestamp| truncate(unit, a.0, cx.session_clock(), ZONED).map(Timestamp),
    "timestamptz_trunc_zone" => |unit: &str, a: Timestamp, zone: &str| truncate_in_zone(unit, a, zone),
    "interval_trunc" => |unit: &str, a: Interval| truncate_interval(unit, &a),
};

const ZONED: &str = "timestamp with time zone";

fn numeric(part: Result<Part>) -> Result<Option<Numeric>> {
    part?.to_numeric()
}

fn double(part: Result<Part>) -> Result<Option<f64>> {
    Ok(part?.to_f64())
}

/// `date_part` of a date is that of its midnight, so it has hours.
fn midnight_part(field: &str, a: Date) -> Result<Part> {
    timestamp_part(field, date_to_timestamp(a.0, Clock::Local)?, Clock::Local)
}

/// Neither unit nor zone matter to an infinite time.
fn truncate_in_zone(unit: &str, a: Timestamp, zone: &str) -> Result<Timestamp> {
    if !is_finite_timestamp(a.0) {
        return Ok(a);
    }
    let zone = match ZoneSpec::parse(zone)? {
        ZoneSpec::Named(zone) | ZoneSpec::Dynamic(_, zone) => zone,
        ZoneSpec::Fixed(east) => {
            let fixed = zone::from_west(-east);
            fixed.ok_or_else(|| Error::internal("abbreviation beyond a day from UTC"))?.0
        }
    };
    truncate(unit, a.0, Clock::Zone(&zone), ZONED).map(Timestamp)
}
