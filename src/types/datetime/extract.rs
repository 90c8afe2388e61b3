//! `extract` and `date_part`: one field of a value as a number.
//!
//! Both functions ask here; how the number is presented (`numeric` or `double precision`) is theirs.

use std::borrow::Cow;

use super::calendar::{
    self, Civil, DATE_INFINITY, DATE_NEG_INFINITY, DAY, DAY_SECONDS, HOUR, IntervalFields, MINUTE, SECOND,
    TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, UNIX_EPOCH_JULIAN, civil_from_days, day_of_year, iso_week, iso_weekday,
    weekday,
};
use super::clock::Clock;
use super::truncate::{not_recognized, not_supported};
use super::word::{Unit, lower};
use crate::{Interval, Numeric, Result};

/// The number a field has.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// A whole number.
    Whole(i64),
    /// Microseconds past the minute, shown as seconds.
    Second(i64),
    /// Microseconds past the minute, shown as milliseconds.
    Millisecond(i64),
    /// Microseconds since some start, shown as seconds.
    Epoch(i64),
    /// The length of an interval in seconds, with years of 365.25 and months of 30 days.
    IntervalEpoch(Interval),
    /// A Julian day with the time of day as its fraction.
    Julian {
        /// The day.
        day: i64,
        /// Microseconds since midnight.
        micros: i64,
    },
    /// The growing fields of an infinite value.
    Infinity {
        /// Whether it is `-infinity`.
        negative: bool,
    },
    /// The recurring fields of an infinite value.
    Null,
}

/// Four years of 365.25 days.
const FOUR_YEARS_DAYS: i64 = 1461;

impl Part {
    /// The number as `date_part` returns it, rounded as PostgreSQL does on its way; none for NULL.
    pub fn to_f64(self) -> Option<f64> {
        const SECOND: f64 = calendar::SECOND as f64;
        Some(match self {
            Part::Whole(value) => value as f64,
            Part::Second(micros) => (micros / calendar::SECOND) as f64 + (micros % calendar::SECOND) as f64 / SECOND,
            Part::Millisecond(micros) => {
                (micros / calendar::SECOND) as f64 * 1000.0 + (micros % calendar::SECOND) as f64 / 1000.0
            }
            Part::Epoch(micros) => micros as f64 / SECOND,
            Part::IntervalEpoch(interval) => {
                let day = DAY_SECONDS as f64;
                let years = 365.25 * day * f64::from(interval.months / 12);
                let months = 30.0 * day * f64::from(interval.months % 12);
                interval.micros as f64 / SECOND + years + months + day * f64::from(interval.days)
            }
            Part::Julian { day, micros } => day as f64 + micros as f64 / DAY as f64,
            Part::Infinity { negative: true } => f64::NEG_INFINITY,
            Part::Infinity { negative: false } => f64::INFINITY,
            Part::Null => return None,
        })
    }

    /// The number as `extract` returns it; none for NULL.
    pub fn to_numeric(self) -> Result<Option<Numeric>> {
        Ok(Some(match self {
            Part::Whole(value) => Numeric::new(value, 0),
            Part::Millisecond(micros) => Numeric::new(micros, 3),
            Part::Second(micros) | Part::Epoch(micros) => Numeric::new(micros, 6),
            Part::IntervalEpoch(interval) => {
                let (years, months) = (i64::from(interval.months / 12), i64::from(interval.months % 12));
                let quarter_days = FOUR_YEARS_DAYS * years + 4 * 30 * months + 4 * i64::from(interval.days);
                let micros = i128::from(quarter_days) * i128::from(DAY / 4) + i128::from(interval.micros);
                Numeric::from_i128(micros, 6)
            }
            Part::Julian { day, micros } => {
                Numeric::new(day, 0).add(&Numeric::new(micros, 0).div(&Numeric::new(DAY, 0))?)?
            }
            Part::Infinity { negative } => Numeric::infinity(negative),
            Part::Null => return Ok(None),
        }))
    }
}

/// A field of timestamps or dates, its name read once.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    name: Cow<'a, str>,
    unit: Unit,
    type_name: &'static str,
}

