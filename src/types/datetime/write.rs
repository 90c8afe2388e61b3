//! Printing dates, times and timestamps in the four `DateStyle`s.

use super::calendar::{
    Civil, DATE_INFINITY, DATE_NEG_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, civil_from_days, weekday,
};
use super::zone;
use crate::{DateOrder, DateStyle, FormatSettings, Result};

/// Characters of an abbreviation that are printed.
const MAX_ABBREVIATION_CHARS: usize = 10;

pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Writes a `date`.
pub fn write_date(days: i32, settings: &FormatSettings, out: &mut String) -> Result<()> {
    match days {
        DATE_INFINITY => out.push_str("infinity"),
        DATE_NEG_INFINITY => out.push_str("-infinity"),
        _ => {
            let (year, month, day) = civil_from_days(i64::from(days));
            let separator = if settings.date_style == DateStyle::Postgres { '-' } else { '/' };
            date_fields(&Civil { year, month, day, ..Civil::default() }, settings, separator, out);
            era(year, out);
        }
    }
    Ok(())
}

/// Writes a `time`; the style does not matter.
pub fn write_time(micros: i64, _settings: &FormatSettings, out: &mut String) -> Result<()> {
    clock(&time_fields(micros), out);
    Ok(())
}

/// Writes a `timetz` with its own offset; `west` is in seconds.
pub fn write_timetz(micros: i64, west: i32, _settings: &FormatSettings, out: &mut String) -> Result<()> {
    clock(&time_fields(micros), out);
    write_offset(-west, out);
    Ok(())
}

/// Writes a `timestamp`.
pub fn write_timestamp(micros: i64, settings: &FormatSettings, out: &mut String) -> Result<()> {
    if !write_infinity(micros, out) {
        date_time(&Civil::from_micros(micros), settings, None, out);
    }
    Ok(())
}

/// Writes a `timestamptz` in the session's time zone.
pub fn write_timestamptz(micros: i64, settings: &FormatSettings, out: &mut String) -> Result<()> {
    if !write_infinity(micros, out) {
        let (civil, east) = zone::local(&settings.time_zone, micros);
        date_time(&civil, settings, Some((micros, east)), out);
    }
    Ok(())
}

fn write_infinity(micros: i64, out: &mut String) -> bool {
    match micros {
        TIMESTAMP_INFINITY => out.push_str("infinity"),
        TIMESTAMP_NEG_INFINITY => out.push_str("-infinity"),
        _ => return false,
    }
    true
}

/// The fields of a time of day; 24:00 keeps its hour.
fn time_fields(micros: i64) -> Civil {
    let mut civil = Civil::default();
    civil.set_time(micros);
    civil
}

/// Prints a timestamp; `zoned` is the instant and its offset east of UTC in seconds.
fn date_time(civil: &Civil, settings: &FormatSettings, zoned: Option<(i64, i32)>, out: &mut String) {
    if settings.date_style == DateStyle::Postgres {
        postgres_date_time(civil, settings, out);
    } else {
        date_fields(civil, settings, '/', out);
        out.push(' ');
        clock(civil, out);
    }
    if let Some((instant, east)) = zoned {
        if settings.date_style == DateStyle::Iso {
            write_offset(east, out);
        } else {
            out.push(' ');
            let info = zone::info_at(&settings.time_zone, instant.div_euclid(super::calendar::SECOND));
            out.extend(info.abbreviation().chars().take(MAX_ABBREVIATION_CHARS));
        }
    }
    era(civil.year, out);
}

/// `Sat Jan 31 12:00:00 2026`.
fn postgres_date_time(civil: &Civil, settings: &FormatSettings, out: &mut String) {
    out.push_str(WEEKDAYS[weekday(civil.days()) as usize % 7]);
    out.push(' ');
    let month = MONTHS[(civil.month - 1) as usize % 12];
    if settings.date_order == DateOrder::Dmy {
        digits(civil.day, 2, out);
        out.push(' ');
        out.push_str(month);
    } else {
        out.push_str(month);
        out.push(' ');
        digits(civil.day, 2, out);
    }
    out.push(' ');
    clock(civil, out);
    out.push(' ');
    digits(display_year(civil.year), 4, out);
}

/// Year, month and day as numbers; `separator` where the style has none of its own.
fn date_fields(civil: &Civil, settings: &FormatSettings, separator: char, out: &mut String) {
    let year = display_year(civil.year);
    let (separator, fields) = match (settings.date_style, settings.date_order) {
        (DateStyle::Iso, _) => ('-', [(year, 4), (civil.month, 2), (civil.day, 2)]),
        (DateStyle::German, _) => ('.', [(civil.day, 2), (civil.month, 2), (year, 4)]),
        (_, DateOrder::Dmy) => (separator, [(civil.day, 2), (civil.month, 2), (year, 4)]),
        _ => (separator, [(civil.month, 2), (civil.day, 2), (year, 4)]),
    };
    for (index, (value, width)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(separator);
        }
        digits(value, width, out);
    }
}

fn display_year(year: i32) -> i32 {
    if year > 0 { year } else { 1 - year }
}

fn era(year: i32, out: &mut String) {
    if year <= 0 {
        out.push_str(" BC");
    }
}

/// `hh:mm:ss[.ffffff]`.
fn clock(civil: &Civil, out: &mut String) {
    digits(civil.hour, 2, out);
    out.push(':');
    digits(civil.minute, 2, out);
    out.push(':');
    digits(civil.second, 2, out);
    write_fraction(civil.micros, out);
}

/// `.ffffff` without trailing zeros; nothing for zero.
pub(super) fn write_fraction(micros: i32, out: &mut String) {
    if micros != 0 {
        out.push('.');
        digits(micros, 6, out);
        out.truncate(out.trim_end_matches('0').len());
    }
}

/// `±hh[:mm[:ss]]`.
pub(super) fn write_offset(east: i32, out: &mut String) {
    out.push(if east < 0 { '-' } else { '+' });
    let seconds = east.abs();
    digits(seconds / 3600, 2, out);
    if seconds % 3600 != 0 {
        out.push(':');
        digits(seconds / 60 % 60, 2, out);
    }
    if seconds % 60 != 0 {
        out.push(':');
        digits(seconds % 60, 2, out);
    }
}

/// A number that is not negative, with at least `width` digits.
pub(super) fn digits(value: i32, width: usize, out: &mut String) {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(value);
    for _ in text.len()..width {
        out.push('0');
    }
    out.push_str(text);
}
