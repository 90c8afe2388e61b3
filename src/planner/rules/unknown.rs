//! A condition that is not known to be true keeps no row: NULL in it is as good as false, and `a = a` asks only whether `a`
//! is NULL.

use dictdb_functions::facts::operators_named;
use dictdb_types::Datum;

use crate::columns::{for_each_expr_mut, for_each_input_mut, for_each_subquery_mut};
use crate::expr::Expr;
use crate::logical::Node;

/// Simplifies the conditions of filters and joins.
pub(super) fn leave_out_unknown(node: &mut Node) {
    if matches!(node, Node::Filter { .. } | Node::Join { .. }) {
        for_each_expr_mut(node, &mut |expr| simplify(expr, true));
    }
    for_each_subquery_mut(node, &mut leave_out_unknown);
    for_each_input_mut(node, &mut leave_out_unknown);
}

/// Simplifies a condition, or a part of one that is as good as false when it is NULL. `top` parts have to hold by themselves.
fn simplify(condition: &mut Expr, top: bool) {
    match condition {
        Expr::And(items) => items.iter_mut().for_each(|item| simplify(item, top)),
        Expr::Or(arms) => {
            arms.iter_mut().for_each(|arm| simplify(arm, false));
            arms.retain(|arm| !matches!(arm, Expr::Const(Datum::Null, _)));
            match arms.len() {
                0 => *condition = Expr::boolean(false),
                1 => *condition = arms.remove(0),
                _ => {}
            }
        }
        _ if top => {
            if let Some(operand) = equal_to_itself(condition) {
                *condition = Expr::IsNull(Box::new(operand), true);
            }
        }
        _ => {}
    }
}

/// The column that a condition compares with itself, by an equality that every value has to itself.
fn equal_to_itself(condition: &Expr) -> Option<Expr> {
    let Expr::Call(call) = condition else { return None };
    let [left @ Expr::Column(a, _), Expr::Column(b, _)] = call.args.as_slice() else { return None };
    let function = call.function.oid;
    let reflexive = || operators_named("=").any(|operator| operator.code == function && operator.can_merge);
    (a == b && call.known_operator() == Some("=") && reflexive()).then(|| left.clone())
}
