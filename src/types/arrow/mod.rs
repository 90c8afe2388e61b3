//! Columns of values as Arrow arrays: one [`Physical`] layout, one Arrow type.
//!
//! Per-row access goes through [`ColumnReader`] and [`ColumnBuilder`], which find out the array's type once per column.
//! Operators work on the arrays themselves; nothing here knows SQL types beyond their layout.

use ::arrow::datatypes::{DataType, TimeUnit};

use crate::Physical;

mod builder;
mod numeric;
mod reader;
mod wire;

pub use builder::ColumnBuilder;
pub use numeric::NumericColumn;
pub use reader::{ColumnReader, datum_at};

/// The Arrow type of a layout.
pub fn data_type(physical: Physical) -> DataType {
    match physical {
        Physical::Bool => DataType::Boolean,
        Physical::Int2 => DataType::Int16,
        Physical::Int4 => DataType::Int32,
        Physical::Int8 => DataType::Int64,
        Physical::Float4 => DataType::Float32,
        Physical::Float8 => DataType::Float64,
        Physical::Date => DataType::Date32,
        Physical::Time => DataType::Time64(TimeUnit::Microsecond),
        Physical::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Physical::Uuid => DataType::FixedSizeBinary(16),
        Physical::Oid | Physical::Enum => DataType::UInt32,
        Physical::Text => DataType::Utf8View,
        Physical::Bytea | Physical::Opaque => DataType::BinaryView,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Datum, Interval, Numeric, oids, order};

    /// A row's wire forms are those of its value, whatever type of this layout it is.
    fn assert_wire(reader: &ColumnReader<'_>, row: usize, value: &Datum) {
        let env = crate::env::BareEnv::default();
        for oid in [oids::TEXT, oids::CHAR, oids::BYTEA, oids::INET, oids::INT8, oids::TIMESTAMPTZ] {
            if matches!(value, Datum::Enum(_)) {
                continue;
            }
            let mut forms = [vec![], vec![], vec![], vec![]];
            crate::text::write_wire(value, oid, &env, &mut forms[0]).unwrap();
            reader.write_text(row, oid, &env, &mut forms[1]).unwrap();
            crate::binary::send(value, oid, &env, &mut forms[2]).unwrap();
            reader.write_binary(row, oid, &env, &mut forms[3]).unwrap();
            assert_eq!((&forms[0], &forms[2]), (&forms[1], &forms[3]), "{value:?}");
        }
    }

    /// Builds a column of the values with a NULL between them and reads it back.
    fn round_trip(physical: Physical, values: &[Datum]) {
        let mut builder = ColumnBuilder::new(physical, values.len());
        for value in values {
            builder.push(value).unwrap();
            builder.push_null();
        }
        let array = builder.finish();
        assert_eq!(array.data_type(), &data_type(physical));
        let reader = ColumnReader::new(array.as_ref(), physical).unwrap();
        assert_eq!(reader.len(), values.len() * 2);
        for (row, value) in values.iter().enumerate() {
            assert!(order::equal(&reader.get(row * 2).unwrap(), value), "{physical:?} {value:?}");
            assert_wire(&reader, row * 2, value);
            assert!(reader.is_null(row * 2 + 1) && reader.get(row * 2 + 1).unwrap().is_null());
        }
    }

    #[test]
    fn values_survive_a_column() {
        round_trip(Physical::Bool, &[Datum::Bool(true), Datum::Bool(false)]);
        round_trip(Physical::Int2, &[Datum::Int2(i16::MIN)]);
        round_trip(Physical::Int4, &[Datum::Int4(i32::MIN)]);
        round_trip(Physical::Int8, &[Datum::Int8(i64::MIN)]);
        round_trip(Physical::Float4, &[Datum::Float4(f32::NAN), Datum::Float4(1.5)]);
        round_trip(Physical::Float8, &[Datum::Float8(f64::NEG_INFINITY)]);
        round_trip(Physical::Date, &[Datum::Date(i32::MAX)]);
        round_trip(Physical::Time, &[Datum::Time(86_400_000_000)]);
        round_trip(Physical::Timestamp, &[Datum::Timestamp(i64::MIN), Datum::Timestamp(0)]);
        round_trip(Physical::Uuid, &[Datum::Uuid([7; 16])]);
        round_trip(Physical::Oid, &[Datum::Oid(u32::MAX)]);
        round_trip(Physical::Enum, &[Datum::Enum(3)]);
        round_trip(Physical::Text, &[Datum::text(""), Datum::text("a text longer than a view's inline part")]);
        round_trip(Physical::Bytea, &[Datum::bytea([0, 255])]);
        let interval = Interval { months: 1, days: -2, micros: 3 };
        round_trip(Physical::Opaque, &[Datum::Numeric(Numeric::new(-150, 2)), Datum::Interval(interval)]);
    }

    #[test]
    fn a_wrong_value_or_array_is_an_error() {
        assert!(ColumnBuilder::new(Physical::Int4, 1).push(&Datum::Int8(1)).is_err());
        let array: ::arrow::array::ArrayRef = Arc::new(::arrow::array::Int32Array::from(vec![1]));
        assert!(ColumnReader::new(array.as_ref(), Physical::Int8).is_err());
    }
}
