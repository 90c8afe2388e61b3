//! Machine numbers and truth values without datums: what the compiler knows to be one is computed in registers.
//!
//! An operand is asked for in the form that its operator needs; what has no such form itself is evaluated as a datum and
//! unpacked. Dates, times and timestamps are integers here.

use dictdb_types::{Datum, Error, Result};

use super::arithmetic::Width;
use super::{Code, Scope, boolean, call, missing};

/// A value on its way into a place: what the place is usually overwritten with, its kind staying what it was.
pub(crate) enum Register {
    Integer(Width, Option<i64>),
    Float(Option<f64>),
    Truth(Option<bool>),
    Datum(Datum),
}

impl Register {
    /// Stores the value.
    #[inline(always)]
    pub(crate) fn put(self, place: &mut Datum) {
        match (self, place) {
            (Register::Integer(Width::Int4, Some(value)), Datum::Int4(place)) => *place = value as i32,
            (Register::Integer(Width::Int8, Some(value)), Datum::Int8(place)) => *place = value,
            (Register::Float(Some(value)), Datum::Float8(place)) => *place = value,
            (Register::Truth(Some(value)), Datum::Bool(place)) => *place = value,
            (value, place) => *place = value.datum(),
        }
    }

    pub(super) fn datum(self) -> Datum {
        match self {
            Register::Integer(width, value) => value.map_or(Datum::Null, |value| width.datum(value)),
            Register::Float(value) => value.map_or(Datum::Null, Datum::Float8),
            Register::Truth(value) => value.map_or(Datum::Null, Datum::Bool),
            Register::Datum(value) => value,
        }
    }
}

impl Code {
    /// The value in the form in which it is computed.
    #[inline(always)]
    pub(crate) fn register(&self, scope: &Scope<'_>) -> Result<Register> {
        Ok(match self {
            Code::Arithmetic(operation, call) => Register::Integer(operation.width(), operation.integer(call, scope)?),
            Code::Float(operation, call) => Register::Float(operation.float(call, scope)?),
            _ if self.is_truth() => Register::Truth(self.truth(scope)?),
            _ => Register::Datum(self.eval(*scope)?),
        })
    }

    /// The value of an expression of an integer type; `None` is NULL.
    #[inline(always)]
    pub(super) fn integer(&self, scope: &Scope<'_>) -> Result<Option<i64>> {
        match self {
            Code::Input(index) => integer_of(scope.row.get(*index).ok_or_else(|| missing("column", *index))?),
            Code::Const(value) => integer_of(value),
            _ => self.computed_integer(scope),
        }
    }

    fn computed_integer(&self, scope: &Scope<'_>) -> Result<Option<i64>> {
        match self {
            Code::Arithmetic(operation, call) => operation.integer(call, scope),
            _ => match self.borrowed(scope)? {
                Some(value) => integer_of(value),
                None => integer_of(&self.eval(*scope)?),
            },
        }
    }

    /// The value of an expression of type `double precision`.
    #[inline(always)]
    pub(super) fn float(&self, scope: &Scope<'_>) -> Result<Option<f64>> {
        match self {
            Code::Input(index) => float_of(scope.row.get(*index).ok_or_else(|| missing("column", *index))?),
            Code::Const(value) => float_of(value),
            _ => self.computed_float(scope),
        }
    }

    fn computed_float(&self, scope: &Scope<'_>) -> Result<Option<f64>> {
        match self {
            Code::Float(operation, call) => operation.float(call, scope),
            _ => match self.borrowed(scope)? {
                Some(value) => float_of(value),
                None => float_of(&self.eval(*scope)?),
            },
        }
    }

    /// Whether [`Code::truth`] computes it.
    #[inline]
    fn is_truth(&self) -> bool {
        matches!(
            self,
            Code::CompareIntegers(..)
                | Code::Compare(..)
                | Code::And(_)
                | Code::Or(_)
                | Code::Not(_)
                | Code::IsNull(..)
                | Code::BoolTest(..)
                | Code::Distinct(..)
        )
    }

    /// A truth value; `None` is unknown.
    pub(super) fn truth(&self, scope: &Scope<'_>) -> Result<Option<bool>> {
        match self {
            Code::CompareIntegers(comparison, call) => call::compare_integers(*comparison, call, scope),
            Code::Compare(comparison, call) => call::compare(*comparison, call, scope),
            Code::And(items) => boolean::connect(items, false, scope),
            Code::Or(items) => boolean::connect(items, true, scope),
            Code::Not(item) => item.truth(scope).map(|value| value.map(|value| !value)),
            Code::IsNull(item, not) => boolean::is_null(item, *not, scope).map(Some),
            Code::BoolTest(item, test) => boolean::test(item, *test, scope).map(Some),
            Code::Distinct(call, not) => call.distinct(*scope).map(|distinct| Some(distinct != *not)),
            _ => match self.borrowed(scope)? {
                Some(value) => truth_of(value),
                None => truth_of(&self.eval(*scope)?),
            },
        }
    }
}

#[inline(always)]
fn integer_of(value: &Datum) -> Result<Option<i64>> {
    match value {
        Datum::Int4(value) | Datum::Date(value) => Ok(Some(i64::from(*value))),
        Datum::Int8(value) | Datum::Timestamp(value) | Datum::Time(value) => Ok(Some(*value)),
        Datum::Int2(value) => Ok(Some(i64::from(*value))),
        Datum::Null => Ok(None),
        other => Err(unexpected(other, "an integer")),
    }
}

#[inline(always)]
fn float_of(value: &Datum) -> Result<Option<f64>> {
    match value {
        Datum::Float8(value) => Ok(Some(*value)),
        Datum::Null => Ok(None),
        other => Err(unexpected(other, "a double precision number")),
    }
}

#[inline(always)]
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
