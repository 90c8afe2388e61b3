//! Columns out of Arrow arrays, whose memory they take over where the layout is the same.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, FixedSizeBinaryArray, GenericByteArray, PrimitiveArray,
    StringArray,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{ArrowPrimitiveType, ByteArrayType};
use dictdb_types::{Error, Physical, Result, SqlState};

use super::{Arena, Bits, Cells, Column, VALUE_BYTES_MAX, Values};

impl Column {
    /// The column of an array that [`Column::contiguous`] made, or one of the same type. XX001 when the array is of another type than the
    /// layout needs, or has a value that is too long.
    pub(crate) fn from_array(physical: Physical, array: &ArrayRef) -> Result<Column> {
        let values = match physical {
            Physical::Bool => Values::Bool(Bits::from_arrow(of::<BooleanArray>(physical, array)?.values())),
            Physical::Int2 => Values::Int2(cells::<arrow::datatypes::Int16Type>(physical, array)?),
            Physical::Int4 => Values::Int4(cells::<arrow::datatypes::Int32Type>(physical, array)?),
            Physical::Int8 => Values::Int8(cells::<arrow::datatypes::Int64Type>(physical, array)?),
            Physical::Float4 => Values::Float4(cells::<arrow::datatypes::Float32Type>(physical, array)?),
            Physical::Float8 => Values::Float8(cells::<arrow::datatypes::Float64Type>(physical, array)?),
            Physical::Date => Values::Date(cells::<arrow::datatypes::Date32Type>(physical, array)?),
            Physical::Time => Values::Time(cells::<arrow::datatypes::Time64MicrosecondType>(physical, array)?),
            Physical::Timestamp => {
                Values::Timestamp(cells::<arrow::datatypes::TimestampMicrosecondType>(physical, array)?)
            }
            Physical::Oid => Values::Oid(cells::<arrow::datatypes::UInt32Type>(physical, array)?),
            Physical::Enum => Values::Enum(cells::<arrow::datatypes::UInt32Type>(physical, array)?),
            Physical::Uuid => Values::Uuid(uuids(of(physical, array)?)?),
            Physical::Text => Values::Text(arena(of::<StringArray>(physical, array)?)?),
            Physical::Bytea => Values::Bytea(arena(of::<BinaryArray>(physical, array)?)?),
            Physical::Opaque => Values::Opaque(arena(of::<BinaryArray>(physical, array)?)?),
        };
        let valid = array.nulls().filter(|nulls| nulls.null_count() > 0).map(|nulls| Bits::from_arrow(nulls.inner()));
        Ok(Column { values, valid, array: None })
    }
}

/// The same values one after the other in memory: views into buffers, which may hold much that nobody refers to, become offsets.
/// Values of other types are as they were.
pub fn contiguous(array: &ArrayRef) -> ArrayRef {
    if let Some(views) = array.as_string_view_opt() {
        return Arc::new(StringArray::from_iter(views.iter()));
    }
    if let Some(views) = array.as_binary_view_opt() {
        return Arc::new(BinaryArray::from_iter(views.iter()));
    }
    array.clone()
}

fn of<T: Array + 'static>(physical: Physical, array: &ArrayRef) -> Result<&T> {
    array.as_any().downcast_ref::<T>().ok_or_else(|| {
        let message = format!("an array of {} does not fit into a column of {physical:?}", array.data_type());
        Error::new(SqlState::DATA_CORRUPTED, message)
    })
}

fn cells<T>(physical: Physical, array: &ArrayRef) -> Result<Cells<T::Native>>
where
    T: ArrowPrimitiveType,
{
    of::<PrimitiveArray<T>>(physical, array).map(|array| Cells::Shared(array.values().clone()))
}

fn uuids(array: &FixedSizeBinaryArray) -> Result<Cells<u128>> {
    if array.value_length() != 16 {
        return Err(Error::new(SqlState::DATA_CORRUPTED, "a uuid does not have 16 bytes"));
    }
    let values = (0..array.len()).map(|row| u128::from_ne_bytes(array.value(row).try_into().unwrap_or_default()));
    Ok(Cells::Shared(ScalarBuffer::from(values.collect::<Vec<u128>>())))
}

fn arena<T: ByteArrayType<Offset = i32>>(array: &GenericByteArray<T>) -> Result<Arena> {
    let offsets = array.value_offsets();
    if offsets.windows(2).any(|range| (range[1] - range[0]) as usize > VALUE_BYTES_MAX) {
        return Err(Error::new(SqlState::DATA_CORRUPTED, "a value is too long"));
    }
    Ok(Arena::from_buffer(array.values().clone(), offsets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueRef;

    #[test]
    fn arrays_become_the_columns_they_are_of() {
        let long = "a text that does not fit into its view";
        let values = [
            (Physical::Text, vec![ValueRef::Text(long), ValueRef::Null, ValueRef::Text(""), ValueRef::Text("short")]),
            (Physical::Bytea, vec![ValueRef::Null, ValueRef::Bytea(long.as_bytes()), ValueRef::Bytea(&[0, 255])]),
            (Physical::Bool, (0..130).map(|i| ValueRef::Bool(i % 3 == 0)).chain([ValueRef::Null]).collect()),
            (Physical::Int8, vec![ValueRef::Int8(i64::MIN), ValueRef::Null]),
            (Physical::Uuid, vec![ValueRef::Uuid([7; 16]), ValueRef::Uuid([0; 16])]),
            (Physical::Timestamp, vec![ValueRef::Timestamp(-1)]),
        ];
        for (physical, values) in values {
            let mut column = Column::new(physical);
            values.iter().for_each(|value| column.push(*value));
            let array = contiguous(&column.freeze().unwrap());
            let mut again = Column::from_array(physical, &array).unwrap();
            for (row, value) in values.iter().enumerate() {
                assert_eq!(format!("{:?}", again.get(row)), format!("{value:?}"));
            }
            // It can be written and scanned like any other.
            again.set(0, values[values.len() - 1]);
            again.push(values[0]);
            assert_eq!(again.freeze().unwrap().len(), values.len() + 1);
            let other = if physical == Physical::Int8 { Physical::Text } else { Physical::Int8 };
            assert_eq!(Column::from_array(other, &array).unwrap_err().code(), SqlState::DATA_CORRUPTED);
        }
    }
}
