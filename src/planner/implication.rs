//! Whether a condition that holds makes another one hold (PostgreSQL's `predicate_implied_by`): it decides that a partial index
//! has all rows that are asked for.

use std::cmp::Ordering;

use dictdb_types::{Datum, Oid, oids, order};

use crate::bind::BindContext;
use crate::expr::Expr;
use crate::routine::is_row;

/// Whether `wanted` holds wherever `condition` does.
pub(crate) fn implies(condition: &Expr, wanted: &Expr, cx: BindContext<'_>) -> bool {
    if condition.same(wanted) {
        return true;
    }
    match (condition, wanted) {
        (Expr::Or(items), _) => items.iter().all(|item| implies(item, wanted, cx)),
        (_, Expr::And(items)) => items.iter().all(|item| implies(condition, item, cx)),
        (Expr::And(items), _) => items.iter().any(|item| implies(item, wanted, cx)),
        (_, Expr::Or(items)) => items.iter().any(|item| implies(condition, item, cx)),
        // A row is equal to another one and yet not, as IS NOT NULL means it, all there.
        (_, Expr::IsNull(arg, true)) if !is_row(cx, arg.ty()) => refuses_null(condition, arg),
        _ => is_narrower(condition, wanted),
    }
}

fn refuses_null(condition: &Expr, value: &Expr) -> bool {
    match condition {
        Expr::Call(call) => {
            call.function.strict && call.operator.is_some() && call.args.iter().any(|operand| operand.same(value))
        }
        Expr::ScalarArray(array) => array.function.strict && !array.all && array.left.same(value),
        _ => false,
    }
}

/// A comparison of something with a constant.
struct Comparison<'e> {
    value: &'e Expr,
    operator: &'static str,
    constant: &'e Datum,
    ty: Oid,
}

/// Comparison operators, each with what it is from the other side.
const OPERATORS: [(&str, &str); 6] = [("<", ">"), ("<=", ">="), ("=", "="), (">=", "<="), (">", "<"), ("<>", "<>")];

impl<'e> Comparison<'e> {
    fn of(expr: &'e Expr) -> Option<Self> {
        let Expr::Call(call) = expr else { return None };
        let written = call.known_operator()?;
        let (operator, from_behind) = OPERATORS.into_iter().find(|(operator, _)| *operator == written)?;
        let (value, operator, constant, ty) = match &*call.args {
            [value, Expr::Const(constant, ty)] => (value, operator, constant, ty.oid),
            [Expr::Const(constant, ty), value] => (value, from_behind, constant, ty.oid),
            _ => return None,
        };
        (!constant.is_null() && !is_collated(ty)).then_some(Comparison { value, operator, constant, ty })
    }

    /// Whether it holds for whatever compares so with a constant of its type.
    fn holds_where(&self, operator: &str, constant: &Datum) -> bool {
        let order = order::compare_as(self.ty, constant, self.constant);
        match (operator, self.operator) {
            ("=", "<") => order.is_lt(),
            ("=", "<=") | ("<" | "<=", "<=") | ("<", "<" | "<>") => order.is_le(),
            ("=", "=") => order.is_eq(),
            ("=", ">=") | (">" | ">=", ">=") | (">", ">" | "<>") => order.is_ge(),
            ("=", ">") => order.is_gt(),
            ("=", "<>") => order != Ordering::Equal,
            ("<=", "<" | "<>") => order.is_lt(),
            (">=", ">" | "<>") => order.is_gt(),
            _ => false,
        }
    }
}

/// Whether the order of a type depends on a collation.
fn is_collated(ty: Oid) -> bool {
    [oids::TEXT, oids::VARCHAR, oids::BPCHAR, oids::NAME].contains(&ty)
}

/// Whether one comparison with a constant, or with any of some, makes another of the same value hold.
fn is_narrower(condition: &Expr, wanted: &Expr) -> bool {
    let Some(wanted) = Comparison::of(wanted) else { return false };
    if let Expr::ScalarArray(array) = condition {
        let Expr::Const(Datum::Array(items), _) = &array.array else { return false };
        return !array.all
            && &*array.operator == "="
            && items.element == wanted.ty
            && array.left.same(wanted.value)
            && items.items.iter().all(|item| item.is_null() || wanted.holds_where("=", item));
    }
    Comparison::of(condition).is_some_and(|known| {
        known.ty == wanted.ty && known.value.same(wanted.value) && wanted.holds_where(known.operator, known.constant)
    })
}
