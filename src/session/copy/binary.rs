//! The binary format: a signature, then per row a count and per field a length and bytes, then a trailer.

use bytes::{Buf, Bytes, BytesMut};
use dictdb_types::{Error, Result};

use super::bad_format;

/// `PGCOPY\n\377\r\n\0`.
pub(super) const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Flags that a reader must understand are in the upper half.
const CRITICAL_FLAGS: u32 = 0xffff_0000;
/// Rows with object ids, which are no more.
const OIDS_FLAG: u32 = 1 << 16;

/// Appends the header.
pub(super) fn write_header(out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[0; 8]);
}

/// Appends the trailer.
pub(super) fn write_trailer(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1i16).to_be_bytes());
}

/// Reads rows from pieces of any size.
pub(super) struct Rows {
    data: BytesMut,
    header_seen: bool,
    finished: bool,
}

/// What a reader found.
pub(super) enum Next {
    /// More input is needed.
    Wait,
    /// A row's fields.
    Row(Vec<Option<Bytes>>),
    /// Those before one that cannot be read, and why.
    Broken(Vec<Option<Bytes>>, Error),
    /// The trailer.
    End,
}

impl Rows {
    pub(super) fn new() -> Rows {
        Rows { data: BytesMut::new(), header_seen: false, finished: false }
    }

    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.data.extend_from_slice(piece);
    }

    /// Whether the header has been read.
    pub(super) fn is_past_header(&self) -> bool {
        self.header_seen
    }

    /// The next row of `columns` fields. `at_end`: no more input will come.
    pub(super) fn next(&mut self, columns: usize, at_end: bool) -> Result<Next> {
        if !self.header_seen && !self.read_header(at_end)? {
            return Ok(Next::Wait);
        }
        if self.finished {
            return self.at_trailer();
        }
        self.read_row(columns, at_end)
    }

    fn at_trailer(&self) -> Result<Next> {
        if self.data.is_empty() { Ok(Next::End) } else { Err(bad_format("received copy data after EOF marker")) }
    }

    fn read_header(&mut self, at_end: bool) -> Result<bool> {
        let fixed = SIGNATURE.len() + 8;
        if self.data.len() < fixed {
            if at_end || !SIGNATURE.starts_with(&self.data[..self.data.len().min(SIGNATURE.len())]) {
                return Err(bad_format("COPY file signature not recognized"));
            }
            return Ok(false);
        }
        if !self.data.starts_with(SIGNATURE) {
            return Err(bad_format("COPY file signature not recognized"));
        }
        let mut rest = &self.data[SIGNATURE.len()..fixed];
        let (flags, extension) = (rest.get_u32(), rest.get_u32() as usize);
        if flags & OIDS_FLAG != 0 {
            return Err(bad_format("invalid COPY file header (WITH OIDS)"));
        }
        if flags & CRITICAL_FLAGS != 0 {
            return Err(bad_format("unrecognized critical flags in COPY file header"));
        }
        if extension > i32::MAX as usize {
            return Err(bad_format("invalid COPY file header (missing length)"));
        }
        if self.data.len() < fixed + extension {
            return if at_end { Err(bad_format("invalid COPY file header (wrong length)")) } else { Ok(false) };
        }
        self.data.advance(fixed + extension);
        self.header_seen = true;
        Ok(true)
    }

    fn read_row(&mut self, columns: usize, at_end: bool) -> Result<Next> {
        let Some(mut count) = self.data.get(..2) else {
            // A file may end without its trailer.
            return Ok(if at_end { Next::End } else { Next::Wait });
        };
        match count.get_i16() {
            -1 => {
                self.finished = true;
                self.data.advance(2);
                return self.at_trailer();
            }
            count if usize::try_from(count) != Ok(columns) => {
                return Err(bad_format(format!("row field count is {count}, expected {columns}")));
            }
            _ => {}
        }
        let (whole, length, problem) = self.whole_fields(columns);
        match problem {
            Some(Problem::Incomplete) if !at_end => return Ok(Next::Wait),
            _ => {}
        }
        let mut row = self.data.split_to(length).freeze();
        row.advance(2);
        let mut fields = Vec::with_capacity(whole);
        for _ in 0..whole {
            let size = usize::try_from(row.get_i32()).ok();
            fields.push(size.map(|size| row.split_to(size)));
        }
        Ok(match problem {
            None => Next::Row(fields),
            Some(Problem::Incomplete) => Next::Broken(fields, bad_format("unexpected EOF in COPY data")),
            Some(Problem::Size) => Next::Broken(fields, bad_format("invalid field size")),
        })
    }

    /// How many fields of the row at the front are there, with how many bytes of it, and what is wrong with the one behind them.
    fn whole_fields(&self, columns: usize) -> (usize, usize, Option<Problem>) {
        let mut length = 2;
        for whole in 0..columns {
            let Some(mut size) = self.data.get(length..length + 4) else {
                return (whole, length, Some(Problem::Incomplete));
            };
            let end = match size.get_i32() {
                -1 => length + 4,
                size => match usize::try_from(size) {
                    Ok(size) => length + 4 + size,
                    Err(_) => return (whole, length, Some(Problem::Size)),
                },
            };
            if end > self.data.len() {
                return (whole, length, Some(Problem::Incomplete));
            }
            length = end;
        }
        (columns, length, None)
    }
}

/// What is wrong with a field.
#[derive(Clone, Copy)]
enum Problem {
    /// It is not there, or not all of it.
    Incomplete,
    /// Its length is none.
    Size,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut data = Vec::new();
        write_header(&mut data);
        data.extend_from_slice(&[0, 2, 0, 0, 0, 1, b'x', 0xff, 0xff, 0xff, 0xff]);
        write_trailer(&mut data);
        data
    }

    #[test]
    fn rows_are_read_byte_by_byte() {
        let mut rows = Rows::new();
        let mut found = Vec::new();
        for byte in sample() {
            rows.feed(&[byte]);
            if let Next::Row(row) = rows.next(2, false).unwrap() {
                found.push(row);
            }
        }
        assert_eq!(found, [vec![Some(bytes::Bytes::from_static(b"x")), None]]);
        assert!(matches!(rows.next(2, true), Ok(Next::End)));
    }

    #[test]
    fn damage_is_named() {
        let error = |data: &[u8], columns| {
            let mut rows = Rows::new();
            rows.feed(data);
            loop {
                match rows.next(columns, true) {
                    Ok(Next::Row(_)) => {}
                    Ok(Next::Wait | Next::End) => return String::new(),
                    Ok(Next::Broken(_, error)) | Err(error) => return error.message().to_owned(),
                }
            }
        };
        assert_eq!(error(b"hello", 1), "COPY file signature not recognized");
        assert_eq!(error(&sample(), 3), "row field count is 2, expected 3");
        assert_eq!(error(&sample()[..25], 2), "unexpected EOF in COPY data");
        let mut size = sample();
        size[21] = 0xff;
        assert_eq!(error(&size, 2), "invalid field size");
        let mut surplus = sample();
        surplus.push(0);
        assert_eq!(error(&surplus, 2), "received copy data after EOF marker");
    }
}
