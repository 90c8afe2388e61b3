//! From physical operators to nodes as PostgreSQL names and nests them.

mod bitmap;
mod join;
mod unary;

use std::collections::HashMap;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{IndexTarget, Relation};
use dictdb_types::{Env, Type};

use super::{Actual, Child, ExplainNode, ExplainOptions, Value};
use crate::deparse;
use crate::expr::{AggregateCall, Expr, SortKey, SublinkKind, Subplan};
use crate::logical::{JoinKind, SetOpKind};
use crate::physical::{Action, Fetch, IndexBounds, Modify, Node, Op, Plan, TableRef};

pub(super) fn describe(plan: &Plan, options: ExplainOptions, actual: Option<&[Actual]>, env: &dyn Env) -> ExplainNode {
    let mut tables = 0;
    plan.for_each_node(&mut |node| tables += usize::from(is_range(node)));
    plan.for_each_node(&mut |node| tables -= extra_members(node));
    let mut describer = Describer {
        plan,
        options,
        actual,
        env,
        qualified: options.verbose || tables > 1,
        numbers: plan.number(),
        slots: HashMap::new(),
        shown: vec![false; plan.subplans.len()],
    };
    let (mut root, _) = describer.node(&plan.root);
    let ctes: Vec<Child> = plan.ctes.iter().enumerate().map(|(at, _)| describer.cte(at)).collect();
    root.children.splice(0..0, ctes);
    root
}

/// Whether a node brings names of its own, as an entry of FROM does.
fn is_range(node: &Node) -> bool {
    matches!(
        node.op,
        Op::SeqScan { .. }
            | Op::IndexScan { .. }
            | Op::BitmapScan { .. }
            | Op::VirtualScan { .. }
            | Op::FunctionScan { .. }
            | Op::CteScan { .. }
            | Op::IndexJoin { .. }
    )
}

/// Members of a table with children beyond the first: all of them are one entry of FROM.
fn extra_members(node: &Node) -> usize {
    let Op::Append { inputs, .. } = &node.op else { return 0 };
    match inputs.iter().any(|input| read(input).is_some_and(|(_, fetch)| fetch.member > 0)) {
        true => inputs.len() - 1,
        false => 0,
    }
}

/// The table that a scan reads, and what of it.
fn read(node: &Node) -> Option<(&TableRef, &Fetch)> {
    match &node.op {
        Op::SeqScan { table, fetch, .. } | Op::IndexScan { table, fetch, .. } | Op::BitmapScan { table, fetch, .. } => {
            Some((table, fetch))
        }
        _ => None,
    }
}

/// How the columns of a node are called by what is above it.
type Labels = Vec<String>;

