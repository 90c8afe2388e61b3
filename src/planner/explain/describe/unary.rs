//! Aggregation, sorting and other operators over one input.

use super::*;

impl Describer<'_> {
    pub(super) fn aggregate(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let Op::Aggregate { input, groups, sets, calls, groupings, sorted } = &node.op else { return Labels::new() };
        let (title, strategy) = match (groups.is_empty(), sets.is_some(), sorted) {
            (_, true, _) => ("MixedAggregate", "Mixed"),
            (true, ..) => ("Aggregate", "Plain"),
            (false, _, true) => ("GroupAggregate", "Sorted"),
            (false, _, false) => ("HashAggregate", "Hashed"),
        };
        kind(shown, "Aggregate");
        shown.title = title.into();
        shown.attributes.push(("Strategy", strategy.into()));
        shown.attributes.push(("Partial Mode", "Simple".into()));
        let (below, labels) = self.node(input);
        shown.children.push(child("Outer", below));
        let keys: Labels = groups.iter().map(|group| self.text(group, &labels)).collect();
        match sets {
            Some(sets) => {
                for set in sets {
                    let columns: Vec<String> = set.iter().filter_map(|at| keys.get(*at).cloned()).collect();
                    let label = if columns.is_empty() { "Group Key" } else { "Hash Key" };
                    let columns = if columns.is_empty() { vec!["()".to_owned()] } else { columns };
                    shown.properties.push((label, Value::List(columns)));
                }
            }
            None if !keys.is_empty() => shown.properties.push(("Group Key", Value::List(keys.clone()))),
            None => {}
        }
        let mut own = keys;
        own = groups.iter().zip(own).map(|(group, text)| above(group, text)).collect();
        for call in calls {
            own.push(format!("({})", self.call(call, &labels)));
        }
        own.extend(groupings.iter().map(|_| "(GROUPING())".to_owned()));
        own
    }

    /// An aggregate call.
    pub(super) fn call(&mut self, call: &AggregateCall, labels: &Labels) -> String {
        let mut args: Vec<String> = call.args.iter().map(|arg| self.text(arg, labels)).collect();
        if args.is_empty() && !call.within_group {
            args.push("*".into());
        }
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        let mut text = format!("{}({distinct}{}", dictdb_types::quote_identifier(&call.function.name), args.join(", "));
        let order = self.keys(&call.order, labels).join(", ");
        match (order.is_empty(), call.within_group) {
            (true, _) => text.push(')'),
            (false, true) => text.push_str(&format!(") WITHIN GROUP (ORDER BY {order})")),
            (false, false) => text.push_str(&format!(" ORDER BY {order})")),
        }
        if let Some(filter) = &call.filter {
            text.push_str(&format!(" FILTER (WHERE {})", self.text(filter, labels)));
        }
        text
    }

    pub(super) fn unary(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let Some(input) = node.children().first().copied() else { return Labels::new() };
        let (below, labels) = self.node(input);
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
                shown.properties.push(("One-Time Filter", Value::Text(self.text(condition, &[]))));
                self.subplans_of(condition, &[], shown);
            }
            Op::Limit { .. } => kind(shown, "Limit"),
            Op::Distinct { .. } => {
                kind(shown, "Aggregate");
                shown.title = "HashAggregate".into();
                shown.attributes.push(("Strategy", "Hashed".into()));
                shown.attributes.push(("Partial Mode", "Simple".into()));
                shown.properties.push(("Group Key", Value::List(labels.clone())));
            }
            Op::DistinctOn { .. } => kind(shown, "Unique"),
            Op::LockRows { .. } => kind(shown, "LockRows"),
            Op::ProjectSet { calls, .. } => {
                kind(shown, "ProjectSet");
                let mut own = labels.clone();
                own.extend(calls.iter().map(|call| self.text(call, &labels)));
                shown.children.push(child("Outer", below));
                return own;
            }
            Op::Window { calls, .. } => {
                kind(shown, "WindowAgg");
                let mut own = labels.clone();
                own.extend(calls.iter().map(|call| format!("({}() OVER (?))", call.function.name)));
                let below = match calls.first() {
                    Some(call) => self.sorted_for(input, &call.window, &labels, below),
                    None => below,
                };
                shown.children.push(child("Outer", below));
                return own;
            }
            _ => kind(shown, "Result"),
        }
        shown.children.push(child("Outer", below));
        labels
    }

    /// A window's input as it sorts it.
    pub(super) fn sorted_for(
        &mut self,
        input: &Node,
        window: &crate::expr::Window,
        labels: &Labels,
        below: ExplainNode,
    ) -> ExplainNode {
        let mut keys: Vec<String> = window.partition.iter().map(|expr| self.text(expr, labels)).collect();
        keys.extend(self.keys(&window.order, labels));
        if keys.is_empty() {
            return below;
        }
        let mut sort = self.wrapper("Sort", input, below);
        sort.properties.push(("Sort Key", Value::List(keys)));
        sort
    }
}
