//! The order of joins: the cheapest tree over the inputs of a [`Graph`], by dynamic programming over sets of inputs, or
//! greedily when there are many.

use std::cell::RefCell;
use std::collections::HashMap;

use super::Builder;
use super::cost::{self, Cost, first_rows};
use super::join_graph::{Graph, Inputs, JoinEstimate, RowsBehind, is_key, kept_of_pairs};
use super::order::Wanted;
use crate::columns::expr_columns;
use crate::expr::{ColumnId, Expr};
use crate::logical::JoinKind;

/// Inputs up to which all orders are looked at; beyond, the cheapest next join is taken each time.
const EXHAUSTIVE_INPUTS: usize = 9;

/// What is known of an input before its plan is built.
pub(super) struct InputCost {
    /// Rows it gives.
    pub rows: f64,
    /// Rows that PostgreSQL would expect it to give.
    pub nominal: f64,
    pub cost: Cost,
    /// Its own ways to be searched once for each row of what is joined before it.
    pub probes: Vec<Probe>,
}

/// A search of an input by an index.
pub(super) struct Probe {
    /// Inputs whose columns it uses.
    pub requires: Inputs,
    /// Rows that it fetches.
    pub fetched: f64,
    /// What it costs apart from them.
    pub search: f64,
}

/// A tree of joins.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Input(usize),
    /// Left is there first.
    Join(Box<Tree>, Box<Tree>),
    /// The distinct rows of a semi join's inner side, to be joined to the outer side like any input.
    Distinct(usize),
}

/// The best way found to join a set.
#[derive(Clone)]
struct Best {
    tree: Tree,
    rows: f64,
    nominal: f64,
    cost: Cost,
    /// How well its sides suit a join that costs the same with them changed.
    sides: Sides,
}

/// What PostgreSQL looks at: it keeps that side in memory of whose rows no two have the same key, else a table rather than
/// what it would have to read once more in the slow way, and else the smaller one.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
struct Sides {
    unique_right: bool,
    kept_right: bool,
    left_rows: f64,
}

/// Costs are equal that differ by rounding only.
const ROUNDING: f64 = 1e-9;

/// The search for one graph.
pub(super) struct Search<'s, 'g, 'n> {
    pub builder: &'s Builder<'s>,
    pub graph: &'g Graph<'n>,
    pub inputs: &'g [InputCost],
    pub wanted: &'s Wanted,
    /// The input that gives the order wanted and so must come first, each other one being joined to it.
    pub leader: Option<usize>,
    estimates: RefCell<HashMap<*const Expr, JoinEstimate>>,
}

impl<'s, 'g, 'n> Search<'s, 'g, 'n> {
    /// A search over all inputs.
    pub fn new(
        builder: &'s Builder<'s>,
        graph: &'g Graph<'n>,
        inputs: &'g [InputCost],
        wanted: &'s Wanted,
        leader: Option<usize>,
    ) -> Self {
        Search { builder, graph, inputs, wanted, leader, estimates: RefCell::default() }
    }

    /// The cheapest tree over all inputs; `None` when there is none (under a leader).
    pub fn run(&self) -> Option<Tree> {
        let count = self.graph.inputs.len();
        let found = if count <= EXHAUSTIVE_INPUTS { self.exhaustive(count) } else { self.greedy(count) };
        found.map(|best| best.tree)
    }

    fn start(&self, at: usize) -> Option<Best> {
        let input = &self.inputs[at];
        let first = self.leader.is_none_or(|leader| leader == at);
        (!self.graph.inputs[at].is_special() && first).then_some(Best {
            tree: Tree::Input(at),
            rows: input.rows,
            nominal: input.nominal,
            cost: input.cost,
            sides: Sides::default(),
        })
    }

