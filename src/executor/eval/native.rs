//! Machine numbers and truth values without datums: what the compiler knows to be one is computed in registers.
//!
//! An operand is asked for in the form that its operator needs; what has no such form itself is evaluated as a datum and
//! unpacked.

use dictdb_types::{Datum, Error, Result};

use super::{Code, Scope, boolean, call};

impl Code {
    /// The value of an expression of an integer type; `None` is NULL.
    #[inline]
    pub(super) fn integer(&self, scope: Scope<'_>) -> Result<Option<i64>> {
        match self {
            Code::Arithmetic(operation, call) => operation.integer(call, scope),
            _ if self.is_leaf() => integer_of(self.leaf(scope)?),
            _ => integer_of(&self.eval(scope)?),
        }
    }

    /// The value of an expression of type `double precision`.
    #[inline]
    pub(super) fn float(&self, scope: Scope<'_>) -> Result<Option<f64>> {
        match self {
            Code::Float(operation, call) => operation.float(call, scope),
            _ if self.is_leaf() => float_of(self.leaf(scope)?),
            _ => float_of(&self.eval(scope)?),
        }
    }

    /// A truth value; `None` is unknown.
    pub(super) fn truth(&self, scope: Scope<'_>) -> Result<Option<bool>> {
        match self {
            Code::CompareIntegers(comparison, call) => call::compare_integers(*comparison, call, scope),
            Code::Compare(comparison, call) => call::compare(*comparison, call, scope),
            Code::And(items) => boolean::connect(items, false, scope),
            Code::Or(items) => boolean::connect(items, true, scope),
            Code::Not(item) => item.truth(scope).map(|value| value.map(|value| !value)),
            Code::IsNull(item, not) => boolean::is_null(item, *not, scope).map(Some),
            Code::BoolTest(item, test) => boolean::test(item, *test, scope).map(Some),
            Code::Distinct(call, not) => call.distinct(scope).map(|distinct| Some(distinct != *not)),
            _ if self.is_leaf() => truth_of(self.leaf(scope)?),
            _ => truth_of(&self.eval(scope)?),
        }
    }
}

#[inline]
fn integer_of(value: &Datum) -> Result<Option<i64>> {
    match value {
        Datum::Int4(value) => Ok(Some(i64::from(*value))),
        Datum::Int8(value) => Ok(Some(*value)),
        Datum::Int2(value) => Ok(Some(i64::from(*value))),
        Datum::Null => Ok(None),
        other => Err(unexpected(other, "an integer")),
    }
}

#[inline]
fn float_of(value: &Datum) -> Result<Option<f64>> {
    match value {
        Datum::Float8(value) => Ok(Some(*value)),
        Datum::Null => Ok(None),
        other => Err(unexpected(other, "a double precision number")),
    }
}

#[inline]
pub(super) fn truth_of(value: &Datum) -> Result<Option<bool>> {
    match value {
        Datum::Bool(value) => Ok(Some(*value)),
        Datum::Null => Ok(None),
        other => Err(unexpected(other, "a boolean")),
    }
}

#[cold]
fn unexpected(value: &Datum, wanted: &str) -> Error {
    Error::internal(format!("{value:?} where {wanted} was planned"))
}
