//! Numbers as XPath reads and writes them.

use crate::chars::is_space;

/// Significant digits of a written number.
const DIGITS: i32 = 15;

/// Beyond these a number is written with an exponent.
const LARGE: f64 = 1e9;
const SMALL: f64 = 1e-5;

/// The number at the start of a text, and its bytes: digits with a point and an exponent.
pub(super) fn read(text: &str) -> (f64, usize) {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    (text[..end].parse().unwrap_or(f64::NAN), end)
}

/// The number that a string stands for; NaN when it stands for none.
pub fn from_string(text: &str) -> f64 {
    let text = text.trim_matches(is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let starts = digits.starts_with(|c: char| c.is_ascii_digit())
        || digits.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if !starts {
        return f64::NAN;
    }
    match read(digits) {
        (number, length) if length == digits.len() => {
            if negative {
                -number
            } else {
                number
            }
        }
        _ => f64::NAN,
    }
}

/// A number as a string.
pub fn to_string(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = number.abs();
    if number == 0.0 {
        return "0".to_owned();
    }
    if number.fract() == 0.0 && number > f64::from(i32::MIN) && number < f64::from(i32::MAX) {
        return format!("{number:.0}");
    }
    let place = magnitude.log10() as i32;
    if !(SMALL..=LARGE).contains(&magnitude) {
        return with_exponent(number);
    }
    let decimals = if place > 0 { DIGITS - place - 1 } else { DIGITS - place };
    without_zeros(&format!("{number:.*}", decimals.max(0) as usize)).to_owned()
}

/// C's `%e`: at least two digits of exponent, always with a sign.
fn with_exponent(number: f64) -> String {
    let text = format!("{number:.*e}", DIGITS as usize - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
}

fn without_zeros(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}
