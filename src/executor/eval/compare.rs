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
            if left.is_null() || right.is_null() {
                return Ok(Datum::Null);
            }
            let order = order::compare_as(ty.oid, &left, &right);
            if order.is_ne() {
                let less = matches!(self.order, RowOrder::Less | RowOrder::LessEqual);
                return Ok(Datum::Bool(order.is_lt() == less));
            }
        }
        Ok(Datum::Bool(matches!(self.order, RowOrder::LessEqual | RowOrder::GreaterEqual)))
    }
}
