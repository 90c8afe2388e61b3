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
    Parse { statement: &'a str, query: &'a str, types: Types<'a> },
    Bind(Bind<'a>),
    Describe { target: Target, name: &'a str },
    Execute { portal: &'a str, max_rows: i32 },
    Close { target: Target, name: &'a str },
    Sync,
    Flush,
    CopyFail(&'a str),
    Call(Call<'a>),
}

/// FunctionCall. Its lists are checked, and read when they are needed.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub function: Oid,
    formats: &'a [u8],
    arguments: &'a [u8],
    pub result_format: i16,
}

/// Type oids.
#[derive(Clone, Copy, Debug)]
pub(super) struct Types<'a>(&'a [u8]);

/// Bind. Its lists are checked, and read when they are needed.
#[derive(Debug)]
pub(super) struct Bind<'a> {
    pub portal: &'a str,
    pub statement: &'a str,
    param_formats: &'a [u8],
    params: &'a [u8],
    result_formats: &'a [u8],
}

impl Types<'_> {
    pub(super) fn list(&self) -> Few<Oid> {
        self.0.chunks_exact(4).map(|mut oid| Oid(oid.get_u32())).collect()
    }
}

impl<'a> Bind<'a> {
    pub(super) fn param_formats(&self) -> Few<i16> {
        codes(self.param_formats)
    }

    pub(super) fn result_formats(&self) -> Few<i16> {
        codes(self.result_formats)
    }

    /// The parameters; NULL is `None`.
    pub(super) fn params(&self) -> Few<Option<&'a [u8]>> {
        values(self.params)
    }
}

impl<'a> Call<'a> {
    pub(super) fn formats(&self) -> Few<i16> {
        codes(self.formats)
    }

    /// The arguments; NULL is `None`.
    pub(super) fn arguments(&self) -> Few<Option<&'a [u8]>> {
        values(self.arguments)
    }
}

/// Values with their lengths in front.
fn values(list: &[u8]) -> Few<Option<&[u8]>> {
    let mut reader = Reader { rest: list };
    let mut values = Few::new();
    while !reader.rest.is_empty() {
        match reader.param() {
            Ok(value) => values.push(value),
            Err(_) => break,
        }
    }
    values
}

/// Format codes.
fn codes(list: &[u8]) -> Few<i16> {
    let mut codes = Few::new();
    list.chunks_exact(2).for_each(|mut code| codes.push(code.get_i16()));
    codes
}

impl<'a> Message<'a> {
    /// Checks and reads a message: 08P01 and 22021 as PostgreSQL.
    pub(super) fn read(kind: u8, body: &'a [u8]) -> Result<Self> {
        let mut reader = Reader { rest: body };
        let message = match kind {
            b'Q' => Message::Query(reader.text()?),
            b'P' => Message::Parse { statement: reader.text()?, query: reader.text()?, types: Types(reader.list(4)?) },
            b'B' => Message::Bind(reader.bind()?),
            b'D' => reader.target("DESCRIBE").map(|(target, name)| Message::Describe { target, name })?,
            b'C' => reader.target("CLOSE").map(|(target, name)| Message::Close { target, name })?,
            b'E' => Message::Execute { portal: reader.text()?, max_rows: reader.take(4)?.get_i32() },
            b'S' => Message::Sync,
            b'H' => Message::Flush,
            b'f' => Message::CopyFail(reader.text()?),
            b'F' => Message::Call(reader.call()?),
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
        // Most names are empty.
        if let [0, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok("");
        }
        let end = memchr::memchr(0, self.rest).ok_or_else(|| violation("invalid string in message"))?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        dictdb_types::text::from_c_string(text)
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

    /// A list with its count in front.
    fn list(&mut self, item_bytes: usize) -> Result<&'a [u8]> {
        let count = self.count()?;
        self.take(count * item_bytes)
    }

    /// A parameter. A length of -1 is NULL.
    fn param(&mut self) -> Result<Option<&'a [u8]>> {
        match self.take(4)?.get_i32() {
            -1 => Ok(None),
            // No message has as much as a negative length would be.
            length => self.take(usize::try_from(length).unwrap_or(usize::MAX)).map(Some),
        }
    }

    /// Parameters with their count in front.
    fn params(&mut self) -> Result<&'a [u8]> {
        let count = self.count()?;
        let params = self.rest;
        for _ in 0..count {
            self.param()?;
        }
        Ok(&params[..params.len() - self.rest.len()])
    }

    fn call(&mut self) -> Result<Call<'a>> {
        let function = Oid(self.take(4)?.get_u32());
        let formats = self.list(2)?;
        let arguments = self.params()?;
        Ok(Call { function, formats, arguments, result_format: self.take(2)?.get_i16() })
    }

    fn bind(&mut self) -> Result<Bind<'a>> {
        let (portal, statement) = (self.text()?, self.text()?);
        let param_formats = self.list(2)?;
        let params = self.params()?;
        Ok(Bind { portal, statement, param_formats, params, result_formats: self.list(2)? })
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
                assert_eq!(bind.param_formats().as_slice(), [1]);
                assert_eq!(bind.params().as_slice(), [Some(&b"x"[..]), None]);
                assert!(bind.result_formats().is_empty());
            }
            other => panic!("{other:?}"),
        }
        match Message::read(b'P', b"s\0select $1\0\0\x01\0\0\0\x17").unwrap() {
            Message::Parse { statement: "s", query: "select $1", types } => {
                assert_eq!(types.list().as_slice(), [Oid(23)])
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
            (b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0", "insufficient data left in message"),
            (b'P', b"\0\0\xff\xff", "insufficient data left in message"),
        ] {
            let error = Message::read(kind, body).err();
            assert_eq!(error.map(|e| e.message().to_owned()).as_deref(), Some(text));
        }
    }
}
