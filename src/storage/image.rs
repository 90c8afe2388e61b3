//! Row images: one version of a row as bytes, for log and snapshot, made straight from the columns.
//!
//! ```text
//!   image   00 there is no row   or   uint columns + 1, then so many values
//!   value   00 NULL  01 false  02 true  03 int2: 2  04 int4: 4  05 int8: 8  06 float4: 4  07 float8: 8  08 date: 4
//!           09 time: 8  0a timestamp: 8  0b uuid: 16  0c oid: 4  0d enum: 4 bytes
//!           0e text  0f bytea  10 opaque (`dictdb_types::opaque`): uint length and bytes
//!   run     uint table, uint first row, uint rows, then the images of consecutive rows
//! ```
//! Numbers are little endian, `uint` is that of `dictdb_types::stored`. An image says what its values are, so it can be read without a catalog. It is a
//! state, not a change: applying it twice is applying it once.

use dictdb_types::stored::{corrupted, put_uint, take_bytes, take_uint};
use dictdb_types::{Oid, Result, RowId};
use smallvec::SmallVec;

use crate::block::RowView;
use crate::storage::Storage;
use crate::value::{RowReader, ValueRef};

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    take_bytes(bytes, N)?.try_into().map_err(|_| corrupted("it ends early"))
}

/// Appends the image of a row with so many storage columns; `None` is no row.
pub(crate) fn encode(row: Option<RowView<'_>>, width: usize, out: &mut Vec<u8>) {
    let Some(row) = row else { return out.push(0) };
    put_uint(width as u64 + 1, out);
    for column in 0..width {
        encode_value(row.value(column), out);
    }
}

/// Appends the image of a row that is not in a table, with so many storage columns.
pub fn encode_row(row: &dyn RowReader, width: usize, out: &mut Vec<u8>) {
    put_uint(width as u64 + 1, out);
    for column in 0..width {
        encode_value(row.column(column), out);
    }
}

/// Appends the head of a run; the images of its rows follow.
pub fn put_run(table: Oid, first: RowId, rows: u64, out: &mut Vec<u8>) {
    put_uint(u64::from(table.0), out);
    put_uint(first.0, out);
    put_uint(rows, out);
}

fn encode_value(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.push(0x00),
        ValueRef::Bool(v) => out.push(if v { 0x02 } else { 0x01 }),
        ValueRef::Int2(v) => tagged(0x03, v.to_le_bytes(), out),
        ValueRef::Int4(v) => tagged(0x04, v.to_le_bytes(), out),
        ValueRef::Int8(v) => tagged(0x05, v.to_le_bytes(), out),
        ValueRef::Float4(v) => tagged(0x06, v.to_le_bytes(), out),
        ValueRef::Float8(v) => tagged(0x07, v.to_le_bytes(), out),
        ValueRef::Date(v) => tagged(0x08, v.to_le_bytes(), out),
        ValueRef::Time(v) => tagged(0x09, v.to_le_bytes(), out),
        ValueRef::Timestamp(v) => tagged(0x0a, v.to_le_bytes(), out),
        ValueRef::Uuid(v) => tagged(0x0b, v, out),
        ValueRef::Oid(v) => tagged(0x0c, v.to_le_bytes(), out),
        ValueRef::Enum(v) => tagged(0x0d, v.to_le_bytes(), out),
        ValueRef::Text(v) => long(0x0e, v.as_bytes(), out),
        ValueRef::Bytea(v) => long(0x0f, v, out),
        ValueRef::Opaque(v) => long(0x10, v, out),
        ValueRef::Datum(v) => crate::opaque::with_bytes(v, |bytes| long(0x10, bytes, out)),
    }
}

#[inline]
fn tagged<const N: usize>(tag: u8, bytes: [u8; N], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&bytes);
}

#[inline]
fn long(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    put_uint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn decode_value<'a>(bytes: &mut &'a [u8]) -> Result<ValueRef<'a>> {
    let [tag] = take::<1>(bytes)?;
    Ok(match tag {
        0x00 => ValueRef::Null,
        0x01 => ValueRef::Bool(false),
        0x02 => ValueRef::Bool(true),
        0x03 => ValueRef::Int2(i16::from_le_bytes(take(bytes)?)),
        0x04 => ValueRef::Int4(i32::from_le_bytes(take(bytes)?)),
        0x05 => ValueRef::Int8(i64::from_le_bytes(take(bytes)?)),
        0x06 => ValueRef::Float4(f32::from_le_bytes(take(bytes)?)),
        0x07 => ValueRef::Float8(f64::from_le_bytes(take(bytes)?)),
        0x08 => ValueRef::Date(i32::from_le_bytes(take(bytes)?)),
        0x09 => ValueRef::Time(i64::from_le_bytes(take(bytes)?)),
        0x0a => ValueRef::Timestamp(i64::from_le_bytes(take(bytes)?)),
        0x0b => ValueRef::Uuid(take(bytes)?),
        0x0c => ValueRef::Oid(u32::from_le_bytes(take(bytes)?)),
        0x0d => ValueRef::Enum(u32::from_le_bytes(take(bytes)?)),
        0x0e..=0x10 => {
            let len = take_uint(bytes)? as usize;
            let value = take_bytes(bytes, len)?;
            match tag {
                0x0e => ValueRef::Text(std::str::from_utf8(value).map_err(|_| corrupted("text is not UTF-8"))?),
                0x0f => ValueRef::Bytea(value),
                _ => ValueRef::Opaque(value),
            }
        }
        _ => return Err(corrupted("an unknown kind of value")),
    })
}

/// A decoded image.
pub(crate) struct ImageRow<'a>(SmallVec<[ValueRef<'a>; 16]>);

impl RowReader for ImageRow<'_> {
    fn column(&self, index: usize) -> ValueRef<'_> {
        self.0.get(index).copied().unwrap_or(ValueRef::Null)
    }
}

/// Takes an image from the front of the bytes, with NULL in some columns whatever it has there; `None` when there is no row. XX001.
pub(crate) fn decode_without<'a>(bytes: &mut &'a [u8], vacant: &[usize]) -> Result<Option<ImageRow<'a>>> {
    let mut row = decode(bytes)?;
    if let Some(ImageRow(values)) = &mut row {
        for column in vacant {
            if let Some(value) = values.get_mut(*column) {
                *value = ValueRef::Null;
            }
        }
    }
    Ok(row)
}

/// Takes an image from the front of the bytes; `None` when there is no row. XX001.
pub(crate) fn decode<'a>(bytes: &mut &'a [u8]) -> Result<Option<ImageRow<'a>>> {
    let Some(columns) = take_uint(bytes)?.checked_sub(1) else { return Ok(None) };
    let mut values = SmallVec::with_capacity((columns as usize).min(bytes.len()));
    for _ in 0..columns {
        values.push(decode_value(bytes)?);
    }
    Ok(Some(ImageRow(values)))
}

impl Storage {
    /// Applies a run from the front of the bytes to a storage that nobody else uses. Returns false, and skips it, when there is no
    /// such table. XX001.
    pub fn restore_run(&self, bytes: &mut &[u8]) -> Result<bool> {
        let (table, first, rows) = (take_uint(bytes)?, take_uint(bytes)?, take_uint(bytes)?);
        let table = u32::try_from(table).ok().and_then(|id| self.table(Oid(id)));
        let Some(table) = table else {
            for _ in 0..rows {
                decode(bytes)?;
            }
            return Ok(false);
        };
        table.restore(RowId(first), rows, bytes)?;
        Ok(true)
    }
}
