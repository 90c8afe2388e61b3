//! Character types, `bytea`, bit strings, `boolean` and `uuid`.

use std::sync::Arc;

use super::integer::{invalid, trim};
use crate::{ByteaOutput, Error, Result, SqlState};

/// Bytes of a `name`, its terminator not counted.
pub const NAME_BYTES: usize = 63;

/// Reads a `boolean`: a prefix of true, false, yes, no, on, off that is no prefix of another, or 1 or 0. 22P02.
pub fn input_bool(text: &str) -> Result<bool> {
    parse_bool(trim(text)).ok_or_else(|| invalid("boolean", text))
}

/// Likewise, for settings and options that have their own message.
pub fn parse_bool(word: &str) -> Option<bool> {
    let word = word.to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    match () {
        () if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" => Some(true),
        () if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" => Some(false),
        () => None,
    }
}

/// The length in `varchar(n)`, `char(n)` and their bit strings' modifiers; `None` without one.
pub(crate) fn declared_length(typmod: i32) -> Option<usize> {
    usize::try_from(typmod.checked_sub(4)?).ok()
}

/// Where the first `count` characters end; `None` when there are no more than that.
fn end_of_chars(text: &str, count: usize) -> Option<usize> {
    if text.len() <= count { None } else { text.char_indices().nth(count).map(|(at, _)| at) }
}

fn too_long(what: &str, length: usize) -> Error {
    Error::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, format!("value too long for type {what}({length})"))
}

/// Fits text into `varchar(n)`. Blanks too many are cut; anything else only by an explicit cast, else 22001.
pub fn fit_varchar(text: &str, typmod: i32, explicit: bool) -> Result<&str> {
    let Some(length) = declared_length(typmod) else { return Ok(text) };
    match end_of_chars(text, length) {
        None => Ok(text),
        Some(end) if explicit || text[end..].bytes().all(|b| b == b' ') => Ok(&text[..end]),
        Some(_) => Err(too_long("character varying", length)),
    }
}

/// Fits text into `char(n)`, filling it with blanks; 22001 as for [`fit_varchar`].
pub fn fit_bpchar(text: &str, typmod: i32, explicit: bool) -> Result<Arc<str>> {
    let Some(length) = declared_length(typmod) else { return Ok(Arc::from(text)) };
    match end_of_chars(text, length) {
        Some(end) if explicit || text[end..].bytes().all(|b| b == b' ') => Ok(Arc::from(&text[..end])),
        Some(_) => Err(too_long("character", length)),
        None => {
            let missing = length - text.chars().count();
            let mut padded = String::with_capacity(text.len() + missing);
            padded.push_str(text);
            padded.extend(std::iter::repeat_n(' ', missing));
            Ok(Arc::from(padded))
        }
    }
}

