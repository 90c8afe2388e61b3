//! Decimal text of `numeric`: what `numeric_in` reads and `numeric_out` writes.

use std::fmt;

use num_bigint::BigInt;

use super::{MAX_SCALE, Numeric, POW10, Repr, overflow, pow10};
use crate::{Error, Result, SqlState};

/// The pieces of a number's text: digits without sign and point, where the point is, what the exponent adds.
struct Scan<'a> {
    negative: bool,
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

fn invalid(text: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type numeric: \"{text}\""))
}

/// The bytes up to the first that is no digit, and the rest.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(bytes.len()))
}

/// Splits text without surrounding blanks; `None` when it is no number.
fn scan(text: &str) -> Option<Result<Scan<'_>>> {
    let bytes = text.as_bytes();
    let (negative, bytes) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    let (integer, rest) = digits(bytes);
    let (fraction, rest) = match rest.first() {
        Some(b'.') => digits(&rest[1..]),
        _ => (&rest[..0], rest),
    };
    if integer.is_empty() && fraction.is_empty() {
        return None;
    }
    let exponent = match rest.first() {
        None => 0,
        Some(b'e' | b'E') => match exponent(&rest[1..])? {
            Ok(exponent) => exponent,
            Err(error) => return Some(Err(error)),
        },
        Some(_) => return None,
    };
    Some(Ok(Scan { negative, integer, fraction, exponent }))
}

fn exponent(bytes: &[u8]) -> Option<Result<i64>> {
    let (negative, bytes) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    let (number, rest) = digits(bytes);
    if number.is_empty() || !rest.is_empty() {
        return None;
    }
    let value = number.iter().try_fold(0i64, |value, digit| {
        let value = value * 10 + i64::from(digit - b'0');
        (value < i64::from(i32::MAX / 2)).then_some(value)
    });
    Some(value.map(|value| if negative { -value } else { value }).ok_or_else(overflow))
}

impl Numeric {
    /// Reads a number, `NaN`, `Infinity` or `inf` with blanks around it; 22P02, and 22003 beyond numeric's limits.
    pub fn parse(text: &str) -> Result<Self> {
        let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
        match scan(trimmed) {
            Some(scan) => scan?.into_numeric(),
            None => special(trimmed).ok_or_else(|| invalid(text)),
        }
    }

    /// Appends the text of the value.
    pub fn write(&self, out: &mut String) {
        match &self.0 {
            Repr::Small { coefficient, scale: 0 } => out.push_str(itoa::Buffer::new().format(*coefficient)),
            Repr::Small { coefficient, scale } => {
                let mut buffer = itoa::Buffer::new();
                write_point(*coefficient < 0, buffer.format(coefficient.unsigned_abs()), usize::from(*scale), out);
            }
            Repr::Big(big) => {
                let digits = big.0.magnitude().to_str_radix(10);
                write_point(self.is_negative(), &digits, usize::from(big.1), out);
            }
            Repr::NaN => out.push_str("NaN"),
            Repr::Infinity => out.push_str("Infinity"),
            Repr::NegInfinity => out.push_str("-Infinity"),
        }
    }
}

fn special(text: &str) -> Option<Numeric> {
    let (negative, signed, word) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    match () {
        () if is("nan") && !signed => Some(Numeric::NAN),
        () if is("infinity") || is("inf") => Some(Numeric::infinity(negative)),
        () => None,
    }
}

impl Scan<'_> {
    fn into_numeric(self) -> Result<Numeric> {
        let scale = self.fraction.len() as i64 - self.exponent;
        if self.integer.len() + self.fraction.len() <= 18 && (0..=i64::from(MAX_SCALE)).contains(&scale) {
            let fold = |value: i64, digit: &u8| value * 10 + i64::from(digit - b'0');
            let value = self.fraction.iter().fold(self.integer.iter().fold(0, fold), fold);
            return Ok(Numeric::new(if self.negative { -value } else { value }, scale as u16));
        }
        self.into_big(scale)
    }

    /// The general case, which must refuse `1e999999999` before it multiplies.
    fn into_big(self, scale: i64) -> Result<Numeric> {
        let mut digits = [self.integer, self.fraction].concat();
        if digits.iter().all(|d| *d == b'0') {
            return Numeric::from_big(BigInt::default(), scale.max(0) as u64);
        }
        let leading = digits.iter().position(|d| *d != b'0').unwrap_or(0);
        digits.drain(..leading);
        if digits.len() as i64 - scale > super::MAX_INTEGER_DIGITS as i64 || scale > i64::from(MAX_SCALE) {
            return Err(overflow());
        }
        let mut coefficient = BigInt::parse_bytes(&digits, 10).ok_or_else(overflow)?;
        if scale < 0 {
            coefficient *= pow10(scale.unsigned_abs());
        }
        Numeric::from_big(if self.negative { -coefficient } else { coefficient }, scale.max(0) as u64)
    }
}

/// Writes digits with a point before the last `scale` of them.
fn write_point(negative: bool, digits: &str, scale: usize, out: &mut String) {
    if negative {
        out.push('-');
    }
    if scale == 0 {
        out.push_str(digits);
    } else if digits.len() > scale {
        let (integer, fraction) = digits.split_at(digits.len() - scale);
        out.push_str(integer);
        out.push('.');
        out.push_str(fraction);
    } else {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', scale - digits.len()));
        out.push_str(digits);
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

/// `coefficient / 10^scale` rendered into a stack buffer: the text of small values without allocation.
pub struct NumericText {
    bytes: [u8; 24],
    start: usize,
}

impl NumericText {
    /// The text of a value whose coefficient and scale are small, as almost all are.
    pub fn of(value: &Numeric) -> Option<Self> {
        let Repr::Small { coefficient, scale } = value.0 else { return None };
        if scale == 0 || scale > 18 {
            return None;
        }
        let mut text = NumericText { bytes: [0; 24], start: 24 };
        let magnitude = coefficient.unsigned_abs();
        let unit = POW10[usize::from(scale)].unsigned_abs();
        text.prepend(magnitude % unit, usize::from(scale));
        text.prepend_byte(b'.');
        text.prepend(magnitude / unit, 1);
        if coefficient < 0 {
            text.prepend_byte(b'-');
        }
        Some(text)
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn prepend_byte(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }

    fn prepend(&mut self, mut value: u64, width: usize) {
        let end = self.start;
        while value > 0 || end - self.start < width {
            self.prepend_byte(b'0' + (value % 10) as u8);
            value /= 10;
        }
    }
}
