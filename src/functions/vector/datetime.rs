//! Dates and timestamps over columns: comparisons of the two, casts between them, day arithmetic, `date_trunc`.
//!
//! Only what needs no time zone: column kernels do not see the session.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum, PrimitiveArray, new_null_array};
use arrow::datatypes::{DataType, Date32Type, Int32Type, TimeUnit, TimestampMicrosecondType};
use dictdb_types::Result;
use dictdb_types::datetime::calendar::{
    DATE_INFINITY, DATE_NEG_INFINITY, DAY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, is_valid_date,
};
use dictdb_types::datetime::{Clock, Truncation, date_out_of_range, date_to_timestamp, timestamp_to_date};

use super::VectorFn;
use super::operand::{argument, binary, condition, mismatch, unary};

type Timestamps = TimestampMicrosecondType;

/// A date and a timestamp on one scale, on which midnights are even numbers and whatever comes before the next one is the
/// odd number between; dates after the last timestamp are still before infinity.
#[inline]
fn date_key(days: i32) -> i64 {
    match days {
        DATE_INFINITY => i64::MAX,
        DATE_NEG_INFINITY => i64::MIN,
        _ => 2 * i64::from(days),
    }
}

#[inline]
fn timestamp_key(micros: i64) -> i64 {
    match micros {
        TIMESTAMP_INFINITY => i64::MAX,
        TIMESTAMP_NEG_INFINITY => i64::MIN,
        _ => 2 * micros.div_euclid(DAY) + i64::from(micros.rem_euclid(DAY) != 0),
    }
}

macro_rules! orders {
    ($($name:literal: $operator:tt;)*) => {
        &[$(
            (concat!("date_", $name, "_timestamp"), |args| {
                condition::<Date32Type, Timestamps>(args, |a, b| date_key(a) $operator timestamp_key(b))
            }),
            (concat!("timestamp_", $name, "_date"), |args| {
                condition::<Timestamps, Date32Type>(args, |a, b| timestamp_key(a) $operator date_key(b))
            }),
        )*]
    };
}

pub(super) const ORDERS: &[(&str, VectorFn)] = orders! {
    "eq": ==;
    "ne": !=;
    "lt": <;
    "le": <=;
    "gt": >;
    "ge": >=;
};

pub(super) const KERNELS: &[(&str, VectorFn)] = &[
    ("date_pli", |args| {
        binary::<Date32Type, Int32Type, Date32Type>(args, |a, n| add_days(a, n.into()), |a, n| sum(a, n.into()))
    }),
    ("date_mii", |args| {
        let minus = |n: i32| -i64::from(n);
        binary::<Date32Type, Int32Type, Date32Type>(args, |a, n| add_days(a, minus(n)), |a, n| sum(a, minus(n)))
    }),
    ("date_mi", |args| {
        let infinite = |days| matches!(days, DATE_INFINITY | DATE_NEG_INFINITY);
        binary::<Date32Type, Date32Type, Int32Type>(
            args,
            |a, b| (a.wrapping_sub(b), infinite(a) || infinite(b)),
            crate::datetime::days_between,
        )
    }),
    ("date_timestamp", |args| {
        let exact = |days| date_to_timestamp(days, Clock::Local);
        unary::<Date32Type, Timestamps>(args, |days| exact(days).map_or((0, true), |t| (t, false)), exact)
    }),
    ("timestamp_date", |args| {
        let date = |micros| timestamp_to_date(micros, Clock::Local);
        unary::<Timestamps, Date32Type>(args, |micros| (date(micros), false), |micros| Ok(date(micros)))
    }),
    ("timestamp_trunc", truncate),
];

/// A date so many days later, and whether that is no date.
fn add_days(date: i32, days: i64) -> (i32, bool) {
    if matches!(date, DATE_INFINITY | DATE_NEG_INFINITY) {
        return (date, false);
    }
    match i32::try_from(i64::from(date) + days) {
        Ok(sum) if is_valid_date(sum) => (sum, false),
        _ => (0, true),
    }
}

fn sum(date: i32, days: i64) -> Result<i32> {
    match add_days(date, days) {
        (sum, false) => Ok(sum),
        (_, true) => Err(date_out_of_range()),
    }
}

