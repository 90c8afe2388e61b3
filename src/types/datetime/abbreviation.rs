//! Time zone abbreviations: the table of PostgreSQL's default set, and those whose meaning changed over time.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;

use super::calendar::SECOND;
use super::zone;

/// What an abbreviation means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// Always this many seconds east of UTC.
    Fixed { east: i32, dst: bool },
    /// What this zone used it for at the time in question.
    Dynamic(&'static str),
}

static TABLE: LazyLock<HashMap<String, Abbreviation>> =
    LazyLock::new(|| include_str!("abbreviations.txt").lines().filter_map(entry).collect());

fn entry(line: &'static str) -> Option<(String, Abbreviation)> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next().filter(|name| *name != "#")?;
    let value = words.next()?;
    let meaning = match value.parse() {
        Ok(east) => Abbreviation::Fixed { east, dst: words.next() == Some("D") },
        Err(_) => Abbreviation::Dynamic(value),
    };
    Some((name.to_ascii_lowercase(), meaning))
}

/// Finds an abbreviation given in lower case.
pub(super) fn lookup(lower: &str) -> Option<Abbreviation> {
    TABLE.get(lower).copied()
}

/// The offset east of UTC, and whether it is daylight saving, that `name` (upper case) stands for in `zone`: its latest
/// use at or before the instant, else its first one after. `None` if the zone never used it.
pub(super) fn meaning_at(name: &str, zone: &TimeZone, utc_seconds: i64) -> Option<(i32, bool)> {
    let next_second = zone::instant(utc_seconds.saturating_add(1));
    let before = zone.preceding(next_second).find(|change| change.abbreviation() == name);
    let after = || zone.following(next_second).take(zone::MAX_TRANSITIONS).find(|change| change.abbreviation() == name);
    before.or_else(after).map(|change| (change.offset().seconds(), change.dst().is_dst()))
}

/// One row of `pg_timezone_abbrevs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbbreviationRow {
    /// The abbreviation, upper case.
    pub name: String,
    /// Seconds east of UTC.
    pub east: i32,
    /// Daylight saving time.
    pub dst: bool,
}

/// Every abbreviation in alphabetical order, with its meaning at an instant in microseconds since 1970 UTC.
pub fn abbreviations_at(utc: i64) -> Vec<AbbreviationRow> {
    let seconds = utc.div_euclid(SECOND);
    let mut rows: Vec<AbbreviationRow> = TABLE
        .iter()
        .map(|(lower, meaning)| {
            let name = lower.to_ascii_uppercase();
            let (east, dst) = match meaning {
                Abbreviation::Fixed { east, dst } => (*east, *dst),
                Abbreviation::Dynamic(zone) => dynamic_at(&name, zone, seconds),
            };
            AbbreviationRow { name, east, dst }
        })
        .collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn dynamic_at(name: &str, zone_name: &str, utc_seconds: i64) -> (i32, bool) {
    let Some(zone) = zone::find(zone_name) else { return (0, false) };
    meaning_at(name, &zone, utc_seconds).unwrap_or_else(|| {
        let info = zone::info_at(&zone, utc_seconds);
        (info.offset().seconds(), info.dst().is_dst())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_of_the_table_exists() {
        assert_eq!(TABLE.len(), 195);
        for (name, meaning) in TABLE.iter() {
            if let Abbreviation::Dynamic(zone) = meaning {
                assert!(zone::find(zone).is_some(), "{name} {zone}");
            }
        }
    }

    #[test]
    fn dynamic_abbreviations_follow_their_zone() {
        // MSK was three hours until 2011 and since 2014, four in between.
        let moscow = zone::find("Europe/Moscow").expect("bundled");
        for (at, east) in [(1_262_304_000, 3), (1_325_376_000, 4), (1_735_689_600, 3)] {
            assert_eq!(meaning_at("MSK", &moscow, at).map(|(east, _)| east), Some(east * 3600));
        }
        assert_eq!(meaning_at("XYZ", &moscow, 0), None);
    }
}
