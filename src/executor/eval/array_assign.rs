//! Assignment to elements and slices of arrays. One-dimensional arrays grow to take the new elements in.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Dimension, Error, Oid, Result, SqlState};

use super::subscript::Bounds;

/// PostgreSQL's `MAXDIM`.
const MAX_DIMENSIONS: usize = 6;
/// PostgreSQL's `MaxArraySize`.
const MAX_ITEMS: i64 = 134_217_727;

/// The array with one element or slice replaced. NULL is an empty array; assigning NULL to a slice changes nothing.
pub(super) fn set(container: Datum, element: Oid, bounds: &[Bounds], slice: bool, value: Datum) -> Result<Datum> {
    let mut array = match container {
        Datum::Null => Array::vector(element, Vec::new()),
        Datum::Array(array) => Arc::unwrap_or_clone(array),
        other => return Err(Error::internal(format!("{other:?} where an array was planned"))),
    };
    if bounds.len() > MAX_DIMENSIONS {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})", bounds.len()),
        ));
    }
    match (slice, value) {
        (false, value) => set_element(&mut array, bounds, value)?,
        (true, Datum::Array(source)) => set_slice(&mut array, bounds, &source)?,
        (true, Datum::Null) => {}
        (true, other) => return Err(Error::internal(format!("{other:?} for a slice"))),
    }
    Ok(Datum::Array(Arc::new(array)))
}

/// Replaces one element. An error leaves the array as it was.
pub(super) fn set_element(array: &mut Array, bounds: &[Bounds], value: Datum) -> Result<()> {
    let indexes: Vec<i32> = bounds.iter().map(|(_, index)| index.unwrap_or(0)).collect();
    if array.dims.is_empty() {
        array.dims = indexes.iter().map(|index| Dimension { len: 1, lower: *index }).collect();
        array.items = vec![value];
        return check_bounds(array);
    }
    if bounds.len() > MAX_DIMENSIONS || array.dims.len() != indexes.len() {
        return Err(fault("wrong number of array subscripts"));
    }
    if let ([_], [index]) = (array.dims.as_slice(), indexes.as_slice()) {
        grow(array, *index, *index)?;
    }
    let ranges: Vec<(i32, i32)> = indexes.iter().map(|index| (*index, *index)).collect();
    let at = offsets(array, &ranges)?;
    array.items[at[0]] = value;
    Ok(())
}

fn set_slice(array: &mut Array, bounds: &[Bounds], source: &Array) -> Result<()> {
    if array.dims.is_empty() {
        return fill_empty(array, bounds, source);
    }
    if bounds.len() > array.dims.len() {
        return Err(fault("wrong number of array subscripts"));
    }
    let mut ranges = Vec::with_capacity(array.dims.len());
    for (at, dim) in array.dims.iter().enumerate() {
        let (lower, upper) = bounds.get(at).copied().unwrap_or((None, None));
        let (lower, upper) = (lower.unwrap_or(dim.lower), upper.unwrap_or(dim.lower + dim.len - 1));
        if lower > upper {
            return Err(fault("upper bound cannot be less than lower bound"));
        }
        ranges.push((lower, upper));
    }
    if let ([_], [(lower, upper)]) = (array.dims.as_slice(), ranges.as_slice()) {
        grow(array, *lower, *upper)?;
    }
    let places = offsets(array, &ranges)?;
    if source.items.len() < places.len() {
        return Err(fault("source array too small"));
    }
    for (place, item) in places.into_iter().zip(&source.items) {
        array.items[place] = item.clone();
    }
    Ok(())
}

/// A slice of an array without elements gives it its dimensions.
fn fill_empty(array: &mut Array, bounds: &[Bounds], source: &Array) -> Result<()> {
    let mut dims = Vec::with_capacity(bounds.len());
    for bound in bounds {
        let (Some(lower), Some(upper)) = bound else {
            return Err(fault("array slice subscript must provide both boundaries").detail(
                "When assigning to a slice of an empty array value, slice boundaries must be fully specified.",
            ));
        };
        let len = upper.checked_sub(*lower).and_then(|len| len.checked_add(1)).ok_or_else(too_large)?;
        dims.push(Dimension { len, lower: *lower });
    }
    let grown = |count: i64, dim: &Dimension| {
        let count = count * i64::from(dim.len);
        (dim.len >= 0 && count <= MAX_ITEMS).then_some(count)
    };
    let count = dims.iter().try_fold(1, grown).ok_or_else(too_large)?;
    let items = source.items.get(..count as usize).ok_or_else(|| fault("source array too small"))?;
    // A slice that ends right before it begins is no part at all.
    if items.is_empty() {
        return Ok(());
    }
    array.items = items.to_vec();
    array.dims = dims;
    check_bounds(array)
}

