//! `date_trunc` of timestamps and intervals.

use super::calendar::{Civil, HOUR, MINUTE, SECOND, civil_from_days, iso_weekday};
use super::clock::Clock;
use super::timestamp_math::is_finite_timestamp;
use super::word::{IntervalWord, Unit, interval_word, lower};
use crate::{Error, Interval, Result, SqlState};

/// The start of the unit (any case) a timestamp is in. `type_name` is for reports. Infinities stay.
/// 22023 for an unknown unit, 0A000 for one that cannot be truncated to, 22008 out of range.
pub fn truncate(unit: &str, micros: i64, clock: Clock<'_>, type_name: &str) -> Result<i64> {
    if !is_finite_timestamp(micros) {
        return Ok(micros);
    }
    Truncation::parse(unit, type_name)?.of(micros, clock)
}

/// A unit to truncate many timestamps to.
#[derive(Clone, Copy, Debug)]
pub struct Truncation(Unit);

impl Truncation {
    /// Reads a unit (any case). 22023 and 0A000 as [`truncate`].
    pub fn parse(unit: &str, type_name: &str) -> Result<Truncation> {
        let name = lower(unit);
        let Some(IntervalWord::Unit(unit)) = interval_word(&name) else { return Err(not_recognized(&name, type_name)) };
        start_of(unit, Civil::from_micros(0)).ok_or_else(|| not_supported(&name, type_name))?;
        Ok(Truncation(unit))
    }

    /// The start of the unit a timestamp is in; infinities stay. 22008 out of range.
    pub fn of(self, micros: i64, clock: Clock<'_>) -> Result<i64> {
        if !is_finite_timestamp(micros) {
            return Ok(micros);
        }
        let (civil, east) = clock.civil_and_offset(micros);
        let start = start_of(self.0, civil).unwrap_or(civil);
        // Within a day the offset is the one in force; the start of a longer unit may have another.
        if is_below_day(self.0) { clock.micros_at(&start, east) } else { clock.micros(&start) }
    }
}

fn is_below_day(unit: Unit) -> bool {
    matches!(unit, Unit::Hour | Unit::Minute | Unit::Second | Unit::Millisecond | Unit::Microsecond)
}

fn start_of(unit: Unit, civil: Civil) -> Option<Civil> {
    let Civil { year, month, day, hour, micros, .. } = civil;
    let midnight = |year, month, day| Civil { year, month, day, ..Civil::default() };
    Some(match unit {
        Unit::Microsecond => civil,
        Unit::Millisecond => Civil { micros: micros / 1000 * 1000, ..civil },
        Unit::Second => Civil { micros: 0, ..civil },
        Unit::Minute => Civil { second: 0, micros: 0, ..civil },
        Unit::Hour => Civil { hour, ..midnight(year, month, day) },
        Unit::Day => midnight(year, month, day),
        Unit::Week => {
            let days = civil.days();
            let (year, month, day) = civil_from_days(days + 1 - i64::from(iso_weekday(days)));
            midnight(year, month, day)
        }
        Unit::Month => midnight(year, month, 1),
        Unit::Quarter => midnight(year, (month - 1) / 3 * 3 + 1, 1),
        Unit::Year => midnight(year, 1, 1),
        Unit::Decade => midnight(year.div_euclid(10) * 10, 1, 1),
        Unit::Century => midnight((year - 1).div_euclid(100) * 100 + 1, 1, 1),
        Unit::Millennium => midnight((year - 1).div_euclid(1000) * 1000 + 1, 1, 1),
        _ => return None,
    })
}

/// An interval without what is smaller than the unit (any case). 22023 for an unknown unit, 0A000 for one that cannot
/// be truncated to.
pub fn truncate_interval(unit: &str, interval: &Interval) -> Result<Interval> {
    let name = lower(unit);
    let Some(IntervalWord::Unit(unit)) = interval_word(&name) else { return Err(not_recognized(&name, "interval")) };
    let months_to = |unit: i32| Interval { months: interval.months / unit * unit, days: 0, micros: 0 };
    let micros_to = |unit: i64| Interval { micros: interval.micros / unit * unit, ..*interval };
    let truncated = match unit {
        Unit::Millennium => months_to(12_000),
        Unit::Century => months_to(1200),
        Unit::Decade => months_to(120),
        Unit::Year => months_to(12),
        Unit::Quarter => months_to(3),
        Unit::Month => months_to(1),
        Unit::Day => Interval { micros: 0, ..*interval },
        Unit::Hour => micros_to(HOUR),
        Unit::Minute => micros_to(MINUTE),
        Unit::Second => micros_to(SECOND),
        Unit::Millisecond => micros_to(1000),
        Unit::Microsecond => *interval,
        Unit::Week => return Err(not_supported(&name, "interval").detail("Months usually have fractional weeks.")),
        _ => return Err(not_supported(&name, "interval")),
    };
    Ok(truncated)
}

/// 22023 for a unit that does not exist.
#[cold]
pub(super) fn not_recognized(unit: &str, type_name: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unit \"{unit}\" not recognized for type {type_name}"))
}

/// 0A000 for a unit that makes no sense here.
#[cold]
pub(super) fn not_supported(unit: &str, type_name: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("unit \"{unit}\" not supported for type {type_name}"))
}
