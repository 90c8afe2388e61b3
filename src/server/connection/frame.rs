//! Frames: one message with its header, cut from the input and checked before pgwire decodes it.
//!
//! pgwire's decoders trust the counts and strings inside a message; a malformed one would panic or be read past its end.
//! What PostgreSQL's `pq_getmsg…` functions check while they read is checked here first, with their messages.

use bytes::{Buf, BytesMut};
use dictdb_types::{Error, Result, Severity, SqlState};
use pgwire::messages::{DecodeContext, PgWireFrontendMessage, ProtocolVersion};

/// Type byte and length.
pub(super) const HEADER_BYTES: usize = 5;
/// `PQ_LARGE_MESSAGE_LIMIT`: queries, parameters, COPY data.
const LARGE_LIMIT: usize = (1 << 30) - 2;
/// `PQ_SMALL_MESSAGE_LIMIT`: everything else.
const SMALL_LIMIT: usize = 10_000;
/// `PG_MAX_AUTH_TOKEN_LENGTH`: answers to authentication.
const AUTHENTICATION_LIMIT: usize = 65_535;

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

/// A whole message, header included.
#[derive(Debug)]
pub(super) struct Frame {
    bytes: BytesMut,
}

/// Cuts one message off the input. An unknown type is a fatal error (08P01).
pub(super) fn cut(input: &mut BytesMut) -> Result<Cut> {
    let Some(kind) = input.first().copied() else { return Ok(Cut::Wait(HEADER_BYTES)) };
    let limit = match kind {
        b'Q' | b'P' | b'B' | b'd' | b'F' => LARGE_LIMIT,
        b'p' => AUTHENTICATION_LIMIT,
        b'C' | b'D' | b'E' | b'H' | b'S' | b'X' | b'c' | b'f' => SMALL_LIMIT,
        other => {
            let message = format!("invalid frontend message type {other}");
            return Err(Error::with_severity(Severity::Fatal, SqlState::PROTOCOL_VIOLATION, message));
        }
    };
    let Some(mut length) = input.get(1..HEADER_BYTES) else { return Ok(Cut::Wait(HEADER_BYTES)) };
    let length = length.get_i32();
    let Ok(length) = usize::try_from(length) else { return Ok(Cut::Lost) };
    if !(4..=limit).contains(&length) {
        return Ok(Cut::Lost);
    }
    if input.len() < length + 1 {
        return Ok(Cut::Wait(length + 1));
    }
    Ok(Cut::Frame(Frame { bytes: input.split_to(length + 1) }))
}

impl Frame {
    /// The type byte.
    pub(super) fn kind(&self) -> u8 {
        self.bytes.first().copied().unwrap_or(0)
    }

    /// The message without its header.
    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// The message without its header, as bytes of its own.
    pub(super) fn into_body(mut self) -> BytesMut {
        self.bytes.advance(HEADER_BYTES.min(self.bytes.len()));
        self.bytes
    }

    /// Checks and decodes the message: 08P01 and 22021 as PostgreSQL.
    pub(super) fn decode(mut self) -> Result<PgWireFrontendMessage> {
        check(self.kind(), self.body())?;
        let mut context = DecodeContext::new(ProtocolVersion::PROTOCOL3_0);
        context.awaiting_frontend_ssl = false;
        context.awaiting_frontend_startup = false;
        match PgWireFrontendMessage::decode(&mut self.bytes, &context) {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(violation("invalid message format")),
            Err(error) => Err(violation(&error.to_string())),
        }
    }
}

/// Checks that a body is what its type promises.
fn check(kind: u8, body: &[u8]) -> Result<()> {
    let mut reader = Reader { rest: body };
    match kind {
        b'Q' => reader.text()?,
        b'P' => {
            reader.text()?;
            reader.text()?;
            let types = reader.count()?;
            reader.skip(types * 4)?;
        }
        b'B' => check_bind(&mut reader)?,
        b'D' | b'C' => {
            let target = reader.skip(1)?.first().copied().unwrap_or(0);
            reader.text()?;
            if !matches!(target, b'S' | b'P') {
                let message = if kind == b'D' { "DESCRIBE" } else { "CLOSE" };
                return Err(violation(&format!("invalid {message} message subtype {target}")));
            }
        }
        b'E' => {
            reader.text()?;
            reader.skip(4)?;
        }
        b'f' => reader.text()?,
        // Copied whole, or without a body that anybody reads.
        b'd' | b'c' | b'X' => return Ok(()),
        _ => {}
    }
    if reader.rest.is_empty() { Ok(()) } else { Err(violation("invalid message format")) }
}

