//! Messages of the client, read in place: what they hold is borrowed from their frame.
//!
//! What PostgreSQL's `pq_getmsg…` functions check is checked here, with their messages. (pgwire's decoders trust the counts
//! and strings inside a message, and copy every part.)

use bytes::Buf;
use dictdb_session::Target;
use dictdb_types::{Error, Oid, Result, SqlState};
use smallvec::SmallVec;

/// Parts of a message that are few as a rule.
pub(super) type Few<T> = SmallVec<[T; 8]>;

/// A message.
#[derive(Debug)]
pub(super) enum Message<'a> {
    Query(&'a str),
    Parse { statement: &'a str, query: &'a str, types: Few<Oid> },
    Bind(Bind<'a>),
    Describe { target: Target, name: &'a str },
    Execute { portal: &'a str, max_rows: i32 },
    Close { target: Target, name: &'a str },
    Sync,
    Flush,
    CopyFail(&'a str),
}

/// Bind.
#[derive(Debug)]
pub(super) struct Bind<'a> {
    pub portal: &'a str,
    pub statement: &'a str,
    pub param_formats: Few<i16>,
    /// NULL is `None`.
    pub params: Few<Option<&'a [u8]>>,
    pub result_formats: Few<i16>,
}

impl<'a> Message<'a> {
    /// Checks and reads a message: 08P01 and 22021 as PostgreSQL.
    pub(super) fn read(kind: u8, body: &'a [u8]) -> Result<Self> {
        let mut reader = Reader { rest: body };
        let message = match kind {
            b'Q' => Message::Query(reader.text()?),
            b'P' => Message::Parse { statement: reader.text()?, query: reader.text()?, types: reader.types()? },
            b'B' => Message::Bind(reader.bind()?),
            b'D' => reader.target("DESCRIBE").map(|(target, name)| Message::Describe { target, name })?,
            b'C' => reader.target("CLOSE").map(|(target, name)| Message::Close { target, name })?,
            b'E' => Message::Execute { portal: reader.text()?, max_rows: reader.take(4)?.get_i32() },
            b'S' => Message::Sync,
            b'H' => Message::Flush,
            b'f' => Message::CopyFail(reader.text()?),
            other => return Err(violation(&format!("invalid frontend message type {other}"))),
        };
        if reader.rest.is_empty() { Ok(message) } else { Err(violation("invalid message format")) }
    }
}

/// Reads a body without copying it.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(violation("insufficient data left in message"));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn count(&mut self) -> Result<usize> {
        Ok(usize::from(self.take(2)?.get_u16()))
    }

    fn text(&mut self) -> Result<&'a str> {
        let end = memchr::memchr(0, self.rest).ok_or_else(|| violation("invalid string in message"))?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        dictdb_session::utf8(text)
    }

    fn target(&mut self, message: &str) -> Result<(Target, &'a str)> {
        let target = self.take(1)?.first().copied().unwrap_or(0);
        let name = self.text()?;
        match target {
            b'S' => Ok((Target::Statement, name)),
            b'P' => Ok((Target::Portal, name)),
            other => Err(violation(&format!("invalid {message} message subtype {other}"))),
        }
    }

    fn types(&mut self) -> Result<Few<Oid>> {
        let count = self.count()?;
        Ok(self.take(count * 4)?.chunks_exact(4).map(|mut oid| Oid(oid.get_u32())).collect())
    }

    fn formats(&mut self) -> Result<Few<i16>> {
        let count = self.count()?;
        Ok(self.take(count * 2)?.chunks_exact(2).map(|mut code| code.get_i16()).collect())
    }

    fn bind(&mut self) -> Result<Bind<'a>> {
        let (portal, statement) = (self.text()?, self.text()?);
        let param_formats = self.formats()?;
        let count = self.count()?;
        let mut params = Few::with_capacity(count.min(self.rest.len() / 4));
        for _ in 0..count {
            // Minus one is NULL.
            let length = usize::try_from(self.take(4)?.get_i32()).ok();
            params.push(length.map(|length| self.take(length)).transpose()?);
        }
        Ok(Bind { portal, statement, param_formats, params, result_formats: self.formats()? })
    }
}

/// 08P01.
pub(super) fn violation(message: &str) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_messages_are_read() {
        let bind = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0";
        match Message::read(b'B', bind).unwrap() {
            Message::Bind(bind) => {
                assert_eq!((bind.portal, bind.statement), ("p", "s"));
                assert_eq!(bind.param_formats.as_slice(), [1]);
                assert_eq!(bind.params.as_slice(), [Some(&b"x"[..]), None]);
                assert!(bind.result_formats.is_empty());
            }
            other => panic!("{other:?}"),
        }
        match Message::read(b'P', b"s\0select $1\0\0\x01\0\0\0\x17").unwrap() {
            Message::Parse { statement: "s", query: "select $1", types } => assert_eq!(types.as_slice(), [Oid(23)]),
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
            let error = Message::read(kind, body).err();
            assert_eq!(error.map(|e| e.message().to_owned()).as_deref(), Some(text));
        }
    }
}
