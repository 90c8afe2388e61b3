//! Arithmetic of machine numbers without a call. What overflows or divides by zero goes the long way, whose kernel has the error.

use dictdb_types::{Datum, Error, Result};

use super::Scope;
use super::call::CallCode;
use super::native::truth_of;

/// An operation on integers, and how wide its result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arithmetic {
    operation: Operation,
    width: Width,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Negate,
    /// From another width.
    Cast,
}

/// Types of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Int2,
    Int4,
    Int8,
    /// Days, never those that stand for infinity.
    Date,
}

impl Width {
    #[inline]
    pub(super) fn datum(self, value: i64) -> Datum {
        match self {
            Width::Int2 => Datum::Int2(value as i16),
            Width::Int4 => Datum::Int4(value as i32),
            Width::Int8 => Datum::Int8(value),
            Width::Date => Datum::Date(value as i32),
        }
    }

    #[inline]
    fn holds(self, value: i64) -> bool {
        match self {
            Width::Int2 => i16::try_from(value).is_ok(),
            Width::Int4 => i32::try_from(value).is_ok(),
            Width::Int8 => true,
            Width::Date => DATES.contains(&value),
        }
    }

    fn of(oid: dictdb_types::Oid) -> Self {
        match oid {
            dictdb_types::oids::INT2 => Width::Int2,
            dictdb_types::oids::INT4 => Width::Int4,
            dictdb_types::oids::DATE => Width::Date,
            _ => Width::Int8,
        }
    }
}

/// Casts between the integer types by `prosrc`.
const CASTS: [(&str, Width); 6] = [
    ("i2toi4", Width::Int4),
    ("int28", Width::Int8),
    ("int48", Width::Int8),
    ("int84", Width::Int4),
    ("i4toi2", Width::Int2),
    ("int82", Width::Int2),
];

impl Arithmetic {
    /// The operation a function with so many arguments does, if it is one over integers.
    pub fn of_source(source: &str, args: usize) -> Option<Self> {
        let cast = || CASTS.iter().find(|(name, _)| *name == source).map(|(_, width)| (Operation::Cast, *width));
        let (operation, width) = match args {
            1 => match source {
                "int4um" => (Operation::Negate, Width::Int4),
                "int8um" => (Operation::Negate, Width::Int8),
                _ => cast()?,
            },
            2 if source == "date_pli" => (Operation::Add, Width::Date),
            2 if source == "date_mii" => (Operation::Subtract, Width::Date),
            2 => {
                let prefixes =
                    [("int4", Width::Int4), ("int8", Width::Int8), ("int48", Width::Int8), ("int84", Width::Int8)];
                prefixes.iter().find_map(|(prefix, width)| {
                    let operation = match source.strip_prefix(prefix)? {
                        "pl" => Operation::Add,
                        "mi" => Operation::Subtract,
                        "mul" => Operation::Multiply,
                        "div" => Operation::Divide,
                        "mod" => Operation::Remainder,
                        _ => return None,
                    };
                    Some((operation, *width))
                })?
            }
            _ => return None,
        };
        Some(Arithmetic { operation, width })
    }

    /// The result of the operation as a datum.
    #[inline]
    pub(super) fn compute(self, call: &CallCode, scope: &Scope<'_>) -> Result<Datum> {
        Ok(self.integer(call, scope)?.map_or(Datum::Null, |value| self.width.datum(value)))
    }

    /// The result of the operation.
    #[inline]
    pub(super) fn integer(self, call: &CallCode, scope: &Scope<'_>) -> Result<Option<i64>> {
        let (left, right) = match &*call.args {
            [left, right] => (left.integer(scope)?, right.integer(scope)?),
            [item] => (item.integer(scope)?, Some(0)),
            _ => return Err(Error::internal("arithmetic without operands")),
        };
        let (Some(a), Some(b)) = (left, right) else { return Ok(None) };
        match self.apply(a, b).filter(|result| self.width.holds(*result)) {
            Some(result) if self.width != Width::Date || DATES.contains(&a) => Ok(Some(result)),
            _ => by_kernel(call, scope, a, b),
        }
    }

    /// How wide the result is.
    #[inline]
    pub(super) fn width(self) -> Width {
        self.width
    }

    #[inline]
    fn apply(self, a: i64, b: i64) -> Option<i64> {
        match self.operation {
            Operation::Add => a.checked_add(b),
            Operation::Subtract => a.checked_sub(b),
            Operation::Multiply => a.checked_mul(b),
            Operation::Divide => quotient(a, b),
            Operation::Remainder => remainder(a, b),
            Operation::Negate => a.checked_neg(),
            Operation::Cast => Some(a),
        }
    }
}

