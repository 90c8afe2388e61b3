//! The proleptic Gregorian calendar on integers, over all of PostgreSQL's range (4713 BC to 5874897 AD).
//!
//! Time zones are not known here. Years are astronomical: 0 is 1 BC, -4712 is 4713 BC.

use crate::Interval;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;
/// Seconds in a day.
pub const DAY_SECONDS: i64 = 86_400;
/// Days in a month where intervals have to be compared or scaled.
pub const MONTH_DAYS: i32 = 30;

/// Day number of 1970-01-01 in Julian days.
pub const UNIX_EPOCH_JULIAN: i32 = 2_440_588;
/// 2000-01-01 in days since 1970: PostgreSQL's own epoch, which its roundings are relative to.
pub const Y2000_DAYS: i32 = 10_957;
/// 2000-01-01 in microseconds since 1970.
pub const Y2000_MICROS: i64 = Y2000_DAYS as i64 * DAY;

/// The first date: Julian day 0, 4714-11-24 BC.
pub const MIN_DATE: i32 = -UNIX_EPOCH_JULIAN;
/// The last date: 5874897-12-31.
pub const MAX_DATE: i32 = 2_147_483_494 - UNIX_EPOCH_JULIAN - 1;
/// The first timestamp: 4714-11-24 00:00 BC.
pub const MIN_TIMESTAMP: i64 = MIN_DATE as i64 * DAY;
/// The last timestamp. PostgreSQL counts from 2000 and reaches the end of 294276; microseconds since 1970 in 64 bits
/// end at 294247-01-10 04:00:54.775806.
pub const MAX_TIMESTAMP: i64 = i64::MAX - 1;

/// `infinity` and `-infinity` of dates.
pub const DATE_INFINITY: i32 = i32::MAX;
/// `-infinity` of dates.
pub const DATE_NEG_INFINITY: i32 = i32::MIN;
/// `infinity` of timestamps.
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
/// `-infinity` of timestamps.
pub const TIMESTAMP_NEG_INFINITY: i64 = i64::MIN;

/// Days in a 400-year cycle of the calendar.
pub(super) const CYCLE_DAYS: i64 = 146_097;

/// A date and time of day, field by field, without a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical year.
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    /// 1 to 31.
    pub day: i32,
    /// 0 to 23; 24 only in a time of day that ends the day.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 59.
    pub second: i32,
    /// 0 to 999999.
    pub micros: i32,
}

impl Civil {
    /// The fields of microseconds since 1970-01-01 00:00 of the same clock.
    pub fn from_micros(micros: i64) -> Civil {
        Civil::new(micros.div_euclid(DAY), micros.rem_euclid(DAY))
    }

    /// The fields of a day and a time of day, which may lie outside the day.
    pub fn new(days: i64, time: i64) -> Civil {
        let (year, month, day) = civil_from_days(days + time.div_euclid(DAY));
        let mut civil = Civil { year, month, day, ..Civil::default() };
        civil.set_time(time.rem_euclid(DAY));
        civil
    }

    /// Replaces the time of day.
    pub fn set_time(&mut self, time: i64) {
        let seconds = time / SECOND;
        self.hour = (seconds / 3600) as i32;
        self.minute = (seconds / 60 % 60) as i32;
        self.second = (seconds % 60) as i32;
        self.micros = (time % SECOND) as i32;
    }

    /// Days since 1970-01-01.
    pub fn days(&self) -> i64 {
        days_from_civil(self.year, self.month, self.day)
    }

    /// Microseconds since midnight. Fields outside their usual ranges count as they are.
    pub fn time(&self) -> i64 {
        i64::from(self.hour) * HOUR
            + i64::from(self.minute) * MINUTE
            + i64::from(self.second) * SECOND
            + i64::from(self.micros)
    }

    /// Whole seconds since 1970-01-01 00:00 of the same clock.
    pub fn seconds(&self) -> i64 {
        self.days() * DAY_SECONDS + (self.time() - i64::from(self.micros)) / SECOND
    }

    /// Microseconds since 1970-01-01 00:00 of a clock `west` seconds behind this one; `None` outside PostgreSQL's range.
    pub fn to_micros(&self, west: i32) -> Option<i64> {
        if !is_valid_julian(self.year, self.month) {
            return None;
        }
        let micros = i128::from(self.days()) * i128::from(DAY) + i128::from(self.time());
        let utc = i64::try_from(micros + i128::from(west) * i128::from(SECOND)).ok()?;
        is_valid_timestamp(utc).then_some(utc)
    }

