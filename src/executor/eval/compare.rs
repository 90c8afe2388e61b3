//! Comparisons by the order of a type: GREATEST, LEAST and the ordering of rows.

use std::cmp::Ordering;

use dictdb_planner::expr::RowOrder;
use dictdb_types::{Datum, Result, Type, order};

use super::{Code, Scope};

/// The greatest or least of the values that are not NULL; NULL if all are.
pub(super) fn min_max(greatest: bool, items: &[Code], ty: Type, scope: Scope<'_>) -> Result<Datum> {
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    let mut best = Datum::Null;
    for item in items {
        let value = item.eval(scope)?;
        if !value.is_null() && (best.is_null() || order::compare_as(ty.oid, &value, &best) == wanted) {
            best = value;
        }
    }
    Ok(best)
}

/// `(a, b) < (c, d)`: decided by the first pair that differs; NULL when a NULL comes before the decision.
#[derive(Debug)]
pub(crate) struct RowCompareCode {
    /// Which ordering is asked.
    pub order: RowOrder,
    /// The pairs with their common type.
    pub pairs: Box<[(Code, Code, Type)]>,
}

impl RowCompareCode {
    pub(super) fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        for (left, right, ty) in &self.pairs {
            let (left, right) = (left.eval_ref(scope)?, right.eval_ref(scope)?);
            if let Some(decision) = decide(self.order, *ty, &left, &right) {
                return Ok(decision.map_or(Datum::Null, Datum::Bool));
            }
        }
        Ok(Datum::Bool(of_equals(self.order)))
    }
}

/// The comparison of two rows of values; NULL when a NULL comes before the decision.
pub(crate) fn rows_in_order<'d>(
    wanted: RowOrder,
    pairs: impl Iterator<Item = (Type, (&'d Datum, &'d Datum))>,
) -> Option<bool> {
    for (ty, (left, right)) in pairs {
        if let Some(decision) = decide(wanted, ty, left, right) {
            return decision;
        }
    }
    Some(of_equals(wanted))
}

/// What a pair decides, if it does: NULL, or the answer.
#[allow(clippy::option_option, reason = "undecided, unknown and known are three things")]
fn decide(wanted: RowOrder, ty: Type, left: &Datum, right: &Datum) -> Option<Option<bool>> {
    if left.is_null() || right.is_null() {
        return Some(None);
    }
    let order = order::compare_as(ty.oid, left, right);
    let less = matches!(wanted, RowOrder::Less | RowOrder::LessEqual);
    order.is_ne().then(|| Some(order.is_lt() == less))
}

fn of_equals(wanted: RowOrder) -> bool {
    matches!(wanted, RowOrder::LessEqual | RowOrder::GreaterEqual)
}
