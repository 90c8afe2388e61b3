//! Text forms of bytes (`encode`, `decode`) and the names of character sets. Conversions between them are the session's.

use dictdb_types::{Error, Result, SqlState, bail, encoding};

use super::bytea::hex;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "binary_encode" => |bytes: &[u8], format: &str| encode(bytes, format),
    "binary_decode" => |text: &str, format: &str| decode(text, format),
    "PG_encoding_to_char" => |number: i32| encoding::NAMES.get(number as usize).copied().unwrap_or(""),
    "PG_char_to_encoding" => |name: &str| encoding::number(name).map_or(-1, |number| number as i32),
    "pg_encoding_max_length_sql" => |number: i32| match encoding::NAMES.get(number as usize) {
        Some(&"UTF8") | Some(&"EUC_TW") | Some(&"MULE_INTERNAL") | Some(&"GB18030") => Some(4),
        Some(&"EUC_JP") | Some(&"EUC_CN") | Some(&"EUC_KR") | Some(&"EUC_JIS_2004") | Some(&"JOHAB") => Some(3),
        Some(&"SJIS") | Some(&"BIG5") | Some(&"GBK") | Some(&"UHC") | Some(&"SHIFT_JIS_2004") => Some(2),
        Some(_) => Some(1),
        None => None,
    },
};

fn encode(bytes: &[u8], format: &str) -> Result<String> {
    match format.to_ascii_lowercase().as_str() {
        "hex" => Ok(hex(bytes)),
        "base64" => Ok(base64(bytes)),
        "escape" => Ok(escape(bytes)),
        _ => Err(unrecognized(format)),
    }
}

fn decode(text: &str, format: &str) -> Result<Vec<u8>> {
    match format.to_ascii_lowercase().as_str() {
        "hex" => unhex(text),
        "base64" => unbase64(text),
        "escape" => unescape(text.as_bytes()),
        _ => Err(unrecognized(format)),
    }
}

fn unrecognized(format: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unrecognized encoding: \"{format}\""))
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digit = |c: char| match c.to_digit(16) {
        Some(digit) => Ok(digit as u8),
        None => bail!(INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"{c}\""),
    };
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut chars = text.chars();
    // Blanks may stand between bytes, but not within one.
    while let Some(first) = chars.find(|c| !matches!(c, ' ' | '\n' | '\t' | '\r')) {
        let high = digit(first)?;
        match chars.next() {
            Some(second) => bytes.push(high << 4 | digit(second)?),
            None => bail!(INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits"),
        }
    }
    Ok(bytes)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// MIME's lines of 76 characters.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + bytes.len() / 50 + 4);
    for (line, chunk) in bytes.chunks(57).enumerate() {
        if line > 0 {
            out.push('\n');
        }
        for group in chunk.chunks(3) {
            let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
            for digit in 0..4 {
                let value = (bits >> (18 - 6 * digit) & 63) as usize;
                out.push(if digit <= group.len() { char::from(BASE64[value]) } else { '=' });
            }
        }
    }
    if bytes.len().is_multiple_of(57) && !bytes.is_empty() {
        out.push('\n');
    }
    out
}

fn unbase64(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut digits, mut padding) = (0u32, 0, 0);
    for c in text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')) {
        let value = if c == '=' {
            if padding == 0 {
                padding = match digits {
                    2 => 1,
                    3 => 2,
                    _ => bail!(INVALID_PARAMETER_VALUE, "unexpected \"=\" while decoding base64 sequence"),
                };
            }
            0
        } else {
            match BASE64.iter().position(|digit| char::from(*digit) == c) {
                Some(value) => value as u32,
                None => bail!(INVALID_PARAMETER_VALUE, "invalid symbol \"{c}\" found while decoding base64 sequence"),
            }
        };
        bits = bits << 6 | value;
        digits += 1;
        if digits == 4 {
            let kept = if padding == 0 { 3 } else { padding };
            out.extend_from_slice(&bits.to_be_bytes()[1..=kept]);
            (bits, digits) = (0, 0);
        }
    }
    if digits != 0 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid base64 end sequence")
            .hint("Input data is missing padding, is truncated, or is otherwise corrupted."));
    }
    Ok(out)
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            0 | 0x80.. => out.push_str(&format!("\\{byte:03o}")),
            byte => out.push(char::from(*byte)),
        }
    }
    out
}

fn unescape(mut text: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    loop {
        text = match text {
            [] => return Ok(out),
            [b'\\', b'\\', rest @ ..] => {
                out.push(b'\\');
                rest
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest
            }
            [b'\\', ..] => bail!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea"),
            [byte, rest @ ..] => {
                out.push(*byte);
                rest
            }
        };
    }
}
