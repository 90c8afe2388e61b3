//! Negations go as far down as they can: `NOT a < b` is `a >= b`, which an index may answer, and a comparison with a boolean
//! constant is its other operand or the negation of that. (PostgreSQL: `negate_clause`, `simplify_boolean_equality`.)

use std::sync::Arc;

use dictdb_functions::facts::{self, operator_by_oid, operators_named};
use dictdb_types::{Datum, Oid};

use crate::bind::{BindContext, builtin_function};
use crate::expr::{BoolTest, Call, Expr, Function, ScalarArray};
use crate::routine::is_row;

/// Rewrites an expression and everything in it, subqueries excepted.
pub(crate) fn push_down(expr: &mut Expr, cx: BindContext<'_>) {
    expr.rewrite(&mut |e| {
        let simpler = match e {
            Expr::Not(inner) => negated(inner, cx),
            Expr::Call(call) => boolean_equality(call, cx),
            _ => None,
        };
        if let Some(simpler) = simpler {
            *e = simpler;
        }
    });
}

/// What is true where an expression is false, unless that can only be said with NOT.
fn negated(expr: &Expr, cx: BindContext<'_>) -> Option<Expr> {
    let all = |items: &[Expr]| items.iter().map(|item| negation(item, cx)).collect();
    Some(match expr {
        Expr::Not(inner) => (**inner).clone(),
        Expr::And(items) => Expr::Or(all(items)),
        Expr::Or(items) => Expr::And(all(items)),
        // Of a row with some fields that are NULL neither is true.
        Expr::IsNull(arg, not) if !is_row(cx, arg.ty()) => Expr::IsNull(arg.clone(), !not),
        Expr::BoolTest(arg, test) => Expr::BoolTest(arg.clone(), opposite(*test)),
        Expr::Call(call) => {
            let (operator, function) = negator(call.operator.as_deref()?, &call.function, cx)?;
            Expr::Call(Box::new(Call { function, operator: Some(operator), ..(**call).clone() }))
        }
        Expr::ScalarArray(array) => {
            let (operator, function) = negator(&array.operator, &array.function, cx)?;
            Expr::ScalarArray(Box::new(ScalarArray { function, operator, all: !array.all, ..(**array).clone() }))
        }
        _ => return None,
    })
}

fn negation(expr: &Expr, cx: BindContext<'_>) -> Expr {
    negated(expr, cx).unwrap_or_else(|| Expr::Not(Box::new(expr.clone())))
}

fn opposite(test: BoolTest) -> BoolTest {
    match test {
        BoolTest::True => BoolTest::NotTrue,
        BoolTest::NotTrue => BoolTest::True,
        BoolTest::False => BoolTest::NotFalse,
        BoolTest::NotFalse => BoolTest::False,
        BoolTest::Unknown => BoolTest::NotUnknown,
        BoolTest::NotUnknown => BoolTest::Unknown,
    }
}

/// The operator that is true where this one is false. (`pg_operator.oprnegate`.)
fn negator(name: &str, function: &Function, cx: BindContext<'_>) -> Option<(Arc<str>, Arc<Function>)> {
    let operator = operators_named(name).find(|operator| operator.code == function.oid)?;
    let negator = operator_by_oid(operator.negator)?;
    Some((Arc::from(negator.name), builtin_function(facts::proc_by_oid(negator.code)?, cx.registry)))
}

/// `x = true` is `x`, `x = false` is `NOT x`.
fn boolean_equality(call: &Call, cx: BindContext<'_>) -> Option<Expr> {
    const BOOLEQ: Oid = Oid(60);
    const BOOLNE: Oid = Oid(84);
    let equal = match call.function.oid {
        BOOLEQ => true,
        BOOLNE => false,
        _ => return None,
    };
    let (value, constant) = match call.args.as_slice() {
        [value, Expr::Const(Datum::Bool(constant), _)] | [Expr::Const(Datum::Bool(constant), _), value] => {
            (value, *constant)
        }
        _ => return None,
    };
    Some(if constant == equal { value.clone() } else { negation(value, cx) })
}
