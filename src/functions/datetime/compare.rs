//! Comparison operators of every pair of types that has them, the larger and the smaller of two values, `isfinite`.
//!
//! A date compares with a timestamp by its midnight, a `timestamp` with a `timestamptz` in the session's time zone.

use dictdb_types::Interval;
use dictdb_types::datetime::calendar::{DATE_INFINITY, DATE_NEG_INFINITY};
use dictdb_types::datetime::{Clock, compare_date, compare_timestamp, compare_timetz, is_finite_timestamp};

use super::values::{Date, Time, TimeTz, Timestamp};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// The six operators and the btree support function of a pair of types.
macro_rules! comparisons {
    ($table:ident: $prefix:literal $suffix:literal, |$cx:ident; $a:ident: $left:ty, $b:ident: $right:ty| $order:expr) => {
        pub(super) const $table: &[(&str, ScalarFn)] = kernels! {
            concat!($prefix, "_eq", $suffix) => |$cx; $a: $left, $b: $right| $order.is_eq(),
            concat!($prefix, "_ne", $suffix) => |$cx; $a: $left, $b: $right| $order.is_ne(),
            concat!($prefix, "_lt", $suffix) => |$cx; $a: $left, $b: $right| $order.is_lt(),
            concat!($prefix, "_le", $suffix) => |$cx; $a: $left, $b: $right| $order.is_le(),
            concat!($prefix, "_gt", $suffix) => |$cx; $a: $left, $b: $right| $order.is_gt(),
            concat!($prefix, "_ge", $suffix) => |$cx; $a: $left, $b: $right| $order.is_ge(),
            concat!($prefix, "_cmp", $suffix) => |$cx; $a: $left, $b: $right| $order as i32,
        };
    };
}

comparisons!(DATE: "date" "", |_cx; a: Date, b: Date| a.cmp(&b));
comparisons!(TIME: "time" "", |_cx; a: Time, b: Time| a.cmp(&b));
comparisons!(TIMETZ: "timetz" "", |_cx; a: TimeTz, b: TimeTz| timetz(a, b));
comparisons!(TIMESTAMP: "timestamp" "", |_cx; a: Timestamp, b: Timestamp| a.cmp(&b));
comparisons!(INTERVAL: "interval" "", |_cx; a: Interval, b: Interval| a.compare(&b));
comparisons!(DATE_TIMESTAMP: "date" "_timestamp",
    |_cx; a: Date, b: Timestamp| compare_date(a.0, b.0, Clock::Local));
comparisons!(DATE_TIMESTAMPTZ: "date" "_timestamptz",
    |cx; a: Date, b: Timestamp| compare_date(a.0, b.0, cx.session_clock()));
comparisons!(TIMESTAMP_DATE: "timestamp" "_date",
    |_cx; a: Timestamp, b: Date| compare_date(b.0, a.0, Clock::Local).reverse());
comparisons!(TIMESTAMPTZ_DATE: "timestamptz" "_date",
    |cx; a: Timestamp, b: Date| compare_date(b.0, a.0, cx.session_clock()).reverse());
comparisons!(TIMESTAMP_TIMESTAMPTZ: "timestamp" "_timestamptz",
    |cx; a: Timestamp, b: Timestamp| compare_timestamp(a.0, b.0, &cx.env.format().time_zone));
comparisons!(TIMESTAMPTZ_TIMESTAMP: "timestamptz" "_timestamp",
    |cx; a: Timestamp, b: Timestamp| compare_timestamp(b.0, a.0, &cx.env.format().time_zone).reverse());

/// `isfinite`, and what `max` and `min` keep.
pub(super) const FINITE: &[(&str, ScalarFn)] = kernels! {
    "date_finite" => |a: Date| !matches!(a.0, DATE_INFINITY | DATE_NEG_INFINITY),
    "timestamp_finite" => |a: Timestamp| is_finite_timestamp(a.0),
    "interval_finite" => |_a: Interval| true,
    "date_larger" => |a: Date, b: Date| a.max(b),
    "date_smaller" => |a: Date, b: Date| a.min(b),
    "time_larger" => |a: Time, b: Time| a.max(b),
    "time_smaller" => |a: Time, b: Time| a.min(b),
    "timetz_larger" => |a: TimeTz, b: TimeTz| if timetz(a, b).is_gt() { a } else { b },
    "timetz_smaller" => |a: TimeTz, b: TimeTz| if timetz(a, b).is_lt() { a } else { b },
    "timestamp_larger" => |a: Timestamp, b: Timestamp| a.max(b),
    "timestamp_smaller" => |a: Timestamp, b: Timestamp| a.min(b),
    "interval_larger" => |a: Interval, b: Interval| if a.compare(&b).is_gt() { a } else { b },
    "interval_smaller" => |a: Interval, b: Interval| if a.compare(&b).is_lt() { a } else { b },
};

fn timetz(a: TimeTz, b: TimeTz) -> std::cmp::Ordering {
    compare_timetz((a.0, a.1), (b.0, b.1))
}