struct Describer<'a> {
    plan: &'a Plan,
    options: ExplainOptions,
    actual: Option<&'a [Actual]>,
    env: &'a dyn Env,
    /// Whether columns are shown with their tables.
    qualified: bool,
    numbers: HashMap<*const Node, usize>,
    /// What outer slots hold.
    slots: HashMap<usize, String>,
    /// Subqueries that have been shown below a node.
    shown: Vec<bool>,
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
        let (mut shown, labels) = self.node(input);
        let labels = inside(input, labels);
        let outputs: Labels = exprs.iter().map(|expr| self.text(expr, &labels)).collect();
        for expr in exprs {
            self.subplans_of(expr, &labels, &mut shown);
        }
        self.estimates(node, &mut shown);
        if self.options.verbose {
            shown.properties.retain(|(label, _)| *label != "Output");
            shown.properties.insert(0, ("Output", Value::List(outputs.clone())));
        }
        (shown, exprs.iter().zip(outputs).map(|(expr, text)| above(expr, text)).collect())
    }

    /// So is a filter.
    fn filtered(&mut self, node: &Node, input: &Node, predicate: &Expr) -> (ExplainNode, Labels) {
        let (mut shown, labels) = self.node(input);
        let own = inside(input, labels.clone());
        let text = self.text(predicate, &own);
        self.subplans_of(predicate, &own, &mut shown);
        self.estimates(node, &mut shown);
        match shown.properties.iter_mut().find(|(label, _)| *label == "Filter") {
            Some((_, Value::Text(own))) => *own = format!("({own} AND {text})"),
            _ => shown.properties.push(("Filter", Value::Text(text))),
        }
        (shown, labels)
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
            Op::SeqScan { table, tids: Some(tids), .. } => {
                kind(&mut shown, "Tid Scan");
                let labels = self.own_names(node, &table.alias);
                let array = tids.ty().oid != dictdb_types::oids::TID;
                let text = self.text(tids, &labels);
                let text = if array { format!("(ctid = ANY ({text}))") } else { format!("(ctid = {text})") };
                shown.properties.push(("TID Cond", Value::Text(text)));
                self.scan(node, table, &mut shown)
            }
            Op::SeqScan { table, .. } | Op::VirtualScan { table, .. } => {
                kind(&mut shown, "Seq Scan");
                self.scan(node, table, &mut shown)
            }
            Op::IndexScan { table, index, reverse, .. } => {
                kind(&mut shown, "Index Scan");
                self.by_index(index, *reverse, &mut shown);
                self.scan(node, table, &mut shown)
            }
            Op::BitmapScan { table, bitmap, .. } => {
                kind(&mut shown, "Bitmap Heap Scan");
                let labels = self.scan(node, table, &mut shown);
                shown.children.push(child("Outer", self.bitmap(node, bitmap, &labels)));
                labels
            }
            Op::Values { rows } => self.values(node, rows, &mut shown),
            Op::FunctionScan { calls, alias, .. } => {
                kind(&mut shown, "Function Scan");
                let name = match calls.first() {
                    Some((Expr::Call(call), _)) => call.function.name.to_string(),
                    _ => alias.to_string(),
                };
                shown.target = target(&name, alias, None);
                shown.attributes.push(("Alias", alias.to_string()));
                if self.options.verbose {
                    let text = calls.iter().map(|(call, _)| self.text(call, &[])).collect::<Vec<_>>().join(", ");
                    shown.properties.push(("Function Call", Value::Text(text)));
                }
                self.own_names(node, alias)
            }
            Op::CteScan { cte } | Op::WorkTable { cte } => {
                let is_scan = matches!(node.op, Op::CteScan { .. });
                kind(&mut shown, if is_scan { "CTE Scan" } else { "WorkTable Scan" });
                let name = self.plan.ctes.get(*cte).map_or_else(|| "?".to_owned(), |cte| cte.name.to_string());
                shown.target = format!(" on {name}");
                shown.attributes.push(("CTE Name", name.clone()));
                self.own_names(node, &name)
            }
            Op::HashJoin { .. } | Op::NestedLoop { .. } | Op::IndexJoin { .. } | Op::Apply { .. } => {
                self.join(node, &mut shown)
            }
            Op::Aggregate { .. } => self.aggregate(node, &mut shown),
            Op::Modify(modify) => return self.modify(node, modify, shown),
            Op::SetOp { .. } | Op::Append { .. } => self.set_operation(node, &mut shown),
            _ => self.unary(node, &mut shown),
        };
        if self.options.verbose {
            shown.properties.insert(0, ("Output", Value::List(inside(node, labels.clone()))));
        }
        self.conditions(node, &labels, &mut shown);
        (shown, labels)
    }

    fn by_index(&self, index: &Relation, reverse: bool, shown: &mut ExplainNode) {
        let direction = if reverse { " Backward" } else { "" };
        shown.target = format!("{direction} using {}", index.name);
        shown.attributes.push(("Scan Direction", if reverse { "Backward" } else { "Forward" }.into()));
        shown.attributes.push(("Index Name", index.name.to_string()));
    }

    fn scan(&self, node: &Node, table: &TableRef, shown: &mut ExplainNode) -> Labels {
        shown.target.push_str(&self.table(table));
        self.relation(table, shown);
        self.own_names(node, &table.alias)
    }

    fn relation(&self, table: &TableRef, shown: &mut ExplainNode) {
        shown.attributes.push(("Relation Name", table.relation.name.to_string()));
        if self.options.verbose {
            shown.attributes.push(("Schema", self.schema(table)));
        }
        shown.attributes.push(("Alias", table.alias.to_string()));
    }

    fn schema(&self, table: &TableRef) -> String {
        self.env.reg_out(dictdb_types::RegKind::Namespace, table.relation.namespace)
    }

    fn table(&self, table: &TableRef) -> String {
        let schema = self.options.verbose.then(|| self.schema(table));
        target(&table.relation.name, &table.alias, schema.as_deref())
    }

    /// The columns of a scan under its alias.
    fn own_names(&self, node: &Node, alias: &str) -> Labels {
        let quoted = dictdb_types::quote_identifier(alias);
        let name = |name: &str| {
            let name = dictdb_types::quote_identifier(name);
            if self.qualified { format!("{quoted}.{name}") } else { name.to_string() }
        };
        node.names.iter().map(|own| name(own)).collect()
    }

    fn values(&mut self, node: &Node, rows: &[Vec<Expr>], shown: &mut ExplainNode) -> Labels {
        match rows {
            [row] => {
                kind(shown, "Result");
                let texts: Labels = row.iter().map(|expr| self.text(expr, &[])).collect();
                row.iter().for_each(|expr| self.subplans_of(expr, &[], shown));
                texts
            }
            [] => {
                kind(shown, "Result");
                shown.properties.push(("One-Time Filter", Value::Text("false".into())));
                node.names.iter().map(|name| name.to_string()).collect()
            }
            _ => {
                kind(shown, "Values Scan");
                shown.target = " on \"*VALUES*\"".into();
                shown.attributes.push(("Alias", "*VALUES*".into()));
                let count = 1..=node.columns.len();
                count
                    .map(|at| if self.qualified { format!("\"*VALUES*\".column{at}") } else { format!("column{at}") })
                    .collect()
            }
        }
    }

    /// A node of PostgreSQL's that is part of its parent here.
    fn wrapper(&self, name: &'static str, of: &Node, inner: ExplainNode) -> ExplainNode {
        let mut shown = ExplainNode::default();
        kind(&mut shown, name);
        self.estimates(of, &mut shown);
        shown.cost.0 = shown.cost.1;
        shown.children.push(child("Outer", inner));
        shown
    }

    fn set_operation(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        if let Op::Append { inputs, .. } = &node.op {
            kind(shown, "Append");
            let mut names = Labels::new();
            for (at, input) in inputs.iter().enumerate() {
                let (member, labels) = self.node(input);
                if at == 0 {
                    names = labels;
                }
                shown.children.push(child("Member", member));
            }
            return names;
        }
        let Op::SetOp { kind: operation, all, left, right } = &node.op else { return Labels::new() };
        let word = if *operation == SetOpKind::Intersect { "Intersect" } else { "Except" };
        let command = format!("{word}{}", if *all { " All" } else { "" });
        kind(shown, "SetOp");
        shown.title = format!("HashSetOp {command}");
        shown.attributes.push(("Strategy", "Hashed".into()));
        shown.attributes.push(("Command", command));
        let mut append = ExplainNode::default();
        kind(&mut append, "Append");
        append.cost = (left.cost.0, left.cost.1 + right.cost.1);
        append.rows = (left.rows + right.rows).round();
        append.width = shown.width;
        let mut names = Labels::new();
        for (number, input) in [left, right].into_iter().enumerate() {
            let (member, labels) = self.node(input);
            let mut scan = ExplainNode::default();
            kind(&mut scan, "Subquery Scan");
            self.estimates(input, &mut scan);
            scan.target = format!(" on \"*SELECT* {}\"", number + 1);
            scan.attributes.push(("Alias", format!("*SELECT* {}", number + 1)));
            scan.children.push(child("Subquery", member));
            append.children.push(child("Member", scan));
            if number == 0 {
                names = labels;
            }
        }
        if self.actual.is_some() {
            append.actual = shown.actual;
        }
        shown.children.push(child("Outer", append));
        names
    }

    fn modify(&mut self, node: &Node, modify: &Modify, mut shown: ExplainNode) -> (ExplainNode, Labels) {
        kind(&mut shown, "ModifyTable");
        let operation = match modify.action {
            Action::Insert { .. } => "Insert",
            Action::Update { .. } => "Update",
            Action::Instead { event: Event::Delete, .. } => "Delete",
            Action::Instead { .. } => "Update",
            Action::Delete { .. } => "Delete",
            Action::Merge { .. } => "Merge",
        };
        shown.title = operation.into();
        shown.attributes.push(("Operation", operation.into()));
        shown.target = self.table(&modify.table);
        self.relation(&modify.table, &mut shown);
        if !matches!(modify.action, Action::Insert { .. }) {
            self.member_targets(modify, operation, &mut shown);
        }
        if let Action::Insert { on_conflict: Some(conflict), .. } = &modify.action {
            let resolution = if conflict.update.is_some() { "UPDATE" } else { "NOTHING" };
            shown.properties.push(("Conflict Resolution", Value::Text(resolution.into())));
            if !conflict.indexes.is_empty() {
                let names = conflict.indexes.iter().map(|oid| self.env.reg_out(dictdb_types::RegKind::Class, *oid));
                shown.properties.push(("Conflict Arbiter Indexes", Value::List(names.collect())));
            }
        }
        let (below, _) = self.node(&modify.input);
        shown.children.push(child("Outer", below));
        if modify.returning.is_none() && self.actual.is_none() {
            (shown.rows, shown.width) = (0.0, 0);
        }
        let labels = self.own_names(node, &modify.table.alias);
        if self.options.verbose && !labels.is_empty() {
            shown.properties.insert(0, ("Output", Value::List(labels.clone())));
        }
        (shown, labels)
    }

    /// The tables that rows of a table with children are changed in.
    fn member_targets(&self, modify: &Modify, operation: &str, shown: &mut ExplainNode) {
        if modify.members.is_empty() {
            return;
        }
        modify.input.for_each(&mut |node| {
            if let Some((table, fetch)) = read(node)
                && fetch.row_id
                && modify.members.iter().any(|member| member.oid == table.relation.oid)
            {
                shown.lines.push(format!("{operation}{}", self.table(table)));
            }
        });
    }

    /// Conditions of scans.
    fn conditions(&mut self, node: &Node, labels: &Labels, shown: &mut ExplainNode) {
        if let Op::IndexScan { table, index, bounds, .. } = &node.op {
            let texts: Vec<String> =
                bounds.iter().map(|bounds| self.bounds(bounds, &table.relation, index, &Labels::new())).collect();
            let condition = match texts.len() {
                1 => texts.concat(),
                _ => format!("({})", texts.join(" OR ")),
            };
            if !condition.is_empty() {
                shown.properties.push(("Index Cond", Value::Text(condition)));
            }
            for bounds in bounds {
                bounds.equal.iter().chain(&bounds.any).for_each(|expr| self.subplans_of(expr, labels, shown));
            }
        }
        if let Op::BitmapScan { recheck, .. } = &node.op {
            shown.properties.push(("Recheck Cond", Value::Text(self.text(recheck, labels))));
            self.subplans_of(recheck, labels, shown);
        }
        let filter = match &node.op {
            Op::SeqScan { filter, .. }
            | Op::IndexScan { filter, .. }
            | Op::BitmapScan { filter, .. }
            | Op::VirtualScan { filter, .. } => filter,
            _ => return,
        };
        if let Some(filter) = filter {
            let text = self.text(filter, labels);
            self.subplans_of(filter, labels, shown);
            shown.properties.push(("Filter", Value::Text(text)));
        }
    }

    fn keys(&self, keys: &[SortKey], labels: &Labels) -> Vec<String> {
        let shown = keys.iter().map(|key| {
            let mut text = self.text(&key.expr, labels);
            if key.descending {
                text.push_str(" DESC");
            }
            if key.nulls_first != key.descending {
                text.push_str(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
            }
            text
        });
        shown.collect()
    }

    fn bounds(&self, bounds: &IndexBounds, table: &Relation, index: &Relation, outer: &Labels) -> String {
        let Some(info) = index.index() else { return String::new() };
        let name = |position: usize| match info.keys.get(position).map(|key| &key.target) {
            Some(IndexTarget::Column(attnum)) => {
                table.column(*attnum).map_or_else(String::new, |c| dictdb_types::quote_identifier(&c.name).to_string())
            }
            Some(IndexTarget::Expression(text)) => text.to_string(),
            None => String::new(),
        };
        let value = |expr: &Expr| self.text(expr, outer);
        let mut parts: Vec<String> =
            bounds.equal.iter().enumerate().map(|(i, expr)| format!("({} = {})", name(i), value(expr))).collect();
        let next = bounds.equal.len();
        if let Some(array) = &bounds.any {
            parts.push(format!("({} = ANY ({}))", name(next), value(array)));
        }
        if let Some((lower, inclusive)) = &bounds.lower {
            parts.push(format!("({} {} {})", name(next), if *inclusive { ">=" } else { ">" }, value(lower)));
        }
        if let Some((upper, inclusive)) = &bounds.upper {
            parts.push(format!("({} {} {})", name(next), if *inclusive { "<=" } else { "<" }, value(upper)));
        }
        if bounds.is_null {
            parts.push(format!("({} IS NULL)", name(next)));
        }
        if parts.is_empty() { String::new() } else { conjunction(parts) }
    }

    /// Shows the subqueries of an expression below the node it belongs to.
    fn subplans_of(&mut self, expr: &Expr, labels: &[String], shown: &mut ExplainNode) {
        let mut found: Vec<&Subplan> = Vec::new();
        expr.visit(&mut |e| {
            if let Expr::Subplan(subplan) = e {
                found.push(subplan);
            }
        });
        for subplan in found {
            let plan = self.plan;
            let (Some(node), Some(done)) = (plan.subplans.get(subplan.plan), self.shown.get_mut(subplan.plan)) else {
                continue;
            };
            if std::mem::replace(done, true) {
                continue;
            }
            for (slot, value) in &subplan.args {
                let text = self.text(value, labels);
                self.slots.insert(*slot, text);
            }
            let (below, _) = self.node(node);
            let number = subplan.plan + 1;
            let (relationship, name) = match is_init(subplan) {
                true => ("InitPlan", format!("InitPlan {number} (returns ${})", subplan.plan)),
                false => ("SubPlan", format!("SubPlan {number}")),
            };
            shown.children.push(Child { relationship, subplan: Some(name), node: below });
        }
    }

    fn cte(&mut self, at: usize) -> Child {
        let plan = self.plan;
        let cte = &plan.ctes[at];
        let (query, _) = self.node(&cte.query);
        let node = match &cte.recursive {
            None => query,
            Some((step, _)) => {
                let mut union = ExplainNode::default();
                kind(&mut union, "Recursive Union");
                self.estimates(&cte.query, &mut union);
                union.actual = None;
                let (step, _) = self.node(step);
                union.children.push(child("Outer", query));
                union.children.push(child("Inner", step));
                union
            }
        };
        Child { relationship: "InitPlan", subplan: Some(format!("CTE {}", cte.name)), node }
    }

    fn text(&self, expr: &Expr, names: &[String]) -> String {
        let printed = deparse::Names {
            env: self.env,
            column: &|_| None,
            input: &|position| names.get(position).cloned(),
            outer: &|slot| self.slots.get(&slot).cloned(),
            stored: false,
            pretty: false,
            indented: false,
            level: &Default::default(),
            query: None,
            type_name: &|ty: Type| dictdb_types::type_name_with_modifier(self.env, ty, &|_| None),
            function_name: &deparse::function_name,
            operator_name: &|_, name| name.to_owned(),
        };
        deparse::expression(expr, &printed).unwrap_or_else(|_| "?".into())
    }
}

