//! A group of joins as a graph: inputs, and conditions between them.
//!
//! Inner joins may be done in any order. The nullable side of an outer join, and the inner side of a semi or anti join, can
//! be joined as soon as everything that the join's own condition mentions is there, because inner joins that do not
//! mention it commute with it:
//!
//! ```text
//!   (a ⟕p(a,b) b) ⋈q(a,c) c  =  (a ⋈q(a,c) c) ⟕p(a,b) b          likewise ⋉ and ▷
//! ```
//!
//! A lateral input likewise: as soon as everything that it refers to is there, or later, for the fewest rows.

use std::collections::BTreeSet;

use super::Builder;
use crate::columns::{expr_columns, free_columns};
use crate::condition::bare_column;
use crate::estimate::DEFAULT_DISTINCT;
use crate::expr::{Call, ColumnId, Expr};
use crate::logical::{JoinKind, Node as Logical};

/// A set of inputs, one bit each.
pub(super) type Inputs = u64;

/// Inputs a group may have; what goes beyond is joined in the order written.
pub(super) const MOST_INPUTS: usize = 60;

/// An input of the group.
pub(super) struct Input<'n> {
    pub node: &'n Logical,
    pub ids: BTreeSet<ColumnId>,
    /// How it is joined: Inner, or Left, Semi, Anti to what is there already.
    pub kind: JoinKind,
    /// Whether it refers to others, and so is run for each row of what is there.
    pub lateral: bool,
    /// The join's own condition, unless it is a plain inner one.
    pub on: Vec<Expr>,
    /// Inputs that must be there before: those `on` mentions, and those that it refers to.
    pub requires: Inputs,
    /// Conditions on this input alone.
    pub filters: Vec<Expr>,
}

impl Input<'_> {
    /// Whether it is joined to what is there, and otherwise than by conditions that can be used anywhere.
    pub fn is_special(&self) -> bool {
        self.kind != JoinKind::Inner || self.lateral
    }
}

/// A condition between inputs.
pub(super) struct Condition {
    pub expr: Expr,
    pub inputs: Inputs,
    /// The columns it equates, if that is what it does.
    pub equates: Option<(ColumnId, ColumnId)>,
    /// Follows from others: does not make a result smaller once more.
    pub implied: bool,
}

/// The group.
#[derive(Default)]
pub(super) struct Graph<'n> {
    pub inputs: Vec<Input<'n>>,
    pub conditions: Vec<Condition>,
    /// Conditions with correlated subqueries, or over no input: applied to the result.
    pub late: Vec<Expr>,
}

