//! Builds one Arrow array from datums.

use std::sync::Arc;

use ::arrow::array::{
    ArrayRef, BinaryViewBuilder, BooleanBuilder, Date32Builder, FixedSizeBinaryBuilder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, StringViewBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    UInt32Builder,
};

use crate::{Datum, Error, Physical, Result, opaque};

/// A growing column of one layout.
#[derive(Debug)]
pub struct ColumnBuilder {
    column: Column,
    scratch: Vec<u8>,
}

#[derive(Debug)]
enum Column {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
    Oid(UInt32Builder),
    Enum(UInt32Builder),
    Text(StringViewBuilder),
    Bytea(BinaryViewBuilder),
    Opaque(BinaryViewBuilder),
}

/// Runs the same code on whichever builder there is.
macro_rules! each {
    ($column:expr, $builder:ident => $body:expr) => {
        match $column {
            Column::Bool($builder) => $body,
            Column::Int2($builder) => $body,
            Column::Int4($builder) => $body,
            Column::Int8($builder) => $body,
            Column::Float4($builder) => $body,
            Column::Float8($builder) => $body,
            Column::Date($builder) => $body,
            Column::Time($builder) => $body,
            Column::Timestamp($builder) => $body,
            Column::Uuid($builder) => $body,
            Column::Oid($builder) | Column::Enum($builder) => $body,
            Column::Text($builder) => $body,
            Column::Bytea($builder) | Column::Opaque($builder) => $body,
        }
    };
}

impl ColumnBuilder {
    /// An empty column with room for `capacity` values.
    pub fn new(physical: Physical, capacity: usize) -> Self {
        let column = match physical {
            Physical::Bool => Column::Bool(BooleanBuilder::with_capacity(capacity)),
            Physical::Int2 => Column::Int2(Int16Builder::with_capacity(capacity)),
            Physical::Int4 => Column::Int4(Int32Builder::with_capacity(capacity)),
            Physical::Int8 => Column::Int8(Int64Builder::with_capacity(capacity)),
            Physical::Float4 => Column::Float4(Float32Builder::with_capacity(capacity)),
            Physical::Float8 => Column::Float8(Float64Builder::with_capacity(capacity)),
            Physical::Date => Column::Date(Date32Builder::with_capacity(capacity)),
            Physical::Time => Column::Time(Time64MicrosecondBuilder::with_capacity(capacity)),
            Physical::Timestamp => Column::Timestamp(TimestampMicrosecondBuilder::with_capacity(capacity)),
            Physical::Uuid => Column::Uuid(FixedSizeBinaryBuilder::with_capacity(capacity, 16)),
            Physical::Oid => Column::Oid(UInt32Builder::with_capacity(capacity)),
            Physical::Enum => Column::Enum(UInt32Builder::with_capacity(capacity)),
            Physical::Text => Column::Text(StringViewBuilder::with_capacity(capacity)),
            Physical::Bytea => Column::Bytea(BinaryViewBuilder::with_capacity(capacity)),
            Physical::Opaque => Column::Opaque(BinaryViewBuilder::with_capacity(capacity)),
        };
        ColumnBuilder { column, scratch: Vec::new() }
    }

    /// Appends a value or NULL; XX000 when the value is not of the column's layout.
    #[inline]
    pub fn push(&mut self, value: &Datum) -> Result<()> {
        match (&mut self.column, value) {
            (Column::Int4(b), Datum::Int4(v)) => b.append_value(*v),
            (Column::Int8(b), Datum::Int8(v)) => b.append_value(*v),
            (Column::Text(b), Datum::Text(v)) => b.append_value(v.as_ref()),
            (_, Datum::Null) => self.push_null(),
            (Column::Bool(b), Datum::Bool(v)) => b.append_value(*v),
            (Column::Int2(b), Datum::Int2(v)) => b.append_value(*v),
            (Column::Float4(b), Datum::Float4(v)) => b.append_value(*v),
            (Column::Float8(b), Datum::Float8(v)) => b.append_value(*v),
            (Column::Date(b), Datum::Date(v)) => b.append_value(*v),
            (Column::Time(b), Datum::Time(v)) => b.append_value(*v),
            (Column::Timestamp(b), Datum::Timestamp(v)) => b.append_value(*v),
            (Column::Oid(b), Datum::Oid(v)) | (Column::Enum(b), Datum::Enum(v)) => b.append_value(*v),
            (Column::Uuid(b), Datum::Uuid(v)) => {
                b.append_value(v).map_err(|error| Error::internal(error.to_string()))?;
            }
            (Column::Bytea(b), Datum::Bytea(v)) => b.append_value(v.as_ref()),
            (Column::Opaque(b), value) => {
                self.scratch.clear();
                opaque::encode(value, &mut self.scratch);
                b.append_value(&self.scratch);
            }
            (column, value) => {
                let message = format!("value {value:?} in a column of {}", column.name());
                return Err(Error::internal(message));
            }
        }
        Ok(())
    }

    /// Appends a text value that is not in a [`Datum`]; XX000 when the layout is another.
    pub fn push_str(&mut self, value: &str) -> Result<()> {
        match &mut self.column {
            Column::Text(builder) => builder.append_value(value),
            column => return Err(Error::internal(format!("text in a column of {}", column.name()))),
        }
        Ok(())
    }

    /// Appends NULL.
    pub fn push_null(&mut self) {
        each!(&mut self.column, builder => builder.append_null());
    }

    /// Number of values so far.
    pub fn len(&self) -> usize {
        use ::arrow::array::ArrayBuilder;
        each!(&self.column, builder => builder.len())
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The column so far; the builder starts again empty.
    pub fn finish(&mut self) -> ArrayRef {
        each!(&mut self.column, builder => Arc::new(builder.finish()))
    }
}

impl Column {
    fn name(&self) -> &'static str {
        match self {
            Column::Bool(_) => "boolean",
            Column::Int2(_) => "smallint",
            Column::Int4(_) => "integer",
            Column::Int8(_) => "bigint",
            Column::Float4(_) => "real",
            Column::Float8(_) => "double precision",
            Column::Date(_) => "date",
            Column::Time(_) => "time",
            Column::Timestamp(_) => "timestamp",
            Column::Uuid(_) => "uuid",
            Column::Oid(_) => "oid",
            Column::Enum(_) => "an enum",
            Column::Text(_) => "text",
            Column::Bytea(_) => "bytea",
            Column::Opaque(_) => "encoded values",
        }
    }
}
