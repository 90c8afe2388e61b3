//! `(start, end) OVERLAPS (start, end)`: two periods, each given by two ends in any order or by an end and a length.

use std::cmp::Ordering;

use dictdb_types::datetime::{Clock, add_interval, add_to_time, compare_timetz};
use dictdb_types::{Interval, Result};

use super::values::{Time, TimeTz, Timestamp};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this file by `prosrc`; those PostgreSQL writes in SQL by signature. None is strict.
pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "overlaps_time" => |a: Option<Time>, b: Option<Time>, c: Option<Time>, d: Option<Time>| overlaps([a, b], [c, d], Time::cmp),
    "overlaps_timetz" => |a: Option<TimeTz>, b: Option<TimeTz>, c: Option<TimeTz>, d: Option<TimeTz>|
        overlaps([a, b], [c, d], |a, b| compare_timetz((a.0, a.1), (b.0, b.1))),
    "overlaps_timestamp" => |a: Option<Timestamp>, b: Option<Timestamp>, c: Option<Timestamp>, d: Option<Timestamp>|
        overlaps([a, b], [c, d], Timestamp::cmp),
    "\"overlaps\"(time without time zone,interval,time without time zone,interval)" =>
        |a: Option<Time>, b: Option<Interval>, c: Option<Time>, d: Option<Interval>|
        overlaps([a, time_end(a, b)], [c, time_end(c, d)], Time::cmp),
    "\"overlaps\"(time without time zone,time without time zone,time without time zone,interval)" =>
        |a: Option<Time>, b: Option<Time>, c: Option<Time>, d: Option<Interval>|
        overlaps([a, b], [c, time_end(c, d)], Time::cmp),
    "\"overlaps\"(time without time zone,interval,time without time zone,time without time zone)" =>
        |a: Option<Time>, b: Option<Interval>, c: Option<Time>, d: Option<Time>|
        overlaps([a, time_end(a, b)], [c, d], Time::cmp),
    "\"overlaps\"(timestamp without time zone,interval,timestamp without time zone,interval)" =>
        |a: Option<Timestamp>, b: Option<Interval>, c: Option<Timestamp>, d: Option<Interval>|
        overlaps([a, end(a, b, Clock::Local)?], [c, end(c, d, Clock::Local)?], Timestamp::cmp),
    "\"overlaps\"(timestamp without time zone,timestamp without time zone,timestamp without time zone,interval)" =>
        |a: Option<Timestamp>, b: Option<Timestamp>, c: Option<Timestamp>, d: Option<Interval>|
        overlaps([a, b], [c, end(c, d, Clock::Local)?], Timestamp::cmp),
    "\"overlaps\"(timestamp without time zone,interval,timestamp without time zone,timestamp without time zone)" =>
        |a: Option<Timestamp>, b: Option<Interval>, c: Option<Timestamp>, d: Option<Timestamp>|
        overlaps([a, end(a, b, Clock::Local)?], [c, d], Timestamp::cmp),
    "\"overlaps\"(timestamp with time zone,interval,timestamp with time zone,interval)" =>
        |cx; a: Option<Timestamp>, b: Option<Interval>, c: Option<Timestamp>, d: Option<Interval>|
        overlaps([a, end(a, b, cx.session_clock())?], [c, end(c, d, cx.session_clock())?], Timestamp::cmp),
    "\"overlaps\"(timestamp with time zone,timestamp with time zone,timestamp with time zone,interval)" =>
        |cx; a: Option<Timestamp>, b: Option<Timestamp>, c: Option<Timestamp>, d: Option<Interval>|
        overlaps([a, b], [c, end(c, d, cx.session_clock())?], Timestamp::cmp),
    "\"overlaps\"(timestamp with time zone,interval,timestamp with time zone,timestamp with time zone)" =>
        |cx; a: Option<Timestamp>, b: Option<Interval>, c: Option<Timestamp>, d: Option<Timestamp>|
        overlaps([a, end(a, b, cx.session_clock())?], [c, d], Timestamp::cmp),
};

fn time_end(start: Option<Time>, length: Option<Interval>) -> Option<Time> {
    Some(Time(add_to_time(start?.0, length?.micros)))
}

fn end(start: Option<Timestamp>, length: Option<Interval>, clock: Clock<'_>) -> Result<Option<Timestamp>> {
    match (start, length) {
        (Some(start), Some(length)) => add_interval(start.0, &length, clock).map(|end| Some(Timestamp(end))),
        _ => Ok(None),
    }
}

/// Whether two half-open periods have a point in common; a period of no length is its point. `None`: unknown.
fn overlaps<T: Copy>(a: [Option<T>; 2], b: [Option<T>; 2], order: impl Fn(&T, &T) -> Ordering) -> Option<bool> {
    let (a_start, a_end) = period(a, &order)?;
    let (b_start, b_end) = period(b, &order)?;
    let (later_start, later_end, earlier_end) = match order(&a_start, &b_start) {
        Ordering::Equal => return (a_end.is_some() && b_end.is_some()).then_some(true),
        Ordering::Greater => (a_start, a_end, b_end),
        Ordering::Less => (b_start, b_end, a_end),
    };
    let earlier_end = earlier_end?;
    if order(&later_start, &earlier_end) == Ordering::Less {
        return Some(true);
    }
    // The later period begins after the earlier one; without its end nobody knows where it lies.
    later_end.map(|_| false)
}

/// The lesser end, or the known one, and the other.
fn period<T: Copy>([start, end]: [Option<T>; 2], order: impl Fn(&T, &T) -> Ordering) -> Option<(T, Option<T>)> {
    match (start, end) {
        (Some(start), Some(end)) if order(&start, &end) == Ordering::Greater => Some((end, Some(start))),
        (Some(start), end) => Some((start, end)),
        (None, Some(end)) => Some((end, None)),
        (None, None) => None,
    }
}
