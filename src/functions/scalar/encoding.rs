//! Text forms of bytes (`encode`, `decode`) and bytes in other character sets (`convert_from`, `convert_to`).
//!
//! The database is UTF-8. Of the other encodings of PostgreSQL those of Western Europe are here; the rest is 0A000.

use dictdb_types::{Error, Result, SqlState, bail, encoding};

use super::bytea::hex;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "binary_encode" => |bytes: &[u8], format: &str| encode(bytes, format),
    "binary_decode" => |text: &str, format: &str| decode(text, format),
    "pg_convert_from" => |bytes: &[u8], from: &str| charset(from, "source").and_then(|from| to_text(bytes, from)),
    "pg_convert_to" => |text: &str, to: &str| charset(to, "destination").and_then(|to| from_text(text, to)),
    "pg_convert" => |bytes: &[u8], from: &str, to: &str| {
        let (from, to) = (charset(from, "source")?, charset(to, "destination")?);
        from_text(&to_text(bytes, from)?, to)
    },
    "length_in_encoding" => |bytes: &[u8], name: &str| {
        to_text(bytes, charset(name, "")?).map(|text| text.chars().count() as i32)
    },
    "pg_client_encoding" => | | "UTF8",
    "getdatabaseencoding" => | | "UTF8",
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
    let mut digits = Vec::with_capacity(text.len());
    for c in text.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r')) {
        match c.to_digit(16) {
            Some(digit) => digits.push(digit as u8),
            None => bail!(INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"{c}\""),
        }
    }
    if digits.len() % 2 != 0 {
        bail!(INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits");
    }
    Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// MIME's lines of 76 characters.
fn base64(bytes: &[u8]) -> String {
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

/// A character set that conversions exist for.
#[derive(Clone, Copy)]
enum Charset {
    Utf8,
    Ascii,
    /// One byte per character, Latin-1 but for a table. In Windows' character set the other bytes of 80 to 9F are none.
    Latin {
        name: &'static str,
        table: &'static [(u8, char)],
    },
}

const LATIN9: &[(u8, char)] =
    &[(0xa4, '€'), (0xa6, 'Š'), (0xa8, 'š'), (0xb4, 'Ž'), (0xb8, 'ž'), (0xbc, 'Œ'), (0xbd, 'œ'), (0xbe, 'Ÿ')];

const WIN1252: &[(u8, char)] = &[
    (0x80, '€'),
    (0x82, '‚'),
    (0x83, 'ƒ'),
    (0x84, '„'),
    (0x85, '…'),
    (0x86, '†'),
    (0x87, '‡'),
    (0x88, 'ˆ'),
    (0x89, '‰'),
    (0x8a, 'Š'),
    (0x8b, '‹'),
    (0x8c, 'Œ'),
    (0x8e, 'Ž'),
    (0x91, '‘'),
    (0x92, '’'),
    (0x93, '“'),
    (0x94, '”'),
    (0x95, '•'),
    (0x96, '–'),
    (0x97, '—'),
    (0x98, '˜'),
    (0x99, '™'),
    (0x9a, 'š'),
    (0x9b, '›'),
    (0x9c, 'œ'),
    (0x9e, 'ž'),
    (0x9f, 'Ÿ'),
];

/// The character set of that name; `role` is what PostgreSQL calls it when it does not exist.
fn charset(name: &str, role: &str) -> Result<Charset> {
    let Some(number) = encoding::number(name) else {
        let role = if role.is_empty() { String::new() } else { format!("{role} ") };
        bail!(INVALID_PARAMETER_VALUE, "invalid {role}encoding name \"{name}\"");
    };
    Ok(match encoding::NAMES[number] {
        "UTF8" => Charset::Utf8,
        "SQL_ASCII" => Charset::Ascii,
        "LATIN1" => Charset::Latin { name: "LATIN1", table: &[] },
        "LATIN9" => Charset::Latin { name: "LATIN9", table: LATIN9 },
        "WIN1252" => Charset::Latin { name: "WIN1252", table: WIN1252 },
        other => return Err(Error::unsupported(format_args!("conversion of encoding \"{other}\""))),
    })
}

fn to_text(bytes: &[u8], from: Charset) -> Result<String> {
    if bytes.contains(&0) {
        return Err(invalid_bytes(&[0]));
    }
    match from {
        Charset::Utf8 | Charset::Ascii => std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
            let rest = &bytes[error.valid_up_to()..];
            invalid_bytes(&rest[..announced_length(rest[0]).min(rest.len())])
        }),
        Charset::Latin { name, table } => bytes
            .iter()
            .map(|byte| decode_latin(*byte, name, table).ok_or_else(|| no_equivalent(&[*byte], name, "UTF8")))
            .collect(),
    }
}

fn decode_latin(byte: u8, name: &str, table: &[(u8, char)]) -> Option<char> {
    match table.iter().find(|(b, _)| *b == byte) {
        Some((_, c)) => Some(*c),
        None if name == "WIN1252" && (0x80..0xa0).contains(&byte) => None,
        None => Some(char::from(byte)),
    }
}

fn no_equivalent(bytes: &[u8], from: &str, to: &str) -> Error {
    let bytes = hex_list(bytes);
    let message =
        format!("character with byte sequence {bytes} in encoding \"{from}\" has no equivalent in encoding \"{to}\"");
    Error::new(SqlState::UNTRANSLATABLE_CHARACTER, message)
}

/// Bytes that a character starting with this byte says it has: as many are reported.
fn announced_length(first: u8) -> usize {
    match first {
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf8 => 4,
        _ => 1,
    }
}

fn hex_list(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn invalid_bytes(bytes: &[u8]) -> Error {
    let message = format!("invalid byte sequence for encoding \"UTF8\": {}", hex_list(bytes));
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
}

fn from_text(text: &str, to: Charset) -> Result<Vec<u8>> {
    let Charset::Latin { name, table } = to else { return Ok(text.as_bytes().to_vec()) };
    text.chars()
        .map(|c| {
            let listed = table.iter().find(|(_, t)| *t == c).map(|(byte, _)| *byte);
            let same = u8::try_from(c as u32).ok().filter(|byte| decode_latin(*byte, name, table) == Some(c));
            listed.or(same).ok_or_else(|| no_equivalent(c.encode_utf8(&mut [0; 4]).as_bytes(), "UTF8", name))
        })
        .collect()
}
