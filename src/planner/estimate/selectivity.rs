//! The part of rows that conditions keep.

use std::sync::Arc;

use dictdb_types::{Datum, Oid, TypeLookup};

use super::{ColumnStatistics, Statistics};
use crate::BindContext;
use crate::columns::{for_each_expr, for_each_input};
use crate::condition::commuted;
use crate::expr::{BoolTest, Call, ColumnId, Expr, RowOrder, ScalarArray};
use crate::logical::{Node, Scan};
use crate::table_expr::{TableExpr, over_scan};

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
const ARRAY_ELEMENTS: usize = 10;

/// Where a value comes from: storage id of a table, a storage column or expression of a statistics object, base type.
pub(crate) type Origin = (Oid, usize, Oid);

/// Where columns of a plan come from, found through projections, and the expressions that statistics objects know.
#[derive(Default)]
pub(crate) struct Origins {
    /// By column id.
    tables: Vec<Option<Origin>>,
    expressions: Vec<(Expr, Origin)>,
}

impl Origins {
    /// The origins of all columns of a plan, subqueries included.
    pub fn of(node: &Node, cx: BindContext<'_>, statistics: &dyn Statistics) -> Self {
        let mut origins = Origins::default();
        origins.collect(node, cx, statistics);
        origins
    }

    fn collect(&mut self, node: &Node, cx: BindContext<'_>, statistics: &dyn Statistics) {
        for_each_input(node, &mut |input| self.collect(input, cx, statistics));
        for_each_expr(node, &mut |expr| {
            expr.visit(&mut |e| {
                if let Expr::Sublink(link) = e {
                    self.collect(&link.query, cx, statistics);
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
                        let base = cx.catalog.base_type(stored.ty).oid;
                        self.set(column.id, (shown.storage, stored.slot, base));
                    }
                }
                self.collect_expressions(scan, cx, statistics);
            }
            Node::Project { columns, .. } => columns.iter().for_each(|(column, expr)| self.alias(column.id, expr)),
            Node::Aggregate(aggregate) => {
                aggregate.groups.iter().for_each(|(column, expr)| self.alias(column.id, expr));
            }
            _ => {}
        }
    }

    fn collect_expressions(&mut self, scan: &Scan, cx: BindContext<'_>, statistics: &dyn Statistics) {
        for object in statistics.extended(scan.relation.storage) {
            for dimension in &object.dimensions {
                let Some(text) = &dimension.expression else { continue };
                if let Some(expr) = over_scan(scan, text, TableExpr::Statistics, cx) {
                    self.expressions.push((expr, (scan.relation.storage, dimension.slot, dimension.base_type)));
                }
            }
        }
    }

    fn alias(&mut self, id: ColumnId, expr: &Expr) {
        if let Some(origin) = self.of_expr(expr) {
            self.set(id, origin);
        }
    }

    fn set(&mut self, id: ColumnId, origin: Origin) {
        let at = id.0 as usize;
        if self.tables.len() <= at {
            self.tables.resize(at + 1, None);
        }
        self.tables[at] = Some(origin);
    }

    /// The origin of a column that comes from a table.
    pub fn of_column(&self, id: ColumnId) -> Option<Origin> {
        self.tables.get(id.0 as usize).copied().flatten()
    }

    /// The origin of such a column, or of an expression that a statistics object knows.
    pub fn of_expr(&self, expr: &Expr) -> Option<Origin> {
        match expr {
            Expr::Column(id, _) => self.of_column(*id),
            Expr::Const(..) | Expr::Param(..) => None,
            _ => match (self.expressions.iter().find(|(known, _)| known.same(expr)), expr) {
                (Some((_, origin)), _) => Some(*origin),
                (None, Expr::Relabel(inner, _)) => self.of_expr(inner),
                (None, _) => None,
            },
        }
    }
}

/// Estimates conditions over the columns of one statement.
#[derive(Clone, Copy)]
pub(crate) struct Estimator<'a> {
    pub(super) statistics: &'a dyn Statistics,
    pub(super) origins: &'a Origins,
    /// Whether statistics objects are asked.
    extended: bool,
}

impl<'a> Estimator<'a> {
    pub fn new(statistics: &'a dyn Statistics, origins: &'a Origins) -> Self {
        Estimator { statistics, origins, extended: true }
    }

    /// One that takes columns for independent.
    pub(super) fn simple(self) -> Self {
        Estimator { extended: false, ..self }
    }

    /// What is known of a column.
    pub fn column(&self, id: ColumnId) -> Option<Arc<ColumnStatistics>> {
        self.of_origin(self.origins.of_column(id)?)
    }

