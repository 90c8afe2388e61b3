//! Reading and writing the pages of a large object. Pages that are not there, and what pages lack at their ends, read as zeros.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Oid, Result, SqlState, oids};

use super::statement::Text;
use super::{MAX_VALUE_BYTES, PAGE_BYTES};
use crate::Session;

const READ: Text = (
    "SELECT pageno, data FROM pg_catalog.pg_largeobject WHERE loid = $1 AND pageno BETWEEN $2 AND $3 ORDER BY pageno",
    &[oids::OID, oids::INT4, oids::INT4],
);
const LAST: Text = (
    "SELECT pageno, length(data) FROM pg_catalog.pg_largeobject WHERE loid = $1 ORDER BY pageno DESC LIMIT 1",
    &[oids::OID],
);
const WRITE: Text = (
    "INSERT INTO pg_catalog.pg_largeobject (loid, pageno, data) VALUES ($1, $2, $3) \
     ON CONFLICT (loid, pageno) DO UPDATE SET data = excluded.data",
    &[oids::OID, oids::INT4, oids::BYTEA],
);
const CUT: Text = ("DELETE FROM pg_catalog.pg_largeobject WHERE loid = $1 AND pageno > $2", &[oids::OID, oids::INT4]);

/// The page that holds a byte; positions are checked to be within the largest large object.
fn page_of(position: u64) -> i32 {
    i32::try_from(position / PAGE_BYTES).unwrap_or(i32::MAX)
}

fn start_of(page: i32) -> u64 {
    u64::from(page.unsigned_abs()) * PAGE_BYTES
}

fn within(position: u64) -> usize {
    (position % PAGE_BYTES) as usize
}

impl Session {
    fn pages(&mut self, object: Oid, first: i32, last: i32) -> Result<Vec<(i32, Arc<[u8]>)>> {
        let params = vec![Datum::Oid(object.0), Datum::Int4(first), Datum::Int4(last)];
        let rows = self.on_large_objects(READ, params)?;
        let page = |row: Vec<Datum>| match &row[..] {
            [Datum::Int4(number), Datum::Bytea(data)] => Some((*number, data.clone())),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(page).collect())
    }

    /// The size of a large object: where its last page ends.
    pub(super) fn size_of_object(&mut self, object: Oid) -> Result<u64> {
        let rows = self.on_large_objects(LAST, vec![Datum::Oid(object.0)])?;
        Ok(match rows.first().map(Vec::as_slice) {
            Some([Datum::Int4(page), Datum::Int4(length)]) => start_of(*page) + u64::from(length.unsigned_abs()),
            _ => 0,
        })
    }

    /// Up to `count` bytes from a position; fewer at the end. 22023 when a value cannot hold them.
    pub(super) fn read_object(&mut self, object: Oid, position: u64, count: u64) -> Result<Vec<u8>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        if count > MAX_VALUE_BYTES {
            let message = "large object read request is too large";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let end = position + count;
        let mut bytes = Vec::new();
        for (number, data) in self.pages(object, page_of(position), page_of(end - 1))? {
            let start = start_of(number);
            // What lies between the last page and this one was never written.
            let hole = start.saturating_sub(position + bytes.len() as u64);
            bytes.resize(bytes.len() + hole as usize, 0);
            let from = (position + bytes.len() as u64 - start) as usize;
            let room = (end - position) as usize - bytes.len();
            let rest = data.get(from..).unwrap_or_default();
            bytes.extend_from_slice(&rest[..rest.len().min(room)]);
        }
        Ok(bytes)
    }

    /// Writes bytes at a position.
    pub(super) fn write_object(&mut self, object: Oid, position: u64, bytes: &[u8]) -> Result<()> {
        let mut written = 0;
        while written < bytes.len() {
            let at = position + written as u64;
            let count = (PAGE_BYTES as usize - within(at)).min(bytes.len() - written);
            self.write_in_page(object, at, &bytes[written..written + count])?;
            written += count;
        }
        Ok(())
    }

    fn write_in_page(&mut self, object: Oid, at: u64, bytes: &[u8]) -> Result<()> {
        if bytes.len() == PAGE_BYTES as usize {
            return self.put_page(object, page_of(at), bytes.into());
        }
        let mut page = self.page(object, page_of(at))?;
        let end = within(at) + bytes.len();
        page.resize(page.len().max(end), 0);
        page[within(at)..end].copy_from_slice(bytes);
        self.put_page(object, page_of(at), page.into())
    }

    fn page(&mut self, object: Oid, number: i32) -> Result<Vec<u8>> {
        Ok(self.pages(object, number, number)?.pop().map_or_else(Vec::new, |(_, data)| data.to_vec()))
    }

    fn put_page(&mut self, object: Oid, number: i32, data: Arc<[u8]>) -> Result<()> {
        let params = vec![Datum::Oid(object.0), Datum::Int4(number), Datum::Bytea(data)];
        self.on_large_objects(WRITE, params).map(drop)
    }

    /// Makes a large object this long, with zeros at its end if it was shorter.
    pub(super) fn truncate_object(&mut self, object: Oid, length: u64) -> Result<()> {
        let last = page_of(length);
        let mut page = self.page(object, last)?;
        page.resize(within(length), 0);
        self.on_large_objects(CUT, vec![Datum::Oid(object.0), Datum::Int4(last)])?;
        self.put_page(object, last, page.into())
    }
}
