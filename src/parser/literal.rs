//! What quoted tokens say: doubled quotes, escapes, Unicode escapes, continued lines.
//!
//! Functions take the raw text of a token and the position of its first character, for errors inside it.

use dictdb_types::{Error, Result, Severity, SqlState};

use crate::scan;

/// `'text'`, perhaps continued on further lines.
pub(crate) fn plain(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len().saturating_sub(2));
    for_each_piece(raw, false, |piece| push_undoubled(&mut value, piece, "''", '\''));
    value
}

/// `"name"`.
pub(crate) fn name(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len());
    push_undoubled(&mut value, inside(raw), "\"\"", '"');
    value
}

/// `$tag$text$tag$`.
pub(crate) fn dollar(raw: &str) -> &str {
    match scan::dollar_tag(raw.as_bytes(), 0) {
        Some(tag) => raw.get(tag..raw.len() - tag).unwrap_or(""),
        None => raw,
    }
}

/// `B'101'` and `X'1F'` without prefix and quotes.
pub(crate) fn bits(raw: &str) -> String {
    plain(raw.get(1..).unwrap_or(""))
}

fn inside(quoted: &str) -> &str {
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("")
}

fn push_undoubled(value: &mut String, piece: &str, doubled: &str, single: char) {
    for (index, part) in piece.split(doubled).enumerate() {
        if index > 0 {
            value.push(single);
        }
        value.push_str(part);
    }
}

/// Calls `each` with the text between the quotes of every line of a string.
fn for_each_piece<'a>(raw: &'a str, escapes: bool, mut each: impl FnMut(&'a str)) {
    let bytes = raw.as_bytes();
    let mut at = 0;
    loop {
        // One line: a string without its continuations.
        let end = piece_end(bytes, at, escapes);
        each(inside(raw.get(at..end).unwrap_or("")));
        match scan::continuation(bytes, end) {
            Some(next) => at = next,
            None => return,
        }
    }
}

fn piece_end(bytes: &[u8], at: usize, escapes: bool) -> usize {
    if !escapes {
        return scan::quoted(bytes, at, b'\'').unwrap_or(bytes.len());
    }
    let mut at = at + 1;
    while let Some(byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) | (b'\\', _) => at += 2,
            (b'\'', _) => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `E'text'`, or `'text'` where `standard_conforming_strings` is off.
pub(crate) fn escape(raw: &str, position: u32) -> Result<String> {
    let body = if raw.starts_with('\'') { raw } else { raw.get(1..).unwrap_or("") };
    let mut decoder = Decoder { bytes: Vec::with_capacity(body.len()), high: None };
    let mut result = Ok(());
    for_each_piece(body, true, |piece| {
        if result.is_ok() {
            let offset = piece.as_ptr() as usize - raw.as_ptr() as usize;
            result = decoder.escapes(piece, chars_before(raw, offset, position));
        }
    });
    result?;
    if decoder.high.is_some() {
        let end = raw.len().saturating_sub(1);
        let message = "invalid Unicode surrogate pair at or near \"'\"";
        return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(Some(chars_before(raw, end, position))));
    }
    decoder.finish()
}

/// The position of the character at byte `offset` of a token that starts at `position`.
fn chars_before(raw: &str, offset: usize, position: u32) -> u32 {
    position + raw.get(..offset).map_or(0, |before| before.chars().count() as u32)
}

/// `U&'text'` and `U&"name"`; `raw` starts with the letter.
pub(crate) fn unicode(raw: &str, escape: char, position: u32) -> Result<String> {
    let body = raw.get(2..).unwrap_or("");
    let quoted = if body.starts_with('"') { name(body) } else { plain(body) };
    decode_unicode(&quoted, escape, position + 3)
}

