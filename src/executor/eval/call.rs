//! Calls of scalar functions, and the comparisons that need no call.

use std::borrow::Cow;
use std::cmp::Ordering;

use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Field, Oid, Result, Type};
use smallvec::SmallVec;

use super::native::truth_of;
use super::{Code, Scope};

/// Arguments of a call: few, so on the stack.
type Arguments = SmallVec<[Datum; 4]>;

/// A call of a kernel.
#[derive(Debug)]
pub(crate) struct CallCode {
    /// The kernel.
    pub kernel: ScalarFn,
    /// `pg_proc.oid`.
    pub function: Oid,
    /// NULL in, NULL out.
    pub strict: bool,
    /// `VARIADIC array` over `"any"`.
    pub variadic: bool,
    /// The column definition list of a call in FROM.
    pub columns: Box<[Field]>,
    /// Arguments.
    pub args: Box<[Code]>,
    /// Their types.
    pub types: Box<[Type]>,
    /// Result type.
    pub result: Type,
}

impl CallCode {
    /// Evaluates the arguments and calls.
    pub fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        match &*self.args {
            [arg] => self.apply(scope, std::slice::from_ref(&*arg.eval_ref(scope)?)),
            [left, right] => self.apply(scope, &[left.eval(scope)?, right.eval(scope)?]),
            args => {
                let mut values = Arguments::new();
                for arg in args {
                    values.push(arg.eval(scope)?);
                }
                self.apply(scope, &values)
            }
        }
    }

    /// Calls with ready values; a strict function and NULL give NULL.
    pub fn apply(&self, scope: Scope<'_>, args: &[Datum]) -> Result<Datum> {
        if self.strict && args.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        self.invoke(scope, args)
    }

    fn invoke(&self, scope: Scope<'_>, args: &[Datum]) -> Result<Datum> {
        let cx = CallContext {
            variadic: self.variadic,
            function: self.function,
            columns: &self.columns,
            ..CallContext::new(scope.env, &self.types, self.result)
        };
        (self.kernel)(&cx, args)
    }

    /// Both operands of a binary operator.
    pub fn operands<'a>(&'a self, scope: Scope<'a>) -> Result<(Cow<'a, Datum>, Cow<'a, Datum>)> {
        match &*self.args {
            [left, right] => Ok((left.eval_ref(scope)?, right.eval_ref(scope)?)),
            _ => Err(Error::internal("binary operator without two operands")),
        }
    }

    /// `IS DISTINCT FROM`, this being the equality.
    pub fn distinct(&self, scope: Scope<'_>) -> Result<bool> {
        let (left, right) = self.operands(scope)?;
        match (left.is_null(), right.is_null()) {
            (true, true) => Ok(false),
            (false, false) => Ok(!self.holds(scope, left.into_owned(), right.into_owned())?),
            _ => Ok(true),
        }
    }

    /// Whether a comparison is true of two values.
    pub fn holds(&self, scope: Scope<'_>, left: Datum, right: Datum) -> Result<bool> {
        Ok(matches!(self.apply(scope, &[left, right])?, Datum::Bool(true)))
    }
}

/// A comparison by the order of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    /// The comparison a function makes, if it is one over kinds that [`direct_order`] orders as PostgreSQL does.
    pub fn of_source(source: &str) -> Option<Self> {
        let stem = |prefixes: &[&str]| prefixes.iter().find_map(|prefix| source.strip_prefix(prefix));
        let suffix = stem(&["int24", "int28", "int42", "int48", "int82", "int84", "int2", "int4", "int8"])
            .or_else(|| stem(&["text_", "text", "date_", "timestamp_", "time_", "oid", "name", "uuid_", "enum_"]))
            .or_else(|| stem(&["float8", "numeric_", "bool"]))?;
        Some(match suffix {
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessEqual,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterEqual,
            _ => return None,
        })
    }

    /// Whether the comparison is true of operands in this order.
    pub fn accepts(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterEqual => order.is_ge(),
        }
    }
}

