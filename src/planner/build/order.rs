//! Orders: the one a parent would like, the one a plan has.

use super::Layout;
use crate::columns::replace_in_expr;
use crate::expr::{ColumnId, Expr, SortKey};
use crate::logical::Column;

/// What a parent would like to have of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The order, or as much of it as comes cheaply.
    pub order: Vec<SortKey>,
    /// How many rows will be read; `None`: all of them.
    pub rows: Option<f64>,
    /// Rows are to stay in the order that the first input of a join is read in, though nobody names that order.
    pub as_read: bool,
}

impl Wanted {
    /// All rows in any order.
    pub fn all() -> Self {
        Wanted::default()
    }

    /// The same number of rows, in any order.
    pub fn unordered(&self) -> Self {
        Wanted { rows: self.rows, ..Wanted::default() }
    }

    /// Below an operator of which not every row is kept.
    pub fn before_filter(&self, kept: f64) -> Self {
        Wanted { rows: self.rows.map(|rows| rows / kept.clamp(1e-4, 1.0)), ..self.clone() }
    }

    /// The wish in terms of a projection's input, as far as its keys are columns there.
    pub fn below_projection(&self, columns: &[(Column, Expr)]) -> Self {
        let mut order = Vec::with_capacity(self.order.len());
        for key in &self.order {
            let mut key = key.clone();
            for (column, expr) in columns {
                if matches!(&key.expr, Expr::Column(id, _) if *id == column.id) {
                    key.expr = expr.clone();
                    break;
                }
                replace_in_expr(&mut key.expr, column.id, expr);
            }
            if key.expr.is_volatile() {
                break;
            }
            order.push(key);
        }
        Wanted { order, ..*self }
    }

    /// Whether a join has to keep the order of its left side.
    pub fn keeps_order(&self) -> bool {
        self.as_read || !self.order.is_empty()
    }
}

/// How many of the keys an order satisfies, from the first on.
pub(crate) fn satisfied(order: &[SortKey], keys: &[SortKey]) -> usize {
    let same = |a: &SortKey, b: &SortKey| {
        a.descending == b.descending && a.nulls_first == b.nulls_first && a.expr.same(&b.expr)
    };
    let mut have = order.iter();
    let mut next = have.next();
    for (position, key) in keys.iter().enumerate() {
        // A key that repeats an earlier one, or is the same in all rows, orders nothing.
        let repeated = keys[..position].iter().any(|earlier| earlier.expr.same(&key.expr));
        if repeated || matches!(key.expr, Expr::Const(..) | Expr::Param(..) | Expr::Outer(..)) {
            continue;
        }
        match next {
            Some(own) if same(own, key) => next = have.next(),
            _ => return position,
        }
    }
    keys.len()
}

/// The order of a projection's rows, in terms of its columns.
pub(crate) fn above_projection(order: &[SortKey], columns: &[(Column, Expr)]) -> Vec<SortKey> {
    let mut out = Vec::with_capacity(order.len());
    for key in order {
        let Some((column, _)) = columns.iter().find(|(_, expr)| expr.same(&key.expr)) else { break };
        out.push(SortKey { expr: Expr::column(column), ..key.clone() });
    }
    out
}

/// The part of an order whose keys a layout still has.
pub(crate) fn within(order: Vec<SortKey>, layout: &Layout) -> Vec<SortKey> {
    let provided = |expr: &Expr| !expr.any(&mut |e| matches!(e, Expr::Column(id, _) if !layout.contains(id)));
    order.into_iter().take_while(|key| provided(&key.expr)).collect()
}

/// The column that a key orders by, if it is one.
pub(crate) fn key_column(key: &SortKey) -> Option<ColumnId> {
    crate::condition::bare_column(&key.expr)
}
