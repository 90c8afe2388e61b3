//! The part of rows that conditions keep.

use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_types::{Datum, Oid, TypeLookup};

use super::{ColumnStatistics, Statistics};
use crate::columns::{for_each_expr, for_each_input};
use crate::expr::{BoolTest, Call, ColumnId, Expr, ScalarArray};
use crate::logical::Node;

/// Selectivity of an equality about which nothing is known.
const EQUALITY: f64 = 0.005;
/// Selectivity of an inequality about which nothing is known.
const INEQUALITY: f64 = 1.0 / 3.0;
/// Selectivity of two inequalities that make a range.
const RANGE: f64 = 0.005;
/// Selectivity of a pattern match.
const PATTERN: f64 = 0.05;
/// Selectivity of containment, and of a match of a document (`DEFAULT_CONTAIN_SEL`, `DEFAULT_TS_MATCH_SEL`).
const CONTAINS: f64 = 0.005;
/// Selectivity of an overlap, and of a key's being there (`DEFAULT_OVERLAP_SEL`, `DEFAULT_MATCHING_SEL`).
const OVERLAPS: f64 = 0.01;
/// Different values of a column about which nothing is known.
pub(crate) const DEFAULT_DISTINCT: f64 = 200.0;
/// Elements of an array about which nothing is known.
const ARRAY_ELEMENTS: f64 = 10.0;

/// Where columns of a plan come from: table and storage column, found through projections.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    /// By column id: storage id of the table, storage column, base type.
    tables: Vec<Option<(Oid, usize, Oid)>>,
}

impl Origins {
    /// The origins of all columns of a plan, subqueries included.
    pub fn of(node: &Node, catalog: &Catalog) -> Self {
        let mut origins = Origins::default();
        origins.collect(node, catalog);
        origins
    }

    fn collect(&mut self, node: &Node, catalog: &Catalog) {
        for_each_input(node, &mut |input| self.collect(input, catalog));
        for_each_expr(node, &mut |expr| {
            expr.visit(&mut |e| {
                if let Expr::Sublink(link) = e {
                    self.collect(&link.query, catalog);
                }
            });
        });
        match node {
            Node::Scan(scan) => {
                // Of a table with children the first that has rows of its own speaks for all.
                let shown = scan.members.first().unwrap_or(&scan.relation);
                for (column, attnum) in &scan.columns {
                    let own = scan.relation.attnum_in(*attnum, shown);
                    if let Some(stored) = own.and_then(|attnum| shown.column(attnum)) {
                        let base = catalog.base_type(stored.ty).oid;
                        self.set(column.id, (shown.storage, stored.slot, base));
                    }
                }
            }
            Node::Project { columns, .. } => columns.iter().for_each(|(column, expr)| self.alias(column.id, expr)),
            Node::Aggregate(aggregate) => {
                aggregate.groups.iter().for_each(|(column, expr)| self.alias(column.id, expr));
            }
            _ => {}
        }
    }

    fn alias(&mut self, id: ColumnId, expr: &Expr) {
        if let Expr::Column(from, _) = expr
            && let Some(origin) = self.of_column(*from)
        {
            self.set(id, origin);
        }
    }

    fn set(&mut self, id: ColumnId, origin: (Oid, usize, Oid)) {
        let at = id.0 as usize;
        if self.tables.len() <= at {
            self.tables.resize(at + 1, None);
        }
        self.tables[at] = Some(origin);
    }

    /// Storage id of the table, storage column and base type of a column that comes from a table.
    pub fn of_column(&self, id: ColumnId) -> Option<(Oid, usize, Oid)> {
        self.tables.get(id.0 as usize).copied().flatten()
    }
}

/// Estimates conditions over the columns of one statement.
#[derive(Clone, Copy)]
pub(crate) struct Estimator<'a> {
    pub statistics: &'a dyn Statistics,
    pub origins: &'a Origins,
}