    /// Days since 1970-01-01, `None` outside the range of `date`.
    pub fn to_date(&self) -> Option<i32> {
        if !is_valid_julian(self.year, self.month) {
            return None;
        }
        i32::try_from(self.days()).ok().filter(|days| is_valid_date(*days))
    }
}

/// Whether a finite date is in range.
pub fn is_valid_date(days: i32) -> bool {
    (MIN_DATE..=MAX_DATE).contains(&days)
}

/// Whether a finite timestamp is in range.
pub fn is_valid_timestamp(micros: i64) -> bool {
    (MIN_TIMESTAMP..=MAX_TIMESTAMP).contains(&micros)
}

/// Whether a year and month are near enough to the calendar's range for arithmetic on day numbers.
pub fn is_valid_julian(year: i32, month: i32) -> bool {
    (year > -4713 || (year == -4713 && month >= 11)) && (year < 5_874_898 || (year == 5_874_898 && month < 6))
}

/// Whether February has 29 days.
pub fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days in a month of 1 to 12.
pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Months and days outside their ranges count on.
pub fn days_from_civil(year: i32, month: i32, day: i32) -> i64 {
    // Years that begin in March put the leap day last, so that months have a fixed start in the year.
    let months = i64::from(year) * 12 + i64::from(month) - 3;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let (cycle, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5;
    cycle * CYCLE_DAYS + year * 365 + year / 4 - year / 100 + day_of_year + i64::from(day) - 1 - 719_468
}

/// Astronomical year, month and day of days since 1970-01-01.
pub fn civil_from_days(days: i64) -> (i32, i32, i32) {
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(CYCLE_DAYS), days.rem_euclid(CYCLE_DAYS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = cycle * 400 + year + i64::from(month >= 10);
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year as i32, month as i32, day as i32)
}

/// Day of the week, Sunday 0.
pub fn weekday(days: i64) -> i32 {
    (days + 4).rem_euclid(7) as i32
}

/// Day of the week as ISO 8601 counts, Monday 1 to Sunday 7.
pub fn iso_weekday(days: i64) -> i32 {
    (days + 3).rem_euclid(7) as i32 + 1
}

/// Day of the year, from 1.
pub fn day_of_year(year: i32, month: i32, day: i32) -> i32 {
    (days_from_civil(year, month, day) - days_from_civil(year, 1, 1)) as i32 + 1
}

/// The Monday that begins week 1 of an ISO 8601 year: the week of 4 January.
pub fn iso_year_start(year: i32) -> i64 {
    let fourth = days_from_civil(year, 1, 4);
    fourth - i64::from(iso_weekday(fourth) - 1)
}

/// ISO 8601 year and week of a day.
pub fn iso_week(days: i64) -> (i32, i32) {
    // The Thursday of a week is in the year the week belongs to.
    let thursday = days + 4 - i64::from(iso_weekday(days));
    let (year, ..) = civil_from_days(thursday);
    (year, ((days - iso_year_start(year)) / 7) as i32 + 1)
}

/// The fields of an interval; all have the sign of the part they come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntervalFields {
    /// From months.
    pub years: i32,
    /// From months, -11 to 11.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// From microseconds, unlimited.
    pub hours: i64,
    /// -59 to 59.
    pub minutes: i32,
    /// -59 to 59.
    pub seconds: i32,
    /// -999999 to 999999.
    pub micros: i32,
}

impl From<&Interval> for IntervalFields {
    fn from(interval: &Interval) -> Self {
        IntervalFields {
            years: interval.months / 12,
            months: interval.months % 12,
            days: interval.days,
            hours: interval.micros / HOUR,
            minutes: (interval.micros / MINUTE % 60) as i32,
            seconds: (interval.micros / SECOND % 60) as i32,
            micros: (interval.micros % SECOND) as i32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_fields_agree() {
        let known = [(1970, 1, 1, 0), (2000, 3, 1, 11017), (-4713, 11, 24, -2_440_588), (5_874_897, 12, 31, MAX_DATE)];
        for (year, month, day, days) in known {
            assert_eq!(days_from_civil(year, month, day), i64::from(days));
            assert_eq!(civil_from_days(i64::from(days)), (year, month, day));
        }
        for days in (-2_440_588..4_000_000).step_by(37) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn weeks_follow_iso_8601() {
        let cases = [
            (2005, 1, 1, 2004, 53, 6),
            (2008, 12, 29, 2009, 1, 1),
            (2010, 1, 3, 2009, 53, 7),
            (2021, 1, 4, 2021, 1, 1),
        ];
        for (year, month, day, iso_year, week, weekday) in cases {
            let days = days_from_civil(year, month, day);
            assert_eq!((iso_week(days), iso_weekday(days)), ((iso_year, week), weekday));
        }
    }
}
