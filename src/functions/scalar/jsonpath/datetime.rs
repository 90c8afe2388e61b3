//! `.datetime()`: texts as dates and times, and how these compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use dictdb_types::datetime::{
    Clock, compare_date, compare_timestamp, compare_timetz, make_date, make_time, write_date, write_time,
    write_timestamp, zone,
};
use dictdb_types::{Error, FormatSettings, Jsonb, Result, SqlState};

use super::{Evaluation, Fault, Item, soft};
use crate::formatting::{Parts, read_parts};

/// Microseconds of a day and of a second.
const DAY: i64 = 86_400 * SECOND;
const SECOND: i64 = 1_000_000;

/// A date or time; zones as seconds west of UTC.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Date(i32),
    Time(i64),
    TimeTz(i64, i32),
    /// Local time.
    Timestamp(i64),
    /// UTC, and the zone it was written in.
    TimestampTz(i64, i32),
}

impl Moment {
    /// What is given: a date, a time of day, or both; a zone only with a time. 22007.
    fn new(parts: &Parts) -> Result<Moment> {
        Ok(match (parts.days, parts.time, parts.west) {
            (Some(days), None, None) => Moment::Date(days),
            (None, Some(time), None) => Moment::Time(time),
            (None, Some(time), Some(west)) => Moment::TimeTz(time, west),
            (Some(days), Some(time), None) => Moment::Timestamp(i64::from(days) * DAY + time),
            (Some(days), Some(time), Some(west)) => {
                Moment::TimestampTz(i64::from(days) * DAY + time + i64::from(west) * SECOND, west)
            }
            (Some(_), None, Some(_)) => {
                return Err(Error::new(SqlState::INVALID_DATETIME_FORMAT, "datetime format is zoned but not timed"));
            }
            (None, None, _) => {
                return Err(Error::new(
                    SqlState::INVALID_DATETIME_FORMAT,
                    "datetime format is not dated and not timed",
                ));
            }
        })
    }

    /// What `.type()` says.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Moment::Date(_) => "date",
            Moment::Time(_) => "time without time zone",
            Moment::TimeTz(..) => "time with time zone",
            Moment::Timestamp(_) => "timestamp without time zone",
            Moment::TimestampTz(..) => "timestamp with time zone",
        }
    }

    /// The text in JSON: ISO 8601.
    fn text(&self) -> Result<String> {
        let settings = FormatSettings::default();
        let mut out = String::new();
        match self {
            Moment::Date(days) => write_date(*days, &settings, &mut out)?,
            Moment::Time(time) | Moment::TimeTz(time, _) => write_time(*time, &settings, &mut out)?,
            Moment::Timestamp(local) => write_timestamp(*local, &settings, &mut out)?,
            Moment::TimestampTz(utc, west) => write_timestamp(utc - i64::from(*west) * SECOND, &settings, &mut out)?,
        }
        if matches!(self, Moment::Timestamp(_) | Moment::TimestampTz(..)) {
            out = out.replacen(' ', "T", 1);
        }
        if let Moment::TimeTz(_, west) | Moment::TimestampTz(_, west) = self {
            write_offset(*west, &mut out);
        }
        Ok(out)
    }
}

fn write_offset(west: i32, out: &mut String) {
    let seconds = west.unsigned_abs();
    out.push(if west > 0 { '-' } else { '+' });
    out.push_str(&format!("{:02}:{:02}", seconds / 3600, seconds / 60 % 60));
    if !seconds.is_multiple_of(60) {
        out.push_str(&format!(":{:02}", seconds % 60));
    }
}

