//! Columns of `numeric`, read without datums.

use arrow::array::{ArrayRef, AsArray, BinaryViewArray};
use dictdb_types::{Datum, Error, Numeric, Result, opaque};

/// A column of numbers as their bytes.
pub(super) fn numerics(values: &ArrayRef) -> Result<&BinaryViewArray> {
    values.as_binary_view_opt().ok_or_else(|| Error::internal(format!("{} as numeric", values.data_type())))
}

/// A number that does not stand in its view.
pub(super) fn decode(bytes: &[u8]) -> Result<Numeric> {
    match opaque::decode(bytes)? {
        Datum::Numeric(value) => Ok(value),
        other => Err(Error::internal(format!("{other:?} in a column of numeric"))),
    }
}
