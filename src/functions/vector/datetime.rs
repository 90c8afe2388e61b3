//! Dates and timestamps over columns: comparisons of the two, casts between them, arithmetic with days and intervals,
//! `date_trunc`, `extract`.
//!
//! Only what needs no time zone: column kernels do not see the session.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum, Float64Array, PrimitiveArray, StringViewArray};
use arrow::datatypes::{ArrowPrimitiveType, Date32Type, Int32Type, TimestampMicrosecondType};
use dictdb_types::arrow::NumericColumn;
use dictdb_types::datetime::calendar::{
    DATE_INFINITY, DATE_NEG_INFINITY, DAY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, is_valid_date,
};
use dictdb_types::datetime::{
    Clock, Field, Part, Truncation, add_interval, date_out_of_range, date_to_timestamp, subtract_interval,
    timestamp_to_date,
};
use dictdb_types::{Datum as Value, Error, Interval, Result, opaque};

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
    ("extract_timestamp", |args| {
        extract::<Timestamps>(args, |name| Field::of_timestamps(name, false), timestamp_field)
    }),
    ("extract_date", |args| extract::<Date32Type>(args, Field::of_dates, |field, days| field.date_part(days))),
    ("timestamp_part", timestamp_part),
    ("timestamp_pl_interval", |args| moved(args, add_interval)),
    ("timestamp_mi_interval", |args| moved(args, subtract_interval)),
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

/// A column of names, nearly always one for all rows, and one of times.
struct Named<'a, T: ArrowPrimitiveType> {
    names: &'a StringViewArray,
    one_name: bool,
    times: &'a PrimitiveArray<T>,
    one_time: bool,
}

