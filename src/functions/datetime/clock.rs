//! The clock: `now()`, `clock_timestamp()`, `timeofday()`, and `CURRENT_DATE` and its relatives.

use std::time::{SystemTime, UNIX_EPOCH};

use dictdb_types::datetime::{Clock, round_micros, scale_timestamp, timestamp_to_date, to_timestamp};
use dictdb_types::{Datum, Env, Result};

use super::values::Timestamp;
use crate::args::kernels;
use crate::formatting::timestamp_to_char;
use crate::kernel::ScalarFn;

/// Functions of this file by `prosrc`.
pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "now" => |cx; | Timestamp(cx.env.transaction_timestamp()),
    "statement_timestamp" => |cx; | Timestamp(cx.env.statement_timestamp()),
    "clock_timestamp" => |_cx; | Timestamp(wall_clock()),
    "timeofday" => |cx; | timestamp_to_char(wall_clock(), "Dy Mon DD HH24:MI:SS.US YYYY TZ", cx.session_clock()),
};

/// The wall clock in microseconds since 1970-01-01 UTC.
pub fn wall_clock() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX - 1),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN + 1, |micros| -micros),
    }
}

/// `CURRENT_DATE`: the date of the transaction in the session's time zone.
pub fn current_date(env: &dyn Env) -> Datum {
    Datum::Date(timestamp_to_date(env.transaction_timestamp(), session_clock(env)))
}

/// `CURRENT_TIME(precision)`, a `timetz`; -1 without precision.
pub fn current_time(env: &dyn Env, precision: i32) -> Datum {
    let (civil, east) = session_clock(env).civil_and_offset(env.transaction_timestamp());
    Datum::TimeTz(round_micros(civil.time(), precision), -east)
}

/// `LOCALTIME(precision)`, a `time`; -1 without precision.
pub fn local_time(env: &dyn Env, precision: i32) -> Datum {
    let civil = session_clock(env).civil(env.transaction_timestamp());
    Datum::Time(round_micros(civil.time(), precision))
}

/// `CURRENT_TIMESTAMP(precision)`, a `timestamptz`; -1 without precision.
pub fn current_timestamp(env: &dyn Env, precision: i32) -> Result<Datum> {
    scale_timestamp(env.transaction_timestamp(), precision).map(Datum::Timestamp)
}

/// `LOCALTIMESTAMP(precision)`, a `timestamp`; -1 without precision.
pub fn local_timestamp(env: &dyn Env, precision: i32) -> Result<Datum> {
    let local = to_timestamp(env.transaction_timestamp(), &env.format().time_zone)?;
    scale_timestamp(local, precision).map(Datum::Timestamp)
}

fn session_clock(env: &dyn Env) -> Clock<'_> {
    Clock::Zone(&env.format().time_zone)
}
