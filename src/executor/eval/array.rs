//! Arrays: `ARRAY[…]`, casts element by element, `op ANY (array)` and `op ALL (array)`.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Dimension, Error, Oid, Result, SqlState, bail};

use super::{CallCode, Code, Scope, eval_into};

/// PostgreSQL's `MAXDIM`.
const MAX_DIMENSIONS: usize = 6;

/// `ARRAY[…]`.
#[derive(Debug)]
pub(crate) struct ArrayCode {
    /// Element type.
    pub element: Oid,
    /// Elements, or arrays of one dimension less.
    pub items: Box<[Code]>,
    /// Whether the items are arrays.
    pub nested: bool,
}

impl ArrayCode {
    pub(super) fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        let mut items = Vec::new();
        eval_into(&self.items, scope, &mut items)?;
        let array = if self.nested { stack(self.element, &items)? } else { Array::vector(self.element, items) };
        Ok(Datum::Array(Arc::new(array)))
    }
}

/// Puts arrays of equal dimensions on top of each other, one dimension up.
pub(crate) fn stack(element: Oid, parts: &[Datum]) -> Result<Array> {
    let mut dims: Option<&[Dimension]> = None;
    let mut items = Vec::new();
    let mut some_empty = false;
    let mut len = 0;
    for part in parts {
        match part {
            Datum::Array(array) if !array.dims.is_empty() => {
                if dims.is_some_and(|dims| dims != array.dims) {
                    return Err(unequal_dimensions());
                }
                dims = Some(&array.dims);
                items.extend(array.items.iter().cloned());
                len += 1;
            }
            _ => some_empty = true,
        }
    }
    let Some(inner) = dims else { return Ok(Array::vector(element, Vec::new())) };
    if some_empty {
        return Err(unequal_dimensions());
    }
    if inner.len() >= MAX_DIMENSIONS {
        bail!(
            PROGRAM_LIMIT_EXCEEDED,
            "number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})",
            inner.len() + 1
        );
    }
    let dims = std::iter::once(Dimension { len, lower: 1 }).chain(inner.iter().copied()).collect();
    Ok(Array { element, dims, items })
}

fn unequal_dimensions() -> Error {
    Error::new(
        SqlState::ARRAY_SUBSCRIPT_ERROR,
        "multidimensional arrays must have array expressions with matching dimensions",
    )
}

/// A cast of every element.
#[derive(Debug)]
pub(crate) struct ArrayCoerceCode {
    /// The array.
    pub array: Code,
    /// What becomes of an element, as [`Code::TestValue`].
    pub item: Code,
    /// Element type of the result.
    pub element: Oid,
}

impl ArrayCoerceCode {
    pub(super) fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        let value = self.array.eval_ref(scope)?;
        let Some(array) = as_array(&value)? else { return Ok(Datum::Null) };
        let items = array.items.iter().map(|item| self.item.eval(scope.with_test(item))).collect::<Result<_>>()?;
        Ok(Datum::Array(Arc::new(Array { element: self.element, dims: array.dims.clone(), items })))
    }
}

/// `left op ANY (array)`, or `ALL`.
#[derive(Debug)]
pub(crate) struct ScalarArrayCode {
    /// The operator; its arguments are the left operand and the array.
    pub call: CallCode,
    /// The operator as a direct comparison.
    pub comparison: Option<super::Comparison>,
    /// `ALL`.
    pub all: bool,
}

impl ScalarArrayCode {
    pub(super) fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        let (left, array) = self.call.operands(scope)?;
        let Some(array) = as_array(&array)? else { return Ok(Datum::Null) };
        if array.items.is_empty() {
            return Ok(Datum::Bool(self.all));
        }
        if left.is_null() && self.call.strict {
            return Ok(Datum::Null);
        }
        let mut unknown = false;
        for item in &array.items {
            match self.test(scope, &left, item)? {
                Some(value) if value != self.all => return Ok(Datum::Bool(value)),
                Some(_) => {}
                None => unknown = true,
            }
        }
        Ok(if unknown { Datum::Null } else { Datum::Bool(self.all) })
    }

    fn test(&self, scope: Scope<'_>, left: &Datum, item: &Datum) -> Result<Option<bool>> {
        if let Some(comparison) = self.comparison
            && let Some(order) = super::call::direct_order(left, item)
        {
            return Ok(Some(comparison.accepts(order)));
        }
        match self.call.apply(scope, &[left.clone(), item.clone()])? {
            Datum::Bool(value) => Ok(Some(value)),
            _ => Ok(None),
        }
    }
}

/// The array behind a datum; `None` for NULL.
pub(crate) fn as_array(value: &Datum) -> Result<Option<&Array>> {
    match value {
        Datum::Array(array) => Ok(Some(array)),
        Datum::Null => Ok(None),
        other => Err(Error::internal(format!("{other:?} where an array was planned"))),
    }
}

#[cfg(test)]
mod tests {
    use dictdb_types::oids;

    use super::*;

    fn ints(items: &[i32]) -> Datum {
        let items = items.iter().map(|i| Datum::Int4(*i)).collect();
        Datum::Array(Arc::new(Array::vector(oids::INT4, items)))
    }

    #[test]
    fn stacking_adds_a_dimension() {
        let array = stack(oids::INT4, &[ints(&[1, 2]), ints(&[3, 4]), ints(&[5, 6])]).unwrap();
        assert_eq!(array.dims, [Dimension { len: 3, lower: 1 }, Dimension { len: 2, lower: 1 }]);
        assert_eq!(array.items.len(), 6);
    }

    #[test]
    fn stacking_needs_equal_dimensions() {
        assert!(stack(oids::INT4, &[ints(&[]), Datum::Null]).unwrap().dims.is_empty());
        for parts in [[ints(&[1]), ints(&[1, 2])], [ints(&[1]), Datum::Null], [ints(&[]), ints(&[1])]] {
            assert_eq!(stack(oids::INT4, &parts).unwrap_err().code(), SqlState::ARRAY_SUBSCRIPT_ERROR);
        }
    }
}