impl<'a, T: ArrowPrimitiveType> Named<'a, T> {
    fn of(args: &[&'a dyn Datum]) -> Result<Self> {
        let (names, one_name) = argument(args, 0)?.get();
        let (times, one_time) = argument(args, 1)?.get();
        let names = names.as_string_view_opt().ok_or_else(|| mismatch(names))?;
        let times = times.as_primitive_opt().ok_or_else(|| mismatch(times))?;
        Ok(Named { names, one_name, times, one_time })
    }

    fn rows(&self) -> usize {
        match (self.one_name, self.one_time) {
            (false, _) => self.names.len(),
            (true, false) => self.times.len(),
            (true, true) => 1,
        }
    }

    /// Hands every row to `f`: nothing where one of the two is NULL, else the time with what was read from the name.
    fn each<N>(
        &self,
        read: impl Fn(&'a str) -> Result<N>,
        mut f: impl FnMut(Option<(&N, T::Native)>) -> Result<()>,
    ) -> Result<()> {
        let mut known: Option<(&str, N)> = None;
        for row in 0..self.rows() {
            let (name, time) = (if self.one_name { 0 } else { row }, if self.one_time { 0 } else { row });
            let is_null = |array: &dyn Array, row: usize| row >= array.len() || array.is_null(row);
            if is_null(self.names, name) || is_null(self.times, time) {
                f(None)?;
                continue;
            }
            let name = self.names.value(name);
            let read = match known.take() {
                Some((same, read)) if same == name => read,
                _ => read(name)?,
            };
            f(Some((&read, self.times.value(time))))?;
            known = Some((name, read));
        }
        Ok(())
    }
}

/// `date_trunc(unit, timestamp)`.
fn truncate(args: &[&dyn Datum]) -> Result<ArrayRef> {
    let named = Named::<Timestamps>::of(args)?;
    let mut out: Vec<Option<i64>> = Vec::with_capacity(named.rows());
    named.each(
        |unit| Truncation::parse(unit, "timestamp without time zone"),
        |row| {
            out.push(row.map(|(truncation, time)| truncation.of(time, Clock::Local)).transpose()?);
            Ok(())
        },
    )?;
    Ok(Arc::new(PrimitiveArray::<Timestamps>::from(out)))
}

/// A field of a timestamp.
fn timestamp_field(field: &Field<'_>, time: i64) -> Result<Part> {
    field.timestamp_part(time, Clock::Local)
}

/// `extract`, which gives `numeric`.
fn extract<'a, T: ArrowPrimitiveType>(
    args: &[&'a dyn Datum],
    read: impl Fn(&'a str) -> Result<Field<'a>>,
    part: impl Fn(&Field<'_>, T::Native) -> Result<Part>,
) -> Result<ArrayRef> {
    let named = Named::<T>::of(args)?;
    let mut out = NumericColumn::with_capacity(named.rows());
    named.each(read, |row| {
        let part = row.map(|(field, time)| part(field, time)).transpose()?;
        out.push(part.map(Part::to_numeric).transpose()?.flatten().as_ref());
        Ok(())
    })?;
    out.finish_with_nulls()
}

/// `date_part`, which gives `double precision`.
fn timestamp_part(args: &[&dyn Datum]) -> Result<ArrayRef> {
    let named = Named::<Timestamps>::of(args)?;
    let mut out: Vec<Option<f64>> = Vec::with_capacity(named.rows());
    named.each(
        |name| Field::of_timestamps(name, false),
        |row| {
            let part = row.map(|(field, time)| timestamp_field(field, time)).transpose()?;
            out.push(part.and_then(Part::to_f64));
            Ok(())
        },
    )?;
    Ok(Arc::new(Float64Array::from(out)))
}

/// A timestamp and an interval, the latter nearly always one for all rows.
fn moved(args: &[&dyn Datum], by: fn(i64, &Interval, Clock<'_>) -> Result<i64>) -> Result<ArrayRef> {
    let (times, one_time) = argument(args, 0)?.get();
    let (intervals, one_interval) = argument(args, 1)?.get();
    let times = times.as_primitive_opt::<Timestamps>().ok_or_else(|| mismatch(times))?;
    let intervals = intervals.as_binary_view_opt().ok_or_else(|| mismatch(intervals))?;
    let interval =
        |row: usize| match intervals.is_valid(row).then(|| opaque::decode(intervals.value(row))).transpose()? {
            None => Ok(None),
            Some(Value::Interval(interval)) => Ok(Some(interval)),
            Some(other) => Err(Error::internal(format!("{other:?} in a column of intervals"))),
        };
    let one = if one_interval { Some(interval(0)?) } else { None };
    let moved = |row: usize| {
        let time = if one_time { 0 } else { row };
        match (times.is_valid(time), one.map_or_else(|| interval(row), Ok)?) {
            (true, Some(interval)) => by(times.value(time), &interval, Clock::Local).map(Some),
            _ => Ok(None),
        }
    };
    let rows = if one_time && !one_interval { intervals.len() } else { times.len() };
    let moved = (0..rows).map(moved).collect::<Result<Vec<Option<i64>>>>()?;
    Ok(Arc::new(PrimitiveArray::<Timestamps>::from(moved)))
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
    fn fields_are_numbers() {
        let times = TimestampMicrosecondArray::from(vec![Some(10 * DAY + 5), None, Some(TIMESTAMP_INFINITY)]);
        let field = |name| Scalar::new(StringViewArray::from(vec![name]));
        let texts = |array: ArrayRef| -> Vec<String> {
            let value = |row| dictdb_types::arrow::datum_at(&array, row, dictdb_types::Physical::Opaque).unwrap();
            let text = |value| if let Value::Numeric(number) = value { number.to_string() } else { "NULL".into() };
            (0..array.len()).map(|row| text(value(row))).collect()
        };
        let days = run("extract_timestamp", &[&field("Day"), &times]).unwrap();
        assert_eq!(texts(days), ["11", "NULL", "NULL"]);
        let seconds = run("extract_timestamp", &[&field("epoch"), &times]).unwrap();
        assert_eq!(texts(seconds), ["864000.000005", "NULL", "Infinity"]);
        let dates = Date32Array::from(vec![Some(10), None]);
        assert_eq!(texts(run("extract_date", &[&field("doy"), &dates]).unwrap()), ["11", "NULL"]);
        let error = run("extract_date", &[&field("hour"), &dates]).unwrap_err();
        assert_eq!(error, "0A000 unit \"hour\" not supported for type date");
        let part = run("timestamp_part", &[&field("hour"), &times]).unwrap();
        assert_eq!(part.as_primitive::<arrow::datatypes::Float64Type>().value(0), 0.0);
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