fn check_bind(reader: &mut Reader<'_>) -> Result<()> {
    reader.text()?;
    reader.text()?;
    let formats = reader.count()?;
    reader.skip(formats * 2)?;
    for _ in 0..reader.count()? {
        let mut length = reader.skip(4)?;
        // Minus one is NULL.
        if let Ok(length) = usize::try_from(length.get_i32()) {
            reader.skip(length)?;
        }
    }
    let results = reader.count()?;
    reader.skip(results * 2)?;
    Ok(())
}

/// Reads a body without copying it.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn skip(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(violation("insufficient data left in message"));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn count(&mut self) -> Result<usize> {
        Ok(usize::from(self.skip(2)?.get_u16()))
    }

    fn text(&mut self) -> Result<()> {
        let end = self.rest.iter().position(|byte| *byte == 0).ok_or_else(|| violation("invalid string in message"))?;
        let (text, rest) = self.rest.split_at(end);
        dictdb_session::utf8(text)?;
        self.rest = &rest[1..];
        Ok(())
    }
}

/// 08P01.
pub(super) fn violation(message: &str) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::from(&[kind][..]);
        bytes.extend_from_slice(&(body.len() as i32 + 4).to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    fn decode(kind: u8, body: &[u8]) -> Result<PgWireFrontendMessage> {
        match cut(&mut message(kind, body))? {
            Cut::Frame(frame) => frame.decode(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn well_formed_messages_are_decoded() {
        let bind = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0";
        match decode(b'B', bind).unwrap() {
            PgWireFrontendMessage::Bind(bind) => {
                assert_eq!(bind.parameters.len(), 2);
                assert_eq!(bind.parameters[0].as_deref(), Some(&b"x"[..]));
                assert_eq!(bind.parameters[1], None);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn malformed_messages_are_refused_in_postgres_words() {
        for (kind, body, text) in [
            (b'P', &b"abc"[..], "invalid string in message"),
            (b'Q', b"select 1", "invalid string in message"),
            (b'Q', b"select 1\0 1\0", "invalid message format"),
            (b'Q', b"select '\xff'\0", "invalid byte sequence for encoding \"UTF8\": 0xff"),
            (b'E', b"\0", "insufficient data left in message"),
            (b'D', b"Xa\0", "invalid DESCRIBE message subtype 88"),
            (b'C', b"Xa\0", "invalid CLOSE message subtype 88"),
            (b'S', b"xx", "invalid message format"),
            (b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff", "insufficient data left in message"),
            (b'P', b"\0\0\xff\xff", "insufficient data left in message"),
        ] {
            assert_eq!(decode(kind, body).err().map(|e| e.message().to_owned()).as_deref(), Some(text));
        }
    }

    #[test]
    fn lengths_are_checked_before_anything_is_buffered() {
        let lost = |bytes: &[u8]| matches!(cut(&mut BytesMut::from(bytes)), Ok(Cut::Lost));
        assert!(lost(b"Q\0\0\0\x02"));
        assert!(lost(b"Q\xff\xff\xff\xff"));
        assert!(lost(b"S\0\0\x9c\x40"));
        assert!(cut(&mut BytesMut::from(&b"y\0\0\0\x04"[..])).is_err());
        assert!(matches!(cut(&mut BytesMut::from(&b"Q\0\0\0\x10abc"[..])), Ok(Cut::Wait(17))));
        assert!(matches!(cut(&mut BytesMut::from(&b"Q\0"[..])), Ok(Cut::Wait(5))));
    }
}
