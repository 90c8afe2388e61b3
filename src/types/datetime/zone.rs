//! Time zones: finding them by name, and converting between UTC and local clocks.
//!
//! The rules are jiff's bundled IANA database. Years past those jiff knows repeat the Gregorian cycle of 400 years, as
//! PostgreSQL's time zone library extrapolates. Abbreviations such as `PST` are in `abbreviation`.

use jiff::Timestamp;
pub use jiff::tz::TimeZone;
use jiff::tz::{AmbiguousOffset, Offset, TimeZoneDatabase, TimeZoneOffsetInfo};

use super::abbreviation::{self, Abbreviation};
use super::calendar::{CYCLE_DAYS, Civil, DAY, DAY_SECONDS, SECOND};
use super::posix_zone;
use crate::{Error, Result, SqlState};

const CYCLE_SECONDS: i64 = CYCLE_DAYS * DAY_SECONDS;
/// Instants at or after this one (year 9000) are looked up in an earlier cycle.
const CYCLED_FROM_SECONDS: i64 = 221_845_392_000;
/// Two changes a year for longer than any zone's history.
pub(super) const MAX_TRANSITIONS: usize = 1000;

/// What `AT TIME ZONE` and its functions may name.
#[derive(Clone, Debug)]
pub enum ZoneSpec {
    /// An abbreviation that always means this many seconds east of UTC.
    Fixed(i32),
    /// An abbreviation whose meaning changed over time, in upper case, and the zone that decides.
    Dynamic(String, TimeZone),
    /// A full name or a POSIX specification.
    Named(TimeZone),
}

impl ZoneSpec {
    /// Reads a zone as `AT TIME ZONE` does: abbreviations first, then names. 22023 when there is no such zone.
    pub fn parse(text: &str) -> Result<ZoneSpec> {
        match abbreviation::lookup(&text.to_ascii_lowercase()) {
            Some(Abbreviation::Fixed { east, .. }) => Ok(ZoneSpec::Fixed(east)),
            Some(Abbreviation::Dynamic(zone)) => Ok(ZoneSpec::Dynamic(text.to_ascii_uppercase(), dynamic_zone(zone)?)),
            None => Ok(ZoneSpec::Named(require(text)?)),
        }
    }

    /// Seconds east of UTC at an instant, in seconds since 1970 UTC.
    pub fn offset_at(&self, utc_seconds: i64) -> i32 {
        match self {
            ZoneSpec::Fixed(east) => *east,
            ZoneSpec::Named(zone) => offset_at(zone, utc_seconds),
            ZoneSpec::Dynamic(name, zone) => match abbreviation::meaning_at(name, zone, utc_seconds) {
                Some((east, _)) => east,
                None => offset_at(zone, utc_seconds),
            },
        }
    }

    /// Seconds east of UTC at a local time, in seconds since 1970 of the local clock.
    pub fn offset_of_local(&self, local_seconds: i64) -> i32 {
        match self {
            ZoneSpec::Fixed(east) => *east,
            ZoneSpec::Named(zone) => offset_of_local(zone, local_seconds),
            ZoneSpec::Dynamic(name, zone) => {
                let east = offset_of_local(zone, local_seconds);
                abbreviation::meaning_at(name, zone, local_seconds - i64::from(east)).map_or(east, |(east, _)| east)
            }
        }
    }
}

/// The zone with this name, in any case, or made by this POSIX specification.
pub fn find(name: &str) -> Option<TimeZone> {
    if name.eq_ignore_ascii_case("Etc/Unknown") {
        return None;
    }
    TimeZoneDatabase::bundled().get(name).ok().or_else(|| posix_zone::parse(name))
}

/// The zone with this name; 22023 when there is none.
pub fn require(name: &str) -> Result<TimeZone> {
    find(name)
        .ok_or_else(|| Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized")))
}

/// The zone behind a dynamic abbreviation.
pub(super) fn dynamic_zone(name: &str) -> Result<TimeZone> {
    find(name).ok_or_else(|| Error::internal(format!("time zone \"{name}\" not recognized")))
}

/// The zone a value of the setting `TimeZone` means, with the name `SHOW` answers. Besides names this takes a number
/// of hours east of UTC. `None`: invalid value.
pub fn from_setting(text: &str) -> Option<(TimeZone, String)> {
    let digits = text.trim_start();
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    if let (true, Ok(hours)) = (numeric, digits.parse::<f64>()) {
        return from_west((-hours * 3600.0) as i32);
    }
    let zone = find(text)?;
    let name = zone.iana_name().map_or_else(|| text.to_ascii_uppercase(), str::to_owned);
    Some((zone, name))
}

/// A zone at a fixed offset in seconds west of UTC, with PostgreSQL's name for it: `<-05>+05`.
pub fn from_west(west: i32) -> Option<(TimeZone, String)> {
    let (sign, inverse) = if west > 0 { ('-', '+') } else { ('+', '-') };
    let seconds = west.unsigned_abs();
    let mut offset = format!("{:02}", seconds / 3600);
    if !seconds.is_multiple_of(3600) {
        offset.push_str(&format!(":{:02}", seconds / 60 % 60));
    }
    if !seconds.is_multiple_of(60) {
        offset.push_str(&format!(":{:02}", seconds % 60));
    }
    let name = format!("<{sign}{offset}>{inverse}{offset}");
    let zone = posix_zone::fixed(&name, &format!("{sign}{offset}"), west.checked_neg()?)?;
    Some((zone, name))
}

/// Seconds east of UTC at an instant, in seconds since 1970 UTC.
pub fn offset_at(zone: &TimeZone, utc_seconds: i64) -> i32 {
    zone.to_offset(instant(utc_seconds)).seconds()
}

/// Offset, abbreviation and daylight saving at an instant, in seconds since 1970 UTC.
pub fn info_at(zone: &TimeZone, utc_seconds: i64) -> TimeZoneOffsetInfo<'_> {
    zone.to_offset_info(instant(utc_seconds))
}

