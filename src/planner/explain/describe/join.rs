//! Joins: the hash table, kept rows or index scan of the inner side is a node of its own.

use super::label::Label;
use super::scan::Searched;
use super::*;
use crate::physical::Fetch;

impl Describer<'_> {
    pub(super) fn join(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let (join_kind, left) = match &node.op {
            Op::HashJoin { kind, left, .. }
            | Op::MergeJoin { kind, left, .. }
            | Op::NestedLoop { kind, left, .. }
            | Op::Apply { kind, left, .. } => (*kind, left),
            Op::IndexJoin { kind, outer, .. } => (*kind, outer),
            _ => return Labels::new(),
        };
        let (name, condition) = match node.op {
            Op::HashJoin { .. } => ("Hash Join", "Hash Cond"),
            Op::MergeJoin { .. } => ("Merge Join", "Merge Cond"),
            _ => ("Nested Loop", ""),
        };
        kind(shown, name);
        shown.title = match (name.strip_suffix(" Join"), join_kind) {
            (Some(method), _) => format!("{method}{} Join", join_word(join_kind)),
            (None, JoinKind::Inner) => name.into(),
            (None, _) => format!("{name}{} Join", join_word(join_kind)),
        };
        shown.attributes.push(("Join Type", join_word(join_kind).trim().to_owned()));
        if join_kind == JoinKind::Inner {
            shown.attributes.pop();
            shown.attributes.push(("Join Type", "Inner".into()));
        }
        let (outer, labels) = self.node(left);
        let left = label::from_below(labels);
        shown.children.push(child("Outer", outer));
        let (inner, right) = self.inner_side(node, &left);
        shown.children.push(child("Inner", inner));
        if let Op::HashJoin { keys, .. } | Op::MergeJoin { keys, .. } = &node.op {
            let equal = |word: bool| if word { "IS NOT DISTINCT FROM" } else { "=" };
            let mut pairs: Vec<String> = Vec::new();
            for key in keys {
                let prefix = self.upper();
                let (left, right) = (self.text(&key.left, &left, prefix), self.text(&key.right, &right, prefix));
                pairs.push(format!("({left} {} {right})", equal(key.null_equals_null)));
            }
            shown.properties.push((condition, Value::Text(conjunction(pairs))));
        }
        let both: Labels = left.iter().chain(&right).cloned().collect();
        let condition = match &node.op {
            Op::HashJoin { residual, .. } | Op::MergeJoin { residual, .. } => residual.as_ref(),
            Op::NestedLoop { on, .. } | Op::Apply { on, .. } => on.as_ref(),
            _ => None,
        };
        if let Some(condition) = condition {
            shown.properties.push(("Join Filter", Value::Text(self.text(condition, &both, self.upper()))));
        }
        if !matches!(node.op, Op::IndexJoin { .. }) {
            self.subplans_in(node, &both, shown);
        }
        let (left, right) = match join_kind {
            JoinKind::Semi | JoinKind::Anti => return left,
            JoinKind::Inner => return both,
            JoinKind::Left => (left, label::nullable(right)),
            JoinKind::Right => (label::nullable(left), right),
            JoinKind::Full => (label::nullable(left), label::nullable(right)),
        };
        left.into_iter().chain(right).collect()
    }

    /// The right side of a join: a hash table, kept rows, an index scan, a subquery.
    fn inner_side(&mut self, node: &Node, left: &Labels) -> (ExplainNode, Labels) {
        match &node.op {
            Op::HashJoin { right, .. } => {
                let (inner, labels) = self.node(right);
                (self.wrapper("Hash", right, inner), label::from_below(labels))
            }
            Op::MergeJoin { right, .. } => {
                let (inner, labels) = self.node(right);
                (inner, label::from_below(labels))
            }
            Op::NestedLoop { right, .. } => {
                let (inner, labels) = self.node(right);
                (self.wrapper("Materialize", right, inner), label::from_below(labels))
            }
            Op::Apply { right, slots, .. } => {
                slots.iter().for_each(|(slot, value)| self.bind_slot(*slot, value, left));
                let (inner, labels) = self.node(right);
                (inner, label::from_below(labels))
            }
            Op::IndexJoin { .. } => self.searched(node, left),
            _ => (ExplainNode::default(), Labels::new()),
        }
    }

    /// The table that is searched for each row of an index join.
    fn searched(&mut self, node: &Node, left: &Labels) -> (ExplainNode, Labels) {
        let mut shown = ExplainNode::default();
        let Op::IndexJoin { outer, table, index, bounds, fetch, filter, .. } = &node.op else {
            return (shown, Labels::new());
        };
        self.by_index(index, false, fetch, &mut shown);
        self.relation(node, table, &mut shown);
        let per_row = (node.rows / outer.rows.max(1.0)).max(1.0);
        let cost = (node.cost.1 - outer.cost.1).max(0.0) / outer.rows.max(1.0);
        (shown.cost, shown.rows) = ((0.0, cost), per_row.round());
        shown.width = fetch.columns.iter().filter_map(|a| table.relation.column(*a)).map(|c| width(c.ty)).sum();
        let alias = self.naming.alias(node).to_owned();
        let names = if node.names.len() > outer.names.len() { &node.names[outer.names.len()..] } else { &[] };
        let labels = read_columns(table, fetch, &alias, names);
        if self.options.verbose {
            shown.properties.push(("Output", Value::List(self.output(&labels))));
        }
        let condition = self.searched_for(bounds, &Searched { alias: &alias, table, fetch, names }, index, left);
        shown.properties.push(("Index Cond", Value::Text(condition)));
        let named: Labels = left.iter().map(Label::in_full).chain(labels.iter().cloned()).collect();
        if let Some(filter) = filter {
            shown.properties.push(("Filter", Value::Text(self.text(filter, &named, self.scan_prefix()))));
        }
        self.subplans_in(node, &named, &mut shown);
        if self.actual.is_some() {
            shown.actual = Some(self.searches(node, outer));
            scan::show_heap_fetches(fetch, &mut shown);
        }
        (shown, labels)
    }

    /// What the searches of an index join did: one for each outer row.
    fn searches(&self, node: &Node, outer: &Node) -> Actual {
        let number = |node: &Node| self.numbers.get(&std::ptr::from_ref(node)).copied();
        let of = |at: Option<usize>| at.and_then(|at| self.actual.and_then(|all| all.get(at)).copied());
        let (Some(own), Some(outer)) = (of(number(node)), of(number(outer))) else { return Actual::default() };
        let total_ms = (own.total_ms - outer.total_ms).max(0.0);
        Actual { loops: outer.rows, rows: own.rows, startup_ms: 0.0, total_ms, heap_fetches: own.heap_fetches }
    }
}

/// The columns that are fetched of a table, by the names that the statement gives them where these are known.
fn read_columns(table: &TableRef, fetch: &Fetch, alias: &str, names: &[Arc<str>]) -> Labels {
    let name = |(at, attnum): (usize, &i16)| match (table.relation.column(*attnum), names.get(at)) {
        (Some(_), Some(name)) => Label::column(alias, name),
        (Some(column), None) => Label::column(alias, &column.name),
        (None, _) => Label::column(alias, scan::system_name(*attnum)),
    };
    let mut labels: Labels = fetch.columns.iter().enumerate().map(name).collect();
    if fetch.row_id {
        labels.push(Label::column(alias, "ctid"));
    }
    labels
}
