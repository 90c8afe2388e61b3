//! Scalar expressions, one row at a time: [`compile`] turns a bound [`Expr`](dictdb_planner::expr::Expr) into [`Code`]
//! once per plan, [`Code::eval`] runs it against a [`Scope`].
//!
//! What a column at a time can do faster lives in [`crate::columnar`]; it falls back to this evaluator, so the two
//! agree by construction. Constant folding is the planner's.

mod append;
mod arithmetic;
mod array;
mod array_assign;
mod assign;
mod boolean;
mod call;
mod compare;
mod compile;
mod concat;
mod conditional;
mod convert;
mod fixed_array;
mod json_assign;
mod native;
mod record;
mod subscript;

use std::borrow::Cow;

use dictdb_planner::expr::BoolTest;
use dictdb_types::{Datum, Env, Error, Result, Type};

use arithmetic::{Arithmetic, FloatArithmetic};
pub(crate) use array::{as_array, stack};
pub(crate) use call::{CallCode, Comparison};
pub(crate) use compare::rows_in_order;
pub(crate) use compile::{CompileContext, compile, compile_all, compile_predicate, element_type};

use crate::runtime::Runtime;
use crate::subplan::SubplanCode;

/// Stack left below which a deep expression continues on a fresh segment, and the size of that segment, in bytes.
const RED_ZONE_BYTES: usize = 96 * 1024;
const SEGMENT_BYTES: usize = 1024 * 1024;

static NULL: Datum = Datum::Null;

/// A compiled expression. Column references are positions in the row of the [`Scope`].
#[derive(Debug)]
pub(crate) enum Code {
    /// A column of the row.
    Input(usize),
    /// A slot set by an enclosing Apply or subplan.
    Outer(usize),
    /// A constant.
    Const(Datum),
    /// A parameter.
    Param(usize),
    /// The operand of the enclosing CASE, element of the enclosing array coercion.
    TestValue,
    /// A function.
    Call(Box<CallCode>),
    /// A comparison of two values whose kinds compare directly; the call is the general case.
    Compare(Comparison, Box<CallCode>),
    /// A comparison of integers.
    CompareIntegers(Comparison, Box<CallCode>),
    /// Arithmetic of integers.
    Arithmetic(Arithmetic, Box<CallCode>),
    /// Arithmetic of `double precision`.
    Float(FloatArithmetic, Box<CallCode>),
    /// `||` of texts.
    Concat(Box<[concat::Part]>),
    /// Three-valued conjunction.
    And(Box<[Code]>),
    /// Three-valued disjunction.
    Or(Box<[Code]>),
    /// Negation.
    Not(Box<Code>),
    /// `IS NULL` (false) or `IS NOT NULL` (true).
    IsNull(Box<Code>, bool),
    /// `IS TRUE` and its relatives.
    BoolTest(Box<Code>, BoolTest),
    /// `IS DISTINCT FROM`, negated when the flag is set. The call is the equality.
    Distinct(Box<CallCode>, bool),
    /// `NULLIF`; the call is the equality.
    NullIf(Box<CallCode>),
    /// `CASE`.
    Case(Box<conditional::CaseCode>),
    /// `COALESCE`.
    Coalesce(Box<[Code]>),
    /// `GREATEST` (true), `LEAST`.
    MinMax(bool, Box<[Code]>, Type),
    /// `op ANY/ALL (array)`.
    ScalarArray(Box<array::ScalarArrayCode>),
    /// Ordering of rows.
    RowCompare(Box<compare::RowCompareCode>),
    /// `ARRAY[…]`.
    Array(Box<array::ArrayCode>),
    /// `ROW(…)`.
    Row(Box<record::RowCode>),
    /// A field of a composite.
    Field(Box<Code>, usize),
    /// `a[i]`, `a[i:j]`.
    Subscript(Box<subscript::SubscriptCode>),
    /// A value with one part replaced.
    Assign(Box<assign::AssignCode>),
    /// A binary-coercible cast between types whose values differ in kind.
    Relabel(Box<Code>, convert::Relabel),
    /// A cast through text.
    ViaIo(Box<convert::ViaIoCode>),
    /// A cast element by element.
    ArrayCoerce(Box<array::ArrayCoerceCode>),
    /// A domain's constraints.
    ToDomain(Box<Code>, Type),
    /// A subquery.
    Subplan(Box<SubplanCode>),
    /// Continues on a fresh stack segment when little is left.
    Deep(Box<Code>),
}

/// What an expression sees while it runs.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// Settings, types, clock.
    pub env: &'a dyn Env,
    /// The execution: parameters, slots, subqueries. Expressions of tables are evaluated without one.
    rt: Option<&'a Runtime>,
    /// The input row.
    pub row: &'a [Datum],
    /// The value of [`Code::TestValue`].
    test: &'a Datum,
}

impl<'a> Scope<'a> {
    /// A scope inside an execution, outside CASE and array coercions.
    pub fn new(rt: &'a Runtime, row: &'a [Datum]) -> Self {
        Scope { env: rt.env(), rt: Some(rt), row, test: &NULL }
    }

