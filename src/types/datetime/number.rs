//! Numbers inside dates and times, read with the tolerance and the limits of C's `strtol` and `strtod`.

use super::fault::Fault;

/// Splits an optionally signed integer off the front. No digits read as zero with nothing consumed; a value beyond 64
/// bits is a [`Fault::Field`].
pub(super) fn leading_i64(text: &str) -> Result<(i64, &str), Fault> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return Ok((0, text));
    }
    let end = text.len() - digits.len() + count;
    let value = text[..end].parse().map_err(|_| Fault::Field)?;
    Ok((value, &text[end..]))
}

/// As [`leading_i64`] within 32 bits.
pub(super) fn leading_i32(text: &str) -> Result<(i32, &str), Fault> {
    let (value, rest) = leading_i64(text)?;
    Ok((i32::try_from(value).map_err(|_| Fault::Field)?, rest))
}

/// Reads `.` and digits to the end of the text, as a number below one. A lone point is zero.
pub(super) fn fraction(text: &str) -> Result<f64, Fault> {
    let digits = text.strip_prefix('.').ok_or(Fault::Format)?;
    if digits.is_empty() {
        return Ok(0.0);
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::Format);
    }
    text.parse().map_err(|_| Fault::Format)
}

/// Reads `.` and digits to the end of the text as microseconds, rounded; the result may be a whole second.
pub(super) fn fraction_micros(text: &str) -> Result<i32, Fault> {
    Ok(to_micros(fraction(text)?))
}

/// As [`fraction_micros`] but stops at the first character that is no digit.
pub(super) fn leading_fraction_micros(text: &str) -> i32 {
    let count = text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    text[..=count].parse().map_or(0, to_micros)
}

fn to_micros(fraction: f64) -> i32 {
    (fraction * 1_000_000.0).round_ties_even() as i32
}

/// The value of leading digits, zero where there are none, wrapping like nothing PostgreSQL would accept anyway.
pub(super) fn digits(text: &str) -> i32 {
    leading_i64(text).map_or(i32::MAX, |(value, _)| i32::try_from(value).unwrap_or(i32::MAX))
}
