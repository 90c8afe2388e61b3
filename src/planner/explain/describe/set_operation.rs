//! UNION ALL, the members of tables with children, INTERSECT and EXCEPT.

use super::label::Label;
use super::*;
use crate::logical::SetOpKind;
use crate::physical::Appended;

impl Describer<'_> {
    pub(super) fn append(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let Op::Append { inputs, of, merged, .. } = &node.op else { return Labels::new() };
        kind(shown, if merged.is_empty() { "Append" } else { "Merge Append" });
        let mut first = Labels::new();
        let left = inputs.iter().filter(|input| !self.removed.contains(&std::ptr::from_ref(*input)));
        let left: Vec<&Node> = left.collect();
        let removed = inputs.len() - left.len();
        for (at, input) in left.into_iter().enumerate() {
            let (member, labels) = match of {
                Appended::Sides => self.side(at, input),
                _ => self.node(input),
            };
            if at == 0 {
                first = label::from_below(labels);
            }
            shown.children.push(child("Member", member));
        }
        let labels = match of {
            Appended::Queries | Appended::Sides => first,
            Appended::Members { .. } if self.naming.has_alias(node) => self.own_names(node),
            Appended::Members { .. } => first,
            Appended::Partitions { columns, .. } => {
                let own = node.names.iter().zip(columns).zip(first);
                own.map(|((name, table), first)| table.as_ref().map_or(first, |table| Label::column(table, name)))
                    .collect()
            }
        };
        if !merged.is_empty() {
            shown.properties.push(("Sort Key", Value::List(self.keys(merged, &labels))));
        }
        shown.properties.push(("Subplans Removed", Value::Count(removed)));
        labels
    }

    /// Both inputs are read one after the other into one hash table.
    pub(super) fn set_operation(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let Op::SetOp { kind: operation, all, left, right, .. } = &node.op else { return Labels::new() };
        set_command((*operation, *all), ("HashSetOp", "Hashed"), shown);
        let mut append = ExplainNode::default();
        kind(&mut append, "Append");
        append.cost = (left.cost.0, left.cost.1 + right.cost.1);
        append.rows = (left.rows + right.rows).round();
        append.width = shown.width;
        append.properties.push(("Subplans Removed", Value::Count(0)));
        let mut own = Labels::new();
        for (number, input) in [left, right].into_iter().enumerate() {
            let (scan, labels) = self.side(number, input);
            append.children.push(child("Member", scan));
            if number == 0 {
                own = labels;
            }
        }
        if self.actual.is_some() {
            append.actual = shown.actual;
        }
        shown.children.push(child("Outer", append));
        own
    }

    /// The input has equal rows together.
    pub(super) fn sorted_set_operation(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let Op::SortedSetOp { kind: operation, all, input } = &node.op else { return Labels::new() };
        set_command((*operation, *all), ("SetOp", "Sorted"), shown);
        let (below, mut labels) = self.node(input);
        shown.children.push(child("Outer", below));
        labels.truncate(node.columns.len());
        labels
    }

    /// One of the two queries of a set operation, which is a subquery to PostgreSQL; the column that says which one it is is the
    /// subquery's.
    fn side(&mut self, number: usize, query: &Node) -> (ExplainNode, Labels) {
        let (names, (query, flag)) = match &query.op {
            Op::Project { input, exprs } if exprs.len() > input.columns.len() => {
                (&query.names[..input.columns.len()], (&**input, exprs.last()))
            }
            _ => (&query.names[..], (query, None)),
        };
        let (member, _) = self.node(query);
        let mut scan = ExplainNode::default();
        kind(&mut scan, "Subquery Scan");
        self.estimates(query, &mut scan);
        let alias = format!("*SELECT* {}", number + 1);
        scan.target = scan::target(&alias, &alias, None);
        let mut labels: Labels = names.iter().map(|name| Label::column(&alias, name)).collect();
        labels.extend(flag.map(|flag| self.label(flag, &[])));
        if self.options.verbose {
            scan.properties.push(("Output", Value::List(self.output(&labels))));
        }
        scan.attributes.push(("Alias", alias));
        scan.children.push(child("Subquery", member));
        (scan, labels)
    }
}

fn set_command((operation, all): (SetOpKind, bool), (title, strategy): (&str, &str), shown: &mut ExplainNode) {
    let word = if operation == SetOpKind::Intersect { "Intersect" } else { "Except" };
    let command = format!("{word}{}", if all { " All" } else { "" });
    kind(shown, "SetOp");
    shown.title = format!("{title} {command}");
    shown.attributes.push(("Strategy", strategy.into()));
    shown.attributes.push(("Command", command));
}
