//! Arithmetic of integers without a call. What overflows or divides by zero goes the long way, whose kernel has the error.

use dictdb_types::{Datum, Result};

use super::Scope;
use super::call::CallCode;

/// An operation on integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    /// The operation a function does, if it is one over `integer` and `bigint`.
    pub fn of_source(source: &str) -> Option<Self> {
        ["int4", "int8", "int48", "int84"].iter().find_map(|prefix| match source.strip_prefix(prefix) {
            Some("pl") => Some(Arithmetic::Add),
            Some("mi") => Some(Arithmetic::Subtract),
            Some("mul") => Some(Arithmetic::Multiply),
            Some("div") => Some(Arithmetic::Divide),
            Some("mod") => Some(Arithmetic::Remainder),
            _ => None,
        })
    }

    #[inline]
    fn int4(self, a: i32, b: i32) -> Option<i32> {
        match self {
            Arithmetic::Add => a.checked_add(b),
            Arithmetic::Subtract => a.checked_sub(b),
            Arithmetic::Multiply => a.checked_mul(b),
            Arithmetic::Divide => a.checked_div(b),
            Arithmetic::Remainder => a.checked_rem(b),
        }
    }

    #[inline]
    fn int8(self, a: i64, b: i64) -> Option<i64> {
        match self {
            Arithmetic::Add => a.checked_add(b),
            Arithmetic::Subtract => a.checked_sub(b),
            Arithmetic::Multiply => a.checked_mul(b),
            Arithmetic::Divide => a.checked_div(b),
            Arithmetic::Remainder => a.checked_rem(b),
        }
    }
}

/// The result of an operation, directly where the operands are integers.
#[inline]
pub(super) fn compute(operation: Arithmetic, call: &CallCode, scope: Scope<'_>) -> Result<Datum> {
    let (left, right) = call.operands(scope)?;
    let direct = match (&*left, &*right) {
        (Datum::Null, _) | (_, Datum::Null) => return Ok(Datum::Null),
        (Datum::Int4(a), Datum::Int4(b)) => operation.int4(*a, *b).map(Datum::Int4),
        (Datum::Int8(a), Datum::Int8(b)) => operation.int8(*a, *b).map(Datum::Int8),
        (Datum::Int8(a), Datum::Int4(b)) => operation.int8(*a, i64::from(*b)).map(Datum::Int8),
        (Datum::Int4(a), Datum::Int8(b)) => operation.int8(i64::from(*a), *b).map(Datum::Int8),
        _ => None,
    };
    match direct {
        Some(value) => Ok(value),
        None => call.apply(scope, &[left.into_owned(), right.into_owned()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_of_four_and_eight_bytes_are_direct() {
        assert_eq!(Arithmetic::of_source("int84pl"), Some(Arithmetic::Add));
        assert_eq!(Arithmetic::of_source("int4mod"), Some(Arithmetic::Remainder));
        assert_eq!(Arithmetic::of_source("int2pl"), None);
        assert_eq!(Arithmetic::of_source("int4pl_inrange"), None);
        assert_eq!((Arithmetic::Add.int4(i32::MAX, 1), Arithmetic::Divide.int8(1, 0)), (None, None));
        assert_eq!(Arithmetic::Remainder.int4(-7, 3), Some(-1));
    }
}
