//! From the fields `to_date` and `to_timestamp` read to a date and time.

use dictdb_types::datetime::calendar::{Civil, UNIX_EPOCH_JULIAN, civil_from_days, days_in_month, iso_year_start};
use dictdb_types::{Error, Result, SqlState};

use super::date_template::Calendar;
use super::read_date::Reading;

/// Hours from UTC a zone can be.
const MAX_ZONE_HOURS: i32 = 15;

/// A date and time with what the template said about its zone and precision.
pub(super) struct Resolved {
    pub(super) civil: Civil,
    /// Seconds west of UTC.
    pub(super) west: Option<i32>,
    /// Digits of a fraction field.
    pub(super) precision: Option<i32>,
}

/// Combines the fields read from `text`. 22007 and 22008 where they make no date or time, 22009 for a zone too far away.
pub(super) fn resolve(reading: &Reading, text: &str) -> Result<Resolved> {
    let mut date = Date { year: 0, month: 1, day: 1, year_given: false, month_given: false, day_given: false };
    let mut civil = Civil::default();
    resolve_time(reading, &mut civil)?;
    date.resolve_year(reading);
    date.resolve_day(reading)?;
    date.check(text)?;
    let micros = i64::from(reading.millis) * 1000 + i64::from(reading.micros);
    let in_range = (0..24).contains(&civil.hour)
        && (0..60).contains(&civil.minute)
        && (0..60).contains(&civil.second)
        && (0..1_000_000).contains(&micros);
    if !in_range {
        return Err(out_of_range(text));
    }
    let field = |value: i64| i32::try_from(value).map_err(|_| out_of_range(text));
    civil.micros = field(micros)?;
    (civil.year, civil.month, civil.day) = (field(date.year)?, field(date.month)?, field(date.day)?);
    let precision = (reading.fraction_digits > 0).then_some(i32::from(reading.fraction_digits));
    Ok(Resolved { civil, west: zone(reading, text)?, precision })
}

#[cold]
fn out_of_range(text: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date/time field value out of range: \"{text}\""))
}

fn resolve_time(reading: &Reading, civil: &mut Civil) -> Result<()> {
    if reading.second_of_day != 0 {
        civil.hour = reading.second_of_day / 3600;
        civil.minute = reading.second_of_day % 3600 / 60;
        civil.second = reading.second_of_day % 60;
    }
    let given = |value: i32, otherwise: i32| if value != 0 { value } else { otherwise };
    civil.second = given(reading.second, civil.second);
    civil.minute = given(reading.minute, civil.minute);
    civil.hour = given(reading.hour, civil.hour);
    if !reading.twelve_hours {
        return Ok(());
    }
    if !(1..=12).contains(&civil.hour) {
        return Err(Error::new(
            SqlState::INVALID_DATETIME_FORMAT,
            format!("hour \"{}\" is invalid for the 12-hour clock", civil.hour),
        )
        .hint("Use the 24-hour clock, or give an hour between 1 and 12."));
    }
    civil.hour = civil.hour % 12 + if reading.pm != 0 { 12 } else { 0 };
    Ok(())
}

/// Seconds west of UTC of the zone fields.
fn zone(reading: &Reading, text: &str) -> Result<Option<i32>> {
    if reading.zone_sign == 0 {
        return Ok(None);
    }
    if !(0..=MAX_ZONE_HOURS).contains(&reading.zone_hours) || !(0..60).contains(&reading.zone_minutes) {
        return Err(Error::new(
            SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
            format!("time zone displacement out of range: \"{text}\""),
        ));
    }
    Ok(Some(-reading.zone_sign * (reading.zone_hours * 3600 + reading.zone_minutes * 60)))
}

/// A date while its fields come together; year 0 is 1 BC.
struct Date {
    year: i64,
    month: i64,
    day: i64,
    year_given: bool,
    month_given: bool,
    day_given: bool,
}