impl<'n> Graph<'n> {
    /// The graph of a tree of joins; `None` when there is nothing to choose.
    pub fn of(node: &'n Logical) -> Option<Graph<'n>> {
        let mut graph = Graph::default();
        let mut conditions = Vec::new();
        graph.flatten(node, &mut conditions);
        if graph.inputs.len() < 2 || graph.inputs.len() > MOST_INPUTS {
            return None;
        }
        graph.place(conditions);
        graph.add_implied();
        Some(graph)
    }

    fn flatten(&mut self, node: &'n Logical, conditions: &mut Vec<Expr>) {
        match node {
            Logical::Join { kind: JoinKind::Inner, left, right, on, lateral: false } => {
                self.flatten(left, conditions);
                self.flatten(right, conditions);
                conjuncts(on, conditions);
            }
            Logical::Join {
                kind: kind @ (JoinKind::Left | JoinKind::Semi | JoinKind::Anti),
                left,
                right,
                on,
                lateral: false,
            } => {
                self.flatten_special(left, right, (*kind, false), on, conditions);
            }
            Logical::Join { kind: JoinKind::Right, left, right, on, lateral: false } => {
                self.flatten_special(right, left, (JoinKind::Left, false), on, conditions);
            }
            Logical::Join { kind, left, right, on, lateral: true }
                if !matches!(kind, JoinKind::Right | JoinKind::Full) =>
            {
                self.flatten_special(left, right, (*kind, true), on, conditions);
            }
            Logical::Filter { input, predicate }
                if matches!(**input, Logical::Join { .. }) && !predicate.is_volatile() =>
            {
                self.flatten(input, conditions);
                predicate.clone().into_conjuncts(conditions);
            }
            other => self.add(other, (JoinKind::Inner, false), Vec::new(), 0),
        }
    }

    fn flatten_special(
        &mut self,
        left: &'n Logical,
        right: &'n Logical,
        kind: (JoinKind, bool),
        on: &Option<Expr>,
        conditions: &mut Vec<Expr>,
    ) {
        let first = self.inputs.len();
        self.flatten(left, conditions);
        let mut own = Vec::new();
        conjuncts(on, &mut own);
        let mut outer = self.mask(own.iter());
        if kind.1 {
            let free = free_columns(right);
            outer |= self.mask_if(|id| free.contains(id));
        }
        // A condition that mentions nothing of the left side needs all of it.
        let below = ((1u128 << self.inputs.len()) - (1u128 << first)) as Inputs;
        let requires = if outer & below == 0 { below } else { outer };
        self.add(right, kind, own, requires);
    }

    fn add(&mut self, node: &'n Logical, (kind, lateral): (JoinKind, bool), on: Vec<Expr>, requires: Inputs) {
        let mut ids: BTreeSet<ColumnId> = node.columns().iter().map(|column| column.id).collect();
        if let Logical::Scan(scan) = node {
            ids.extend(scan.row_id);
        }
        self.inputs.push(Input { node, ids, kind, lateral, on, requires, filters: Vec::new() });
    }

    fn mask<'e>(&self, exprs: impl Iterator<Item = &'e Expr>) -> Inputs {
        let mut used = BTreeSet::new();
        exprs.for_each(|expr| expr_columns(expr, &mut used));
        self.mask_if(|id| used.contains(id))
    }

    /// The inputs of whose columns one is meant.
    fn mask_if(&self, is_meant: impl Fn(&ColumnId) -> bool) -> Inputs {
        let found = self.inputs.iter().enumerate().filter(|(_, input)| input.ids.iter().any(&is_meant));
        found.fold(0, |mask, (at, _)| mask | 1 << at)
    }

    /// The inputs that some expressions mention.
    pub fn mask_of<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> Inputs {
        self.mask(exprs.into_iter())
    }

    /// Puts every condition where it belongs.
    fn place(&mut self, conditions: Vec<Expr>) {
        for expr in conditions {
            let mut inputs = self.mask(std::iter::once(&expr));
            let late = inputs == 0 || expr.is_volatile() || super::sublink::has_correlated_query(&expr);
            if late {
                self.late.push(expr);
                continue;
            }
            for (at, input) in self.inputs.iter().enumerate() {
                if inputs >> at & 1 == 1 {
                    inputs |= input.requires;
                }
            }
            if inputs.count_ones() == 1 {
                self.inputs[inputs.trailing_zeros() as usize].filters.push(expr);
                continue;
            }
            self.restrict(&expr);
            let equates = equated(&expr).filter(|_| !self.mentions_special(inputs));
            self.conditions.push(Condition { expr, inputs, equates, implied: false });
        }
    }

    /// An OR over several inputs, each arm of which restricts one of them, restricts that one beforehand.
    fn restrict(&mut self, expr: &Expr) {
        let Expr::Or(arms) = expr else { return };
        for at in 0..self.inputs.len() {
            if self.inputs[at].is_special() {
                continue;
            }
            let mut restrictions = Vec::with_capacity(arms.len());
            for arm in arms {
                let mut parts = Vec::new();
                arm.clone().into_conjuncts(&mut parts);
                parts.retain(|part| {
                    self.mask(std::iter::once(part)) == 1 << at && !super::sublink::has_correlated_query(part)
                });
                restrictions.extend(Expr::conjunction(parts));
            }
            if restrictions.len() == arms.len() {
                self.inputs[at].filters.push(Expr::Or(restrictions));
            }
        }
    }

