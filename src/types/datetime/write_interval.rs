//! Printing intervals in the four `IntervalStyle`s.

use std::fmt::{self, Write};

use super::calendar::IntervalFields;
use super::write::{digits, write_fraction};
use crate::{Error, FormatSettings, Interval, IntervalStyle, Result};

/// Writes an `interval`.
pub fn write_interval(value: &Interval, settings: &FormatSettings, out: &mut String) -> Result<()> {
    let fields = IntervalFields::from(value);
    let written = match settings.interval_style {
        IntervalStyle::Postgres => postgres(&fields, out),
        IntervalStyle::PostgresVerbose => verbose(&fields, out),
        IntervalStyle::SqlStandard => sql_standard(&fields, out),
        IntervalStyle::Iso8601 => iso_8601(&fields, out),
    };
    written.map_err(|_| Error::internal("writing an interval failed"))
}

/// `1 year 2 mons -3 days +04:05:06`: each part has its own sign, a plus only after a negative part.
fn postgres(fields: &IntervalFields, out: &mut String) -> fmt::Result {
    let (mut empty, mut after_negative) = (true, false);
    for (value, unit) in [(fields.years, "year"), (fields.months, "mon"), (fields.days, "day")] {
        if value == 0 {
            continue;
        }
        let space = if empty { "" } else { " " };
        let plus = if after_negative && value > 0 { "+" } else { "" };
        write!(out, "{space}{plus}{value} {unit}{}", if value == 1 { "" } else { "s" })?;
        (empty, after_negative) = (false, value < 0);
    }
    if empty || has_time(fields) {
        let space = if empty { "" } else { " " };
        let sign = match (time_is_negative(fields), after_negative) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        write!(out, "{space}{sign}{:02}:{:02}:", fields.hours.unsigned_abs(), fields.minutes.abs())?;
        seconds(fields, 2, out);
    }
    Ok(())
}

/// `@ 1 year 2 mons 3 days 4 hours ago`: the first part's sign becomes `ago` for all of them.
fn verbose(fields: &IntervalFields, out: &mut String) -> fmt::Result {
    let (mut empty, mut ago) = (true, false);
    out.push('@');
    let parts = [
        (i64::from(fields.years), "year"),
        (i64::from(fields.months), "mon"),
        (i64::from(fields.days), "day"),
        (fields.hours, "hour"),
        (i64::from(fields.minutes), "min"),
    ];
    for (value, unit) in parts.into_iter().filter(|(value, _)| *value != 0) {
        if empty {
            ago = value < 0;
        }
        let value = if ago { -value } else { value };
        write!(out, " {value} {unit}{}", if value == 1 { "" } else { "s" })?;
        empty = false;
    }
    if fields.seconds != 0 || fields.micros != 0 {
        let negative = fields.seconds < 0 || fields.micros < 0;
        if empty {
            ago = negative;
        }
        out.push_str(if negative == ago { " " } else { " -" });
        seconds(fields, 1, out);
        let singular = fields.seconds.abs() == 1 && fields.micros == 0;
        out.push_str(if singular { " sec" } else { " secs" });
        empty = false;
    }
    if empty {
        out.push_str(" 0");
    }
    if ago {
        out.push_str(" ago");
    }
    Ok(())
}

/// `1-2` or `3 4:05:06` with one sign; a value the standard cannot say gets a sign on each of its three parts.
fn sql_standard(fields: &IntervalFields, out: &mut String) -> fmt::Result {
    let months = i64::from(fields.years) * 12 + i64::from(fields.months);
    let days = i64::from(fields.days);
    let signs =
        [months.signum(), days.signum(), i64::from(has_time(fields)) * if time_is_negative(fields) { -1 } else { 1 }];
    let (negative, positive) = (signs.contains(&-1), signs.contains(&1));
    let year_month = months != 0;
    let day_time = days != 0 || has_time(fields);
    let (years, months) = (fields.years.abs(), fields.months.abs());
    let (days, hours, minutes) = (days.abs(), fields.hours.unsigned_abs(), fields.minutes.abs());
    if !negative && !positive {
        out.push('0');
        return Ok(());
    }
    if (negative && positive) || (year_month && day_time) {
        let sign = |sign: i64| if sign < 0 { '-' } else { '+' };
        let [month_sign, day_sign, time_sign] = signs.map(sign);
        write!(out, "{month_sign}{years}-{months} {day_sign}{days} {time_sign}{hours}:{minutes:02}:")?;
        seconds(fields, 2, out);
        return Ok(());
    }
    if negative {
        out.push('-');
    }
    if year_month {
        return write!(out, "{years}-{months}");
    }
    if days != 0 {
        write!(out, "{days} ")?;
    }
    write!(out, "{hours}:{minutes:02}:")?;
    seconds(fields, 2, out);
    Ok(())
}

/// `P1Y2M3DT4H5M6.7S`.
fn iso_8601(fields: &IntervalFields, out: &mut String) -> fmt::Result {
    if *fields == IntervalFields::default() {
        out.push_str("PT0S");
        return Ok(());
    }
    out.push('P');
    for (value, unit) in [(fields.years, 'Y'), (fields.months, 'M'), (fields.days, 'D')] {
        if value != 0 {
            write!(out, "{value}{unit}")?;
        }
    }
    if has_time(fields) {
        out.push('T');
    }
    for (value, unit) in [(fields.hours, 'H'), (i64::from(fields.minutes), 'M')] {
        if value != 0 {
            write!(out, "{value}{unit}")?;
        }
    }
    if fields.seconds != 0 || fields.micros != 0 {
        if fields.seconds < 0 || fields.micros < 0 {
            out.push('-');
        }
        seconds(fields, 1, out);
        out.push('S');
    }
    Ok(())
}

fn has_time(fields: &IntervalFields) -> bool {
    fields.hours != 0 || fields.minutes != 0 || fields.seconds != 0 || fields.micros != 0
}

fn time_is_negative(fields: &IntervalFields) -> bool {
    fields.hours < 0 || fields.minutes < 0 || fields.seconds < 0 || fields.micros < 0
}

/// Seconds and their fraction, without sign.
fn seconds(fields: &IntervalFields, width: usize, out: &mut String) {
    digits(fields.seconds.abs(), width, out);
    write_fraction(fields.micros.abs(), out);
}
