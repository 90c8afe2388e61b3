//! Aggregation, sorting and other operators over one input.

use super::label::{Label, Prefix};
use super::*;
use crate::expr::WindowCall;
use crate::logical::SampleMethod;

impl Describer<'_> {
    pub(super) fn aggregate(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let Op::Aggregate { input, groups, sets, calls, groupings, sorted, .. } = &node.op else {
            return Labels::new();
        };
        let empty = sets.as_ref().is_some_and(|sets| sets.iter().any(Vec::is_empty));
        let (title, strategy) = match (groups.is_empty(), sorted) {
            (true, _) => ("Aggregate", "Plain"),
            _ if empty => ("MixedAggregate", "Mixed"),
            (false, true) => ("GroupAggregate", "Sorted"),
            (false, false) => ("HashAggregate", "Hashed"),
        };
        kind(shown, "Aggregate");
        if *sorted && calls.is_empty() {
            kind(shown, "Group");
        } else {
            shown.title = title.into();
            shown.attributes.push(("Strategy", strategy.into()));
            shown.attributes.push(("Partial Mode", "Simple".into()));
        }
        let (below, given) = self.node(input);
        shown.children.push(child("Outer", below));
        // Keys are shown as the input has them.
        let keys: Vec<String> = match sorted {
            true => groups.iter().map(|group| self.key(group, &label::from_below(given.clone()))).collect(),
            false => groups.iter().map(|group| self.text(group, &given, self.upper())).collect(),
        };
        let labels = label::from_below(given);
        match sets {
            Some(sets) => shown.properties.extend(grouping_sets(sets, &keys)),
            None if !keys.is_empty() => shown.properties.push(("Group Key", Value::List(keys))),
            None => {}
        }
        let below_it = |label: Label| label::from_below(vec![label]);
        let mut own: Labels = groups.iter().flat_map(|group| below_it(self.label(group, &labels))).collect();
        for call in calls {
            own.push(Label::computed(|prefix| self.call(call, &labels, prefix)));
        }
        for grouping in groupings {
            let keys: Vec<&Expr> = grouping.iter().filter_map(|at| groups.get(*at)).collect();
            own.push(Label::computed(|prefix| {
                let keys: Vec<String> = keys.iter().map(|key| self.text(key, &labels, prefix)).collect();
                format!("GROUPING({})", keys.join(", "))
            }));
        }
        self.subplans_in(node, &labels, shown);
        own
    }

    /// An aggregate call.
    fn call(&self, call: &AggregateCall, labels: &Labels, prefix: Prefix) -> String {
        let mut args: Vec<String> = call.args.iter().map(|arg| self.text(arg, labels, prefix)).collect();
        if args.is_empty() && !call.within_group {
            args.push("*".into());
        }
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        let mut text = format!("{}({distinct}{}", self.function_name(&call.function), args.join(", "));
        let keys = call.order.iter().map(|key| label::with_order(self.text(&key.expr, labels, prefix), key));
        let order = keys.collect::<Vec<_>>().join(", ");
        match (order.is_empty(), call.within_group) {
            (true, _) => text.push(')'),
            (false, true) => text.push_str(&format!(") WITHIN GROUP (ORDER BY {order})")),
            (false, false) => text.push_str(&format!(" ORDER BY {order})")),
        }
        if let Some(filter) = &call.filter {
            text.push_str(&format!(" FILTER (WHERE {})", self.text(filter, labels, prefix)));
        }
        text
    }

    /// A call over a window.
    fn window_call(&self, call: &WindowCall, labels: &Labels, prefix: Prefix) -> String {
        let mut args: Vec<String> = call.args.iter().map(|arg| self.text(arg, labels, prefix)).collect();
        if args.is_empty() && call.aggregate {
            args.push("*".into());
        }
        let mut text = format!("{}({})", self.function_name(&call.function), args.join(", "));
        if let Some(filter) = &call.filter {
            text.push_str(&format!(" FILTER (WHERE {})", self.text(filter, labels, prefix)));
        }
        text + " OVER (?)"
    }

    pub(super) fn unary(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let Some(input) = node.children().first().copied() else { return Labels::new() };
        let (below, given) = self.node(input);
        let labels = label::from_below(given.clone());
        self.subplans_in(node, &labels, shown);
        match &node.op {
            Op::Sort { keys, presorted, .. } => {
                kind(shown, if *presorted > 0 { "Incremental Sort" } else { "Sort" });
                let keys = self.keys(keys, &labels);
                let done = keys[..*presorted].to_vec();
                shown.properties.push(("Sort Key", Value::List(keys)));
                if *presorted > 0 {
                    shown.properties.push(("Presorted Key", Value::List(done)));
                }
            }
            Op::Gate { condition, .. } => {
                kind(shown, "Result");
                shown.properties.push(("One-Time Filter", Value::Text(self.text(condition, &[], self.upper()))));
            }
            Op::Limit { .. } => kind(shown, "Limit"),
            Op::Distinct { .. } => {
                kind(shown, "Aggregate");
                shown.title = "HashAggregate".into();
                shown.attributes.push(("Strategy", "Hashed".into()));
                shown.attributes.push(("Partial Mode", "Simple".into()));
                let all = (0..given.len()).map(|at| Expr::Input(at, input.columns[at]));
                let keys = all.map(|column| self.text(&column, &given, self.upper()));
                shown.properties.push(("Group Key", Value::List(keys.collect())));
            }
            Op::DistinctOn { .. } => kind(shown, "Unique"),
            Op::LockRows { .. } => kind(shown, "LockRows"),
            Op::ProjectSet { calls, .. } => {
                kind(shown, "ProjectSet");
                shown.children.push(child("Outer", below));
                let calls: Labels = calls.iter().map(|call| self.label(call, &labels)).collect();
                return labels.into_iter().chain(calls).collect();
            }
            Op::Window { calls, run, .. } => {
                kind(shown, "WindowAgg");
                let below = match calls.first() {
                    Some(call) => self.sorted_for(input, &call.window, &labels, below),
                    None => below,
                };
                shown.children.push(child("Outer", below));
                let call = |call: &WindowCall| Label::computed(|prefix| self.window_call(call, &labels, prefix));
                let calls: Labels = calls.iter().map(call).collect();
                if let Some(run) = run {
                    shown.properties.push(("Run Condition", Value::Text(self.text(run, &calls, self.upper()))));
                }
                return labels.into_iter().chain(calls).collect();
            }
            _ => kind(shown, "Result"),
        }
        shown.children.push(child("Outer", below));
        labels
    }

    /// A window's input as it sorts it.
    fn sorted_for(
        &mut self,
        input: &Node,
        window: &crate::expr::Window,
        labels: &Labels,
        below: ExplainNode,
    ) -> ExplainNode {
        let mut keys: Vec<String> = window.partition.iter().map(|expr| self.key(expr, labels)).collect();
        for key in self.keys(&window.order, labels) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return below;
        }
        let mut sort = self.wrapper("Sort", input, below);
        if self.options.verbose {
            sort.properties.push(("Output", Value::List(self.output(labels))));
        }
        sort.properties.push(("Sort Key", Value::List(keys)));
        sort
    }

    /// Some rows of a table: the scan is a part of it.
    pub(super) fn sample(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let Op::Sample { input, method, percent, seed, .. } = &node.op else { return Labels::new() };
        let (scan, labels) = self.node(input);
        let (cost, rows, actual) = (shown.cost, shown.rows, shown.actual);
        *shown = ExplainNode { cost, rows, actual, ..scan };
        kind(shown, "Sample Scan");
        let method = match method {
            SampleMethod::Bernoulli => "bernoulli",
            SampleMethod::System => "system",
        };
        shown.attributes.push(("Sampling Method", method.into()));
        let value = |expr: &Expr| self.text(expr, &[], self.upper());
        let mut text = format!("{method} ({})", value(percent));
        if let Some(seed) = seed {
            text.push_str(&format!(" REPEATABLE ({})", value(seed)));
        }
        shown.properties.retain(|(label, _)| *label != "Output");
        shown.properties.push(("Sampling", Value::Text(text)));
        self.subplans_in(node, &labels, shown);
        labels
    }
}

/// The sets of a grouping: each is hashed, all rows are one group of their own.
fn grouping_sets(sets: &[Vec<usize>], keys: &[String]) -> Vec<(&'static str, Value)> {
    let shown = sets.iter().map(|set| {
        let columns: Vec<String> = set.iter().filter_map(|at| keys.get(*at).cloned()).collect();
        match columns.is_empty() {
            true => ("Group Key", Value::List(vec!["()".to_owned()])),
            false => ("Hash Key", Value::List(columns)),
        }
    });
    shown.collect()
}
