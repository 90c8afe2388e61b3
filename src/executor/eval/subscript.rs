//! Subscripts: elements and slices of arrays, members of `jsonb`.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Dimension, Error, Jsonb, Result};

use super::{Code, NULL, Scope, fixed_array};

/// Lower (slices) and upper or only bound, by dimension.
pub(crate) type IndexCodes = Box<[(Option<Code>, Option<Code>)]>;

/// `a[i][j]`, `a[i:j]`.
#[derive(Debug)]
pub(crate) struct SubscriptCode {
    /// The container.
    pub array: Code,
    /// The subscripts.
    pub indexes: IndexCodes,
    /// Whether a slice is asked for.
    pub slice: bool,
}

/// The bounds of one dimension, `None` where one was left out.
pub(super) type Bounds = (Option<i32>, Option<i32>);

impl SubscriptCode {
    /// The element where it is, if the array is there already and has one dimension.
    pub(super) fn borrowed<'a>(&'a self, scope: &Scope<'a>) -> Result<Option<&'a Datum>> {
        let ([(None, Some(index))], false) = (&*self.indexes, self.slice) else { return Ok(None) };
        let Some(Datum::Array(array)) = self.array.borrowed(scope)? else { return Ok(None) };
        let [dim] = array.dims.as_slice() else { return Ok(None) };
        let index = index.integer(scope)?;
        Ok(Some(index.and_then(|index| item_at(array, *dim, index)).unwrap_or(&NULL)))
    }

    pub(super) fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        match self.array.eval_ref(scope)?.as_ref() {
            Datum::Null => Ok(Datum::Null),
            Datum::Array(array) => {
                if let ([(None, Some(index))], false, [dim]) = (&*self.indexes, self.slice, array.dims.as_slice()) {
                    let index = index.integer(&scope)?;
                    return Ok(index.and_then(|index| item_at(array, *dim, index)).map_or(Datum::Null, Datum::clone));
                }
                let Some(bounds) = bounds(&self.indexes, scope)? else { return Ok(Datum::Null) };
                Ok(if self.slice { Datum::Array(Arc::new(slice(array, &bounds))) } else { element(array, &bounds) })
            }
            Datum::Jsonb(value) => self.json_member(value, scope),
            Datum::Bytea(value) => {
                let Some(bounds) = bounds(&self.indexes, scope)? else { return Ok(Datum::Null) };
                Ok(fixed_array::element(value, &bounds))
            }
            Datum::Text(name) => {
                let Some(bounds) = bounds(&self.indexes, scope)? else { return Ok(Datum::Null) };
                Ok(name_byte(name, &bounds))
            }
            other => Err(Error::internal(format!("{other:?} where an array was planned"))),
        }
    }

    fn json_member(&self, value: &Arc<Jsonb>, scope: Scope<'_>) -> Result<Datum> {
        let mut current: &Jsonb = value;
        for (_, index) in &self.indexes {
            let Some(code) = index else { return Err(Error::unsupported("slice of jsonb")) };
            let member = match (code.eval(scope)?, current) {
                (Datum::Text(key), Jsonb::Object(members)) => members.iter().find(|(k, _)| **k == *key).map(|(_, v)| v),
                (Datum::Text(key), Jsonb::Array(items)) => key.parse().ok().and_then(|i: i64| at(items, i)),
                (Datum::Int4(index), Jsonb::Array(items)) => at(items, i64::from(index)),
                _ => None,
            };
            match member {
                Some(member) => current = member,
                None => return Ok(Datum::Null),
            }
        }
        Ok(Datum::Jsonb(Arc::new(current.clone())))
    }
}

/// The values of subscripts; `None` when one is NULL, which makes the result NULL.
pub(super) fn bounds(indexes: &IndexCodes, scope: Scope<'_>) -> Result<Option<Vec<Bounds>>> {
    let mut bounds = Vec::with_capacity(indexes.len());
    for (lower, upper) in indexes {
        let mut pair = (None, None);
        for (code, bound) in [(lower, &mut pair.0), (upper, &mut pair.1)] {
            let Some(code) = code else { continue };
            match code.eval(scope)? {
                Datum::Int4(value) => *bound = Some(value),
                Datum::Null => return Ok(None),
                other => return Err(Error::internal(format!("{other:?} as array subscript"))),
            }
        }
        bounds.push(pair);
    }
    Ok(Some(bounds))
}

/// An element counted from the front, or from the end when negative.
fn at(items: &[Jsonb], index: i64) -> Option<&Jsonb> {
    let index = if index < 0 { index.checked_add(items.len() as i64)? } else { index };
    items.get(usize::try_from(index).ok()?)
}

