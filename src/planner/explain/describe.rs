//! From physical operators to nodes as PostgreSQL names and nests them.

mod bitmap;
mod join;
mod label;
mod modify;
mod part;
mod scan;
mod set_operation;
mod unary;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{IndexTarget, Relation};
use dictdb_types::Type;

use super::naming::Naming;
use super::{Actual, Child, ExplainNode, ExplainOptions, Value};
use crate::bind::BindContext;
use crate::expr::{AggregateCall, Expr, Subplan};
use crate::logical::JoinKind;
use crate::physical::{Action, Appended, Fetch, IndexBounds, Modify, Node, Op, Part, Plan, TableRef};
use crate::pruning::LatePruning;
use label::{Label, Labels};

pub(super) fn describe(
    plan: &Plan,
    options: ExplainOptions,
    (actual, kept): (Option<&[Actual]>, &dyn Fn(&Arc<LatePruning>) -> Vec<bool>),
    cx: BindContext<'_>,
) -> ExplainNode {
    let mut removed = HashSet::new();
    plan.for_each_node(&mut |node| {
        if let Op::Append { inputs, pruning: Some(pruning), .. } = &node.op {
            let gone = inputs.iter().zip(kept(pruning)).filter(|(_, kept)| !kept);
            gone.for_each(|(input, _)| {
                input.for_each(&mut |node| {
                    removed.insert(std::ptr::from_ref(node));
                });
            });
        }
    });
    let mut describer = Describer {
        plan,
        options,
        actual,
        cx,
        naming: Naming::of(plan, &removed),
        removed,
        numbers: plan.number(),
        slots: HashMap::new(),
        shown: vec![false; plan.subplans.len()],
        before: Vec::new(),
    };
    let (mut root, _) = describer.part(Part::Statement, &plan.root);
    root.arrange();
    root
}

/// The table that a scan reads, and what of it.
fn read(node: &Node) -> Option<(&TableRef, &Fetch)> {
    match &node.op {
        Op::SeqScan { table, fetch, .. }
        | Op::IndexScan { table, fetch, .. }
        | Op::BitmapScan { table, fetch, .. }
        | Op::RegionScan { table, fetch, .. } => Some((table, fetch)),
        _ => None,
    }
}

struct Describer<'a> {
    plan: &'a Plan,
    options: ExplainOptions,
    actual: Option<&'a [Actual]>,
    /// The catalog and the search path that names are shown for.
    cx: BindContext<'a>,
    naming: Naming,
    numbers: HashMap<*const Node, usize>,
    /// Members of tables that the statement does not begin with.
    removed: HashSet<*const Node>,
    /// What outer slots hold.
    slots: HashMap<usize, String>,
    /// Subqueries that have been shown.
    shown: Vec<bool>,
    /// Subqueries that run before the part that is being described.
    before: Vec<Child>,
}