    /// What is known of a column, or of an expression that a statistics object is about.
    pub fn of_expr(&self, expr: &Expr) -> Option<Arc<ColumnStatistics>> {
        self.of_origin(self.origins.of_expr(expr)?)
    }

    fn of_origin(&self, (table, slot, base): Origin) -> Option<Arc<ColumnStatistics>> {
        self.statistics.column(table, slot, base)
    }

    /// Rows of the table a column comes from.
    pub fn table_rows(&self, id: ColumnId) -> Option<f64> {
        self.origins.of_column(id).map(|(table, _, _)| self.statistics.rows(table))
    }

    /// Different values of an expression in so many rows.
    pub fn distinct(&self, expr: &Expr, rows: f64) -> f64 {
        self.known_distinct(expr, rows).unwrap_or_else(|| DEFAULT_DISTINCT.min(rows).max(1.0))
    }

    /// Likewise, if anything is known of its values.
    pub fn known_distinct(&self, expr: &Expr, rows: f64) -> Option<f64> {
        if matches!(expr, Expr::Const(..) | Expr::Param(..)) {
            return Some(1.0);
        }
        // Of a column that has only NULLs nothing is known of the values it will have.
        let known = self.of_expr(expr).filter(|stats| stats.null_fraction < 1.0);
        known.map(|stats| stats.distinct.min(rows).max(1.0))
    }

    /// The part of an expression's values that lie between the least and the greatest of another's.
    pub fn part_within(&self, expr: &Expr, other: &Expr) -> f64 {
        self.of_expr(expr).zip(self.of_expr(other)).map_or(1.0, |(own, other)| own.part_within(&other))
    }

    /// The part of rows that a list of conditions keeps. A lower and an upper bound of one column make a range.
    pub fn all(&self, conditions: &[Expr]) -> f64 {
        if !self.extended || conditions.len() < 2 {
            return self.of_refs(conditions.iter());
        }
        let (kept, others) = self.known_of_all(conditions);
        kept * self.of_refs(others.into_iter())
    }