/// A byte of a `name`, which is an array of `NAMEDATALEN` bytes that begins at zero.
fn name_byte(name: &str, bounds: &[Bounds]) -> Datum {
    const NAMEDATALEN: usize = 64;
    let [(_, Some(index))] = bounds else { return Datum::Null };
    match usize::try_from(*index) {
        Ok(index) if index < NAMEDATALEN => {
            let byte = name.as_bytes().get(index).filter(|byte| byte.is_ascii());
            Datum::text(byte.map_or(String::new(), |byte| char::from(*byte).to_string()))
        }
        _ => Datum::Null,
    }
}

/// One element; NULL outside the bounds or with the wrong number of subscripts.
pub(super) fn element(array: &Array, bounds: &[Bounds]) -> Datum {
    if bounds.len() != array.dims.len() {
        return Datum::Null;
    }
    let mut offset = 0usize;
    for (dim, (_, index)) in array.dims.iter().zip(bounds) {
        let position = i64::from(index.unwrap_or(0)) - i64::from(dim.lower);
        if position < 0 || position >= i64::from(dim.len) {
            return Datum::Null;
        }
        offset = offset * dim.len as usize + position as usize;
    }
    array.items.get(offset).cloned().unwrap_or(Datum::Null)
}

/// The item of an array with one dimension at a subscript.
#[inline]
pub(super) fn item_at(array: &Array, dim: Dimension, index: i64) -> Option<&Datum> {
    array.items.get(usize::try_from(index - i64::from(dim.lower)).ok()?)
}

/// A slice, renumbered from 1. Omitted bounds and dimensions are whole; without common elements the result is empty.
pub(super) fn slice(array: &Array, bounds: &[Bounds]) -> Array {
    let empty = || Array { element: array.element, dims: vec![], items: vec![] };
    if bounds.len() > array.dims.len() {
        return empty();
    }
    let mut ranges = Vec::with_capacity(array.dims.len());
    for (i, dim) in array.dims.iter().enumerate() {
        let (lower, upper) = bounds.get(i).copied().unwrap_or((None, None));
        let (first, last) = (i64::from(dim.lower), i64::from(dim.lower) + i64::from(dim.len) - 1);
        let from = lower.map_or(first, i64::from).max(first) - first;
        let to = upper.map_or(last, i64::from).min(last) - first;
        if from > to {
            return empty();
        }
        ranges.push((from as usize, to as usize));
    }
    let dims = ranges.iter().map(|(from, to)| Dimension { len: (to - from + 1) as i32, lower: 1 }).collect();
    let mut items = Vec::new();
    collect(array, &ranges, 0, 0, &mut items);
    Array { element: array.element, dims, items }
}

fn collect(array: &Array, ranges: &[(usize, usize)], dimension: usize, offset: usize, items: &mut Vec<Datum>) {
    let Some((from, to)) = ranges.get(dimension) else {
        items.extend(array.items.get(offset).cloned());
        return;
    };
    for position in *from..=*to {
        let next = offset * array.dims[dimension].len as usize + position;
        collect(array, ranges, dimension + 1, next, items);
    }
}

#[cfg(test)]
mod tests {
    use dictdb_types::oids;

    use super::*;

    fn matrix() -> Array {
        let dims = vec![Dimension { len: 2, lower: 1 }, Dimension { len: 3, lower: 1 }];
        Array { element: oids::INT4, dims, items: (1..=6).map(Datum::Int4).collect() }
    }

    fn ints(items: &[Datum]) -> Vec<i32> {
        items.iter().map(|item| if let Datum::Int4(v) = item { *v } else { -1 }).collect()
    }

    #[test]
    fn elements_outside_are_null() {
        let at = |i, j| element(&matrix(), &[(None, Some(i)), (None, Some(j))]);
        assert!(matches!(at(2, 3), Datum::Int4(6)));
        assert!(at(0, 1).is_null() && at(3, 1).is_null() && at(1, 4).is_null());
        assert!(element(&matrix(), &[(None, Some(1))]).is_null());
    }

    #[test]
    fn slices_are_cut_to_what_exists() {
        let part = slice(&matrix(), &[(Some(1), Some(2)), (Some(2), Some(9))]);
        assert_eq!(ints(&part.items), [2, 3, 5, 6]);
        assert_eq!(part.dims, [Dimension { len: 2, lower: 1 }, Dimension { len: 2, lower: 1 }]);
        assert_eq!(ints(&slice(&matrix(), &[(Some(2), None)]).items), [4, 5, 6]);
        assert!(slice(&matrix(), &[(Some(3), Some(4))]).dims.is_empty());
    }
}