/// A quoted `UESCAPE` character; `None` if it may not be one.
pub(crate) fn escape_character(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let (Some(character), None) = (chars.next(), chars.next()) else { return None };
    let banned = character.is_ascii_hexdigit()
        || matches!(character, '+' | '\'' | '"')
        || u8::try_from(character).is_ok_and(scan::is_space);
    (!banned && character.is_ascii()).then_some(character)
}

/// 22P06: the warning for the first backslash of a string without prefix.
pub(crate) fn escape_warning(raw: &str, position: u32) -> Option<Error> {
    let at = raw.find('\\')?;
    let (what, hint) = match raw.as_bytes().get(at + 1) {
        Some(b'\'') => ("\\'", "Use '' to write quotes in strings, or use the escape string syntax (E'...')."),
        Some(b'\\') => ("\\\\", "Use the escape string syntax for backslashes, e.g., E'\\\\'."),
        _ => ("escape", "Use the escape string syntax for escapes, e.g., E'\\r\\n'."),
    };
    let message = format!("nonstandard use of {what} in a string literal");
    let warning = Error::with_severity(Severity::Warning, SqlState::NONSTANDARD_USE_OF_ESCAPE_CHARACTER, message);
    Some(warning.hint(hint).at(Some(position)))
}

fn decode_unicode(text: &str, escape: char, position: u32) -> Result<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut value = String::with_capacity(text.len());
    let mut high: Option<u32> = None;
    let mut at = 0;
    while at < chars.len() {
        let here = Some(position + at as u32);
        let next = chars.get(at + 1).copied();
        let digits = match (chars[at] == escape, next) {
            (true, Some(c)) if c == escape => 0,
            (true, Some('+')) => 6,
            (true, _) => 4,
            (false, _) => 0,
        };
        if digits == 0 {
            if high.is_some() {
                return Err(bad_surrogate().at(here));
            }
            value.push(chars[at]);
            at += if chars[at] == escape { 2 } else { 1 };
            continue;
        }
        let from = at + if digits == 6 { 2 } else { 1 };
        let code = hex(chars.get(from..from + digits).unwrap_or(&[])).ok_or_else(|| {
            Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape")
                .hint("Unicode escapes must be \\XXXX or \\+XXXXXX.")
                .at(here)
        })?;
        high = push_code(code, high, here, |c| value.push(c))?;
        at = from + digits;
    }
    match high {
        Some(_) => Err(bad_surrogate().at(Some(position + at as u32))),
        None => Ok(value),
    }
}

/// Adds a code point or pairs surrogates; returns a high surrogate that waits for its partner.
fn push_code(code: u32, high: Option<u32>, here: Option<u32>, mut push: impl FnMut(char)) -> Result<Option<u32>> {
    match (high, code) {
        (None, 0xD800..=0xDBFF) => Ok(Some(code)),
        (Some(high), 0xDC00..=0xDFFF) => {
            let combined = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00);
            push(char::from_u32(combined).ok_or_else(|| bad_surrogate().at(here))?);
            Ok(None)
        }
        (Some(_), _) | (None, 0xDC00..=0xDFFF) => Err(bad_surrogate().at(here)),
        (None, _) => match char::from_u32(code) {
            Some(c) if c != '\0' => {
                push(c);
                Ok(None)
            }
            _ => Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape value").at(here)),
        },
    }
}

fn bad_surrogate() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair")
}

/// Value of one to eight hexadecimal digits.
fn hex(digits: &[char]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u32, |value, c| Some(value.checked_mul(16)? | c.to_digit(16)?))
}

/// Bytes of an escape string while it is decoded: escapes may name bytes that are not characters.
struct Decoder {
    bytes: Vec<u8>,
    high: Option<u32>,
}

