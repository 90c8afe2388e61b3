//! `.datetime()`: texts as dates and times, and how these compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use dictdb_types::datetime::{
    Clock, compare_date, compare_timestamp, compare_timetz, write_date, write_time, write_timestamp, zone,
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
            None => FORMS.iter().find_map(|form| read_parts(text, form).ok()).ok_or_else(|| {
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

/// What a text may look like without a template: ISO 8601's forms, as PostgreSQL lists them.
const FORMS: [&str; 19] = [
    "yyyy-mm-dd",
    "HH24:MI:SS.USTZH:TZM",
    "HH24:MI:SS.USTZH",
    "HH24:MI:SSTZH:TZM",
    "HH24:MI:SSTZH",
    "HH24:MI:SS.US",
    "HH24:MI:SS",
    "yyyy-mm-dd HH24:MI:SS.USTZH:TZM",
    "yyyy-mm-dd HH24:MI:SS.USTZH",
    "yyyy-mm-dd HH24:MI:SSTZH:TZM",
    "yyyy-mm-dd HH24:MI:SSTZH",
    "yyyy-mm-dd HH24:MI:SS.US",
    "yyyy-mm-dd HH24:MI:SS",
    "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH:TZM",
    "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH",
    "yyyy-mm-dd\"T\"HH24:MI:SSTZH:TZM",
    "yyyy-mm-dd\"T\"HH24:MI:SSTZH",
    "yyyy-mm-dd\"T\"HH24:MI:SS.US",
    "yyyy-mm-dd\"T\"HH24:MI:SS",
];
