//! Text of `real` and `double precision`: what C's `strtod` reads, and PostgreSQL's shortest text that reads back.
//!
//! `ryu` finds the shortest digits. PostgreSQL differs from it in one respect: a text that lies exactly half way to the
//! neighbouring float is not taken, even where it would read back.

use super::integer::{invalid, trim};
use crate::{Error, Result, SqlState};

const FLOAT8: &str = "double precision";
const FLOAT4: &str = "real";

/// Reads a `double precision`; 22P02, 22003.
pub fn input_float8(text: &str) -> Result<f64> {
    parse(text, FLOAT8, |number| number.parse::<f64>().ok(), |v| *v == 0.0, |v| v.is_infinite())
}

/// Reads a `real`; 22P02, 22003.
pub fn input_float4(text: &str) -> Result<f32> {
    parse(text, FLOAT4, |number| number.parse::<f32>().ok(), |v| *v == 0.0, |v| v.is_infinite())
}

/// Words are taken from the type itself; everything else is a number that must neither vanish nor overflow.
fn parse<T: From<f32>>(
    text: &str,
    name: &str,
    number: impl Fn(&str) -> Option<T>,
    is_zero: impl Fn(&T) -> bool,
    is_infinite: impl Fn(&T) -> bool,
) -> Result<T> {
    let trimmed = trim(text);
    let (negative, word) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        Some(_) => (false, trimmed),
        None => return Err(invalid(name, text)),
    };
    if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity") {
        return Ok(T::from(if negative { f32::NEG_INFINITY } else { f32::INFINITY }));
    }
    if is_nan(word) {
        return Ok(T::from(if negative { -f32::NAN } else { f32::NAN }));
    }
    let out_of_range = || {
        let message = format!("\"{text}\" is out of range for type {name}");
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    };
    if let Some(value) = hexadecimal(word) {
        let value =
            number(&format!("{}{value:e}", if negative { "-" } else { "" })).ok_or_else(|| invalid(name, text))?;
        return if is_infinite(&value) { Err(out_of_range()) } else { Ok(value) };
    }
    if !word.bytes().next().is_some_and(|b| b.is_ascii_digit() || b == b'.') {
        return Err(invalid(name, text));
    }
    let value = number(trimmed).ok_or_else(|| invalid(name, text))?;
    let vanished = || is_zero(&value) && mantissa(word).any(|digit| digit != b'0');
    if is_infinite(&value) || vanished() { Err(out_of_range()) } else { Ok(value) }
}

/// Reads the longest `double precision` that a text starts with, and what follows it; `None` when it starts with no
/// number. 22003.
pub fn input_float8_prefix(text: &str) -> Result<Option<(f64, &str)>> {
    let start = text.trim_start_matches(|c: char| c.is_ascii() && super::integer::is_space(c as u8));
    let sign = usize::from(start.starts_with(['-', '+']));
    let body = &start[sign..];
    let word = ["infinity", "inf", "nan"]
        .into_iter()
        .find(|word| body.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)));
    let len = word.map_or_else(|| decimal_len(body), str::len);
    if len == 0 {
        return Ok(None);
    }
    let (number, rest) = start.split_at(sign + len);
    input_float8(number).map(|value| Some((value, rest)))
}

/// Bytes of the decimal number that a text starts with.
fn decimal_len(text: &str) -> usize {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let integer = digits(0);
    let mut len = integer;
    if text[len..].starts_with('.') {
        len += 1 + digits(len + 1);
    }
    if len == 0 || &text[..len] == "." {
        return 0;
    }
    if text[len..].starts_with(['e', 'E']) {
        let sign = usize::from(text[len + 1..].starts_with(['-', '+']));
        match digits(len + 1 + sign) {
            0 => {}
            exponent => len += 1 + sign + exponent,
        }
    }
    len
}

fn mantissa(number: &str) -> impl Iterator<Item = u8> + '_ {
    number.bytes().take_while(|b| !matches!(b, b'e' | b'E')).filter(u8::is_ascii_digit)
}

