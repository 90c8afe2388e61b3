//! POSIX time zone specifications as loosely as PostgreSQL reads them: `PST8PDT`, `<+05>-5`, `FOO+3:30`, even `+5`.
//!
//! Names are taken in upper case. Daylight saving without rules changes as in the United States since 2007.

use jiff::tz::TimeZone;

const DEFAULT_RULES: &str = ",M3.2.0,M11.1.0";
/// jiff's limit on offsets.
const MAX_OFFSET_SECONDS: i32 = 93_599;

/// The zone a specification describes; `None` if it is none, or if its offset is a day or more.
pub(super) fn parse(text: &str) -> Option<TimeZone> {
    let text = text.to_ascii_uppercase();
    let (standard, rest) = name(&text)?;
    let (west, rest) = offset(rest)?;
    if rest.is_empty() {
        return fixed(&text, standard, -west);
    }
    let (daylight, rest) = name(rest)?;
    if daylight.is_empty() {
        return None;
    }
    let (daylight_west, rules) = match rest.chars().next() {
        None | Some(',' | ';') => (west - 3600, rest),
        Some(_) => offset(rest)?,
    };
    let rules = if rules.is_empty() { DEFAULT_RULES.to_owned() } else { rules.replace(';', ",") };
    let (standard, daylight) = (posix_name(standard), posix_name(daylight));
    let canonical = format!("<{standard}>{}<{daylight}>{}{rules}", clock(west), clock(daylight_west));
    TimeZone::posix(&canonical).ok()
}

/// PostgreSQL takes any characters for an abbreviation, POSIX three or more letters, digits and signs: those are kept.
fn posix_name(name: &str) -> String {
    let kept: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-')).collect();
    format!("{kept:-<3}")
}

/// A zone that never changes, with a name and an abbreviation of its own.
pub(super) fn fixed(name: &str, abbreviation: &str, east: i32) -> Option<TimeZone> {
    if east.abs() > MAX_OFFSET_SECONDS || abbreviation.len() > 30 {
        return None;
    }
    TimeZone::tzif(name, &single_type_tzif(abbreviation, east)).ok()
}

/// The smallest time zone file (RFC 9636, version 1): no transitions, one local time type.
fn single_type_tzif(abbreviation: &str, east: i32) -> Vec<u8> {
    let mut file = b"TZif".to_vec();
    file.extend_from_slice(&[0; 16]);
    // Counts of UT indicators, standard indicators, leap seconds, transitions, types, abbreviation bytes.
    for count in [0, 0, 0, 0, 1, abbreviation.len() as u32 + 1] {
        file.extend_from_slice(&count.to_be_bytes());
    }
    file.extend_from_slice(&east.to_be_bytes());
    file.extend_from_slice(&[0, 0]);
    file.extend_from_slice(abbreviation.as_bytes());
    file.push(0);
    file
}

/// A name up to the offset, or between angle brackets.
fn name(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>'),
        None => {
            let end = text.find(|c: char| c.is_ascii_digit() || matches!(c, ',' | '-' | '+')).unwrap_or(text.len());
            Some(text.split_at(end))
        }
    }
}

/// An offset `[+-]hh[:mm[:ss]]` in seconds, west positive.
fn offset(text: &str) -> Option<(i32, &str)> {
    let (sign, text) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, mut text) = number(text, 167)?;
    let mut seconds = hours * 3600;
    for scale in [60, 1] {
        let Some(rest) = text.strip_prefix(':') else { break };
        let (value, rest) = number(rest, if scale == 60 { 59 } else { 60 })?;
        seconds += value * scale;
        text = rest;
    }
    Some((sign * seconds, text))
}

fn number(text: &str, max: i32) -> Option<(i32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let value = text[..end].parse().ok().filter(|value| *value <= max)?;
    Some((value, &text[end..]))
}

/// Seconds as POSIX writes an offset.
fn clock(west: i32) -> String {
    let (sign, seconds) = (if west < 0 { "-" } else { "" }, west.abs());
    format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::super::zone::{info_at, offset_at};
    use super::*;

    #[test]
    fn specifications_give_offsets_and_abbreviations() {
        // 1720000000 is in July 2024, 1700000000 in November 2023.
        let cases = [
            ("x5", 1_720_000_000, -18_000, "X"),
            ("+5", 1_720_000_000, -18_000, ""),
            ("<abc>-5:30", 1_720_000_000, 19_800, "ABC"),
            ("foo8bar", 1_720_000_000, -25_200, "BAR"),
            ("foo8bar", 1_700_000_000, -28_800, "FOO"),
            ("PST8PDT,M3.2.0,M11.1.0", 1_720_000_000, -25_200, "PDT"),
        ];
        for (text, at, east, abbreviation) in cases {
            let zone = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((offset_at(&zone, at), info_at(&zone, at).abbreviation()), (east, abbreviation), "{text}");
        }
        for text in ["", "abc", "x999", "<abc", "America/Nowhere"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
