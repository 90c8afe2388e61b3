//! Unicode: normalisation forms and `unistr` escapes.

use dictdb_types::{Error, Result, SqlState, bail};
use unicode_normalization::UnicodeNormalization;

use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "unicode_normalize_func" => |s: &str, form: &str| normalize(s, form),
    "unicode_is_normalized" => |s: &str, form: &str| normalize(s, form).map(|normal| normal == s),
    "unistr" => |s: &str| unistr(s),
};

fn normalize(s: &str, form: &str) -> Result<String> {
    Ok(match form.to_ascii_uppercase().as_str() {
        "NFC" => s.nfc().collect(),
        "NFD" => s.nfd().collect(),
        "NFKC" => s.nfkc().collect(),
        "NFKD" => s.nfkd().collect(),
        _ => bail!(INVALID_PARAMETER_VALUE, "invalid normalization form: {form}"),
    })
}

#[cold]
fn invalid_escape() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape")
        .hint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
}

/// Replaces `\XXXX`, `\+XXXXXX`, `\uXXXX`, `\UXXXXXXXX` and `\\`; two halves of a surrogate pair make one character.
fn unistr(s: &str) -> Result<String> {
    let mut out = String::with_capacity(s.len());
    let mut high: Option<u32> = None;
    let mut rest = s;
    while let Some(c) = rest.chars().next() {
        let (code, length) = if c != '\\' {
            (None, c.len_utf8())
        } else if rest[1..].starts_with('\\') {
            (None, 2)
        } else {
            let (prefix, digits) = match rest.as_bytes().get(1) {
                Some(b'+') => (2, 6),
                Some(b'u') => (2, 4),
                Some(b'U') => (2, 8),
                _ => (1, 4),
            };
            let text = rest.get(prefix..prefix + digits).ok_or_else(invalid_escape)?;
            if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(invalid_escape());
            }
            (Some(u32::from_str_radix(text, 16).map_err(|_| invalid_escape())?), prefix + digits)
        };
        rest = &rest[length..];
        match (code, high.take()) {
            (Some(low @ 0xdc00..0xe000), Some(first)) => {
                let code = 0x10000 + ((first & 0x3ff) << 10) + (low & 0x3ff);
                out.extend(char::from_u32(code));
            }
            (_, Some(_)) | (Some(0xdc00..0xe000), None) => return Err(bad_pair()),
            (Some(first @ 0xd800..0xdc00), None) => high = Some(first),
            (Some(code), None) => out.push(valid(code)?),
            (None, None) => out.push(c),
        }
    }
    if high.is_some() { Err(bad_pair()) } else { Ok(out) }
}

fn bad_pair() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair")
}

fn valid(code: u32) -> Result<char> {
    match char::from_u32(code) {
        Some(c) if code != 0 => Ok(c),
        _ => bail!(INVALID_PARAMETER_VALUE, "invalid Unicode code point: {code:04X}"),
    }
}