/// `nan`, also with C's parenthesised tag.
fn is_nan(word: &str) -> bool {
    let Some((head, tail)) = word.split_at_checked(3) else { return false };
    let tagged = |tail: &str| tail.strip_prefix('(').and_then(|t| t.strip_suffix(')')).is_some_and(is_tag);
    head.eq_ignore_ascii_case("nan") && (tail.is_empty() || tagged(tail))
}

fn is_tag(tag: &str) -> bool {
    tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// C's hexadecimal floats: `0x1.8p3`. Digits beyond the 53 bits of a float are cut.
fn hexadecimal(word: &str) -> Option<f64> {
    let body = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"))?;
    let (digits, exponent) = match body.split_once(['p', 'P']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (body, 0),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if integer.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0f64;
    for digit in integer.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    Some(value * 2f64.powi(exponent.saturating_sub(4 * fraction.len() as i32)))
}

/// The text of a float in a stack buffer.
pub struct FloatText {
    bytes: [u8; 40],
    len: usize,
}

impl FloatText {
    /// `double precision`; `extra_float_digits` above zero means the shortest text that reads back.
    pub fn of_f64(value: f64, extra_float_digits: i32) -> Self {
        if let Some(word) = special(value) {
            return Self::word(word);
        }
        if extra_float_digits <= 0 {
            return Self::general(value, 15 + extra_float_digits);
        }
        let bits = value.to_bits();
        let binary = Binary::new(bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i32, 52, 1075);
        let mut decimal = Decimal::parse(ryu::Buffer::new().format_finite(value));
        if binary.is_midpoint(&decimal) {
            decimal = inside(&binary, decimal, 17, |digits| {
                Some(format!("{value:.digits$e}")).filter(|text| text.parse() == Ok(value))
            });
        }
        Self::layout(value.is_sign_negative(), &decimal, 15)
    }

    /// `real`, likewise.
    pub fn of_f32(value: f32, extra_float_digits: i32) -> Self {
        if let Some(word) = special(f64::from(value)) {
            return Self::word(word);
        }
        if extra_float_digits <= 0 {
            return Self::general(f64::from(value), 6 + extra_float_digits);
        }
        let bits = u64::from(value.to_bits());
        let binary = Binary::new(bits & ((1 << 23) - 1), (bits >> 23 & 0xff) as i32, 23, 150);
        let mut decimal = Decimal::parse(ryu::Buffer::new().format_finite(value));
        if binary.is_midpoint(&decimal) {
            decimal = inside(&binary, decimal, 9, |digits| {
                Some(format!("{value:.digits$e}")).filter(|text| text.parse() == Ok(value))
            });
        }
        Self::layout(value.is_sign_negative(), &decimal, 6)
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn word(word: &str) -> Self {
        let mut text = FloatText { bytes: [0; 40], len: 0 };
        text.push_all(word.as_bytes());
        text
    }

    /// C's `%.*g` with this many significant digits.
    fn general(value: f64, digits: i32) -> Self {
        let digits = digits.clamp(1, 17) as usize;
        let decimal = Decimal::parse(&format!("{value:.*e}", digits - 1));
        Self::layout(value.is_sign_negative(), &decimal, digits as i32)
    }

    /// Positional notation for exponents from -4 up to below `limit`, else scientific.
    fn layout(negative: bool, decimal: &Decimal, limit: i32) -> Self {
        let mut text = FloatText { bytes: [0; 40], len: 0 };
        if negative {
            text.push(b'-');
        }
        let digits = decimal.digits();
        let exponent = decimal.leading_exponent();
        if !(-4..limit).contains(&exponent) {
            text.push(digits[0]);
            if digits.len() > 1 {
                text.push(b'.');
                text.push_all(&digits[1..]);
            }
            text.push_all(if exponent < 0 { b"e-" } else { b"e+" });
            if exponent.abs() < 10 {
                text.push(b'0');
            }
            text.push_all(itoa::Buffer::new().format(exponent.abs()).as_bytes());
        } else if exponent < 0 {
            text.push_all(b"0.");
            (1..-exponent).for_each(|_| text.push(b'0'));
            text.push_all(digits);
        } else {
            let integer = exponent as usize + 1;
            text.push_all(&digits[..integer.min(digits.len())]);
            (digits.len()..integer).for_each(|_| text.push(b'0'));
            if digits.len() > integer {
                text.push(b'.');
                text.push_all(&digits[integer..]);
            }
        }
        text
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn push_all(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// Significant decimal digits without zeros at either end, and the power of ten of the last.
struct Decimal {
    digits: [u8; 24],
    len: usize,
    exponent: i32,
}

impl Decimal {
    /// Reads what `ryu` and `{:e}` write; a sign is skipped.
    fn parse(text: &str) -> Self {
        let mut decimal = Decimal { digits: [b'0'; 24], len: 0, exponent: 0 };
        let (number, exponent) = text.split_once('e').unwrap_or((text, "0"));
        decimal.exponent = exponent.parse().unwrap_or(0);
        let mut fraction = false;
        for byte in number.bytes() {
            match byte {
                b'.' => fraction = true,
                b'0'..=b'9' => {
                    decimal.exponent -= i32::from(fraction);
                    if (decimal.len > 0 || byte != b'0') && decimal.len < decimal.digits.len() {
                        decimal.digits[decimal.len] = byte;
                        decimal.len += 1;
                    }
                }
                _ => {}
            }
        }
        while decimal.len > 0 && decimal.digits[decimal.len - 1] == b'0' {
            decimal.len -= 1;
            decimal.exponent += 1;
        }
        if decimal.len == 0 {
            (decimal.len, decimal.exponent) = (1, 0);
        }
        decimal
    }

    fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    fn leading_exponent(&self) -> i32 {
        self.exponent + self.len as i32 - 1
    }

    fn integer(&self) -> u128 {
        self.digits().iter().fold(0, |value, digit| value * 10 + u128::from(digit - b'0'))
    }
}

/// A float as `mantissa * 2^exponent`.
struct Binary {
    mantissa: u64,
    exponent: i32,
    /// Whether the neighbour towards zero is only half as far away.
    at_power_of_two: bool,
}

impl Binary {
    fn new(fraction: u64, biased: i32, bits: u32, bias: i32) -> Self {
        match biased {
            0 => Binary { mantissa: fraction, exponent: 1 - bias, at_power_of_two: false },
            _ => Binary {
                mantissa: fraction | 1 << bits,
                exponent: biased - bias,
                at_power_of_two: fraction == 0 && biased > 1,
            },
        }
    }

    /// Whether a decimal lies exactly half way between this float and a neighbour.
    fn is_midpoint(&self, decimal: &Decimal) -> bool {
        // Beyond 27 a power of five has more bits than a midpoint has.
        let five = match decimal.exponent.unsigned_abs() {
            power @ 0..=27 if self.mantissa > 0 => 5u128.pow(power),
            _ => return false,
        };
        let digits = decimal.integer();
        let odd = match decimal.exponent >= 0 {
            true => digits * five,
            false if digits.is_multiple_of(five) => digits / five,
            false => return false,
        };
        let shift = odd.trailing_zeros() as i32;
        let (odd, exponent) = (odd >> shift, shift + decimal.exponent);
        let mantissa = u128::from(self.mantissa);
        let is = |candidate: u128, at: i32| odd == candidate && exponent == at;
        let below = match self.at_power_of_two {
            true => is(mantissa * 4 - 1, self.exponent - 2),
            false => mantissa > 0 && is(mantissa * 2 - 1, self.exponent - 1),
        };
        below || is(mantissa * 2 + 1, self.exponent - 1)
    }
}

/// The shortest decimal of at most `most` digits that reads back and is no midpoint, where the shortest of all is one.
fn inside(binary: &Binary, midpoint: Decimal, most: usize, format: impl Fn(usize) -> Option<String>) -> Decimal {
    let longer = (midpoint.len - 1..most).filter_map(format).map(|text| Decimal::parse(&text));
    longer.into_iter().find(|decimal| !binary.is_midpoint(decimal)).unwrap_or(midpoint)
}