/// Days of dates that are well within the range of dates: 4000 BC to 5000000 AD, roughly.
const DATES: std::ops::Range<i64> = -2_000_000..1_800_000_000;

/// Processors divide short numbers several times faster than long ones.
#[inline]
fn quotient(a: i64, b: i64) -> Option<i64> {
    match (i32::try_from(a), i32::try_from(b)) {
        (Ok(short), Ok(by)) => short.checked_div(by).map(i64::from).or_else(|| a.checked_div(b)),
        _ => a.checked_div(b),
    }
}

#[inline]
fn remainder(a: i64, b: i64) -> Option<i64> {
    match (i32::try_from(a), i32::try_from(b)) {
        (Ok(short), Ok(by)) => short.checked_rem(by).map(i64::from).or_else(|| a.checked_rem(b)),
        _ => a.checked_rem(b),
    }
}

#[cold]
fn by_kernel(call: &CallCode, scope: &Scope<'_>, a: i64, b: i64) -> Result<Option<i64>> {
    let operand = |index: usize, value| Width::of(call.types[index].oid).datum(value);
    let result = match call.args.len() {
        1 => call.apply(*scope, &[operand(0, a)])?,
        _ => call.apply(*scope, &[operand(0, a), operand(1, b)])?,
    };
    match result {
        Datum::Int2(value) => Ok(Some(i64::from(value))),
        Datum::Int4(value) | Datum::Date(value) => Ok(Some(i64::from(value))),
        Datum::Int8(value) => Ok(Some(value)),
        other => truth_of(&other).map(|_| None),
    }
}

/// An operation on `double precision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatArithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// From an integer.
    Cast,
}

impl FloatArithmetic {
    /// The operation a function with so many arguments does, if it is one over `double precision`.
    pub fn of_source(source: &str, args: usize) -> Option<Self> {
        Some(match (source, args) {
            ("float8pl", 2) => FloatArithmetic::Add,
            ("float8mi", 2) => FloatArithmetic::Subtract,
            ("float8mul", 2) => FloatArithmetic::Multiply,
            ("float8div", 2) => FloatArithmetic::Divide,
            ("i2tod" | "i4tod" | "i8tod", 1) => FloatArithmetic::Cast,
            _ => return None,
        })
    }

    /// The result of the operation. Infinities, NaN and results that vanish are the kernel's.
    #[inline]
    pub(super) fn float(self, call: &CallCode, scope: &Scope<'_>) -> Result<Option<f64>> {
        let (left, right) = match &*call.args {
            [left, right] => (left.float(scope)?, right.float(scope)?),
            [item] => return Ok(item.integer(scope)?.map(|value| value as f64)),
            _ => return Err(Error::internal("arithmetic without operands")),
        };
        let (Some(a), Some(b)) = (left, right) else { return Ok(None) };
        let (result, may_vanish) = match self {
            FloatArithmetic::Add => (a + b, true),
            FloatArithmetic::Subtract => (a - b, true),
            FloatArithmetic::Multiply => (a * b, a == 0.0 || b == 0.0),
            FloatArithmetic::Divide | FloatArithmetic::Cast => (a / b, a == 0.0),
        };
        if result.is_finite() && (result != 0.0 || may_vanish) {
            return Ok(Some(result));
        }
        match call.apply(*scope, &[Datum::Float8(a), Datum::Float8(b)])? {
            Datum::Float8(value) => Ok(Some(value)),
            other => truth_of(&other).map(|_| None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(source: &str) -> Arithmetic {
        Arithmetic::of_source(source, 2).unwrap()
    }

    #[test]
    fn only_whole_numbers_of_four_and_eight_bytes_are_direct() {
        assert_eq!(named("int84pl"), Arithmetic { operation: Operation::Add, width: Width::Int8 });
        assert_eq!(named("int4mod"), Arithmetic { operation: Operation::Remainder, width: Width::Int4 });
        assert_eq!(Arithmetic::of_source("int2pl", 2), None);
        assert_eq!(Arithmetic::of_source("int4pl_inrange", 2), None);
        assert_eq!(named("int4mod").apply(-7, 3), Some(-1));
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_kernel() {
        let fits = |source, a, b| named(source).apply(a, b).is_some_and(|result| named(source).width.holds(result));
        assert!(!fits("int4pl", i64::from(i32::MAX), 1) && fits("int48pl", i64::from(i32::MAX), 1));
        assert!(!fits("int8div", 1, 0) && !fits("int8mul", i64::MAX, 2) && !fits("int4div", i64::from(i32::MIN), -1));
    }

    #[test]
    fn casts_have_one_operand() {
        assert_eq!(Arithmetic::of_source("int84", 1).map(|cast| cast.width), Some(Width::Int4));
        assert_eq!(Arithmetic::of_source("int84", 2), None);
    }
}