impl<'a> Field<'a> {
    fn parse(name: &'a str, type_name: &'static str) -> Result<Self> {
        let name = lower(name);
        match Unit::parse(&name) {
            Some(unit) => Ok(Field { name, unit, type_name }),
            None => Err(not_recognized(&name, type_name)),
        }
    }

    /// Reads a field (any case) of timestamps with a zone or without. 22023 for an unknown one.
    pub fn of_timestamps(name: &'a str, zoned: bool) -> Result<Self> {
        Self::parse(name, if zoned { "timestamp with time zone" } else { "timestamp without time zone" })
    }

    /// Reads a field (any case) of dates. 22023 for an unknown one.
    pub fn of_dates(name: &'a str) -> Result<Self> {
        Self::parse(name, "date")
    }

    /// The field of a timestamp. 0A000 if timestamps have it not.
    pub fn timestamp_part(&self, micros: i64, clock: Clock<'_>) -> Result<Part> {
        let unit = self.unit;
        let zoned = matches!(clock, Clock::Zone(_));
        let part = match micros {
            TIMESTAMP_INFINITY => infinite_part(unit, false, true),
            TIMESTAMP_NEG_INFINITY => infinite_part(unit, true, true),
            _ if unit == Unit::Epoch => Some(Part::Epoch(micros)),
            _ => {
                let (civil, east) = clock.civil_and_offset(micros);
                let of_clock = || clock_part(unit, civil.time() % HOUR, civil.hour);
                let of_zone = || zoned.then(|| zone_part(unit, east)).flatten();
                let julian = || (unit == Unit::Julian).then(|| julian_part(&civil));
                julian().or_else(|| date_part_of(unit, &civil)).or_else(of_clock).or_else(of_zone)
            }
        };
        part.ok_or_else(|| not_supported(&self.name, self.type_name))
    }

    /// The field of a date. 0A000 if dates have it not.
    pub fn date_part(&self, days: i32) -> Result<Part> {
        let unit = self.unit;
        let part = match days {
            DATE_INFINITY => infinite_part(unit, false, false),
            DATE_NEG_INFINITY => infinite_part(unit, true, false),
            _ => match unit {
                Unit::Epoch => Some(Part::Whole(i64::from(days) * DAY_SECONDS)),
                Unit::Julian => Some(Part::Whole(i64::from(days) + i64::from(UNIX_EPOCH_JULIAN))),
                _ => {
                    let (year, month, day) = civil_from_days(i64::from(days));
                    date_part_of(unit, &Civil { year, month, day, ..Civil::default() })
                }
            },
        };
        part.ok_or_else(|| not_supported(&self.name, self.type_name))
    }
}

/// A field (any case) of a timestamp. 22023 for an unknown field, 0A000 for one the type has not.
pub fn timestamp_part(field: &str, micros: i64, clock: Clock<'_>) -> Result<Part> {
    Field::of_timestamps(field, matches!(clock, Clock::Zone(_)))?.timestamp_part(micros, clock)
}

/// A field (any case) of a date. 22023 for an unknown field, 0A000 for one dates have not.
pub fn date_part(field: &str, days: i32) -> Result<Part> {
    Field::of_dates(field)?.date_part(days)
}

/// A field (any case) of a time of day; `west` is the offset of a `timetz` in seconds. 22023 for an unknown field,
/// 0A000 for one the type has not.
pub fn time_part(field: &str, micros: i64, west: Option<i32>) -> Result<Part> {
    let type_name = if west.is_some() { "time with time zone" } else { "time without time zone" };
    let name = lower(field);
    let unit = Unit::parse(&name).ok_or_else(|| not_recognized(&name, type_name))?;
    let part = match unit {
        Unit::Epoch => {
            let west = i64::from(west.unwrap_or(0));
            Some(Part::Epoch(micros + west * SECOND))
        }
        _ => clock_part(unit, micros % HOUR, (micros / HOUR) as i32)
            .or_else(|| west.and_then(|west| zone_part(unit, -west))),
    };
    part.ok_or_else(|| not_supported(&name, type_name))
}

