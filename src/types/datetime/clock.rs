//! The clock that gives a timestamp its fields: `timestamp` has its own, `timestamptz` that of a time zone.

use jiff::tz::TimeZone;

use super::calendar::{Civil, SECOND};
use super::zone;
use crate::{Error, Result, SqlState};

/// Converts between microseconds since 1970 and fields.
#[derive(Clone, Copy, Debug)]
pub enum Clock<'z> {
    /// The microseconds are local already: `timestamp`.
    Local,
    /// The microseconds are UTC, the fields those of a zone: `timestamptz`.
    Zone(&'z TimeZone),
}

impl Clock<'_> {
    /// The fields of a finite timestamp.
    pub fn civil(self, micros: i64) -> Civil {
        self.civil_and_offset(micros).0
    }

    /// The fields of a finite timestamp and the offset east of UTC in seconds.
    pub fn civil_and_offset(self, micros: i64) -> (Civil, i32) {
        match self {
            Clock::Local => (Civil::from_micros(micros), 0),
            Clock::Zone(zone) => zone::local(zone, micros),
        }
    }

    /// The timestamp with these fields; 22008 out of range.
    pub fn micros(self, civil: &Civil) -> Result<i64> {
        let micros = match self {
            Clock::Local => civil.to_micros(0),
            Clock::Zone(zone) => zone::utc(zone, civil),
        };
        micros.ok_or_else(timestamp_out_of_range)
    }

    /// The timestamp with these fields at a known offset east of UTC in seconds; 22008 out of range.
    pub fn micros_at(self, civil: &Civil, east: i32) -> Result<i64> {
        civil.to_micros(-east).ok_or_else(timestamp_out_of_range)
    }

    /// The zone's abbreviation at a timestamp; none on a local clock.
    pub fn abbreviation(self, micros: i64) -> Option<String> {
        match self {
            Clock::Local => None,
            Clock::Zone(zone) => Some(zone::info_at(zone, micros.div_euclid(SECOND)).abbreviation().to_owned()),
        }
    }
}

/// 22008 `timestamp out of range`.
#[cold]
pub fn timestamp_out_of_range() -> Error {
    Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range")
}

/// 22008 `interval out of range`.
#[cold]
pub fn interval_out_of_range() -> Error {
    Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, "interval out of range")
}

/// 22008 `date out of range`.
#[cold]
pub fn date_out_of_range() -> Error {
    Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, "date out of range")
}

/// 22008 `date out of range for timestamp`.
#[cold]
pub fn date_out_of_range_for_timestamp() -> Error {
    Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, "date out of range for timestamp")
}