impl Estimator<'_> {
    /// What is known of a column.
    pub fn column(&self, id: ColumnId) -> Option<Arc<ColumnStatistics>> {
        let (table, slot, base) = self.origins.of_column(id)?;
        self.statistics.column(table, slot, base)
    }

    /// Rows of the table a column comes from.
    pub fn table_rows(&self, id: ColumnId) -> Option<f64> {
        self.origins.of_column(id).map(|(table, _, _)| self.statistics.rows(table))
    }

    /// Different values of an expression in so many rows.
    pub fn distinct(&self, expr: &Expr, rows: f64) -> f64 {
        let known = match expr {
            Expr::Column(id, _) => self.column(*id).map(|stats| stats.distinct),
            Expr::Relabel(inner, _) => return self.distinct(inner, rows),
            Expr::Const(..) | Expr::Param(..) => Some(1.0),
            _ => None,
        };
        known.unwrap_or(DEFAULT_DISTINCT).min(rows).max(1.0)
    }

    /// The part of rows that a list of conditions keeps. A lower and an upper bound of one column make a range.
    pub fn all(&self, conditions: &[Expr]) -> f64 {
        let mut kept = 1.0;
        let mut ranges: Vec<(ColumnId, f64, bool)> = Vec::new();
        for condition in conditions {
            match self.bound(condition) {
                Some(bound) => ranges.push(bound),
                None => kept *= self.one(condition),
            }
        }
        while let Some((id, part, lower)) = ranges.pop() {
            match ranges.iter().position(|(other, _, other_lower)| *other == id && *other_lower != lower) {
                Some(at) => {
                    let (_, other, _) = ranges.swap_remove(at);
                    kept *= match part == INEQUALITY && other == INEQUALITY {
                        true => RANGE,
                        false => (part + other - 1.0).max(1e-6),
                    };
                }
                None => kept *= part,
            }
        }
        kept
    }

    /// A condition that bounds a column: which, the part it keeps, and whether from below.
    fn bound(&self, condition: &Expr) -> Option<(ColumnId, f64, bool)> {
        let Expr::Call(call) = condition else { return None };
        let (id, operator, _) = sides(call)?;
        let lower = match operator {
            "<" | "<=" => false,
            ">" | ">=" => true,
            _ => return None,
        };
        Some((id, self.one(condition), lower))
    }

    /// The part of rows that one condition keeps.
    pub fn one(&self, condition: &Expr) -> f64 {
        match condition {
            Expr::And(items) => self.all(items),
            Expr::Or(items) => 1.0 - items.iter().map(|item| 1.0 - self.one(item)).product::<f64>(),
            Expr::Not(item) => (1.0 - self.one(item)).max(0.0),
            Expr::IsNull(arg, negated) => {
                let nulls = match &**arg {
                    Expr::Column(id, _) => self.column(*id).map(|stats| stats.null_fraction),
                    _ => None,
                };
                let nulls = nulls.unwrap_or(EQUALITY);
                if *negated { 1.0 - nulls } else { nulls.max(1e-6) }
            }
            Expr::Const(Datum::Bool(true), _) => 1.0,
            Expr::Const(..) => 0.0,
            Expr::Column(id, _) => self.column(*id).map_or(0.5, |stats| stats.equal_to(&Datum::Bool(true))),
            Expr::BoolTest(arg, BoolTest::True | BoolTest::NotFalse) => self.one(arg),
            Expr::ScalarArray(array) => self.scalar_array(array),
            Expr::Call(call) => self.call(call),
            Expr::RowCompare(..) => INEQUALITY,
            _ => 0.5,
        }
    }

    fn scalar_array(&self, array: &ScalarArray) -> f64 {
        let id = bare(&array.left);
        let stats = id.and_then(|id| self.column(id));
        let unknown = stats.as_ref().map_or(EQUALITY, |stats| stats.equal_to_unknown());
        let each = match (&array.array, &stats) {
            (Expr::Const(Datum::Array(items), _), Some(stats)) => {
                items.items.iter().map(|item| stats.equal_to(item)).sum()
            }
            (Expr::Const(Datum::Array(items), _), None) => items.items.len() as f64 * unknown,
            (Expr::Array { items, .. }, _) => items.len() as f64 * unknown,
            _ => ARRAY_ELEMENTS * unknown,
        };
        match (&*array.operator, array.all) {
            ("=", false) => each.clamp(0.0, 1.0),
            ("<>", true) => (1.0 - each).clamp(0.0, 1.0),
            _ => 0.5,
        }
    }

    fn call(&self, call: &Call) -> f64 {
        let unknown = match call.known_operator() {
            Some("=") => EQUALITY,
            Some("<>") => 1.0 - EQUALITY,
            Some("<" | "<=" | ">" | ">=") => INEQUALITY,
            Some("~~" | "~~*" | "~" | "~*") => return PATTERN,
            Some("!~~" | "!~~*" | "!~" | "!~*") => return 1.0 - PATTERN,
            Some("@>" | "<@" | "@@" | "@@@" | "@?") => return CONTAINS,
            Some("&&" | "?" | "?|" | "?&" | "@") => return OVERLAPS,
            _ => return 0.5,
        };
        let Some((id, operator, value)) = sides(call) else { return unknown };
        let Some(stats) = self.column(id) else { return unknown };
        let value = match value {
            Expr::Const(value, _) => Some(value.clone()),
            Expr::Param(index, ty) => self.statistics.parameter(*index, *ty),
            Expr::Column(other, _) => {
                let other = self.column(*other).map_or(DEFAULT_DISTINCT, |stats| stats.distinct);
                return match operator {
                    "=" => 1.0 / stats.distinct.max(other).max(1.0),
                    "<>" => 1.0 - 1.0 / stats.distinct.max(other).max(1.0),
                    _ => unknown,
                };
            }
            _ => None,
        };
        if value.as_ref().is_some_and(Datum::is_null) {
            return 0.0;
        }
        let Some(value) = value.and_then(|value| stats.comparable(&value)) else {
            return match operator {
                "=" => stats.equal_to_unknown(),
                "<>" => 1.0 - stats.equal_to_unknown() - stats.null_fraction,
                _ => unknown,
            };
        };
        match operator {
            "=" => stats.equal_to(&value),
            "<>" => (1.0 - stats.equal_to(&value) - stats.null_fraction).max(0.0),
            "<" => stats.below(&value, false),
            "<=" => stats.below(&value, true),
            ">" => 1.0 - stats.null_fraction - stats.below(&value, true),
            _ => 1.0 - stats.null_fraction - stats.below(&value, false),
        }
        .clamp(1e-9, 1.0)
    }
}

/// `column operator value`, whichever side the column is on.
fn sides(call: &Call) -> Option<(ColumnId, &str, &Expr)> {
    let operator = call.known_operator()?;
    let [left, right] = call.args.as_slice() else { return None };
    if let Some(id) = bare(left) {
        return Some((id, operator, right));
    }
    let flipped = match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    };
    bare(right).map(|id| (id, flipped, left))
}

fn bare(expr: &Expr) -> Option<ColumnId> {
    match expr {
        Expr::Column(id, _) => Some(*id),
        Expr::Relabel(inner, _) => bare(inner),
        _ => None,
    }
}