impl Date {
    /// The year from its digits and the century. The 21st century began in 2001, the 6th BC was from 600 to 501 BC.
    fn resolve_year(&mut self, reading: &Reading) {
        let bc = reading.bc != 0;
        let century = if bc { -i64::from(reading.century) } else { reading.century.into() };
        let year = i64::from(reading.year);
        self.year_given = reading.year != 0 || reading.century != 0;
        self.year = match (reading.year != 0, reading.century != 0) {
            (true, true) if reading.year_digits <= 2 => match year % 100 {
                0 => century * 100 + i64::from(century < 0),
                in_century if century >= 0 => in_century + (century - 1) * 100,
                in_century => (century + 1) * 100 - in_century + 1,
            },
            (true, _) => {
                let year = if bc { -year } else { year };
                if year < 0 { year + 1 } else { year }
            }
            (false, true) if century >= 0 => (century - 1) * 100 + 1,
            (false, true) => century * 100 + 1,
            (false, false) => self.year,
        };
    }

    fn set(&mut self, days: i64) {
        let (year, month, day) = civil_from_days(days);
        (self.year, self.month, self.day) = (year.into(), month.into(), day.into());
        (self.year_given, self.month_given, self.day_given) = (true, true, true);
    }

    /// The first day of the ISO year, if the year is any.
    fn iso_start(&self) -> i64 {
        iso_year_start(self.year.clamp(-10_000, 10_000_000) as i32)
    }

    fn resolve_day(&mut self, reading: &Reading) -> Result<()> {
        if reading.julian != 0 {
            self.set(i64::from(reading.julian) - i64::from(UNIX_EPOCH_JULIAN));
        }
        let iso = reading.calendar == Some(Calendar::IsoWeek);
        let mut year_day = i64::from(reading.year_day);
        let week = i64::from(reading.week);
        if week != 0 && iso {
            let monday = self.iso_start() + (week - 1) * 7;
            self.set(match reading.weekday {
                0 => monday,
                2.. => monday + i64::from(reading.weekday) - 2,
                _ => monday + 6,
            });
        } else if week != 0 {
            year_day = (week - 1) * 7 + 1;
        }
        let day = match reading.month_week {
            0 => reading.day.into(),
            week => (i64::from(week) - 1) * 7 + 1,
        };
        if day != 0 {
            (self.day, self.day_given) = (day, true);
        }
        if reading.month != 0 {
            (self.month, self.month_given) = (reading.month.into(), true);
        }
        if year_day != 0 && (self.month <= 1 || self.day <= 1) {
            self.resolve_year_day(year_day, iso, reading.bc != 0)?;
        }
        Ok(())
    }

    /// The day of the year fills in the month and day that were not given.
    fn resolve_year_day(&mut self, year_day: i64, iso: bool, bc: bool) -> Result<()> {
        if self.year == 0 && !bc {
            return Err(Error::new(
                SqlState::INVALID_DATETIME_FORMAT,
                "cannot calculate day of year without year information",
            ));
        }
        if iso {
            self.set(self.iso_start() + year_day - 1);
            return Ok(());
        }
        let (mut month, mut days_before) = (1, 0);
        while month <= 12 && year_day > days_before + self.days_in(month) {
            days_before += self.days_in(month);
            month += 1;
        }
        if self.month <= 1 {
            self.month = month;
        }
        if self.day <= 1 {
            self.day = year_day - days_before;
        }
        (self.month_given, self.day_given) = (true, true);
        Ok(())
    }

    fn days_in(&self, month: i64) -> i64 {
        days_in_month((self.year % 400) as i32, month as i32).into()
    }

    fn check(&self, text: &str) -> Result<()> {
        let month_wrong = self.month_given && !(1..=12).contains(&self.month);
        let day_wrong = self.day_given && !(1..=31).contains(&self.day);
        let all = self.year_given && self.month_given && self.day_given;
        if month_wrong || day_wrong || (all && self.day > self.days_in(self.month)) {
            return Err(out_of_range(text));
        }
        Ok(())
    }
}
