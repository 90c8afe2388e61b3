//! Decimal text of integers and object ids.

use crate::{Error, Result, SqlState};

/// What C's `isspace` takes for blank.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Text without C's blanks at either end.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii() && is_space(c as u8))
}

/// 22P02 `invalid input syntax for type …: "…"`.
pub(crate) fn invalid(name: &str, text: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type {name}: \"{text}\""))
}

/// 22003 `value "…" is out of range for type …`.
pub(crate) fn out_of_range(name: &str, text: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("value \"{text}\" is out of range for type {name}"))
}

macro_rules! signed {
    ($($(#[$doc:meta])* $function:ident: $int:ty = $name:literal;)*) => {
        $($(#[$doc])* pub fn $function(text: &str) -> Result<$int> {
            let value = parse(text, $name, <$int>::MIN.into())?;
            <$int>::try_from(value).map_err(|_| out_of_range($name, text))
        })*
    };
}

signed! {
    /// Reads a `smallint`; 22P02, 22003.
    input_int2: i16 = "smallint";
    /// Reads an `integer`; 22P02, 22003.
    input_int4: i32 = "integer";
    /// Reads a `bigint`; 22P02, 22003.
    input_int8: i64 = "bigint";
}

/// Reads blanks, a sign and digits. Digits beyond the type's range are out of range before anything after them is looked at.
fn parse(text: &str, name: &str, least: i64) -> Result<i64> {
    let bytes = text.as_bytes();
    let start = bytes.iter().position(|b| !is_space(*b)).unwrap_or(bytes.len());
    let (negative, digits) = match bytes[start..].split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, &bytes[start..]),
    };
    let mut value = 0i64;
    let mut read = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        // Negative numbers reach one further, so everything is summed up below zero.
        let next = value.checked_mul(10).and_then(|v| v.checked_sub(i64::from(digit)));
        value = next.filter(|next| *next >= least).ok_or_else(|| out_of_range(name, text))?;
        read += 1;
    }
    if read == 0 || !digits[read..].iter().all(|b| is_space(*b)) {
        return Err(invalid(name, text));
    }
    if negative { Ok(value) } else { value.checked_neg().ok_or_else(|| out_of_range(name, text)) }
}

/// Reads an `oid`: also a negative number, which counts down from 2^32, or written as one without a sign of 64 bits. 22P02, 22003.
pub fn input_oid(text: &str) -> Result<u32> {
    if let Ok(large) = trim(text).parse::<u64>()
        && (0xffff_ffff_8000_0000..).contains(&large)
    {
        return Ok(large as u32);
    }
    let value = parse(text, "oid", i64::MIN)?;
    match value {
        0..=0xffff_ffff => Ok(value as u32),
        -0x8000_0000..0 => Ok(value as i32 as u32),
        _ => Err(out_of_range("oid", text)),
    }
}

/// Reads what C's `strtoull(…, 0)` reads, for `xid`, `cid` and `xid8`: they take any text, as far as it is a number.
pub fn input_lenient(text: &str) -> u64 {
    let text = text.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8));
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match rest.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &rest[2..]),
        [b'0', ..] => (8, rest),
        _ => (10, rest),
    };
    let value = digits.chars().map_while(|c| c.to_digit(radix));
    let value =
        value.fold(0u64, |value, digit| value.saturating_mul(u64::from(radix)).saturating_add(u64::from(digit)));
    if negative { value.wrapping_neg() } else { value }
}
