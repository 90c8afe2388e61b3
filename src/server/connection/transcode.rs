//! Messages of clients that speak another encoding than UTF-8: their texts, without knowing more of a message than where they are.
//!
//! Values of rows are converted where they are written ([`super::rows`]), parameters and COPY data where they are read.

use std::borrow::Cow;

use dictdb_session::encoding::Codec;
use dictdb_types::Result;

/// Type byte and length.
const HEADER_BYTES: usize = 5;

/// The body of a message from the client, with its texts in UTF-8. 22021, 22P05.
pub(super) fn incoming<'a>(codec: &Codec, kind: u8, body: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    // What comes before the texts, and how many they are.
    let (start, count) = match kind {
        b'Q' | b'f' | b'E' => (0, 1),
        b'P' | b'B' => (0, 2),
        b'D' | b'C' => (1, 1),
        _ => (0, 0),
    };
    if count == 0 || body.is_ascii() {
        return Ok(Cow::Borrowed(body));
    }
    let (mut recoded, mut rest) = (Vec::with_capacity(body.len() * 2), body);
    let (before, after) = rest.split_at(start.min(rest.len()));
    recoded.extend_from_slice(before);
    rest = after;
    for _ in 0..count {
        // A text without an end is for the reader to complain about.
        let Some(end) = memchr::memchr(0, rest) else { break };
        recoded.extend_from_slice(codec.decode(&rest[..end])?.as_bytes());
        recoded.push(0);
        rest = &rest[end + 1..];
    }
    recoded.extend_from_slice(rest);
    Ok(Cow::Owned(recoded))
}

/// A part of a message to the client.
enum Part {
    /// Bytes that are no text.
    Bytes(usize),
    /// Texts with zero bytes at their ends, up to this many.
    Texts(usize),
    /// A letter and a text each, up to a zero byte.
    Fields,
    /// A text and 18 bytes for each column.
    Columns,
}

/// Recodes the message that begins at a place in the output, if it has texts. What the client's encoding lacks becomes a question mark.
pub(super) fn outgoing(codec: &Codec, output: &mut Vec<u8>, start: usize) {
    let Some(kind) = output.get(start).copied() else { return };
    let parts: &[Part] = match kind {
        b'E' | b'N' => &[Part::Fields],
        b'S' => &[Part::Texts(2)],
        b'A' => &[Part::Bytes(4), Part::Texts(2)],
        b'C' => &[Part::Texts(1)],
        b'T' => &[Part::Bytes(2), Part::Columns],
        _ => return,
    };
    let body = output.split_off(start + HEADER_BYTES);
    if body.is_ascii() {
        output.extend_from_slice(&body);
        return;
    }
    let mut writer = Recoder { codec, rest: &body, output };
    parts.iter().for_each(|part| writer.part(part));
    let Recoder { rest, output, .. } = writer;
    output.extend_from_slice(rest);
    let length = (output.len() - start - 1) as i32;
    output[start + 1..start + HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
}

struct Recoder<'a> {
    codec: &'a Codec,
    rest: &'a [u8],
    output: &'a mut Vec<u8>,
}

impl Recoder<'_> {
    fn part(&mut self, part: &Part) {
        const COLUMN_BYTES: usize = 18;
        match part {
            Part::Bytes(count) => self.bytes(*count),
            Part::Texts(count) => (0..*count).for_each(|_| self.text()),
            Part::Fields => {
                while self.rest.first().is_some_and(|letter| *letter != 0) {
                    self.bytes(1);
                    self.text();
                }
            }
            Part::Columns => {
                while !self.rest.is_empty() {
                    self.text();
                    self.bytes(COLUMN_BYTES);
                }
            }
        }
    }

    fn bytes(&mut self, count: usize) {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.output.extend_from_slice(taken);
        self.rest = rest;
    }

    fn text(&mut self) {
        let Some(end) = memchr::memchr(0, self.rest) else { return };
        self.codec.encode_lossy(&String::from_utf8_lossy(&self.rest[..end]), self.output);
        self.output.push(0);
        self.rest = &self.rest[end + 1..];
    }
}
