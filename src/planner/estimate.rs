//! Row estimates: what statistics say of tables and what PostgreSQL assumes of conditions.

use dictdb_types::Oid;

use crate::expr::{Call, Expr};

/// What the planner asks of storage.
pub trait Statistics {
    /// Live rows of a table, by its storage id.
    fn rows(&self, table: Oid) -> f64;

    /// Distinct keys of an index, by its storage id.
    fn distinct_keys(&self, index: Oid) -> Option<f64>;
}

/// No statistics: tables of a thousand rows.
pub struct NoStatistics;

impl Statistics for NoStatistics {
    fn rows(&self, _: Oid) -> f64 {
        1000.0
    }

    fn distinct_keys(&self, _: Oid) -> Option<f64> {
        None
    }
}

/// Selectivity of an equality about which nothing is known.
pub const EQUALITY: f64 = 0.005;
/// Selectivity of an inequality.
pub const RANGE: f64 = 1.0 / 3.0;
/// Selectivity of a pattern match.
const PATTERN: f64 = 0.05;

/// The part of rows a predicate keeps.
pub fn selectivity(predicate: &Expr) -> f64 {
    match predicate {
        Expr::And(items) => items.iter().map(selectivity).product(),
        Expr::Or(items) => 1.0 - items.iter().map(|item| 1.0 - selectivity(item)).product::<f64>(),
        Expr::Not(item) => 1.0 - selectivity(item),
        Expr::IsNull(_, negated) => {
            if *negated {
                0.995
            } else {
                EQUALITY
            }
        }
        Expr::Const(dictdb_types::Datum::Bool(true), _) => 1.0,
        Expr::Const(..) => 0.0,
        Expr::ScalarArray(array) => {
            let items = match &array.array {
                Expr::Array { items, .. } => items.len() as f64,
                _ => 10.0,
            };
            (items * EQUALITY).min(0.5)
        }
        Expr::Call(call) => of_call(call),
        _ => 0.5,
    }
}

fn of_call(call: &Call) -> f64 {
    match call.operator.as_deref() {
        Some("=") => EQUALITY,
        Some("<>") => 1.0 - EQUALITY,
        Some("<" | "<=" | ">" | ">=") => RANGE,
        Some("~~" | "~~*" | "~" | "~*") => PATTERN,
        _ => 0.5,
    }
}