/// Seconds east of UTC when the local clock shows this many seconds since 1970.
///
/// A time that a change of offset skips counts with the offset before the change; one that occurs twice is the later.
pub fn offset_of_local(zone: &TimeZone, local_seconds: i64) -> i32 {
    let civil = Offset::UTC.to_datetime(instant(local_seconds));
    let offset = match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, .. } => before,
        AmbiguousOffset::Fold { after, .. } => after,
    };
    offset.seconds()
}

/// The local fields of an instant in microseconds since 1970 UTC, and seconds east of UTC.
pub fn local(zone: &TimeZone, utc: i64) -> (Civil, i32) {
    let east = offset_at(zone, utc.div_euclid(SECOND));
    (Civil::new(utc.div_euclid(DAY), utc.rem_euclid(DAY) + i64::from(east) * SECOND), east)
}

/// Microseconds since 1970 UTC of local fields; `None` out of range.
pub fn utc(zone: &TimeZone, local: &Civil) -> Option<i64> {
    local.to_micros(-offset_of_local(zone, local.seconds()))
}

/// Seconds east of UTC of a zone that never changed its offset.
pub fn constant_offset(zone: &TimeZone) -> Option<i32> {
    let first = zone.to_offset(Timestamp::MIN);
    let mut changes = zone.following(Timestamp::MIN).take(MAX_TRANSITIONS);
    changes.all(|change| change.offset() == first).then(|| first.seconds())
}

/// An instant jiff can hold that falls on the same rule.
pub(super) fn instant(seconds: i64) -> Timestamp {
    let seconds = match seconds {
        s if s >= CYCLED_FROM_SECONDS => s - ((s - CYCLED_FROM_SECONDS) / CYCLE_SECONDS + 1) * CYCLE_SECONDS,
        s => s.max(Timestamp::MIN.as_second()),
    };
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// One row of `pg_timezone_names`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneName {
    /// Full name.
    pub name: String,
    /// Abbreviation in force.
    pub abbreviation: String,
    /// Seconds east of UTC.
    pub east: i32,
    /// Daylight saving time.
    pub dst: bool,
}

/// Every zone by name, with what is in force at an instant in microseconds since 1970 UTC.
pub fn names_at(utc: i64) -> Vec<ZoneName> {
    let database = TimeZoneDatabase::bundled();
    let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
    let row = |name: String| {
        let zone = find(&name)?;
        let info = info_at(&zone, utc.div_euclid(SECOND));
        let (abbreviation, east, dst) = (info.abbreviation().to_owned(), info.offset().seconds(), info.dst().is_dst());
        Some(ZoneName { name, abbreviation, east, dst })
    };
    names.into_iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_canonical_names() {
        let cases = [
            ("america/new_york", "America/New_York"),
            ("utc", "UTC"),
            ("foo8bar", "FOO8BAR"),
            ("-5.5", "<-05:30>+05:30"),
        ];
        for (text, name) in cases {
            assert_eq!(from_setting(text).map(|(_, name)| name).as_deref(), Some(name), "{text}");
        }
        assert!(from_setting("Mars/Phobos").is_none());
    }

    #[test]
    fn gaps_and_folds_resolve_as_in_postgresql() {
        let zone = find("America/New_York").expect("bundled");
        let seconds =
            |month, day, hour| Civil { year: 2024, month, day, hour, minute: 30, ..Civil::default() }.seconds();
        for (local, east) in
            [(seconds(3, 10, 1), -5), (seconds(3, 10, 2), -5), (seconds(3, 10, 3), -4), (seconds(11, 3, 1), -5)]
        {
            assert_eq!(offset_of_local(&zone, local), east * 3600);
        }
    }

    #[test]
    fn far_years_repeat_the_rules() {
        let zone = find("America/New_York").expect("bundled");
        let civil = |year, month| Civil { year, month, day: 1, ..Civil::default() }.seconds();
        assert_eq!(offset_of_local(&zone, civil(200_000, 7)), -4 * 3600);
        assert_eq!(offset_of_local(&zone, civil(294_000, 1)), -5 * 3600);
        assert_eq!(offset_of_local(&zone, civil(-4000, 1)), -17_762);
    }
}
