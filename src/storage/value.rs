//! Values as storage hands them out: borrowed from a block or from the caller, without allocation.
//!
//! [`ValueRef`] is what a column holds; [`Datum`] is what the world outside works with. Nothing here knows versions.

use dictdb_types::{Datum, Result};

/// One value, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// NULL of any type.
    Null,
    /// `Physical::Bool`.
    Bool(bool),
    /// `Physical::Int2`.
    Int2(i16),
    /// `Physical::Int4`.
    Int4(i32),
    /// `Physical::Int8`.
    Int8(i64),
    /// `Physical::Float4`.
    Float4(f32),
    /// `Physical::Float8`.
    Float8(f64),
    /// `Physical::Date`.
    Date(i32),
    /// `Physical::Time`.
    Time(i64),
    /// `Physical::Timestamp`.
    Timestamp(i64),
    /// `Physical::Uuid`.
    Uuid([u8; 16]),
    /// `Physical::Oid`.
    Oid(u32),
    /// `Physical::Enum`.
    Enum(u32),
    /// `Physical::Text`.
    Text(&'a str),
    /// `Physical::Bytea`.
    Bytea(&'a [u8]),
    /// `Physical::Opaque` as columns keep it: the self-describing bytes of `dictdb_types::opaque`.
    Opaque(&'a [u8]),
    /// A value of `Physical::Opaque` that comes from the caller and has no bytes so far.
    Datum(&'a Datum),
}

impl<'a> ValueRef<'a> {
    /// Whether this is NULL.
    pub fn is_null(self) -> bool {
        matches!(self, ValueRef::Null)
    }

    /// The value with its own life. XX000 if stored bytes are damaged.
    pub fn to_datum(self) -> Result<Datum> {
        Ok(match self {
            ValueRef::Null => Datum::Null,
            ValueRef::Bool(v) => Datum::Bool(v),
            ValueRef::Int2(v) => Datum::Int2(v),
            ValueRef::Int4(v) => Datum::Int4(v),
            ValueRef::Int8(v) => Datum::Int8(v),
            ValueRef::Float4(v) => Datum::Float4(v),
            ValueRef::Float8(v) => Datum::Float8(v),
            ValueRef::Date(v) => Datum::Date(v),
            ValueRef::Time(v) => Datum::Time(v),
            ValueRef::Timestamp(v) => Datum::Timestamp(v),
            ValueRef::Uuid(v) => Datum::Uuid(v),
            ValueRef::Oid(v) => Datum::Oid(v),
            ValueRef::Enum(v) => Datum::Enum(v),
            ValueRef::Text(v) => Datum::text(v),
            ValueRef::Bytea(v) => Datum::bytea(v),
            ValueRef::Opaque(bytes) => crate::opaque::decode(bytes)?,
            ValueRef::Datum(datum) => datum.clone(),
        })
    }
}

impl<'a> From<&'a Datum> for ValueRef<'a> {
    fn from(datum: &'a Datum) -> Self {
        match datum {
            Datum::Null => ValueRef::Null,
            Datum::Bool(v) => ValueRef::Bool(*v),
            Datum::Int2(v) => ValueRef::Int2(*v),
            Datum::Int4(v) => ValueRef::Int4(*v),
            Datum::Int8(v) => ValueRef::Int8(*v),
            Datum::Float4(v) => ValueRef::Float4(*v),
            Datum::Float8(v) => ValueRef::Float8(*v),
            Datum::Date(v) => ValueRef::Date(*v),
            Datum::Time(v) => ValueRef::Time(*v),
            Datum::Timestamp(v) => ValueRef::Timestamp(*v),
            Datum::Uuid(v) => ValueRef::Uuid(*v),
            Datum::Oid(v) => ValueRef::Oid(*v),
            Datum::Enum(v) => ValueRef::Enum(*v),
            Datum::Text(v) => ValueRef::Text(v),
            Datum::Bytea(v) => ValueRef::Bytea(v),
            _ => ValueRef::Datum(datum),
        }
    }
}

/// One version of a row, column by column, by storage column index.
pub trait RowReader {
    /// The value of a column. A column the row does not have is NULL.
    fn column(&self, index: usize) -> ValueRef<'_>;
}

/// A row the caller holds as one datum per storage column.
#[derive(Clone, Copy, Debug)]
pub struct DatumRow<'a>(pub &'a [Datum]);

impl RowReader for DatumRow<'_> {
    fn column(&self, index: usize) -> ValueRef<'_> {
        self.0.get(index).map_or(ValueRef::Null, ValueRef::from)
    }
}

/// A row with some columns replaced: what an UPDATE is about to make of it.
pub struct Overlay<'a> {
    /// The row as it is.
    pub base: &'a dyn RowReader,
    /// Storage column and new value.
    pub changes: &'a [(usize, Datum)],
}

impl RowReader for Overlay<'_> {
    fn column(&self, index: usize) -> ValueRef<'_> {
        match self.changes.iter().find(|(column, _)| *column == index) {
            Some((_, value)) => value.into(),
            None => self.base.column(index),
        }
    }
}