    fn exhaustive(&self, count: usize) -> Option<Best> {
        let all = self.graph.all();
        let mut best: HashMap<Inputs, Best> = HashMap::new();
        best.extend((0..count).filter_map(|at| Some((1 << at, self.start(at)?))));
        for set in 1..=all {
            if set.count_ones() < 2 {
                continue;
            }
            let mut winner = None;
            for connected in [true, false] {
                self.each_split(set, |left, right| {
                    if let Some(joined) = self.join(&best, left, right, connected) {
                        self.keep(&mut winner, joined);
                    }
                });
                if winner.is_some() {
                    break;
                }
            }
            if let Some(winner) = winner {
                best.insert(set, winner);
            }
        }
        best.remove(&all)
    }

    /// Calls `f` with all ways to split a set; under a leader the right part is one input.
    fn each_split(&self, set: Inputs, mut f: impl FnMut(Inputs, Inputs)) {
        if self.leader.is_some() {
            let mut rest = set;
            while rest != 0 {
                let one = rest & rest.wrapping_neg();
                rest &= rest - 1;
                f(set & !one, one);
            }
            return;
        }
        let mut right = (set - 1) & set;
        while right != 0 {
            f(set & !right, right);
            right = (right - 1) & set;
        }
    }

    fn greedy(&self, count: usize) -> Option<Best> {
        let mut parts: HashMap<Inputs, Best> = HashMap::new();
        parts.extend((0..count).filter_map(|at| Some((1 << at, self.start(at)?))));
        let special: Vec<Inputs> = (0..count).map(|at| 1 << at).filter(|mask| !parts.contains_key(mask)).collect();
        let mut waiting = special;
        while parts.len() > 1 || !waiting.is_empty() {
            let mut winner: Option<(Inputs, Inputs, Best)> = None;
            for connected in [true, false] {
                let sets: Vec<Inputs> = parts.keys().copied().collect();
                for &left in &sets {
                    for &right in sets.iter().chain(&waiting) {
                        if left == right {
                            continue;
                        }
                        if let Some(joined) = self.join(&parts, left, right, connected)
                            && winner.as_ref().is_none_or(|(_, _, best)| joined.rows < best.rows)
                        {
                            winner = Some((left, right, joined));
                        }
                    }
                }
                if winner.is_some() {
                    break;
                }
            }
            let (left, right, joined) = winner?;
            parts.remove(&left);
            parts.remove(&right);
            waiting.retain(|mask| *mask != right);
            parts.insert(left | right, joined);
        }
        parts.into_values().next()
    }

    fn keep(&self, winner: &mut Option<Best>, candidate: Best) {
        let price = |best: &Best| first_rows(best.cost, best.rows, self.wanted.rows);
        let is_better = |best: &Best| {
            let (own, other) = (price(&candidate), price(best));
            match (own - other).abs() <= other * ROUNDING {
                true => candidate.sides > best.sides,
                false => own < other,
            }
        };
        if winner.as_ref().is_none_or(is_better) {
            *winner = Some(candidate);
        }
    }

