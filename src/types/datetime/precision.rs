//! Rounding to the fractional digits a type modifier allows.

use super::calendar::{TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, Y2000_MICROS, is_valid_timestamp};
use crate::{Error, Result, SqlState};

/// Rounds microseconds to `digits` of a second, half away from zero. Six or more digits, or a negative number, leave
/// them as they are; so does a value too near the end of 64 bits.
pub fn round_micros(micros: i64, digits: i32) -> i64 {
    if !(0..6).contains(&digits) {
        return micros;
    }
    let unit = 10_i64.pow(6 - digits as u32);
    let half = unit / 2;
    let away = if micros >= 0 { micros.checked_add(half) } else { micros.checked_sub(half) };
    away.map_or(micros, |away| away / unit * unit)
}

/// Rounds a timestamp to the digits of its modifier. PostgreSQL rounds half away from 2000, its epoch.
/// 22023 for an impossible modifier.
pub fn scale_timestamp(micros: i64, typmod: i32) -> Result<i64> {
    if matches!(micros, TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY) || matches!(typmod, -1 | 6) {
        return Ok(micros);
    }
    if !(0..=6).contains(&typmod) {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("timestamp({typmod}) precision must be between 0 and 6"),
        ));
    }
    let rounded = micros.checked_sub(Y2000_MICROS).map_or(micros, |since| round_micros(since, typmod) + Y2000_MICROS);
    if is_valid_timestamp(rounded) { Ok(rounded) } else { Ok(micros) }
}