    /// A scope for expressions that have neither parameters nor subqueries: those of tables and indexes.
    pub fn of_table(env: &'a dyn Env, row: &'a [Datum]) -> Self {
        Scope { env, rt: None, row, test: &NULL }
    }

    /// A scope for the CHECK of a domain over a value.
    pub fn of_domain(env: &'a dyn Env, value: &'a Datum) -> Self {
        Scope { env, rt: None, row: &[], test: value }
    }

    /// The execution. XX000 outside one.
    pub fn rt(&self) -> Result<&'a Runtime> {
        self.rt.ok_or_else(|| Error::internal("expression of a table refers to an execution"))
    }

    fn with_test(self, test: &'a Datum) -> Self {
        Scope { test, ..self }
    }
}

impl Code {
    /// The value.
    pub fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        match self {
            Code::Input(index) => scope.row.get(*index).cloned().ok_or_else(|| missing("column", *index)),
            Code::Const(value) => Ok(value.clone()),
            Code::Param(index) => scope.rt()?.param(*index).cloned().ok_or_else(|| missing("parameter", *index)),
            Code::TestValue => Ok(scope.test.clone()),
            Code::Outer(slot) => scope.rt()?.outer(*slot),
            Code::Call(call) => call.eval(scope),
            Code::Arithmetic(operation, call) => operation.compute(call, &scope),
            Code::Float(operation, call) => Ok(operation.float(call, &scope)?.map_or(Datum::Null, Datum::Float8)),
            Code::Concat(parts) => concat::concat(parts, scope),
            Code::Compare(..)
            | Code::CompareIntegers(..)
            | Code::And(_)
            | Code::Or(_)
            | Code::Not(_)
            | Code::IsNull(..)
            | Code::BoolTest(..)
            | Code::Distinct(..) => Ok(self.truth(&scope)?.map_or(Datum::Null, Datum::Bool)),
            Code::NullIf(call) => conditional::null_if(call, scope),
            Code::Case(case) => case.eval(scope),
            Code::Coalesce(items) => conditional::coalesce(items, scope),
            Code::MinMax(greatest, items, ty) => compare::min_max(*greatest, items, *ty, scope),
            Code::ScalarArray(test) => test.eval(scope),
            Code::RowCompare(pairs) => pairs.eval(scope),
            Code::Array(array) => array.eval(scope),
            Code::Row(row) => row.eval(scope),
            Code::Field(record, index) => record::field(record, *index, scope),
            Code::Subscript(subscript) => subscript.eval(scope),
            Code::Assign(assign) => assign.eval(scope),
            Code::Relabel(item, how) => item.eval(scope).map(|value| how.apply(value)),
            Code::ViaIo(cast) => cast.eval(scope),
            Code::ArrayCoerce(cast) => cast.eval(scope),
            Code::ToDomain(item, domain) => convert::to_domain(item, *domain, scope),
            Code::Subplan(subplan) => subplan.eval(scope),
            Code::Deep(item) => stacker::maybe_grow(RED_ZONE_BYTES, SEGMENT_BYTES, || item.eval(scope)),
        }
    }

    /// The value, borrowed where it exists already.
    pub fn eval_ref<'a>(&'a self, scope: Scope<'a>) -> Result<Cow<'a, Datum>> {
        match self.borrowed(&scope)? {
            Some(value) => Ok(Cow::Borrowed(value)),
            None => self.eval(scope).map(Cow::Owned),
        }
    }

    /// Whether the value is true: neither false nor NULL.
    #[inline]
    pub fn is_true(&self, scope: Scope<'_>) -> Result<bool> {
        self.holds(&scope)
    }

    /// Likewise, without a copy of the scope.
    #[inline]
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool> {
        match self {
            Code::CompareIntegers(comparison, call) => {
                Ok(call::compare_integers(*comparison, call, scope)? == Some(true))
            }
            Code::And(items) => {
                for item in items {
                    if !item.holds(scope)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => Ok(self.truth(scope)? == Some(true)),
        }
    }

    /// The value where it is, if it exists already: of a column, a constant, a field or an element of one.
    #[inline]
    fn borrowed<'a>(&'a self, scope: &Scope<'a>) -> Result<Option<&'a Datum>> {
        match self {
            Code::Input(index) => scope.row.get(*index).map(Some).ok_or_else(|| missing("column", *index)),
            Code::Const(value) => Ok(Some(value)),
            Code::Param(index) => scope.rt()?.param(*index).map(Some).ok_or_else(|| missing("parameter", *index)),
            Code::TestValue => Ok(Some(scope.test)),
            Code::Field(record, index) => record::borrowed_field(record, *index, scope),
            Code::Subscript(subscript) => subscript.borrowed(scope),
            _ => Ok(None),
        }
    }
}

/// Appends the values of some expressions.
pub(crate) fn eval_into(codes: &[Code], scope: Scope<'_>, out: &mut Vec<Datum>) -> Result<()> {
    out.reserve(codes.len());
    for code in codes {
        let value = match code.borrowed(&scope)? {
            Some(value) => value.clone(),
            None => code.eval(scope)?,
        };
        out.push(value);
    }
    Ok(())
}

#[cold]
fn missing(what: &str, index: usize) -> Error {
    Error::internal(format!("{what} {index} does not exist in this execution"))
}
