//! JSON documents of any size, from their beginning to their end: objects are walked through, long lists are handed out in pieces of
//! whole items, and of everything else there is one value in memory at a time.
//!
//! What a byte is depends on those before it, so one thread looks for the ends of values, which needs no more than quotes and brackets.
//! What is in a piece is for others to read.

use std::io::Read;

use dictdb_types::{Error, Result};

use super::json::{Parser, invalid, parse_within};
use super::value::Value;
use crate::error::unreadable;

/// Bytes that are read at a time.
const READ_BYTES: usize = 1 << 20;
/// A piece is complete when it has so many bytes.
const PIECE_BYTES: usize = 4 << 20;
/// Longest value that is no list of records: a record, a name, a schema.
const MAX_VALUE_BYTES: usize = 1 << 30;

/// A document that is being read.
pub(crate) struct Document<'f> {
    file: &'f mut dyn Read,
    name: &'f str,
    buffer: Vec<u8>,
    /// What comes next in the buffer; what is before it, from `kept` on, is still looked at.
    at: usize,
    kept: usize,
    /// Bytes before the buffer.
    before: u64,
}

/// Some items of a list, with the commas between them.
pub(crate) struct Piece {
    /// The number of the first.
    pub(crate) first: u64,
    pub(crate) items: u64,
    text: Vec<u8>,
    /// Bytes before it.
    before: u64,
}

/// Where the end of a value is looked for.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Scan {
    /// Goes on over bytes. Returns how many of them belong to the value when its end is among them.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = usize::from(std::mem::take(&mut self.is_escaped));
        while at < bytes.len() {
            if self.in_string {
                at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
                if bytes[at] == b'\\' {
                    self.is_escaped = at + 1 == bytes.len();
                    at += 2;
                    continue;
                }
                self.in_string = false;
                at += 1;
                if self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match bytes[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth <= 1 => return Some(at + self.depth),
                b'}' | b']' => self.depth -= 1,
                b',' | b' ' | b'\n' | b'\r' | b'\t' if self.depth == 0 => return Some(at),
                _ => {}
            }
            at += 1;
        }
        None
    }
}

impl<'f> Document<'f> {
    pub(crate) fn new(file: &'f mut dyn Read, name: &'f str) -> Self {
        Document { file, name, buffer: Vec::new(), at: 0, kept: 0, before: 0 }
    }

    fn failed(&self, what: &str) -> Error {
        invalid(format_args!("{what} at byte {}", self.before + self.at as u64))
    }

