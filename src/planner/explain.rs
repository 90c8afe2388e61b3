//! EXPLAIN: a physical plan as PostgreSQL prints its own, in the text format.

use std::fmt::Write;

use dictdb_catalog::Relation;
use dictdb_types::{Env, Type};

use crate::deparse;
use crate::expr::{Expr, SortKey};
use crate::logical::{JoinKind, SetOpKind};
use crate::physical::{Action, IndexBounds, Node, Op, Plan, TableRef};

/// What to print besides the shape.
#[derive(Clone, Copy, Debug)]
pub struct ExplainOptions {
    /// Estimated costs and rows.
    pub costs: bool,
    /// Output columns.
    pub verbose: bool,
}

/// The lines of a plan.
pub fn explain(plan: &Plan, options: ExplainOptions, env: &dyn Env) -> Vec<String> {
    let mut printer = Printer { plan, options, env, lines: Vec::new() };
    printer.node(&plan.root, 0, "");
    for cte in &plan.ctes {
        printer.line(1, &format!("CTE {}", cte.name));
        printer.node(&cte.query, 2, "");
        if let Some((step, _)) = &cte.recursive {
            printer.node(step, 2, "");
        }
    }
    for (index, subplan) in plan.subplans.iter().enumerate() {
        printer.line(1, &format!("SubPlan {}", index + 1));
        printer.node(subplan, 2, "");
    }
    printer.lines
}

struct Printer<'a> {
    plan: &'a Plan,
    options: ExplainOptions,
    env: &'a dyn Env,
    lines: Vec<String>,
}