/// The order of two values of kinds that compare without knowing their type.
pub(super) fn direct_order(left: &Datum, right: &Datum) -> Option<Ordering> {
    Some(match (left, right) {
        (Datum::Int4(a), Datum::Int4(b)) | (Datum::Date(a), Datum::Date(b)) => a.cmp(b),
        (Datum::Int8(a), Datum::Int8(b))
        | (Datum::Timestamp(a), Datum::Timestamp(b))
        | (Datum::Time(a), Datum::Time(b)) => a.cmp(b),
        (Datum::Text(a), Datum::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Datum::Int2(a), Datum::Int2(b)) => a.cmp(b),
        (Datum::Oid(a), Datum::Oid(b)) | (Datum::Enum(a), Datum::Enum(b)) => a.cmp(b),
        (Datum::Uuid(a), Datum::Uuid(b)) => a.cmp(b),
        (Datum::Numeric(a), Datum::Numeric(b)) => a.cmp(b),
        (Datum::Bool(a), Datum::Bool(b)) => a.cmp(b),
        // NaN is the kernel's.
        (Datum::Float8(a), Datum::Float8(b)) => return a.partial_cmp(b),
        _ => integer(left)?.cmp(&integer(right)?),
    })
}

fn integer(value: &Datum) -> Option<i64> {
    match value {
        Datum::Int2(v) => Some(i64::from(*v)),
        Datum::Int4(v) => Some(i64::from(*v)),
        Datum::Int8(v) => Some(*v),
        _ => None,
    }
}

/// A comparison, directly where the kinds allow it.
pub(super) fn compare(comparison: Comparison, call: &CallCode, scope: &Scope<'_>) -> Result<Option<bool>> {
    let [left, right] = &*call.args else { return Err(Error::internal("binary operator without two operands")) };
    if let (Some(left), Some(right)) = (left.borrowed(scope)?, right.borrowed(scope)?)
        && let Some(order) = direct_order(left, right)
    {
        return Ok(Some(comparison.accepts(order)));
    }
    let (left, right) = (left.eval_ref(*scope)?, right.eval_ref(*scope)?);
    if left.is_null() || right.is_null() {
        return Ok(None);
    }
    match direct_order(&left, &right) {
        Some(order) => Ok(Some(comparison.accepts(order))),
        None => truth_of(&call.apply(*scope, &[left.into_owned(), right.into_owned()])?),
    }
}

/// A comparison of integers.
#[inline]
pub(super) fn compare_integers(comparison: Comparison, call: &CallCode, scope: &Scope<'_>) -> Result<Option<bool>> {
    let [left, right] = &*call.args else { return Err(Error::internal("binary operator without two operands")) };
    Ok(match (left.integer(scope)?, right.integer(scope)?) {
        (Some(a), Some(b)) => Some(comparison.accepts(a.cmp(&b))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_comparisons_of_plain_kinds_are_direct() {
        assert_eq!(Comparison::of_source("int4eq"), Some(Comparison::Equal));
        assert_eq!(Comparison::of_source("int84ge"), Some(Comparison::GreaterEqual));
        assert_eq!(Comparison::of_source("text_lt"), Some(Comparison::Less));
        assert_eq!(Comparison::of_source("timestamp_le"), Some(Comparison::LessEqual));
        for other in
            ["int4pl", "bpchareq", "float84eq", "numeric_larger", "textcat", "date_eq_timestamp", "interval_eq"]
        {
            assert_eq!(Comparison::of_source(other), None, "{other}");
        }
    }

    #[test]
    fn integers_of_different_width_compare() {
        assert_eq!(direct_order(&Datum::Int2(3), &Datum::Int8(4)), Some(Ordering::Less));
        assert_eq!(direct_order(&Datum::Int4(3), &Datum::Text("3".into())), None);
    }
}