/// Extends a one-dimensional array to some bounds, with NULLs in between.
fn grow(array: &mut Array, lower: i32, upper: i32) -> Result<()> {
    let dim = array.dims[0];
    let (first, last) = (i64::from(dim.lower), i64::from(dim.lower) + i64::from(dim.len) - 1);
    let (lower, upper) = (i64::from(lower).min(first), i64::from(upper).max(last));
    let len = upper - lower + 1;
    if len > MAX_ITEMS {
        return Err(too_large());
    }
    let before = (first - lower) as usize;
    if before > 0 {
        array.items.splice(0..0, std::iter::repeat_n(Datum::Null, before));
    }
    array.items.resize(len as usize, Datum::Null);
    array.dims[0] = Dimension { len: len as i32, lower: lower as i32 };
    check_bounds(array)
}

/// Places of the elements within some ranges, in row-major order. 2202E outside the array.
fn offsets(array: &Array, ranges: &[(i32, i32)]) -> Result<Vec<usize>> {
    let mut places = vec![0usize];
    for (dim, (lower, upper)) in array.dims.iter().zip(ranges) {
        let (from, to) = (i64::from(*lower) - i64::from(dim.lower), i64::from(*upper) - i64::from(dim.lower));
        if from < 0 || to >= i64::from(dim.len) {
            return Err(fault("array subscript out of range"));
        }
        let row = dim.len as usize;
        places = places.into_iter().flat_map(|place| (from..=to).map(move |at| place * row + at as usize)).collect();
    }
    Ok(places)
}

/// No subscript may be beyond what an integer holds.
fn check_bounds(array: &Array) -> Result<()> {
    match array.dims.iter().find(|dim| dim.lower.checked_add(dim.len).is_none()) {
        Some(dim) => {
            Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("array lower bound is too large: {}", dim.lower)))
        }
        None => Ok(()),
    }
}

fn fault(message: &str) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

fn too_large() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("array size exceeds the maximum allowed ({MAX_ITEMS})"))
}

#[cfg(test)]
mod tests {
    use dictdb_types::oids;

    use super::*;

    fn ints(values: &[i32]) -> Datum {
        Datum::Array(Arc::new(Array::vector(oids::INT4, values.iter().map(|v| Datum::Int4(*v)).collect())))
    }

    fn shown(value: Datum) -> (i32, Vec<Option<i32>>) {
        let Datum::Array(array) = value else { panic!("not an array") };
        let item = |item: &Datum| if let Datum::Int4(v) = item { Some(*v) } else { None };
        (array.dims.first().map_or(0, |dim| dim.lower), array.items.iter().map(item).collect())
    }

    #[test]
    fn vectors_grow_on_both_sides() {
        let set = |container, at| set(container, oids::INT4, &[(None, Some(at))], false, Datum::Int4(9)).unwrap();
        assert_eq!(shown(set(ints(&[1, 2]), 4)), (1, vec![Some(1), Some(2), None, Some(9)]));
        assert_eq!(shown(set(ints(&[1]), -1)), (-1, vec![Some(9), None, Some(1)]));
        assert_eq!(shown(set(Datum::Null, 5)), (5, vec![Some(9)]));
    }

    #[test]
    fn slices_take_as_many_as_they_need() {
        let set = |bounds, source| set(ints(&[1, 2, 3]), oids::INT4, &[bounds], true, source);
        assert_eq!(shown(set((Some(2), None), ints(&[7, 8, 9])).unwrap()), (1, vec![Some(1), Some(7), Some(8)]));
        assert_eq!(set((Some(2), Some(3)), ints(&[7])).unwrap_err().message(), "source array too small");
        assert_eq!(shown(set((Some(1), Some(2)), Datum::Null).unwrap()).1.len(), 3);
    }
}