/// Whether a subquery is run once, before the rows are.
pub(crate) fn is_init(subplan: &Subplan) -> bool {
    subplan.args.is_empty() && matches!(subplan.kind, SublinkKind::Scalar | SublinkKind::Exists | SublinkKind::Array)
}

fn kind(shown: &mut ExplainNode, name: &'static str) {
    shown.node_type = name;
    shown.title = name.into();
}

fn child(relationship: &'static str, node: ExplainNode) -> Child {
    Child { relationship, subplan: None, node }
}

/// The columns of a node as it calls them itself: an aggregation has its calls without parentheses.
fn inside(node: &Node, mut labels: Labels) -> Labels {
    match &node.op {
        Op::Filter { input, .. } | Op::Gate { input, .. } => inside(input, labels),
        Op::Aggregate { groups, .. } => {
            for label in labels.iter_mut().skip(groups.len()) {
                let bare = label.strip_prefix('(').and_then(|label| label.strip_suffix(')'));
                if let Some(bare) = bare.map(str::to_owned) {
                    *label = bare;
                }
            }
            labels
        }
        _ => labels,
    }
}

/// A column as the nodes above call it: what was computed below is in parentheses.
fn above(expr: &Expr, text: String) -> String {
    match expr {
        Expr::Input(..) | Expr::Const(..) | Expr::Param(..) => text,
        _ if text.starts_with('(') && text.ends_with(')') => text,
        _ => format!("({text})"),
    }
}

fn conjunction(mut parts: Vec<String>) -> String {
    if parts.len() == 1 { parts.remove(0) } else { format!("({})", parts.join(" AND ")) }
}

fn target(name: &str, alias: &str, schema: Option<&str>) -> String {
    let quoted = dictdb_types::quote_identifier(name);
    let schema = schema.map_or_else(String::new, |schema| format!("{schema}."));
    match alias == name {
        true => format!(" on {schema}{quoted}"),
        false => format!(" on {schema}{quoted} {}", dictdb_types::quote_identifier(alias)),
    }
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