impl Describer<'_> {
    /// A node with its inputs, and what its columns are called.
    fn node(&mut self, node: &Node) -> (ExplainNode, Labels) {
        match &node.op {
            Op::Project { input, exprs } => self.projected(node, input, exprs),
            Op::Filter { input, predicate } => self.filtered(node, input, predicate),
            _ => self.operator(node),
        }
    }

    /// A projection is part of the node below, as in PostgreSQL.
    fn projected(&mut self, node: &Node, input: &Node, exprs: &[Expr]) -> (ExplainNode, Labels) {
        let (mut shown, mut labels) = self.node(input);
        if computes_with_sets(input, exprs) || computes_over_several(input, exprs) {
            let below = std::mem::take(&mut shown);
            kind(&mut shown, "Result");
            shown.children.push(child("Outer", below));
            labels = label::from_below(labels);
        }
        let outputs: Labels = exprs.iter().map(|expr| self.label(expr, &labels)).collect();
        self.subplans_in(node, &labels, &mut shown);
        let given = shown.actual;
        self.estimates(node, &mut shown);
        shown.actual = shown.actual.or(given);
        // PostgreSQL says nothing of what it appends: the members do.
        if !matches!(shown.node_type, "Append" | "Merge Append")
            || exprs.iter().any(|expr| !matches!(expr, Expr::Input(..)))
        {
            self.show_output(&outputs, &mut shown);
        }
        (shown, outputs)
    }

    /// So is a filter.
    fn filtered(&mut self, node: &Node, input: &Node, predicate: &Expr) -> (ExplainNode, Labels) {
        let (mut shown, mut labels) = self.node(input);
        if FILTERED_ABOVE.contains(&shown.node_type) {
            let below = std::mem::take(&mut shown);
            (shown.actual, labels) = (below.actual, label::from_below(labels));
            kind(&mut shown, "Result");
            shown.children.push(child("Outer", below));
            self.show_output(&labels, &mut shown);
        }
        let reads = shown.attributes.iter().any(|(label, _)| *label == "Alias");
        let text = self.text(predicate, &labels, if reads { self.scan_prefix() } else { self.upper() });
        self.subplans_in(node, &labels, &mut shown);
        let given = shown.actual;
        self.estimates(node, &mut shown);
        // A condition about no row decides about all of them.
        let one_time = shown.node_type == "Result" && !predicate.any(&mut |e| matches!(e, Expr::Input(..)));
        let label = if one_time { "One-Time Filter" } else { "Filter" };
        match shown.properties.iter_mut().find(|(known, _)| *known == label) {
            Some((_, Value::Text(own))) => *own = both(own, text),
            _ => shown.properties.push((label, Value::Text(text))),
        }
        if let (Some(given), Some(kept), false) = (given, shown.actual, one_time) {
            self.show_removed(given, kept, &mut shown);
        }
        (shown, labels)
    }

    /// How many rows a filter let go, each time.
    fn show_removed(&self, given: Actual, kept: Actual, shown: &mut ExplainNode) {
        let removed = given.rows.saturating_sub(kept.rows) as f64 / given.loops.max(1) as f64;
        shown.properties.push(("Rows Removed by Filter", Value::Count(removed.round() as usize)));
    }

    /// Shows what a node gives.
    fn show_output(&self, labels: &[Label], shown: &mut ExplainNode) {
        if self.options.verbose {
            shown.properties.retain(|(label, _)| *label != "Output");
            if !labels.is_empty() {
                shown.properties.insert(0, ("Output", Value::List(self.output(labels))));
            }
        }
    }

    /// Entries of FROM in the statement.
    fn plan_ranges(&self) -> usize {
        self.plan.ranges
    }

    fn estimates(&self, node: &Node, shown: &mut ExplainNode) {
        shown.cost = node.cost;
        shown.rows = node.rows.max(1.0).round();
        shown.width = node.columns.iter().map(|ty| width(*ty)).sum();
        if let Some(actual) = self.actual {
            let number = self.numbers.get(&std::ptr::from_ref(node));
            shown.actual = number.and_then(|at| actual.get(*at)).copied();
        }
    }

    fn operator(&mut self, node: &Node) -> (ExplainNode, Labels) {
        let mut shown = ExplainNode::default();
        self.estimates(node, &mut shown);
        let labels = match &node.op {
            Op::HashJoin { .. }
            | Op::MergeJoin { .. }
            | Op::NestedLoop { .. }
            | Op::IndexJoin { .. }
            | Op::Apply { .. } => self.join(node, &mut shown),
            Op::Aggregate { .. } => self.aggregate(node, &mut shown),
            Op::Modify(modify) => self.modify(node, modify, &mut shown),
            Op::Append { .. } => self.append(node, &mut shown),
            Op::SetOp { .. } => self.set_operation(node, &mut shown),
            Op::SortedSetOp { .. } => self.sorted_set_operation(node, &mut shown),
            Op::Sample { .. } => self.sample(node, &mut shown),
            _ => match self.scan(node, &mut shown) {
                Some(labels) => labels,
                None => self.unary(node, &mut shown),
            },
        };
        if !matches!(node.op, Op::Append { .. }) {
            self.show_output(&labels, &mut shown);
        }
        self.conditions(node, &labels, &mut shown);
        (shown, labels)
    }

    /// A node of PostgreSQL's that is part of its parent here.
    fn wrapper(&self, name: &'static str, of: &Node, inner: ExplainNode) -> ExplainNode {
        let mut shown = ExplainNode::default();
        kind(&mut shown, name);
        self.estimates(of, &mut shown);
        shown.cost.0 = shown.cost.1;
        let output = inner.properties.iter().find(|(label, _)| *label == "Output");
        shown.properties.extend(output.cloned());
        shown.children.push(child("Outer", inner));
        shown
    }
}