    /// Whether some of the inputs are joined otherwise than by an inner join.
    fn mentions_special(&self, inputs: Inputs) -> bool {
        self.inputs.iter().enumerate().any(|(at, input)| inputs >> at & 1 == 1 && input.is_special())
    }

    /// `a = b` and `b = c` make `a = c`, so that `a` and `c` can be joined first.
    fn add_implied(&mut self) {
        let mut at = 0;
        while at < self.conditions.len() {
            for other in 0..at {
                if let Some(condition) = self.implied_by(at, other)
                    && self.conditions.len() < 4 * MOST_INPUTS
                {
                    self.conditions.push(condition);
                }
            }
            at += 1;
        }
    }

    fn implied_by(&self, one: usize, other: usize) -> Option<Condition> {
        let (one, other) = (&self.conditions[one], &self.conditions[other]);
        let ((a, b), (c, d)) = (one.equates?, other.equates?);
        let (left, right) = match (a == c, a == d, b == c, b == d) {
            (true, _, _, _) => (b, d),
            (_, true, _, _) => (b, c),
            (_, _, true, _) => (a, d),
            (_, _, _, true) => (a, c),
            _ => return None,
        };
        let known = |condition: &Condition| {
            condition.equates.is_some_and(|(x, y)| (x, y) == (left, right) || (y, x) == (left, right))
        };
        if left == right || self.conditions.iter().any(known) {
            return None;
        }
        let (Expr::Call(one), Expr::Call(other)) = (&one.expr, &other.expr) else { return None };
        if one.function.oid != other.function.oid {
            return None;
        }
        let column =
            |id: ColumnId| one.args.iter().chain(&other.args).find(|arg| bare_column(arg) == Some(id)).cloned();
        let args = vec![column(left)?, column(right)?];
        let expr = Expr::Call(Box::new(Call { args, position: None, ..(**one).clone() }));
        let inputs = self.mask(std::iter::once(&expr));
        (inputs.count_ones() == 2).then_some(Condition { expr, inputs, equates: Some((left, right)), implied: true })
    }

    /// All inputs.
    pub fn all(&self) -> Inputs {
        if self.inputs.len() == 64 { Inputs::MAX } else { (1 << self.inputs.len()) - 1 }
    }

    /// Conditions that can be checked once two sets are joined, and not before. Of several equalities that say the same,
    /// one is enough.
    pub fn between(&self, left: Inputs, right: Inputs) -> Vec<&Condition> {
        let both = left | right;
        let mut found: Vec<&Condition> = Vec::new();
        let fresh = |c: &&Condition| c.inputs & !both == 0 && c.inputs & !left != 0 && c.inputs & !right != 0;
        for condition in self.conditions.iter().filter(fresh) {
            let implied = condition.equates.is_some()
                && condition.implied
                && found.iter().any(|other| other.equates.is_some_and(|pair| self.same_class(pair, condition)));
            if !implied {
                found.push(condition);
            }
        }
        found
    }

    /// Whether an equality of two columns and a condition are about the same values.
    fn same_class(&self, (a, b): (ColumnId, ColumnId), condition: &Condition) -> bool {
        let Some((c, d)) = condition.equates else { return false };
        let linked = |x: ColumnId, y: ColumnId| {
            x == y
                || self
                    .conditions
                    .iter()
                    .any(|other| other.equates.is_some_and(|(p, q)| (p, q) == (x, y) || (p, q) == (y, x)))
        };
        (linked(a, c) || linked(a, d)) && (linked(b, c) || linked(b, d))
    }
}

/// What is expected of a condition of a join.
#[derive(Clone, Copy)]
pub(super) struct JoinEstimate {
    /// The part of all pairs that it keeps.
    kept: f64,
    /// Of an equality that can be a key: the rows of the smaller of its two tables.
    smallest: Option<f64>,
}