    /// The join of two sets, if it is one that may be done.
    fn join(&self, best: &HashMap<Inputs, Best>, left: Inputs, right: Inputs, connected: bool) -> Option<Best> {
        let single = (right.count_ones() == 1).then(|| right.trailing_zeros() as usize);
        let special = single.filter(|at| self.graph.inputs[*at].is_special());
        if let Some(at) = special {
            let outer = best.get(&left)?;
            let input = &self.graph.inputs[at];
            return (input.requires & !left == 0).then(|| self.join_special(outer, left, at));
        }
        if left.count_ones() == 1 && self.leader.is_none() {
            let at = left.trailing_zeros() as usize;
            if self.graph.inputs[at].kind == JoinKind::Semi && !self.graph.inputs[at].lateral {
                let inner = best.get(&right)?;
                return self.join_distinct(at, inner, right, single);
            }
        }
        let (one, other) = (best.get(&left)?, single.map_or_else(|| best.get(&right), |_| None));
        let between = self.graph.between(left, right);
        if between.is_empty() == connected {
            return None;
        }
        let input = single.map(|at| &self.inputs[at]);
        let (rows, nominal, right_cost) = match (input, other) {
            (Some(input), _) => (input.rows, input.nominal, input.cost),
            (None, Some(best)) => (best.rows, best.nominal, best.cost),
            (None, None) => return None,
        };
        let kept = self.kept(between.iter().map(|c| (&c.expr, c.implied)));
        let out = (one.rows * rows * kept).max(1.0);
        let keyed = between.iter().any(|condition| is_key(&condition.expr));
        let mut cost =
            self.builder.join_cost((one.rows, one.cost), (rows, right_cost), out, keyed, self.leader.is_some());
        if let Some(input) = input
            && let Some(probed) = self.builder.best_probe(input, left, one.rows, one.cost, out)
            && first_rows(probed, out, self.wanted.rows) < first_rows(cost, out, self.wanted.rows)
        {
            cost = probed;
        }
        let right_tree = match (single, other) {
            (Some(at), _) => Tree::Input(at),
            (None, Some(best)) => best.tree.clone(),
            (None, None) => return None,
        };
        let mut unique_right = false;
        if let Some(at) = single {
            let node = self.graph.inputs[at].node;
            for condition in between.iter().filter(|condition| is_key(&condition.expr)) {
                condition.expr.for_each_child(&mut |side| unique_right |= self.builder.is_unique_column(node, side));
            }
        }
        let kept_right = keyed || single.is_none_or(|at| super::join::scan_of(self.graph.inputs[at].node).is_some());
        let sides = Sides { unique_right, kept_right, left_rows: one.nominal };
        let nominal = (one.nominal * nominal * kept).max(1.0);
        Some(Best {
            tree: Tree::Join(Box::new(one.tree.clone()), Box::new(right_tree)),
            rows: out,
            nominal,
            cost,
            sides,
        })
    }

    /// An outer, semi or anti join of one input.
    /// An input that is run for each row of what is there.
    fn join_lateral(&self, outer: &Best, left: Inputs, at: usize, rows: f64) -> Best {
        let (start, total) = self.inputs[at].cost;
        let above = self.graph.between(left, 1 << at);
        let kept = above.iter().map(|condition| self.builder.estimator().one(&condition.expr)).product::<f64>();
        let each = cost::RESCAN + total;
        let cost = (outer.cost.0 + start, outer.cost.1 + outer.rows * each + rows * cost::ROW);
        let tree = Tree::Join(Box::new(outer.tree.clone()), Box::new(Tree::Input(at)));
        let rows = (rows * kept).max(1.0);
        Best { tree, rows, nominal: rows.max(outer.nominal), cost, sides: Sides::default() }
    }

    fn join_special(&self, outer: &Best, left: Inputs, at: usize) -> Best {
        let (own, input) = (&self.graph.inputs[at], &self.inputs[at]);
        let kept = self.kept(own.on.iter().map(|expr| (expr, false)));
        let matches = input.rows * kept;
        let mut rows = match own.kind {
            JoinKind::Semi => outer.rows * matches.clamp(0.001, 1.0),
            JoinKind::Anti => outer.rows * (1.0 - matches).clamp(0.05, 1.0),
            JoinKind::Inner => outer.rows * matches,
            _ => outer.rows * matches.max(1.0),
        };
        if own.lateral {
            return self.join_lateral(outer, left, at, rows);
        }
        let keyed = own.on.iter().any(is_key);
        let pair = (outer.rows, outer.cost);
        let mut cost = self.builder.join_cost(pair, (input.rows, input.cost), rows, keyed, self.leader.is_some());
        let fetches = if own.kind == JoinKind::Left { rows } else { outer.rows };
        if let Some(probed) = self.builder.best_probe(input, left, outer.rows, outer.cost, fetches)
            && first_rows(probed, rows, self.wanted.rows) < first_rows(cost, rows, self.wanted.rows)
        {
            cost = probed;
        }
        let above = self.graph.between(left, 1 << at);
        rows *= above.iter().map(|condition| self.builder.estimator().one(&condition.expr)).product::<f64>();
        let tree = Tree::Join(Box::new(outer.tree.clone()), Box::new(Tree::Input(at)));
        let rows = rows.max(1.0);
        Best { tree, rows, nominal: rows.max(outer.nominal), cost, sides: Sides::default() }
    }