/// Nodes that do not filter what they give.
const FILTERED_ABOVE: [&str; 10] = [
    "Sort",
    "Incremental Sort",
    "Limit",
    "Unique",
    "Append",
    "Merge Append",
    "SetOp",
    "LockRows",
    "WindowAgg",
    "ProjectSet",
];

/// Whether expressions go on with what set-returning calls of the input give: that is a node of its own.
fn computes_with_sets(input: &Node, exprs: &[Expr]) -> bool {
    let Op::ProjectSet { input, .. } = &input.op else { return false };
    let first = input.columns.len();
    let computed = exprs.iter().filter(|expr| !matches!(expr, Expr::Input(..)));
    computed.into_iter().any(|expr| expr.any(&mut |e| matches!(e, Expr::Input(at, _) if *at >= first)))
}

/// Whether expressions are computed over what is appended, which the inputs do not compute themselves.
fn computes_over_several(input: &Node, exprs: &[Expr]) -> bool {
    let Op::Append { of, .. } = &input.op else { return false };
    // A whole row is there as its columns are.
    let is_there = |expr: &Expr| matches!(expr, Expr::Input(..));
    let is_computed = |expr: &Expr| match expr {
        Expr::Row(fields, ty, _) if ty.oid != dictdb_types::oids::RECORD => !fields.iter().all(is_there),
        expr => !is_there(expr),
    };
    match of {
        Appended::Queries | Appended::Members { partitioned: false, .. } => exprs.iter().any(is_computed),
        Appended::Sides | Appended::Members { .. } | Appended::Partitions { .. } => false,
    }
}

fn kind(shown: &mut ExplainNode, name: &'static str) {
    shown.node_type = name;
    shown.title = name.into();
}

fn child(relationship: &'static str, node: ExplainNode) -> Child {
    Child { relationship, subplan: None, number: 0, node }
}

fn conjunction(mut parts: Vec<String>) -> String {
    if parts.len() == 1 { parts.remove(0) } else { format!("({})", parts.join(" AND ")) }
}

/// Two conditions as one.
fn both(one: &str, other: String) -> String {
    let inside = |text: &str| match text.strip_prefix("((").and_then(|text| text.strip_suffix("))")) {
        Some(items) if text.contains(") AND (") => format!("({items})"),
        _ => text.to_owned(),
    };
    format!("({} AND {})", inside(one), inside(&other))
}

fn join_word(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "",
        JoinKind::Left => " Left",
        JoinKind::Right => " Right",
        JoinKind::Full => " Full",
        JoinKind::Semi => " Semi",
        JoinKind::Anti => " Anti",
    }
}

/// The width PostgreSQL assumes of a value: that of the type, or 32 bytes.
fn width(ty: Type) -> usize {
    use dictdb_types::oids;
    match ty.oid {
        oids::BOOL => 1,
        oids::INT2 => 2,
        oids::INT4 | oids::OID | oids::FLOAT4 | oids::DATE => 4,
        oids::INT8 | oids::FLOAT8 | oids::TIMESTAMP | oids::TIMESTAMPTZ | oids::TIME => 8,
        oids::TIMETZ => 12,
        oids::INTERVAL | oids::UUID => 16,
        oids::NAME => 64,
        _ => 32,
    }
}
