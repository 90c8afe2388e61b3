//! JSON as Python writes it: with bare `NaN` and `Infinity`, and whole numbers of any size.

use std::borrow::Cow;

use dictdb_types::{Error, Result, SqlState};

use super::value::Value;
use crate::record::json::take_string;

/// Containers in containers; what Python itself can write is less.
pub(crate) const MAX_DEPTH: usize = 512;
/// Decimal digits that a float surely keeps.
const FLOAT_DIGITS: usize = 17;

/// Text that is read from its beginning to its end.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// What is before the text in its file.
    before: u64,
}

pub(super) fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("invalid JSON: {what}"))
}

/// A whole document. XX001.
pub(crate) fn parse(text: &[u8]) -> Result<Value<'_>> {
    parse_within(text, 0)
}

/// A value in a file, with so many bytes before it. XX001.
pub(super) fn parse_within(text: &[u8], before: u64) -> Result<Value<'_>> {
    let mut parser = Parser::new(text, before)?;
    let value = parser.value(MAX_DEPTH)?;
    parser.end()?;
    Ok(value)
}

impl<'a> Parser<'a> {
    /// Begins with a text that has so many bytes before it in its file. XX001 when it is not UTF-8.
    pub(super) fn new(text: &'a [u8], before: u64) -> Result<Self> {
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Parser { text, at: 0, before }),
            Err(error) => Err(invalid(format_args!("no UTF-8 at byte {}", before + error.valid_up_to() as u64))),
        }
    }

    fn failed(&self, what: &str) -> Error {
        invalid(format_args!("{what} at byte {}", self.before + self.at as u64))
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<()> {
        match self.skip(byte) {
            true => Ok(()),
            false => Err(self.failed(&format!("{:?} is missing", char::from(byte)))),
        }
    }

    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.failed("there is more")),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.peek();
        let mut rest = &self.text[self.at..];
        let string = take_string(&mut rest).ok_or_else(|| self.failed("no string"))?;
        self.at = self.text.len() - rest.len();
        Ok(string)
    }

    /// The entries of an object: `entry` reads the value behind each key.
    fn object(&mut self, mut entry: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>) -> Result<()> {
        self.expect(b'{')?;
        if self.skip(b'}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            entry(self, key)?;
            if !self.skip(b',') {
                return self.expect(b'}');
            }
        }
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(b'[')?;
        if self.skip(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.skip(b',') {
                return self.expect(b']');
            }
        }
    }

    /// A value of any kind, with so many containers in each other.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Value<'a>> {
        let deeper = depth.checked_sub(1);
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'[') => {
                let (mut items, depth) = (Vec::new(), deeper.ok_or_else(|| self.failed("it is too deep"))?);
                self.list(|parser| parser.value(depth).map(|item| items.push(item)))?;
                Ok(Value::List(items))
            }
            Some(b'{') => {
                let (mut entries, depth) = (Vec::new(), deeper.ok_or_else(|| self.failed("it is too deep"))?);
                self.object(|parser, key| parser.value(depth).map(|value| entries.push((key, value))))?;
                Ok(Value::Map(entries))
            }
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value<'a>> {
        let rest = &self.text[self.at..];
        let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.');
        let length = rest.find(|char| !is_part(char)).unwrap_or(rest.len());
        let value = match &rest[..length] {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "NaN" => Value::Float(f64::NAN),
            "Infinity" => Value::Float(f64::INFINITY),
            "-Infinity" => Value::Float(f64::NEG_INFINITY),
            number => number_of(number).ok_or_else(|| self.failed("no value"))?,
        };
        self.at += length;
        Ok(value)
    }

    /// The fields of a record.
    pub(super) fn fields(&mut self, mut field: impl FnMut(Cow<'a, str>, Value<'a>) -> Result<()>) -> Result<()> {
        self.object(|parser, name| {
            let value = parser.value(MAX_DEPTH)?;
            field(name, value)
        })
    }
}

/// A number as Python writes it.
fn number_of(word: &str) -> Option<Value<'_>> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(word.parse().map_or(Value::Number(word.into()), Value::Int));
    }
    let value: f64 = word.parse().ok()?;
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    let is_kept = value.is_finite() && mantissa.len() <= FLOAT_DIGITS + 1;
    Some(if is_kept { Value::Float(value) } else { Value::Number(word.into()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_s_numbers_are_read() {
        let parsed = |text: &'static str| parse(text.as_bytes()).map(|value| format!("{value:?}"));
        assert_eq!(parsed("[NaN, Infinity, -Infinity]").unwrap(), "List([Float(NaN), Float(inf), Float(-inf)])");
        assert_eq!(parsed("[1, -7, 1.5, 1e5]").unwrap(), "List([Int(1), Int(-7), Float(1.5), Float(100000.0)])");
        assert_eq!(parsed("123456789012345678901234567890").unwrap(), "Number(\"123456789012345678901234567890\")");
        assert_eq!(parsed("1e999").unwrap(), "Number(\"1e999\")");
        assert_eq!(parsed("1.0000000000000000001").unwrap(), "Number(\"1.0000000000000000001\")");
        for wrong in ["", "[1", "{\"a\" 1}", "nan", "--1", "[1,]", "\"open", "1 2", "inf", "+1", "0x1"] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }
}