/// Cuts text to a `name`, between characters.
pub fn fit_name(text: &str) -> &str {
    let mut end = text.len().min(NAME_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Reads a `"char"`: one byte, kept as the character with that number. `\nnn` is a byte in octal, no text byte 0.
pub fn input_char(text: &str) -> char {
    match text.as_bytes() {
        [b'\\', digits @ ..] if digits.len() == 3 && digits.iter().all(|d| matches!(d, b'0'..=b'7')) => {
            char::from(digits.iter().fold(0u8, |value, digit| value.wrapping_shl(3) | (digit - b'0')))
        }
        [first, ..] => char::from(*first),
        [] => '\0',
    }
}

/// The datum text of a `"char"`: nothing for byte 0.
pub fn char_datum(byte: char) -> Arc<str> {
    if byte == '\0' { Arc::from("") } else { Arc::from(byte.encode_utf8(&mut [0; 4]) as &str) }
}

/// Writes a `"char"`: bytes above 127 in octal.
pub fn write_char(text: &str, out: &mut String) {
    match text.chars().next() {
        Some(byte) if byte.is_ascii() => out.push(byte),
        Some(byte) => out.push_str(&format!("\\{:03o}", u32::from(byte) & 0xff)),
        None => {}
    }
}

/// Reads a `bytea` in its hexadecimal or its escape form. 22P02, 22023.
pub fn input_bytea(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(digits) => hexadecimal(digits),
        None => unescape(text)
            .ok_or_else(|| Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea")),
    }
}

/// Pairs of hexadecimal digits with blanks between pairs; 22023.
pub fn hexadecimal(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut chars = text.chars();
    let digit = |c: char| {
        let message = || format!("invalid hexadecimal digit: \"{c}\"");
        c.to_digit(16).ok_or_else(|| Error::new(SqlState::INVALID_PARAMETER_VALUE, message()))
    };
    while let Some(high) = chars.next() {
        if matches!(high, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let high = digit(high)?;
        let low = chars.next().ok_or_else(|| {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits")
        })?;
        bytes.push((high << 4 | digit(low)?) as u8);
    }
    Ok(bytes)
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                rest = after;
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            (b'\\', _) => return None,
            _ => bytes.push(*first),
        }
    }
    Some(bytes)
}

/// Writes a `bytea` as `bytea_output` says.
pub fn write_bytea(bytes: &[u8], style: ByteaOutput, out: &mut String) {
    match style {
        ByteaOutput::Hex => {
            out.reserve(2 + 2 * bytes.len());
            out.push_str("\\x");
            bytes.iter().for_each(|byte| push_hex(*byte, out));
        }
        ByteaOutput::Escape => {
            for byte in bytes {
                match byte {
                    b'\\' => out.push_str("\\\\"),
                    0x20..=0x7e => out.push(char::from(*byte)),
                    _ => out.push_str(&format!("\\{byte:03o}")),
                }
            }
        }
    }
}

pub(crate) fn push_hex(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Reads a `uuid`: hexadecimal digits, a hyphen allowed after every fourth, braces around. 22P02.
pub fn input_uuid(text: &str) -> Result<[u8; 16]> {
    parse_uuid(text).ok_or_else(|| invalid("uuid", text))
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let body = match text.strip_prefix('{') {
        Some(body) => body.strip_suffix('}')?,
        None => text,
    };
    let mut rest = body.as_bytes();
    let mut uuid = [0; 16];
    for (n, byte) in uuid.iter_mut().enumerate() {
        let (digits, tail) = rest.split_at_checked(2)?;
        let digit = |d: u8| char::from(d).to_digit(16);
        *byte = (digit(digits[0])? << 4 | digit(digits[1])?) as u8;
        rest = match tail {
            [b'-', tail @ ..] if n % 2 == 1 && n < 15 => tail,
            _ => tail,
        };
    }
    rest.is_empty().then_some(uuid)
}

/// Writes a `uuid`.
pub fn write_uuid(uuid: &[u8; 16], out: &mut String) {
    for (n, byte) in uuid.iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        push_hex(*byte, out);
    }
}

/// Reads a `bit` or `varbit` into a text of zeros and ones: binary digits, `b…`, or hexadecimal `x…`. 22P02.
pub fn input_bits(text: &str) -> Result<String> {
    let bad = |c: char, base: &str| {
        let message = format!("\"{c}\" is not a valid {base} digit");
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
    };
    if let Some(digits) = text.strip_prefix(['x', 'X']) {
        let mut bits = String::with_capacity(digits.len() * 4);
        for c in digits.chars() {
            let digit = c.to_digit(16).ok_or_else(|| bad(c, "hexadecimal"))?;
            (0..4).rev().for_each(|n| bits.push(if digit >> n & 1 == 1 { '1' } else { '0' }));
        }
        return Ok(bits);
    }
    let digits = text.strip_prefix(['b', 'B']).unwrap_or(text);
    match digits.chars().find(|c| !matches!(c, '0' | '1')) {
        Some(c) => Err(bad(c, "binary")),
        None => Ok(digits.to_owned()),
    }
}

/// Fits a bit string into `bit(n)`: an explicit cast cuts or fills with zeros, else 22026.
pub fn fit_bit(bits: String, typmod: i32, explicit: bool) -> Result<String> {
    let Some(length) = usize::try_from(typmod).ok().filter(|length| *length != bits.len()) else { return Ok(bits) };
    if !explicit {
        let message = format!("bit string length {} does not match type bit({length})", bits.len());
        return Err(Error::new(SqlState::STRING_DATA_LENGTH_MISMATCH, message));
    }
    Ok(format!("{:0<length$}", &bits[..bits.len().min(length)]))
}

/// Fits a bit string into `varbit(n)`: an explicit cast cuts, else 22001.
pub fn fit_varbit(mut bits: String, typmod: i32, explicit: bool) -> Result<String> {
    let Some(length) = usize::try_from(typmod).ok().filter(|length| *length < bits.len()) else { return Ok(bits) };
    if !explicit {
        let message = format!("bit string too long for type bit varying({length})");
        return Err(Error::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, message));
    }
    bits.truncate(length);
    Ok(bits)
}