    /// As [`Estimator::all`], of conditions that no statistics object knows together.
    pub(super) fn of_refs<'e>(&self, conditions: impl Iterator<Item = &'e Expr>) -> f64 {
        let mut kept = 1.0;
        let mut ranges: Vec<(Origin, f64, bool)> = Vec::new();
        for condition in conditions {
            match self.bound(condition) {
                Some(bound) => ranges.push(bound),
                None => kept *= self.one(condition),
            }
        }
        while let Some((origin, part, lower)) = ranges.pop() {
            match ranges.iter().position(|(other, _, other_lower)| *other == origin && *other_lower != lower) {
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
    fn bound(&self, condition: &Expr) -> Option<(Origin, f64, bool)> {
        let Expr::Call(call) = condition else { return None };
        let (origin, operator, _) = self.sides(call)?;
        let lower = match operator {
            "<" | "<=" => false,
            ">" | ">=" => true,
            _ => return None,
        };
        Some((origin, self.one(condition), lower))
    }

    /// The part of rows that one condition keeps.
    pub fn one(&self, condition: &Expr) -> f64 {
        match condition {
            Expr::And(items) => self.all(items),
            Expr::Or(items) => {
                let known = if self.extended { self.known_of_any(items) } else { None };
                known.unwrap_or_else(|| 1.0 - items.iter().map(|item| 1.0 - self.one(item)).product::<f64>())
            }
            Expr::Not(item) => (1.0 - self.one(item)).max(0.0),
            Expr::IsNull(arg, negated) => {
                let nulls = self.of_expr(arg).map_or(EQUALITY, |stats| stats.null_fraction);
                if *negated { 1.0 - nulls } else { nulls.max(1e-6) }
            }
            Expr::Const(Datum::Bool(true), _) => 1.0,
            Expr::Const(..) => 0.0,
            Expr::Column(id, _) => self.column(*id).map_or(0.5, |stats| stats.equal_to(&Datum::Bool(true))),
            Expr::BoolTest(arg, BoolTest::True | BoolTest::NotFalse) => self.one(arg),
            Expr::ScalarArray(array) => self.scalar_array(array),
            Expr::Call(call) => self.call(call),
            Expr::RowCompare(order, pairs) => self.row_comparison(*order, pairs),
            _ => 0.5,
        }
    }

    /// An array of unknown length has some elements of unknown value. Equalities with different elements exclude each other.
    fn scalar_array(&self, array: &ScalarArray) -> f64 {
        let unknown = || (0..ARRAY_ELEMENTS).map(|_| None).collect();
        let items = self.elements(&array.array).unwrap_or_else(unknown);
        let operator = &*array.operator;
        if !matches!(operator, "=" | "<>" | "<" | "<=" | ">" | ">=") {
            return 0.5;
        }
        let origin = self.origins.of_expr(&array.left);
        let parts = items.into_iter().map(|item| self.comparison(origin, operator, item));
        let (any, all, sum, others) = parts.fold((0.0, 1.0, 0.0, 1.0), |(any, all, sum, others), part: f64| {
            (any + part - any * part, all * part, sum + part, others + part - 1.0)
        });
        match (operator, array.all) {
            ("=", false) if sum <= 1.0 => sum,
            ("<>", true) if others >= 0.0 => others,
            (_, false) => any,
            (_, true) => all,
        }
    }

    /// The values of an array's elements, where it is written out; `None` for one that is not known.
    pub(super) fn elements(&self, array: &Expr) -> Option<Vec<Option<Datum>>> {
        match array {
            Expr::Relabel(inner, _) => self.elements(inner),
            Expr::ArrayCoerce(inner, element, _) if is_relabelling(element) => self.elements(inner),
            Expr::Array { items, nested: false, .. } => Some(items.iter().map(|item| self.value(item)).collect()),
            _ => match self.value(array)? {
                Datum::Array(array) => Some(array.items.iter().cloned().map(Some).collect()),
                _ => None,
            },
        }
    }

    /// The value that an expression has or probably will have.
    pub(super) fn value(&self, expr: &Expr) -> Option<Datum> {
        match expr {
            Expr::Const(value, _) => Some(value.clone()),
            Expr::Param(index, ty) => self.statistics.parameter(*index, *ty),
            Expr::Relabel(inner, _) => self.value(inner),
            _ => None,
        }
    }

    fn call(&self, call: &Call) -> f64 {
        match call.known_operator() {
            Some("=" | "<>" | "<" | "<=" | ">" | ">=") => {}
            Some("~~" | "~~*" | "~" | "~*") => return PATTERN,
            Some("!~~" | "!~~*" | "!~" | "!~*") => return 1.0 - PATTERN,
            Some("@>" | "<@" | "@@" | "@@@" | "@?") => return CONTAINS,
            Some("&&" | "?" | "?|" | "?&" | "@") => return OVERLAPS,
            _ => return 0.5,
        }
        let Some((origin, operator, value)) = self.sides(call) else {
            return self.comparison(None, call.known_operator().unwrap_or_default(), None);
        };
        if let (Some(stats), Some(_)) = (self.of_origin(origin), self.origins.of_expr(value)) {
            let other = self.of_expr(value).map_or(DEFAULT_DISTINCT, |stats| stats.distinct);
            let equal = 1.0 / stats.distinct.max(other).max(1.0);
            match operator {
                "=" => return equal,
                "<>" => return 1.0 - equal,
                _ => {}
            }
        }
        self.comparison(Some(origin), operator, self.value(value))
    }

    /// Rows compare as their first columns do, but for the few where those are equal.
    fn row_comparison(&self, order: RowOrder, pairs: &[(Expr, Expr)]) -> f64 {
        let Some((left, right)) = pairs.first() else { return INEQUALITY };
        match (self.origins.of_expr(left), self.origins.of_expr(right)) {
            (Some(origin), None) => self.comparison(Some(origin), order.operator(), self.value(right)),
            (None, Some(origin)) => self.comparison(Some(origin), commuted(order.operator()), self.value(left)),
            _ => INEQUALITY,
        }
    }

    /// The part of rows where a column compares so with a value, which may be unknown.
    fn comparison(&self, origin: Option<Origin>, operator: &str, value: Option<Datum>) -> f64 {
        if value.as_ref().is_some_and(Datum::is_null) {
            return 0.0;
        }
        let unknown = match operator {
            "=" => EQUALITY,
            "<>" => 1.0 - EQUALITY,
            _ => INEQUALITY,
        };
        let Some(stats) = origin.and_then(|origin| self.of_origin(origin)) else { return unknown };
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

    /// `column operator value`, whichever side the column is on.
    pub(super) fn sides<'e>(&self, call: &'e Call) -> Option<(Origin, &'e str, &'e Expr)> {
        let operator = call.known_operator()?;
        let [left, right] = call.args.as_slice() else { return None };
        if let Some(origin) = self.origins.of_expr(left) {
            return Some((origin, operator, right));
        }
        self.origins.of_expr(right).map(|origin| (origin, commuted(operator), left))
    }
}

/// Whether a conversion of elements leaves their values as they are.
fn is_relabelling(element: &Expr) -> bool {
    match element {
        Expr::TestValue(_) => true,
        Expr::Relabel(inner, _) => is_relabelling(inner),
        _ => false,
    }
}
