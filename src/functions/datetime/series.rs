//! Sets of rows: `generate_series` over timestamps, and the rows of `pg_timezone_names` and `pg_timezone_abbrevs`.

use dictdb_types::datetime::calendar::SECOND;
use dictdb_types::datetime::zone::{self, TimeZone};
use dictdb_types::datetime::{Clock, abbreviations_at, add_interval};
use dictdb_types::{Datum, Error, Interval, Oid, Record, Result, SqlState, oids};

use super::values::Timestamp;
use crate::CallContext;
use crate::args::arg;
use crate::set_returning::{Rows, SetFn};

/// Functions of this file by `prosrc`.
pub(crate) const SETS: &[(&str, SetFn)] = &[
    ("generate_series_timestamp", |_, args| series(args, None)),
    ("generate_series_timestamptz", |cx, args| series(args, Some(cx.env.format().time_zone.clone()))),
    ("pg_timezone_names", timezone_names),
    ("pg_timezone_abbrevs", timezone_abbrevs),
];

/// The rows from start to stop. 22023 for a step of zero.
fn series(args: &[Datum], zone: Option<TimeZone>) -> Result<Rows> {
    let (start, stop, step): (Timestamp, Timestamp, Interval) = (arg(args, 0)?, arg(args, 1)?, arg(args, 2)?);
    let direction = step.span().signum();
    if direction == 0 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero"));
    }
    let mut next = Some(start.0);
    Ok(Box::new(std::iter::from_fn(move || {
        let current = next.filter(|t| if direction > 0 { *t <= stop.0 } else { *t >= stop.0 })?;
        let clock = zone.as_ref().map_or(Clock::Local, Clock::Zone);
        match add_interval(current, &step, clock) {
            Ok(following) => next = Some(following),
            Err(error) => {
                next = None;
                return Some(Err(error));
            }
        }
        Some(Ok(Datum::Timestamp(current)))
    })))
}

fn timezone_names(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let result = cx.result.oid;
    let rows = zone::names_at(cx.env.transaction_timestamp()).into_iter().map(move |row| {
        let fields = vec![Datum::text(row.name), Datum::text(row.abbreviation), offset(row.east), Datum::Bool(row.dst)];
        Ok(record(result, &[oids::TEXT, oids::TEXT, oids::INTERVAL, oids::BOOL], fields))
    });
    Ok(Box::new(rows))
}

fn timezone_abbrevs(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let result = cx.result.oid;
    let rows = abbreviations_at(cx.env.transaction_timestamp()).into_iter().map(move |row| {
        let fields = vec![Datum::text(row.name), offset(row.east), Datum::Bool(row.dst)];
        Ok(record(result, &[oids::TEXT, oids::INTERVAL, oids::BOOL], fields))
    });
    Ok(Box::new(rows))
}

fn offset(east: i32) -> Datum {
    Datum::Interval(Interval::of_micros(i64::from(east) * SECOND))
}

fn record(ty: Oid, types: &[Oid], fields: Vec<Datum>) -> Datum {
    Datum::Record(Record { ty, types: types.to_vec(), fields, names: None }.into())
}