impl<'a> Evaluation<'a> {
    /// The date or time that a string is, by a template or in one of the ISO forms.
    pub(super) fn datetime(&self, item: &Jsonb, template: Option<&str>) -> Result<Item<'a>, Fault> {
        let code = SqlState::INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION;
        let Jsonb::String(text) = item else {
            return Err(soft(code, "jsonpath item method .datetime() can only be applied to a string"));
        };
        let parts = match template {
            Some(template) => read_parts(text, template).map_err(Fault::Soft)?,
            None => Scanner { rest: text }.iso().ok_or_else(|| {
                let error = Error::new(code, format!("datetime format is not recognized: \"{text}\""));
                Fault::Soft(error.hint("Use a datetime template argument to specify the input data format."))
            })?,
        };
        let moment = Moment::new(&parts).map_err(Fault::Soft)?;
        let text = moment.text().map_err(Fault::Soft)?;
        Ok(Item { json: Cow::Owned(Jsonb::String(text.into())), moment: Some(moment) })
    }

    /// The order of two moments; `None` for those that cannot be compared.
    pub(super) fn compare_moments(&self, a: &Moment, b: &Moment) -> Result<Option<Ordering>, Fault> {
        use Moment::{Date, Time, TimeTz, Timestamp, TimestampTz};
        Ok(Some(match (*a, *b) {
            (Date(a), Date(b)) => a.cmp(&b),
            (Time(a), Time(b)) | (Timestamp(a), Timestamp(b)) => a.cmp(&b),
            (TimestampTz(a, _), TimestampTz(b, _)) => a.cmp(&b),
            (TimeTz(a, a_west), TimeTz(b, b_west)) => compare_timetz((a, a_west), (b, b_west)),
            (Date(days), Timestamp(other)) => compare_date(days, other, Clock::Local),
            (Date(days), TimestampTz(other, _)) => {
                self.needs_zone("date", "timestamptz")?;
                compare_date(days, other, Clock::Zone(&self.env.format().time_zone))
            }
            (Timestamp(local), TimestampTz(utc, _)) => {
                self.needs_zone("timestamp", "timestamptz")?;
                compare_timestamp(local, utc, &self.env.format().time_zone)
            }
            (Time(time), TimeTz(other, west)) => {
                self.needs_zone("time", "timetz")?;
                let now = self.env.transaction_timestamp().div_euclid(SECOND);
                let own_west = -zone::offset_at(&self.env.format().time_zone, now);
                compare_timetz((time, own_west), (other, west))
            }
            (Timestamp(_) | TimestampTz(..), Date(_)) | (TimestampTz(..), Timestamp(_)) | (TimeTz(..), Time(_)) => {
                return Ok(self.compare_moments(b, a)?.map(Ordering::reverse));
            }
            _ => return Ok(None),
        }))
    }

    /// 0A000 unless the caller allowed conversions that depend on the session's time zone.
    fn needs_zone(&self, from: &str, to: &str) -> Result<(), Fault> {
        if self.zoned {
            return Ok(());
        }
        let message = format!("cannot convert value from {from} to {to} without time zone usage");
        let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
        Err(Fault::Hard(error.hint("Use *_tz() function for time zone support.")))
    }
}

/// Reads the forms that need no template: `date`, `time`, both, with a zone behind a time.
struct Scanner<'t> {
    rest: &'t str,
}

impl Scanner<'_> {
    fn iso(mut self) -> Option<Parts> {
        let mut parts = Parts { days: None, time: None, west: None };
        let start = self.rest;
        parts.days = self.date();
        if parts.days.is_none() {
            self.rest = start;
        }
        if parts.days.is_none() || self.accept(' ') || self.accept('T') {
            parts.time = Some(self.time()?);
            parts.west = self.zone()?;
        }
        self.rest.is_empty().then_some(parts)
    }

    fn accept(&mut self, c: char) -> bool {
        let after = self.rest.strip_prefix(c);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn number(&mut self) -> Option<i32> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().ok()
    }

    /// Three numbers with a sign between them.
    fn triple(&mut self, sign: char) -> Option<[i32; 3]> {
        let first = self.number()?;
        let second = self.accept(sign).then(|| self.number())??;
        let third = self.accept(sign).then(|| self.number())??;
        Some([first, second, third])
    }

    fn date(&mut self) -> Option<i32> {
        let [year, month, day] = self.triple('-')?;
        make_date(year, month, day).ok()
    }

    fn time(&mut self) -> Option<i64> {
        let [hour, minute, second] = self.triple(':')?;
        make_time(hour, minute, f64::from(second)).ok().filter(|time| *time < DAY)
    }

    /// `+03`, `-05:30`; nothing is no zone.
    fn zone(&mut self) -> Option<Option<i32>> {
        let east = if self.accept('+') {
            1
        } else if self.accept('-') {
            -1
        } else {
            return Some(None);
        };
        let hours = self.number()?;
        let minutes = if self.accept(':') { self.number()? } else { 0 };
        Some(Some(-east * (hours * 3600 + minutes * 60)))
    }
}
