//! What an expression may do: how volatile it is, whether NULL makes it NULL, what it costs.

use dictdb_functions::facts::Volatility;
use dictdb_types::Oid;

use crate::expr::Expr;
use crate::logical::Node;

fn rank(volatility: Volatility) -> u8 {
    match volatility {
        Volatility::Immutable => 0,
        Volatility::Stable => 1,
        Volatility::Volatile => 2,
    }
}

/// The volatility of the most volatile function in an expression, subqueries included.
pub(super) fn most_volatile(expr: &Expr) -> Volatility {
    let mut most = Volatility::Immutable;
    let mut note = |volatility: Volatility| {
        if rank(volatility) > rank(most) {
            most = volatility;
        }
    };
    expr.visit(&mut |expr| match expr {
        Expr::Call(call) => note(call.function.volatility),
        Expr::Sublink(link) => note(most_volatile_in(&link.query)),
        _ => {}
    });
    most
}

/// Likewise of a query; stable at least, since it may read tables.
pub(crate) fn most_volatile_in(node: &Node) -> Volatility {
    let mut most = Volatility::Stable;
    crate::columns::for_each_expr(node, &mut |expr| {
        if most_volatile(expr) == Volatility::Volatile {
            most = Volatility::Volatile;
        }
    });
    crate::columns::for_each_input(node, &mut |input| {
        if most_volatile_in(input) == Volatility::Volatile {
            most = Volatility::Volatile;
        }
    });
    most
}

/// Whether a NULL anywhere in it makes an expression NULL.
pub(super) fn is_strict(expr: &Expr) -> bool {
    let own = match expr {
        Expr::Const(..) | Expr::Param(..) | Expr::Column(..) | Expr::Input(..) | Expr::Outer(..) => true,
        Expr::Call(call) => call.function.strict,
        Expr::ScalarArray(test) => test.function.strict,
        Expr::Not(_) | Expr::Field(..) | Expr::Subscript(_) | Expr::Relabel(..) | Expr::ViaIo(..) => true,
        _ => false,
    };
    let mut all = own;
    expr.for_each_child(&mut |child| all &= is_strict(child));
    all
}

/// Cost in units of an operator's.
pub(super) fn operations(expr: &Expr) -> f32 {
    let mut cost = 0.0;
    expr.visit(&mut |expr| {
        cost += match expr {
            // What users wrote costs as much as PostgreSQL takes for it unless told otherwise.
            Expr::Call(call) if call.function.oid >= Oid::FIRST_NORMAL => 100.0,
            Expr::Call(_) | Expr::ScalarArray(_) | Expr::Distinct(..) | Expr::NullIf(..) => 1.0,
            _ => 0.0,
        };
    });
    cost
}
