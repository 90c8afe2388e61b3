//! Reads datums from an Arrow array whose type is found out once.

use ::arrow::array::{
    Array, BinaryViewArray, BooleanArray, Date32Array, FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array,
    Int32Array, Int64Array, StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt32Array,
};

use crate::{Datum, Error, Physical, Result, opaque};

/// A column with its array type known: per-row access without a downcast.
///
/// Callers that want values without a [`Datum`] match on the variants.
#[derive(Clone, Copy, Debug)]
pub enum ColumnReader<'a> {
    /// [`Physical::Bool`].
    Bool(&'a BooleanArray),
    /// [`Physical::Int2`].
    Int2(&'a Int16Array),
    /// [`Physical::Int4`].
    Int4(&'a Int32Array),
    /// [`Physical::Int8`].
    Int8(&'a Int64Array),
    /// [`Physical::Float4`].
    Float4(&'a Float32Array),
    /// [`Physical::Float8`].
    Float8(&'a Float64Array),
    /// [`Physical::Date`].
    Date(&'a Date32Array),
    /// [`Physical::Time`].
    Time(&'a Time64MicrosecondArray),
    /// [`Physical::Timestamp`].
    Timestamp(&'a TimestampMicrosecondArray),
    /// [`Physical::Uuid`].
    Uuid(&'a FixedSizeBinaryArray),
    /// [`Physical::Oid`].
    Oid(&'a UInt32Array),
    /// [`Physical::Enum`].
    Enum(&'a UInt32Array),
    /// [`Physical::Text`].
    Text(&'a StringViewArray),
    /// [`Physical::Bytea`].
    Bytea(&'a BinaryViewArray),
    /// [`Physical::Opaque`].
    Opaque(&'a BinaryViewArray),
    /// An untyped column: every row is NULL.
    Null(usize),
}

/// Runs the same code on whichever array there is.
macro_rules! each {
    ($reader:expr, $array:ident => $body:expr, $len:ident => $null:expr) => {
        match $reader {
            ColumnReader::Bool($array) => $body,
            ColumnReader::Int2($array) => $body,
            ColumnReader::Int4($array) => $body,
            ColumnReader::Int8($array) => $body,
            ColumnReader::Float4($array) => $body,
            ColumnReader::Float8($array) => $body,
            ColumnReader::Date($array) => $body,
            ColumnReader::Time($array) => $body,
            ColumnReader::Timestamp($array) => $body,
            ColumnReader::Uuid($array) => $body,
            ColumnReader::Oid($array) | ColumnReader::Enum($array) => $body,
            ColumnReader::Text($array) => $body,
            ColumnReader::Bytea($array) | ColumnReader::Opaque($array) => $body,
            ColumnReader::Null($len) => $null,
        }
    };
}

fn downcast<T: 'static>(array: &dyn Array, physical: Physical) -> Result<&T> {
    array
        .as_any()
        .downcast_ref()
        .ok_or_else(|| Error::internal(format!("an array of {} where {physical:?} was expected", array.data_type())))
}

impl<'a> ColumnReader<'a> {
    /// Looks at an array as a column of this layout; XX000 when its type is another.
    pub fn new(array: &'a dyn Array, physical: Physical) -> Result<Self> {
        if array.data_type().is_null() {
            return Ok(ColumnReader::Null(array.len()));
        }
        Ok(match physical {
            Physical::Bool => ColumnReader::Bool(downcast(array, physical)?),
            Physical::Int2 => ColumnReader::Int2(downcast(array, physical)?),
            Physical::Int4 => ColumnReader::Int4(downcast(array, physical)?),
            Physical::Int8 => ColumnReader::Int8(downcast(array, physical)?),
            Physical::Float4 => ColumnReader::Float4(downcast(array, physical)?),
            Physical::Float8 => ColumnReader::Float8(downcast(array, physical)?),
            Physical::Date => ColumnReader::Date(downcast(array, physical)?),
            Physical::Time => ColumnReader::Time(downcast(array, physical)?),
            Physical::Timestamp => ColumnReader::Timestamp(downcast(array, physical)?),
            Physical::Uuid => ColumnReader::Uuid(downcast(array, physical)?),
            Physical::Oid => ColumnReader::Oid(downcast(array, physical)?),
            Physical::Enum => ColumnReader::Enum(downcast(array, physical)?),
            Physical::Text => ColumnReader::Text(downcast(array, physical)?),
            Physical::Bytea => ColumnReader::Bytea(downcast(array, physical)?),
            Physical::Opaque => ColumnReader::Opaque(downcast(array, physical)?),
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        each!(self, array => array.len(), len => *len)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the row is NULL. Panics beyond the last row.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        each!(self, array => array.is_null(row), _len => true)
    }

    /// The value of a row. Panics beyond the last row; XX001 for bytes that [`opaque`] did not write.
    #[inline]
    pub fn get(&self, row: usize) -> Result<Datum> {
        if self.is_null(row) {
            return Ok(Datum::Null);
        }
        Ok(match self {
            ColumnReader::Bool(array) => Datum::Bool(array.value(row)),
            ColumnReader::Int2(array) => Datum::Int2(array.value(row)),
            ColumnReader::Int4(array) => Datum::Int4(array.value(row)),
            ColumnReader::Int8(array) => Datum::Int8(array.value(row)),
            ColumnReader::Float4(array) => Datum::Float4(array.value(row)),
            ColumnReader::Float8(array) => Datum::Float8(array.value(row)),
            ColumnReader::Date(array) => Datum::Date(array.value(row)),
            ColumnReader::Time(array) => Datum::Time(array.value(row)),
            ColumnReader::Timestamp(array) => Datum::Timestamp(array.value(row)),
            ColumnReader::Uuid(array) => Datum::Uuid(array.value(row).try_into().unwrap_or_default()),
            ColumnReader::Oid(array) => Datum::Oid(array.value(row)),
            ColumnReader::Enum(array) => Datum::Enum(array.value(row)),
            ColumnReader::Text(array) => Datum::text(array.value(row)),
            ColumnReader::Bytea(array) => Datum::bytea(array.value(row)),
            ColumnReader::Opaque(array) => opaque::decode(array.value(row))?,
            ColumnReader::Null(_) => Datum::Null,
        })
    }
}

/// One value of an array: for single values; loops keep a [`ColumnReader`].
pub fn datum_at(array: &dyn Array, row: usize, physical: Physical) -> Result<Datum> {
    ColumnReader::new(array, physical)?.get(row)
}
