//! Frames: one message with its header, cut from the input. What is inside is [`super::message`]'s.

use dictdb_types::{Error, Result, Severity, SqlState};

/// Type byte and length.
pub(super) const HEADER_BYTES: usize = 5;
/// `PQ_LARGE_MESSAGE_LIMIT`: queries, parameters, COPY data.
const LARGE_LIMIT: usize = (1 << 30) - 2;
/// `PQ_SMALL_MESSAGE_LIMIT`: everything else.
const SMALL_LIMIT: usize = 10_000;
/// `PG_MAX_AUTH_TOKEN_LENGTH`: answers to authentication.
const AUTHENTICATION_LIMIT: usize = 65_535;
/// Messages beyond this are not copied out of the input: they take its buffer along.
const COPY_BYTES: usize = 32 << 10;

/// What is at the front of the input.
#[derive(Debug)]
pub(super) enum Cut {
    /// Not a whole message yet; that many bytes make it whole.
    Wait(usize),
    /// A message.
    Frame(Frame),
    /// A length that cannot be: nothing that follows can be trusted.
    Lost,
}

/// A whole message.
#[derive(Debug)]
pub(super) struct Frame {
    kind: u8,
    /// The message is at the end of it.
    bytes: Vec<u8>,
    start: usize,
}

impl Frame {
    /// The type byte.
    pub(super) fn kind(&self) -> u8 {
        self.kind
    }

    /// The message without its header.
    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The message without its header, as bytes of its own.
    pub(super) fn into_body(mut self) -> Vec<u8> {
        self.bytes.drain(..self.start);
        self.bytes
    }
}

/// Bytes that were read and not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    /// The buffer of the last frame, to be used again.
    spare: Vec<u8>,
}

impl Input {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Room for at least so many bytes more, behind what is there. Without that it is `keep` bytes large.
    pub(super) fn room(&mut self, wanted: usize, keep: usize) -> &mut Vec<u8> {
        self.bytes.drain(..self.start);
        self.start = 0;
        if self.bytes.is_empty() && self.bytes.capacity() != keep {
            self.bytes = Vec::with_capacity(keep);
        }
        self.bytes.reserve(wanted);
        &mut self.bytes
    }

    /// Cuts one message off. An unknown type is a fatal error (08P01).
    pub(super) fn cut(&mut self) -> Result<Cut> {
        let input = self.rest();
        let Some(kind) = input.first().copied() else { return Ok(Cut::Wait(HEADER_BYTES)) };
        let limit = limit_of(kind)?;
        let Some([_, length @ ..]) = input.first_chunk::<HEADER_BYTES>() else { return Ok(Cut::Wait(HEADER_BYTES)) };
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else { return Ok(Cut::Lost) };
        if !(4..=limit).contains(&length) {
            return Ok(Cut::Lost);
        }
        if input.len() < length + 1 {
            return Ok(Cut::Wait(length + 1));
        }
        Ok(Cut::Frame(self.take(kind, length + 1)))
    }

    fn take(&mut self, kind: u8, length: usize) -> Frame {
        let (start, end) = (self.start, self.start + length);
        if length > COPY_BYTES {
            let rest = self.bytes.split_off(end);
            self.start = 0;
            return Frame { kind, bytes: std::mem::replace(&mut self.bytes, rest), start: start + HEADER_BYTES };
        }
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.extend_from_slice(self.bytes.get(start + HEADER_BYTES..end).unwrap_or_default());
        self.start = end;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
        Frame { kind, bytes, start: 0 }
    }

    /// Takes the buffer of a frame that was handled.
    pub(super) fn give_back(&mut self, frame: Frame) {
        if frame.bytes.capacity() <= COPY_BYTES {
            self.spare = frame.bytes;
            self.spare.clear();
        }
    }
}

/// The longest message of a type, its length included; 08P01 when there is no such type.
#[inline]
fn limit_of(kind: u8) -> Result<usize> {
    match kind {
        b'Q' | b'P' | b'B' | b'd' | b'F' => Ok(LARGE_LIMIT),
        b'p' => Ok(AUTHENTICATION_LIMIT),
        b'C' | b'D' | b'E' | b'H' | b'S' | b'X' | b'c' | b'f' => Ok(SMALL_LIMIT),
        other => Err(Error::with_severity(
            Severity::Fatal,
            SqlState::PROTOCOL_VIOLATION,
            format!("invalid frontend message type {other}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(bytes: &[u8]) -> Input {
        Input { bytes: bytes.to_vec(), ..Input::default() }
    }

    #[test]
    fn messages_come_out_one_by_one() {
        let large = vec![b'x'; COPY_BYTES];
        let mut bytes = b"S\0\0\0\x04Q\0\0\0\x07ab\0d".to_vec();
        bytes.extend_from_slice(&(large.len() as i32 + 4).to_be_bytes());
        bytes.extend_from_slice(&large);
        bytes.extend_from_slice(b"S\0\0\0\x04H");
        let mut input = input(&bytes);
        for (kind, body) in [(b'S', &b""[..]), (b'Q', b"ab\0"), (b'd', &large), (b'S', b"")] {
            let Cut::Frame(frame) = input.cut().unwrap() else { panic!("no frame") };
            assert_eq!((frame.kind(), frame.body()), (kind, body));
            input.give_back(frame);
        }
        assert!(matches!(input.cut(), Ok(Cut::Wait(HEADER_BYTES))));
        input.room(1, 64).push(0);
        assert_eq!(input.rest(), b"H\0");
    }

    #[test]
    fn lengths_are_checked_before_anything_is_buffered() {
        let lost = |bytes: &[u8]| matches!(input(bytes).cut(), Ok(Cut::Lost));
        assert!(lost(b"Q\0\0\0\x02"));
        assert!(lost(b"Q\xff\xff\xff\xff"));
        assert!(lost(b"S\0\0\x9c\x40"));
        assert!(input(b"y\0\0\0\x04").cut().is_err());
        assert!(matches!(input(b"Q\0\0\0\x10abc").cut(), Ok(Cut::Wait(17))));
        assert!(matches!(input(b"Q\0").cut(), Ok(Cut::Wait(5))));
    }
}
