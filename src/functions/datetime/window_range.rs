//! `in_range`: whether a value lies before (or after) the bound that `RANGE offset PRECEDING / FOLLOWING` sets.

use dictdb_types::datetime::calendar::SECOND;
use dictdb_types::datetime::{Clock, add_interval, date_to_timestamp, subtract_interval};
use dictdb_types::{Interval, Result};

use super::values::{Date, Time, TimeTz, Timestamp};
use crate::args::kernels;
use crate::kernel::ScalarFn;
use crate::scalar::bad_window_offset;

/// Functions of this file by `prosrc`: value, base, offset, whether to subtract, whether to ask for "at most".
pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "in_range_date_interval" => |v: Date, base: Date, off: Interval, sub: bool, less: bool| in_range_date(v, base, off, sub, less),
    "in_range_timestamp_interval" => |v: Timestamp, base: Timestamp, off: Interval, sub: bool, less: bool|
        in_range(v.0, base.0, off, sub, less, Clock::Local),
    "in_range_timestamptz_interval" => |cx; v: Timestamp, base: Timestamp, off: Interval, sub: bool, less: bool|
        in_range(v.0, base.0, off, sub, less, cx.session_clock()),
    "in_range_interval_interval" => |v: Interval, base: Interval, off: Interval, sub: bool, less: bool|
        in_range_span(v, base, off, sub, less),
    "in_range_time_interval" => |v: Time, base: Time, off: Interval, sub: bool, less: bool|
        in_range_time((v.0, 0), (base.0, 0), off, sub, less),
    "in_range_timetz_interval" => |v: TimeTz, base: TimeTz, off: Interval, sub: bool, less: bool|
        in_range_time((v.0, v.1), (base.0, base.1), off, sub, less),
};

fn in_range(value: i64, base: i64, offset: Interval, subtract: bool, less: bool, clock: Clock<'_>) -> Result<bool> {
    if offset.span() < 0 {
        return Err(bad_window_offset());
    }
    let bound = if subtract { subtract_interval(base, &offset, clock) } else { add_interval(base, &offset, clock) }?;
    Ok(if less { value <= bound } else { value >= bound })
}

fn in_range_date(value: Date, base: Date, offset: Interval, subtract: bool, less: bool) -> Result<bool> {
    let midnight = |date: Date| date_to_timestamp(date.0, Clock::Local);
    in_range(midnight(value)?, midnight(base)?, offset, subtract, less, Clock::Local)
}

fn in_range_span(value: Interval, base: Interval, offset: Interval, subtract: bool, less: bool) -> Result<bool> {
    if offset.span() < 0 {
        return Err(bad_window_offset());
    }
    let bound = if subtract { base.minus(&offset) } else { base.plus(&offset) }?;
    let order = value.compare(&bound);
    Ok(if less { order.is_le() } else { order.is_ge() })
}

/// Times do not wrap around midnight here; zones break ties, as in their order. Zones are in seconds west.
fn in_range_time(value: (i64, i32), base: (i64, i32), offset: Interval, subtract: bool, less: bool) -> Result<bool> {
    if offset.micros < 0 {
        return Err(bad_window_offset());
    }
    let instant = |(micros, west): (i64, i32)| i128::from(micros) + i128::from(west) * i128::from(SECOND);
    let distance = i128::from(offset.micros);
    let bound = if subtract { instant(base) - distance } else { instant(base) + distance };
    let order = instant(value).cmp(&bound).then(value.1.cmp(&base.1));
    Ok(if less { order.is_le() } else { order.is_ge() })
}