impl Printer<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        let indent = if depth == 0 { 0 } else { depth * 6 - 4 };
        self.lines.push(format!("{:indent$}{text}", ""));
    }

    fn detail(&mut self, depth: usize, label: &str, text: &str) {
        let indent = depth * 6 + 2;
        self.lines.push(format!("{:indent$}{label}: {text}", ""));
    }

    fn node(&mut self, node: &Node, depth: usize, prefix: &str) {
        let mut title = format!("{prefix}{}", self.title(node));
        if self.options.costs {
            let (start, total) = node.cost;
            let width = node.columns.len() * 8;
            let _ =
                write!(title, "  (cost={start:.2}..{total:.2} rows={:.0} width={width})", node.rows.max(1.0).round());
        }
        let arrow = if depth == 0 { "" } else { "->  " };
        self.line(depth, &format!("{arrow}{title}"));
        if self.options.verbose {
            let names: Vec<&str> = node.names.iter().map(|name| &**name).collect();
            self.detail(depth, "Output", &names.join(", "));
        }
        self.details(node, depth);
        for child in node.children() {
            self.node(child, depth + 1, "");
        }
    }

    fn title(&self, node: &Node) -> String {
        match &node.op {
            Op::Values { rows } if rows.len() == 1 => "Result".into(),
            Op::Values { .. } => "Values Scan on \"*VALUES*\"".into(),
            Op::SeqScan { table, .. } | Op::VirtualScan { table, .. } => format!("Seq Scan on {}", table_name(table)),
            Op::IndexScan { table, index, reverse, .. } => {
                let direction = if *reverse { " Backward" } else { "" };
                format!("Index Scan{direction} using {} on {}", index.name, table_name(table))
            }
            Op::FunctionScan { alias, .. } => format!("Function Scan on {alias}"),
            Op::CteScan { cte } => format!("CTE Scan on {}", self.cte_name(*cte)),
            Op::WorkTable { cte } => format!("WorkTable Scan on {}", self.cte_name(*cte)),
            Op::Project { .. } => "Result".into(),
            Op::Filter { .. } => "Filter".into(),
            Op::HashJoin { kind, .. } => format!("Hash{} Join", join_word(*kind)),
            Op::NestedLoop { kind, .. } | Op::Apply { kind, .. } => match kind {
                JoinKind::Inner => "Nested Loop".into(),
                other => format!("Nested Loop{} Join", join_word(*other)),
            },
            Op::IndexJoin { kind, table, index, .. } => {
                let word = if *kind == JoinKind::Inner { String::new() } else { format!("{} Join", join_word(*kind)) };
                format!("Index Nested Loop{word} using {} on {}", index.name, table_name(table))
            }
            Op::Aggregate { groups, sets, .. } => match (groups.is_empty(), sets) {
                (_, Some(_)) => "MixedAggregate".into(),
                (true, None) => "Aggregate".into(),
                (false, None) => "HashAggregate".into(),
            },
            Op::Sample { .. } => "Sample Scan".into(),
            Op::Window { .. } => "WindowAgg".into(),
            Op::ProjectSet { .. } => "ProjectSet".into(),
            Op::Sort { .. } => "Sort".into(),
            Op::Limit { .. } => "Limit".into(),
            Op::Distinct { .. } => "HashAggregate".into(),
            Op::DistinctOn { .. } => "Unique".into(),
            Op::Append { .. } => "Append".into(),
            Op::SetOp { kind, all, .. } => {
                let word = if *kind == SetOpKind::Intersect { "Intersect" } else { "Except" };
                format!("HashSetOp {word}{}", if *all { " All" } else { "" })
            }
            Op::LockRows { .. } => "LockRows".into(),
            Op::Modify(modify) => {
                let verb = match modify.action {
                    Action::Insert { .. } => "Insert",
                    Action::Update { .. } => "Update",
                    Action::Delete { .. } => "Delete",
                    Action::Merge { .. } => "Merge",
                };
                format!("{verb} on {}", table_name(&modify.table))
            }
        }
    }

    fn details(&mut self, node: &Node, depth: usize) {
        match &node.op {
            Op::SeqScan { filter: Some(filter), .. } | Op::VirtualScan { filter: Some(filter), .. } => {
                let text = self.expr(filter, node);
                self.detail(depth, "Filter", &text);
            }
            Op::IndexScan { table, index, bounds, filter, .. } => {
                let condition: Vec<String> = bounds.iter().map(|b| self.bounds(b, &table.relation, index)).collect();
                let condition = condition.join(" OR ");
                if !condition.is_empty() {
                    self.detail(depth, "Index Cond", &condition);
                }
                if let Some(filter) = filter {
                    let text = self.expr(filter, node);
                    self.detail(depth, "Filter", &text);
                }
            }
            Op::IndexJoin { table, index, bounds, filter, .. } => {
                let condition = self.bounds(bounds, &table.relation, index);
                self.detail(depth, "Index Cond", &condition);
                if let Some(filter) = filter {
                    let text = self.expr(filter, node);
                    self.detail(depth, "Join Filter", &text);
                }
            }
            Op::Filter { predicate, .. } => {
                let text = self.expr(predicate, node);
                self.detail(depth, "Filter", &text);
            }
            Op::HashJoin { keys, left, right, .. } => {
                let pairs: Vec<String> = keys
                    .iter()
                    .map(|key| format!("({} = {})", self.over(&key.left, left), self.over(&key.right, right)))
                    .collect();
                self.detail(depth, "Hash Cond", &pairs.join(" AND "));
            }
            Op::Sort { keys, input, .. } => {
                let text = self.keys(keys, input);
                self.detail(depth, "Sort Key", &text);
            }
            Op::Aggregate { groups, input, .. } if !groups.is_empty() => {
                let keys: Vec<String> = groups.iter().map(|group| self.over(group, input)).collect();
                self.detail(depth, "Group Key", &keys.join(", "));
            }
            _ => {}
        }
    }

    fn keys(&self, keys: &[SortKey], input: &Node) -> String {
        let shown = keys.iter().map(|key| {
            let mut text = self.over(&key.expr, input);
            if key.descending {
                text.push_str(" DESC");
            }
            if key.nulls_first != key.descending {
                text.push_str(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
            }
            text
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    fn bounds(&self, bounds: &IndexBounds, table: &Relation, index: &Relation) -> String {
        let Some(info) = index.index() else { return String::new() };
        let name = |position: usize| match info.keys.get(position).map(|key| &key.target) {
            Some(dictdb_catalog::IndexTarget::Column(attnum)) => {
                table.column(*attnum).map_or_else(String::new, |column| column.name.to_string())
            }
            Some(dictdb_catalog::IndexTarget::Expression(text)) => text.to_string(),
            None => String::new(),
        };
        let value = |expr: &Expr| self.text(expr, &[]);
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
        match parts.len() {
            0 => String::new(),
            1 => parts.remove(0),
            _ => format!("({})", parts.join(" AND ")),
        }
    }

    /// An expression over a node's own columns.
    fn expr(&self, expr: &Expr, node: &Node) -> String {
        self.over(expr, node)
    }

    fn over(&self, expr: &Expr, input: &Node) -> String {
        let names: Vec<&str> = input.names.iter().map(|name| &**name).collect();
        self.text(expr, &names)
    }

    fn text(&self, expr: &Expr, names: &[&str]) -> String {
        let printed = deparse::Names {
            env: self.env,
            column: &|_| None,
            input: &|position| names.get(position).map(|name| (*name).to_owned()),
            stored: false,
            pretty: false,
            type_name: &|ty: Type| dictdb_types::type_name_with_modifier(self.env, ty, &|_| None),
        };
        deparse::expression(expr, &printed).unwrap_or_else(|_| "?".into())
    }

    fn cte_name(&self, cte: usize) -> &str {
        self.plan.ctes.get(cte).map_or("?", |cte| &cte.name)
    }
}

fn table_name(table: &TableRef) -> String {
    if table.alias == table.relation.name {
        table.relation.name.to_string()
    } else {
        format!("{} {}", table.relation.name, table.alias)
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
