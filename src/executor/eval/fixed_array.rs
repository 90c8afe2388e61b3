//! Subscripts of types that are arrays of a fixed length to PostgreSQL: the numbers of points and lines, the points of
//! segments and boxes. They begin at zero, have one dimension and no slices.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Result, SqlState};

use super::subscript::Bounds;

/// Bytes of a number, and of a point.
const NUMBER_BYTES: usize = 8;
const POINT_BYTES: usize = 2 * NUMBER_BYTES;
/// Bytes of a segment or box, whose elements are points.
const TWO_POINTS_BYTES: usize = 2 * POINT_BYTES;

fn element_bytes(value: &[u8]) -> usize {
    if value.len() == TWO_POINTS_BYTES { POINT_BYTES } else { NUMBER_BYTES }
}

/// Where an element is; `None` outside the value.
fn place(value: &[u8], bounds: &[Bounds]) -> Option<std::ops::Range<usize>> {
    let [(_, Some(index))] = bounds else { return None };
    let size = element_bytes(value);
    let start = usize::try_from(*index).ok()?.checked_mul(size)?;
    (start + size <= value.len()).then(|| start..start + size)
}

/// One element; NULL outside the bounds.
pub(super) fn element(value: &[u8], bounds: &[Bounds]) -> Datum {
    let Some(part) = place(value, bounds).and_then(|place| value.get(place)) else { return Datum::Null };
    match <[u8; NUMBER_BYTES]>::try_from(part) {
        Ok(number) => Datum::Float8(f64::from_be_bytes(number)),
        Err(_) => Datum::Bytea(Arc::from(part)),
    }
}

/// The value with one element replaced. Nothing happens to NULL, and NULL replaces nothing. 2202E.
pub(super) fn set(value: Datum, bounds: &[Bounds], new: &Datum) -> Result<Datum> {
    let Datum::Bytea(old) = &value else { return Ok(value) };
    let number;
    let part: &[u8] = match new {
        Datum::Float8(new) => {
            number = new.to_be_bytes();
            &number
        }
        Datum::Bytea(point) => point,
        _ => return Ok(value),
    };
    let Some(place) = place(old, bounds).filter(|place| place.len() == part.len()) else {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "array subscript out of range"));
    };
    let mut bytes = old.to_vec();
    bytes[place].copy_from_slice(part);
    Ok(Datum::Bytea(Arc::from(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_and_replaced() {
        let point = Datum::Bytea([1.0f64, 2.0].iter().flat_map(|number| number.to_be_bytes()).collect());
        let at = |value: &Datum, index| match value {
            Datum::Bytea(bytes) => element(bytes, &[(None, Some(index))]),
            _ => Datum::Null,
        };
        assert!(matches!(at(&point, 1), Datum::Float8(2.0)));
        assert!(at(&point, 2).is_null() && at(&point, -1).is_null());
        let moved = set(point.clone(), &[(None, Some(0))], &Datum::Float8(5.0)).unwrap();
        assert!(matches!(at(&moved, 0), Datum::Float8(5.0)));
        assert!(set(point, &[(None, Some(2))], &Datum::Float8(5.0)).is_err());
    }
}