impl Decoder {
    fn escapes(&mut self, piece: &str, position: u32) -> Result<()> {
        let mut chars = piece.char_indices().enumerate().peekable();
        while let Some((index, (offset, c))) = chars.next() {
            let here = Some(position + index as u32);
            let rest = piece.get(offset + c.len_utf8()..).unwrap_or("");
            if c != '\\' || !rest.starts_with(['u', 'U']) {
                self.no_pending_surrogate(rest, c, here)?;
            }
            let taken = match c {
                '\\' => self.one_escape(rest, here)?,
                '\'' => {
                    self.bytes.push(b'\'');
                    1
                }
                other => {
                    self.push(other);
                    0
                }
            };
            for _ in 0..taken {
                chars.next();
            }
        }
        Ok(())
    }

    fn no_pending_surrogate(&self, _rest: &str, c: char, here: Option<u32>) -> Result<()> {
        match self.high {
            None => Ok(()),
            Some(_) => {
                let message = format!("invalid Unicode surrogate pair at or near \"{c}\"");
                Err(Error::new(SqlState::SYNTAX_ERROR, message).at(here))
            }
        }
    }

    /// Decodes what follows a backslash; returns how many characters that is.
    fn one_escape(&mut self, rest: &str, here: Option<u32>) -> Result<usize> {
        let Some(c) = rest.chars().next() else { return Ok(0) };
        match c {
            'b' => self.bytes.push(0x08),
            'f' => self.bytes.push(0x0c),
            'n' => self.bytes.push(b'\n'),
            'r' => self.bytes.push(b'\r'),
            't' => self.bytes.push(b'\t'),
            'v' => self.bytes.push(0x0b),
            '0'..='7' => return self.number(rest, 8, 3),
            'x' if rest[1..].starts_with(|c: char| c.is_ascii_hexdigit()) => {
                return Ok(1 + self.number(&rest[1..], 16, 2)?);
            }
            'u' | 'U' => return self.code_point(rest, if c == 'u' { 4 } else { 8 }, here),
            other => self.push(other),
        }
        Ok(1)
    }

    /// A byte of at most `most` digits.
    fn number(&mut self, digits: &str, radix: u32, most: usize) -> Result<usize> {
        let values = digits.chars().take(most).map_while(|c| c.to_digit(radix));
        let (count, value) = values.fold((0, 0u32), |(count, value), digit| (count + 1, value * radix + digit));
        // Octal escapes above 377 lose their high bit, as in C.
        self.bytes.push((value & 0xff) as u8);
        Ok(count)
    }

    fn code_point(&mut self, rest: &str, digits: usize, here: Option<u32>) -> Result<usize> {
        let text: Vec<char> = rest.chars().skip(1).take(digits).collect();
        let code = (text.len() == digits).then(|| hex(&text)).flatten().ok_or_else(|| {
            Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid Unicode escape")
                .hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.")
                .at(here)
        })?;
        let raw: String = rest.chars().take(digits + 1).collect();
        let bytes = &mut self.bytes;
        self.high = push_code(code, self.high, here, |c| bytes.extend(c.encode_utf8(&mut [0; 4]).bytes())).map_err(
            |mut error| {
                let message = format!("{} at or near \"\\{raw}\"", error.message());
                error.fields_mut().message = message;
                error
            },
        )?;
        Ok(digits + 1)
    }

    fn push(&mut self, c: char) {
        self.bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
    }

    fn finish(self) -> Result<String> {
        if self.bytes.contains(&0) {
            return Err(bad_bytes(&[0]));
        }
        String::from_utf8(self.bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let rest = error.as_bytes().get(at..).unwrap_or(&[]);
            let length = match rest.first() {
                Some(0xc2..=0xdf) => 2,
                Some(0xe0..=0xef) => 3,
                Some(0xf0..=0xf7) => 4,
                _ => 1,
            };
            bad_bytes(rest.get(..length).unwrap_or(rest))
        })
    }
}

fn bad_bytes(bytes: &[u8]) -> Error {
    let list: Vec<String> = bytes.iter().map(|b| format!("0x{b:02x}")).collect();
    let message = format!("invalid byte sequence for encoding \"UTF8\": {}", list.join(" "));
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
}