/// The part of all pairs that conditions keep together, each with whether others imply it. Several columns together have no more
/// values than the smaller table has rows.
pub(super) fn kept_of_pairs(conditions: impl Iterator<Item = (JoinEstimate, bool)>) -> f64 {
    let mut kept = 1.0;
    let mut equalities = 0;
    let mut smallest = f64::INFINITY;
    for (estimate, implied) in conditions {
        if let Some(rows) = estimate.smallest {
            equalities += 1;
            if implied && equalities > 1 {
                continue;
            }
            smallest = smallest.min(rows);
        }
        kept *= estimate.kept;
    }
    if equalities > 1 { kept.max(1.0 / smallest) } else { kept }
}

/// Rows of the input that a side of a condition is over.
#[derive(Clone, Copy)]
pub(super) struct RowsBehind {
    /// Of its table.
    pub table: f64,
    /// Those that its own conditions keep.
    pub kept: f64,
}

/// Whether a condition can be a key of a hash join.
pub(super) fn is_key(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => call.known_operator() == Some("=") && call.args.len() == 2,
        Expr::Distinct(_, _, not) => *not,
        _ => false,
    }
}

impl Builder<'_> {
    /// What is expected of a condition between inputs; `rows` are those that an expression is over.
    pub(super) fn join_estimate(&self, expr: &Expr, rows: impl Fn(&Expr) -> RowsBehind) -> JoinEstimate {
        let smallest = is_key(expr).then(|| {
            let mut smallest = f64::INFINITY;
            expr.for_each_child(&mut |side| smallest = smallest.min(rows(side).table));
            smallest
        });
        JoinEstimate { kept: self.join_selectivity(expr, rows), smallest }
    }

    /// The part of all pairs that a condition between inputs keeps.
    fn join_selectivity(&self, expr: &Expr, rows: impl Fn(&Expr) -> RowsBehind) -> f64 {
        let Expr::Call(call) = expr else { return self.estimator().one(expr) };
        match (call.known_operator(), call.args.as_slice()) {
            (Some("="), [left, right]) => {
                let known = |side| self.estimator().known_distinct(side, rows(side).table);
                1.0 / match (known(left), known(right)) {
                    (Some(few), Some(many)) if few <= many => few.max(self.met_values(right, many, left, rows(right))),
                    (Some(many), Some(few)) => few.max(self.met_values(left, many, right, rows(left))),
                    // Values of which nothing is known are taken to be among those of the other side.
                    (Some(distinct), None) | (None, Some(distinct)) => distinct,
                    (None, None) => DEFAULT_DISTINCT.min(rows(left).table.max(rows(right).table)).max(1.0),
                }
            }
            _ => self.estimator().one(expr),
        }
    }

    /// Among how many values of a side those of the other side are to be found. Values beyond the least and the greatest of the
    /// other side meet none: conditions that leave fewer rows than lie between are taken to have left some of those, as who asks
    /// for days asks for days on which something happened.
    fn met_values(&self, side: &Expr, distinct: f64, other: &Expr, rows: RowsBehind) -> f64 {
        if rows.kept >= distinct {
            return distinct;
        }
        distinct.min(rows.kept.max(distinct * self.estimator().part_within(side, other)))
    }
}

fn conjuncts(on: &Option<Expr>, out: &mut Vec<Expr>) {
    if let Some(on) = on.clone() {
        on.into_conjuncts(out);
    }
}

/// The columns that `a = b` equates, when both are columns of one type, or are taken for values of one (`varchar` as `text`).
fn equated(expr: &Expr) -> Option<(ColumnId, ColumnId)> {
    let Expr::Call(call) = expr else { return None };
    match (call.known_operator(), call.args.as_slice()) {
        (Some("="), [left, right]) if left.ty().oid == right.ty().oid => {
            Some((bare_column(left)?, bare_column(right)?))
        }
        _ => None,
    }
}