    /// Reads more behind what is there; false at the end of the file.
    fn fill(&mut self) -> Result<bool> {
        self.buffer.drain(..self.kept);
        self.before += self.kept as u64;
        self.at -= self.kept;
        self.kept = 0;
        let there = self.buffer.len();
        let mut more = (&mut *self.file).take(READ_BYTES as u64);
        more.read_to_end(&mut self.buffer).map_err(|error| unreadable(self.name, &error))?;
        Ok(self.buffer.len() > there)
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            match self.buffer.get(self.at).copied() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                None if self.fill()? => {}
                found => return Ok(found),
            }
        }
    }

    fn skip(&mut self, byte: u8) -> Result<bool> {
        let is_next = self.peek()? == Some(byte);
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        match self.skip(byte)? {
            true => Ok(()),
            false => Err(self.failed(&format!("{:?} is missing", char::from(byte)))),
        }
    }

    /// Passes over a value; `is_kept` is one that is looked at afterwards.
    fn pass(&mut self, is_kept: bool) -> Result<()> {
        if self.peek()?.is_none() {
            return Err(self.failed("a value is missing"));
        }
        let (mut scan, mut length) = (Scan::default(), 0);
        loop {
            let ahead = &self.buffer[self.at..];
            let (part, end) = (ahead.len(), scan.end(ahead));
            self.at += end.unwrap_or(part);
            length += end.unwrap_or(part);
            if end.is_some() {
                return Ok(());
            }
            if is_kept && length > MAX_VALUE_BYTES {
                return Err(self.failed(&format!("a value is longer than {MAX_VALUE_BYTES} bytes")));
            }
            if !is_kept {
                self.kept = self.at;
            }
            if !self.fill()? {
                // A word may end with the file.
                return if scan.depth == 0 && !scan.in_string { Ok(()) } else { Err(self.failed("it ends early")) };
            }
        }
    }

    /// The end of the document. XX001 when there is more.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.failed("there is more")),
        }
    }

    /// A value of moderate size.
    pub(crate) fn value(&mut self) -> Result<Value<'static>> {
        self.peek()?;
        self.kept = self.at;
        self.pass(true)?;
        let text = &self.buffer[self.kept..self.at];
        let value = parse_within(text, self.before + self.kept as u64).map(Value::into_owned);
        self.kept = self.at;
        value
    }

    /// Passes over a value of any size.
    pub(crate) fn pass_over(&mut self) -> Result<()> {
        self.kept = self.at;
        self.pass(false)?;
        self.kept = self.at;
        Ok(())
    }

    /// The entries of an object: `entry` takes the value behind each key. XX001 when it is none.
    pub(crate) fn object(&mut self, mut entry: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.expect(b'{')?;
        if self.skip(b'}')? {
            return Ok(());
        }
        loop {
            let Value::Text(key) = self.value()? else { return Err(self.failed("a key is no string")) };
            self.expect(b':')?;
            entry(self, &key)?;
            if !self.skip(b',')? {
                return self.expect(b'}');
            }
        }
    }

    /// The items of a list, in pieces of at most so many, none of which has items of two runs of so many. XX001 when it is no list.
    pub(crate) fn list(&mut self, run: u64, mut take: impl FnMut(Piece) -> Result<()>) -> Result<()> {
        self.expect(b'[')?;
        self.kept = self.at;
        if self.skip(b']')? {
            return Ok(());
        }
        let (mut first, mut items) = (0, 0);
        loop {
            self.pass(true)?;
            items += 1;
            let end = self.at;
            let is_complete = end - self.kept >= PIECE_BYTES || (first + items) % run == 0;
            // Looking further may move what is kept.
            let length = end - self.kept;
            let is_last = !self.skip(b',')?;
            if is_complete || is_last {
                let text = self.buffer[self.kept..self.kept + length].to_vec();
                take(Piece { first, items, text, before: self.before + self.kept as u64 })?;
                (first, items) = (first + items, 0);
                self.kept = self.at;
            }
            if is_last {
                return self.expect(b']');
            }
        }
    }
}

impl Piece {
    /// The items, one after the other.
    pub(crate) fn each<'p>(&'p self, mut item: impl FnMut(&mut Parser<'p>) -> Result<()>) -> Result<()> {
        let mut parser = Parser::new(&self.text, self.before)?;
        for number in 0..self.items {
            if number > 0 {
                parser.expect(b',')?;
            }
            item(&mut parser)?;
        }
        parser.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives a few bytes at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(out.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    /// The items of the list `a`, as text, with the number of the first of each piece.
    fn items(text: &str, run: u64) -> Result<Vec<(u64, String)>> {
        let mut found = Vec::new();
        let mut file = Drops(text.as_bytes(), 7);
        let mut document = Document::new(&mut file, "x.json");
        document.object(|document, key| {
            if key != "a" {
                return document.pass_over();
            }
            document.list(run, |piece| {
                let mut number = piece.first;
                piece.each(|parser| {
                    found.push((number, parser.value(8)?.to_string()));
                    number += 1;
                    Ok(())
                })
            })
        })?;
        document.end()?;
        Ok(found)
    }

    #[test]
    fn lists_come_in_pieces_however_they_are_written() {
        let text = " {\"x\": [\"]\\\"\", {\"a\": [1]}], \"a\" : [ {\"k\": \"},\\\\\"} ,\n[1, [2]],7 , \"\\\"\", null\n] , \"y\": -1.5 } ";
        let expected = ["{\"k\": \"},\\\\\"}", "[1, [2]]", "7", "\"\\\"\"", "null"];
        for run in [1, 2, 3, 100] {
            let found = items(text, run).expect("it is whole");
            let numbered: Vec<(u64, String)> = (0..).zip(expected.map(str::to_owned)).collect();
            assert_eq!(found, numbered, "{run}");
        }
        assert_eq!(items("{\"a\": []}", 5).expect("it is whole"), []);
        let wrong = [
            "",
            "{",
            "{\"a\"",
            "{\"a\": [1",
            "{\"a\": [1,]}",
            "{\"a\": [1 2]}",
            "{\"a\": 1}",
            "{\"a\": []} x",
            "{1: 2}",
            "{\"a\": [\"x]}",
        ];
        for wrong in wrong {
            assert!(items(wrong, 5).is_err(), "{wrong}");
        }
        for end in 0..text.trim_end().len() {
            assert!(items(&text[..end], 3).is_err(), "{end}");
        }
    }
}