    /// A semi join turned round: the distinct rows of its inner side are joined to the outer side.
    fn join_distinct(&self, at: usize, outer: &Best, set: Inputs, single: Option<usize>) -> Option<Best> {
        let (own, input) = (&self.graph.inputs[at], &self.inputs[at]);
        let equalities = !own.on.is_empty() && own.on.iter().all(|expr| distinct_key(expr, &own.ids).is_some());
        if own.requires & !set != 0 || !equalities {
            return None;
        }
        let keys: Vec<Expr> = own.on.iter().filter_map(|expr| distinct_key(expr, &own.ids)).collect();
        let estimator = self.builder.estimator();
        let distinct: f64 = keys.iter().map(|key| estimator.distinct(key, input.rows)).product();
        let distinct = distinct.min(input.rows);
        let kept = self.kept(own.on.iter().map(|expr| (expr, false)));
        let rows = (outer.rows * distinct * kept).max(1.0);
        let total = input.cost.1 + input.rows * cost::GROUP_ROW;
        let start = (total, total + distinct * cost::ROW);
        let mut cost = self.builder.join_cost((distinct, start), (outer.rows, outer.cost), rows, true, false);
        if let Some(one) = single
            && let Some(probed) = self.builder.best_probe(&self.inputs[one], 1 << at, distinct, start, rows)
            && probed.1 < cost.1
        {
            cost = probed;
        }
        let tree = Tree::Join(Box::new(Tree::Distinct(at)), Box::new(outer.tree.clone()));
        Some(Best { tree, rows, nominal: rows, cost, sides: Sides::default() })
    }

    /// The part of all pairs that conditions keep, each with whether others imply it.
    fn kept<'e>(&self, conditions: impl Iterator<Item = (&'e Expr, bool)>) -> f64 {
        kept_of_pairs(conditions.map(|(expr, implied)| (self.estimate(expr), implied)))
    }

    /// What is expected of a condition of the graph: the same in every order, and so found once.
    fn estimate(&self, expr: &Expr) -> JoinEstimate {
        if let Some(known) = self.estimates.borrow().get(&std::ptr::from_ref(expr)) {
            return *known;
        }
        let estimate = self.builder.join_estimate(expr, |side| self.rows_behind(side));
        self.estimates.borrow_mut().insert(expr, estimate);
        estimate
    }

    /// Rows of the input that an expression is over.
    fn rows_behind(&self, expr: &Expr) -> RowsBehind {
        let mut used = Default::default();
        expr_columns(expr, &mut used);
        let input = self.graph.inputs.iter().position(|input| used.iter().any(|id| input.ids.contains(id)));
        let table = used.iter().find_map(|id| self.builder.estimator().table_rows(*id));
        let kept = input.map(|at| self.inputs[at].rows);
        let table = table.or(kept).unwrap_or(1000.0);
        RowsBehind { table, kept: kept.unwrap_or(table) }
    }
}

/// The side of an equality that is a column of a semi join's inner side, the other side being over the outer one.
pub(super) fn distinct_key(expr: &Expr, own: &std::collections::BTreeSet<ColumnId>) -> Option<Expr> {
    let Expr::Call(call) = expr else { return None };
    let (Some("="), [left, right]) = (call.known_operator(), call.args.as_slice()) else { return None };
    let mentions = |expr: &Expr| expr.any(&mut |e| matches!(e, Expr::Column(id, _) if own.contains(id)));
    match (left, right) {
        (Expr::Column(id, _), other) | (other, Expr::Column(id, _))
            if own.contains(id) && !mentions(other) && left.ty().oid == right.ty().oid =>
        {
            Some(if mentions(left) { left.clone() } else { right.clone() })
        }
        _ => None,
    }
}
