//! The clock: `now()`, `statement_timestamp()`, `clock_timestamp()`, `timeofday()`.
//!
//! `CURRENT_DATE` and its relatives are casts of `now()`, which the planner writes.

use std::time::{SystemTime, UNIX_EPOCH};

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
fn wall_clock() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX - 1),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN + 1, |micros| -micros),
    }
}