/// A field (any case) of an interval. 22023 for an unknown field, 0A000 for one intervals have not.
pub fn interval_part(field: &str, interval: &Interval) -> Result<Part> {
    let name = lower(field);
    let unit = Unit::parse(&name).ok_or_else(|| not_recognized(&name, "interval"))?;
    let fields = IntervalFields::from(interval);
    let whole = |value: i32| Some(Part::Whole(value.into()));
    let part = match unit {
        Unit::Hour => Some(Part::Whole(fields.hours)),
        Unit::Day => whole(fields.days),
        Unit::Month => whole(fields.months),
        Unit::Quarter => whole(fields.months / 3 + 1),
        Unit::Year => whole(fields.years),
        Unit::Decade => whole(fields.years / 10),
        Unit::Century => whole(fields.years / 100),
        Unit::Millennium => whole(fields.years / 1000),
        Unit::Epoch => Some(Part::IntervalEpoch(*interval)),
        _ => clock_part(unit, interval.micros % HOUR, 0),
    };
    part.ok_or_else(|| not_supported(&name, "interval"))
}

fn date_part_of(unit: Unit, civil: &Civil) -> Option<Part> {
    let year = civil.year;
    let value = match unit {
        Unit::Day => civil.day,
        Unit::Month => civil.month,
        Unit::Quarter => (civil.month - 1) / 3 + 1,
        Unit::Week => iso_week(civil.days()).1,
        Unit::Year => without_zero(year),
        Unit::Decade => year.div_euclid(10),
        // There is no century or millennium zero either; the first begins with the year 1.
        Unit::Century if year > 0 => (year + 99) / 100,
        Unit::Century => -((100 - year) / 100),
        Unit::Millennium if year > 0 => (year + 999) / 1000,
        Unit::Millennium => -((1000 - year) / 1000),
        Unit::IsoYear => without_zero(iso_week(civil.days()).0),
        Unit::Dow => weekday(civil.days()),
        Unit::IsoDow => iso_weekday(civil.days()),
        Unit::Doy => day_of_year(year, civil.month, civil.day),
        _ => return None,
    };
    Some(Part::Whole(value.into()))
}

/// An astronomical year as people count: -1 is 1 BC.
fn without_zero(year: i32) -> i32 {
    if year > 0 { year } else { year - 1 }
}

fn julian_part(civil: &Civil) -> Part {
    Part::Julian { day: civil.days() + i64::from(UNIX_EPOCH_JULIAN), micros: civil.time() }
}

/// A field of a clock that is `micros` past the hour.
fn clock_part(unit: Unit, micros: i64, hour: i32) -> Option<Part> {
    let past_minute = micros % MINUTE;
    Some(match unit {
        Unit::Microsecond => Part::Whole(past_minute),
        Unit::Millisecond => Part::Millisecond(past_minute),
        Unit::Second => Part::Second(past_minute),
        Unit::Minute => Part::Whole(micros / MINUTE),
        Unit::Hour => Part::Whole(hour.into()),
        _ => return None,
    })
}

/// A field of an offset east of UTC in seconds.
fn zone_part(unit: Unit, east: i32) -> Option<Part> {
    let value = match unit {
        Unit::Zone => east,
        Unit::ZoneHour => east / 3600,
        Unit::ZoneMinute => east / 60 % 60,
        _ => return None,
    };
    Some(Part::Whole(value.into()))
}

/// A field of an infinite date or timestamp.
fn infinite_part(unit: Unit, negative: bool, timed: bool) -> Option<Part> {
    match unit {
        Unit::Year | Unit::Decade | Unit::Century | Unit::Millennium | Unit::Julian | Unit::IsoYear | Unit::Epoch => {
            Some(Part::Infinity { negative })
        }
        Unit::Day | Unit::Month | Unit::Quarter | Unit::Week | Unit::Dow | Unit::IsoDow | Unit::Doy => Some(Part::Null),
        Unit::Hour | Unit::Minute | Unit::Second | Unit::Millisecond | Unit::Microsecond if timed => Some(Part::Null),
        Unit::Zone | Unit::ZoneHour | Unit::ZoneMinute if timed => Some(Part::Null),
        _ => None,
    }
}