/// `date_trunc(unit, timestamp)`, the unit nearly always one for all rows.
fn truncate(args: &[&dyn Datum]) -> Result<ArrayRef> {
    const TYPE_NAME: &str = "timestamp without time zone";
    let (units, one_unit) = argument(args, 0)?.get();
    let (times, one_time) = argument(args, 1)?.get();
    let units = units.as_string_view_opt().ok_or_else(|| mismatch(units))?;
    let times = times.as_primitive_opt::<Timestamps>().ok_or_else(|| mismatch(times))?;
    let rows = match (one_unit, one_time) {
        (false, _) => units.len(),
        (true, false) => times.len(),
        (true, true) => 1,
    };
    if (one_unit && (units.is_empty() || units.is_null(0))) || (one_time && (times.is_empty() || times.is_null(0))) {
        return Ok(new_null_array(&DataType::Timestamp(TimeUnit::Microsecond, None), rows));
    }
    let mut known: Option<(&str, Truncation)> = None;
    let mut result: Vec<Option<i64>> = Vec::with_capacity(rows);
    for row in 0..rows {
        let (unit_row, time_row) = (if one_unit { 0 } else { row }, if one_time { 0 } else { row });
        if units.is_null(unit_row) || times.is_null(time_row) {
            result.push(None);
            continue;
        }
        let unit = units.value(unit_row);
        let truncation = match known {
            Some((name, truncation)) if name == unit => truncation,
            _ => Truncation::parse(unit, TYPE_NAME)?,
        };
        known = Some((unit, truncation));
        result.push(Some(truncation.of(times.value(time_row), Clock::Local)?));
    }
    Ok(Arc::new(PrimitiveArray::<Timestamps>::from(result)))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, Int32Array, Scalar, StringViewArray, TimestampMicrosecondArray};

    use super::*;
    use crate::vector::vector;

    fn run(name: &str, args: &[&dyn Datum]) -> Result<ArrayRef, String> {
        let kernel = vector(name).unwrap_or_else(|| panic!("no column kernel {name}"));
        (kernel.run)(args).map_err(|error| format!("{} {}", error.code(), error.message()))
    }

    #[test]
    fn dates_compare_with_timestamps_by_their_midnight() {
        let dates = Date32Array::from(vec![Some(10), Some(11), None, Some(DATE_INFINITY), Some(500_000_000)]);
        let noon = Scalar::new(TimestampMicrosecondArray::from(vec![10 * DAY + DAY / 2]));
        let less = run("date_lt_timestamp", &[&dates, &noon]).unwrap();
        let expected = [Some(true), Some(false), None, Some(false), Some(false)];
        assert_eq!(less.as_boolean().iter().collect::<Vec<_>>(), expected);
        let infinity = Scalar::new(TimestampMicrosecondArray::from(vec![TIMESTAMP_INFINITY]));
        let greater = run("timestamp_gt_date", &[&infinity, &dates]).unwrap();
        let expected = [Some(true), Some(true), None, Some(false), Some(true)];
        assert_eq!(greater.as_boolean().iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn days_add_and_check_valid_slots_only() {
        let dates = Date32Array::from(vec![Some(1), None, Some(DATE_INFINITY)]);
        let seven = Scalar::new(Int32Array::from(vec![7]));
        let later = run("date_pli", &[&dates, &seven]).unwrap();
        assert_eq!(later.as_primitive::<Date32Type>(), &Date32Array::from(vec![Some(8), None, Some(DATE_INFINITY)]));
        let most = Scalar::new(Int32Array::from(vec![i32::MAX]));
        assert_eq!(run("date_pli", &[&dates, &most]).unwrap_err(), "22008 date out of range");
        assert_eq!(run("date_mi", &[&dates, &dates]).unwrap_err(), "22008 cannot subtract infinite dates");
    }

    #[test]
    fn timestamps_truncate_by_one_unit() {
        let times = TimestampMicrosecondArray::from(vec![Some(10 * DAY + 5), None, Some(TIMESTAMP_INFINITY)]);
        let day = Scalar::new(StringViewArray::from(vec!["DAY"]));
        let days = run("timestamp_trunc", &[&day, &times]).unwrap();
        let expected = TimestampMicrosecondArray::from(vec![Some(10 * DAY), None, Some(TIMESTAMP_INFINITY)]);
        assert_eq!(days.as_primitive::<Timestamps>(), &expected);
        let unknown = Scalar::new(StringViewArray::from(vec!["foo"]));
        let error = run("timestamp_trunc", &[&unknown, &times]).unwrap_err();
        assert_eq!(error, "22023 unit \"foo\" not recognized for type timestamp without time zone");
    }
}
