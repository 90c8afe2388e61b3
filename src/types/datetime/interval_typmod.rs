//! The type modifier of `interval`: which fields it keeps (`DAY TO SECOND`) and how many digits of a second.

use super::calendar;
use super::precision::round_micros;
use crate::{Error, Interval, Result, SqlState};

/// Bit of `MONTH` in the upper half of a modifier.
pub const MONTH: i32 = 1 << 1;
/// Bit of `YEAR`.
pub const YEAR: i32 = 1 << 2;
/// Bit of `DAY`.
pub const DAY: i32 = 1 << 3;
/// Bit of `HOUR`.
pub const HOUR: i32 = 1 << 10;
/// Bit of `MINUTE`.
pub const MINUTE: i32 = 1 << 11;
/// Bit of `SECOND`.
pub const SECOND: i32 = 1 << 12;
/// All fields: no restriction.
pub const FULL_RANGE: i32 = 0x7FFF;
/// The precision that stands for "not given".
pub const FULL_PRECISION: i32 = 0xFFFF;

const YEAR_TO_MONTH: i32 = YEAR | MONTH;
const DAY_TO_HOUR: i32 = DAY | HOUR;
const DAY_TO_MINUTE: i32 = DAY | HOUR | MINUTE;
const DAY_TO_SECOND: i32 = DAY | HOUR | MINUTE | SECOND;
const HOUR_TO_MINUTE: i32 = HOUR | MINUTE;
const HOUR_TO_SECOND: i32 = HOUR | MINUTE | SECOND;
const MINUTE_TO_SECOND: i32 = MINUTE | SECOND;

/// Packs fields and precision as PostgreSQL does.
pub const fn pack(precision: i32, range: i32) -> i32 {
    ((range & FULL_RANGE) << 16) | (precision & FULL_PRECISION)
}

/// The fields of a modifier; -1 has all.
pub const fn range(typmod: i32) -> i32 {
    if typmod < 0 { FULL_RANGE } else { (typmod >> 16) & FULL_RANGE }
}

/// The digits of a second in a modifier.
pub const fn precision(typmod: i32) -> i32 {
    if typmod < 0 { FULL_PRECISION } else { typmod & FULL_PRECISION }
}

/// Whether two fields with a colon are minutes and seconds.
pub(super) const fn minutes_first(range: i32) -> bool {
    range == MINUTE_TO_SECOND
}

/// Cuts off the fields below the last one the modifier names, and rounds seconds. 22023 for an impossible precision.
pub fn restrict(interval: Interval, typmod: i32) -> Result<Interval> {
    if typmod < 0 {
        return Ok(interval);
    }
    let restricted = match range(typmod) {
        YEAR => Interval { months: interval.months / 12 * 12, days: 0, micros: 0 },
        MONTH | YEAR_TO_MONTH => Interval { days: 0, micros: 0, ..interval },
        DAY => Interval { micros: 0, ..interval },
        HOUR | DAY_TO_HOUR => cut(interval, calendar::HOUR),
        MINUTE | HOUR_TO_MINUTE | DAY_TO_MINUTE => cut(interval, calendar::MINUTE),
        FULL_RANGE | SECOND | MINUTE_TO_SECOND | HOUR_TO_SECOND | DAY_TO_SECOND => interval,
        _ => return Err(Error::internal(format!("unrecognized interval typmod: {typmod}"))),
    };
    match precision(typmod) {
        FULL_PRECISION => Ok(restricted),
        digits @ 0..=6 => Ok(Interval { micros: round_micros(restricted.micros, digits), ..restricted }),
        digits => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("interval({digits}) precision must be between 0 and 6"),
        )),
    }
}

fn cut(interval: Interval, unit: i64) -> Interval {
    Interval { micros: interval.micros / unit * unit, ..interval }
}
