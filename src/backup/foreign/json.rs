//! JSON as Python writes it: with bare `NaN` and `Infinity`, whole numbers of any size, and long lists of records, which several
//! threads read.

use std::borrow::Cow;
use std::ops::ControlFlow;

use dictdb_types::{Error, Result, SqlState};

use super::records::Records;
use super::value::Value;
use crate::pace::Pace;
use crate::parallel::in_order;
use crate::record::json::take_string;

/// Containers in containers; what Python itself can write is less.
const MAX_DEPTH: usize = 512;
/// Decimal digits that a float surely keeps.
const FLOAT_DIGITS: usize = 17;
/// Bytes of a list that one thread reads at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Text that is read from its beginning to its end.
pub(super) struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("invalid JSON: {what}"))
}

/// A whole document. XX001.
pub(crate) fn parse(text: &[u8]) -> Result<Value<'_>> {
    let mut parser = Parser::new(text);
    let value = parser.value(MAX_DEPTH)?;
    parser.end()?;
    Ok(value)
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Parser { text, at: 0 }
    }

    fn failed(&self, what: &str) -> Error {
        invalid(format_args!("{what} at byte {}", self.at))
    }

    fn peek(&mut self) -> Option<u8> {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
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

    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.peek();
        let mut rest = &self.text[self.at..];
        let string = take_string(&mut rest).ok_or_else(|| self.failed("no string"))?;
        self.at = self.text.len() - rest.len();
        Ok(string)
    }

    /// The entries of an object: `entry` reads the value behind each key.
    pub(super) fn object(&mut self, mut entry: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>) -> Result<()> {
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
    pub(super) fn value(&mut self, depth: usize) -> Result<Value<'a>> {
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
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let word = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let value = match word {
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

    /// A record, whose fields go into columns.
    pub(super) fn record(&mut self, into: &mut Records<'a>) -> Result<()> {
        let mut fields = into.begin();
        self.object(|parser, name| parser.value(MAX_DEPTH).map(|value| fields.put(name, value)))?;
        fields.end();
        Ok(())
    }

    /// A list of records.
    pub(super) fn records(&mut self) -> Result<Records<'a>> {
        let mut records = Records::default();
        self.expect(b'[')?;
        if self.skip(b']') {
            return Ok(records);
        }
        let mut patience = CHUNK_BYTES;
        while !self.some_records(&mut records)? {
            self.next_records(&mut records, patience)?;
            // Where lines end in the middle of records again and again, chunks are seldom worth a try.
            patience = patience.saturating_mul(4);
        }
        Ok(records)
    }

    /// Many chunks, cut at ends of lines as if no line ended inside a record. If one does, the chunk that it begins in does not end
    /// with a record: what is before that chunk is right, and is kept.
    fn some_records(&mut self, records: &mut Records<'a>) -> Result<bool> {
        let (text, start) = (self.text, self.at);
        let cuts = cuts(&text[start..]);
        let worker = || |chunk: usize| Ok(Chunk::read(text, start + cuts[chunk], start + cuts[chunk + 1]));
        let mut is_over = false;
        in_order(cuts.len() - 1, &Pace::full(), worker, |chunk: Option<Chunk<'a>>| {
            let Some(chunk) = chunk else { return Ok(ControlFlow::Break(())) };
            records.append(chunk.records);
            self.at = chunk.end;
            is_over = chunk.is_last;
            Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(is_over)
    }

    /// Records one after the other, about so many bytes.
    fn next_records(&mut self, records: &mut Records<'a>, bytes: usize) -> Result<()> {
        let enough = self.at.saturating_add(bytes);
        loop {
            self.record(records)?;
            if !self.skip(b',') {
                // `some_records` reads the end.
                return if self.peek() == Some(b']') { Ok(()) } else { self.expect(b']') };
            }
            if self.at >= enough {
                return Ok(());
            }
        }
    }
}

/// Records between two places.
struct Chunk<'a> {
    records: Records<'a>,
    /// Behind them.
    end: usize,
    /// Whether the list ends there.
    is_last: bool,
}

impl<'a> Chunk<'a> {
    /// `None` when there is something else.
    fn read(text: &'a [u8], start: usize, end: usize) -> Option<Chunk<'a>> {
        let mut parser = Parser { text, at: start };
        let mut records = Records::default();
        loop {
            if parser.skip(b']') {
                return Some(Chunk { records, end: parser.at, is_last: true });
            }
            parser.record(&mut records).ok()?;
            let is_more = parser.skip(b',');
            if is_more && parser.at >= end {
                // It ends with the comma after its last record, as it was cut.
                return (parser.at == end).then_some(Chunk { records, end, is_last: false });
            }
            if !is_more && parser.peek() != Some(b']') {
                return None;
            }
        }
    }
}

/// Where chunks begin, and the end: behind commas at ends of lines.
fn cuts(text: &[u8]) -> Vec<usize> {
    let mut cuts = vec![0];
    let mut from = CHUNK_BYTES;
    while let Some(found) = text.get(from..).and_then(|rest| memchr::memmem::find(rest, b",\n")) {
        cuts.push(from + found + 1);
        from += found + CHUNK_BYTES;
    }
    cuts.push(text.len());
    cuts
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

    #[test]
    fn lists_of_records_are_the_same_however_they_are_written() {
        let record = |i: usize, line: &str| {
            format!("{{\"id\": {i},{line}\"nested\": [{line}{{\"a\": \"],\\n[{i}\"}},{line}{{\"b\": {i}}}{line}]}}")
        };
        let mut read = Vec::new();
        for (inside, between) in [("", "\n"), ("\n  ", "\n"), ("", ""), (" ", " \n ")] {
            let list: Vec<String> = (0..60_000).map(|i| record(i, if i % 9000 == 5 { "\n" } else { inside })).collect();
            let text = format!(" [{}{}]", between, list.join(&format!(",{between}")));
            let mut parser = Parser::new(text.as_bytes());
            let records = parser.records().unwrap();
            parser.end().unwrap();
            assert_eq!(records.len(), 60_000);
            read.push(records.row(59_999).map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>());
        }
        assert!(read.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(Parser::new(b"[{\"a\": 1}, 2]").records().is_err());
        assert!(Parser::new(b"[{\"a\": 1}").records().is_err());
        assert_eq!(Parser::new(b"[]").records().unwrap().len(), 0);
    }
}
