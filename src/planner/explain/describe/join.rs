//! Joins: the hash table, kept rows or index scan of the inner side is a node of its own.

use super::*;

impl Describer<'_> {
    pub(super) fn join(&mut self, node: &Node, shown: &mut ExplainNode) -> Labels {
        let (join_kind, left) = match &node.op {
            Op::HashJoin { kind, left, .. } | Op::NestedLoop { kind, left, .. } | Op::Apply { kind, left, .. } => {
                (*kind, left)
            }
            Op::IndexJoin { kind, outer, .. } => (*kind, outer),
            _ => return Labels::new(),
        };
        let hash = matches!(node.op, Op::HashJoin { .. });
        kind(shown, if hash { "Hash Join" } else { "Nested Loop" });
        shown.title = match (hash, join_kind) {
            (true, _) => format!("Hash{} Join", join_word(join_kind)),
            (false, JoinKind::Inner) => "Nested Loop".into(),
            (false, _) => format!("Nested Loop{} Join", join_word(join_kind)),
        };
        shown.attributes.push(("Join Type", join_word(join_kind).trim().to_owned()));
        if join_kind == JoinKind::Inner {
            shown.attributes.pop();
            shown.attributes.push(("Join Type", "Inner".into()));
        }
        let (outer, mut labels) = self.node(left);
        shown.children.push(child("Outer", outer));
        let (inner, right) = self.inner_side(node, &labels);
        shown.children.push(child("Inner", inner));
        if let Op::HashJoin { keys, .. } = &node.op {
            let equal = |word: bool| if word { "IS NOT DISTINCT FROM" } else { "=" };
            let mut pairs: Vec<String> = Vec::new();
            for key in keys {
                let (left, right) = (self.text(&key.left, &labels), self.text(&key.right, &right));
                pairs.push(format!("({left} {} {right})", equal(key.null_equals_null)));
            }
            shown.properties.push(("Hash Cond", Value::Text(conjunction(pairs))));
        }
        let mut both = labels.clone();
        both.extend(right.iter().cloned());
        let condition = match &node.op {
            Op::HashJoin { residual, .. } => residual.as_ref(),
            Op::NestedLoop { on, .. } | Op::Apply { on, .. } => on.as_ref(),
            _ => None,
        };
        if let Some(condition) = condition {
            let text = self.text(condition, &both);
            self.subplans_of(condition, &both, shown);
            shown.properties.push(("Join Filter", Value::Text(text)));
        }
        if !matches!(join_kind, JoinKind::Semi | JoinKind::Anti) {
            labels = both;
        }
        labels
    }

    /// The right side of a join: a hash table, kept rows, an index scan, a subquery.
    pub(super) fn inner_side(&mut self, node: &Node, left: &Labels) -> (ExplainNode, Labels) {
        match &node.op {
            Op::HashJoin { right, .. } => {
                let (inner, labels) = self.node(right);
                (self.wrapper("Hash", right, inner), labels)
            }
            Op::NestedLoop { right, .. } => {
                let (inner, labels) = self.node(right);
                (self.wrapper("Materialize", right, inner), labels)
            }
            Op::Apply { right, slots, .. } => {
                for (slot, value) in slots {
                    let text = self.text(value, left);
                    self.slots.insert(*slot, text);
                }
                self.node(right)
            }
            Op::IndexJoin { outer, table, index, bounds, fetch, filter, .. } => {
                let mut shown = ExplainNode::default();
                kind(&mut shown, "Index Scan");
                self.by_index(index, false, &mut shown);
                shown.target.push_str(&self.table(table));
                self.relation(table, &mut shown);
                let per_row = (node.rows / outer.rows.max(1.0)).max(1.0);
                let cost = (node.cost.1 - outer.cost.1).max(0.0) / outer.rows.max(1.0);
                (shown.cost, shown.rows) = ((0.0, cost), per_row.round());
                let quoted = dictdb_types::quote_identifier(&table.alias);
                let mut labels: Labels = fetch
                    .columns
                    .iter()
                    .map(|attnum| table.relation.column(*attnum).map_or("?", |column| &*column.name))
                    .map(|name| format!("{quoted}.{}", dictdb_types::quote_identifier(name)))
                    .collect();
                shown.width = fetch.columns.iter().filter_map(|a| table.relation.column(*a)).map(|c| width(c.ty)).sum();
                if fetch.row_id {
                    labels.push(format!("{quoted}.ctid"));
                }
                let condition = self.bounds(bounds, &table.relation, index, left);
                shown.properties.push(("Index Cond", Value::Text(condition)));
                if let Some(filter) = filter {
                    let both: Labels = left.iter().chain(&labels).cloned().collect();
                    let text = self.text(filter, &both);
                    self.subplans_of(filter, &both, &mut shown);
                    shown.properties.push(("Filter", Value::Text(text)));
                }
                if self.actual.is_some() {
                    shown.actual = Some(Actual::default());
                    let number = |node: &Node| self.numbers.get(&std::ptr::from_ref(node)).copied();
                    let of = |at: Option<usize>| at.and_then(|at| self.actual.and_then(|all| all.get(at)).copied());
                    if let (Some(own), Some(outer)) = (of(number(node)), of(number(outer))) {
                        let total_ms = (own.total_ms - outer.total_ms).max(0.0);
                        shown.actual = Some(Actual { loops: outer.rows, rows: own.rows, startup_ms: 0.0, total_ms });
                    }
                }
                (shown, labels)
            }
            _ => (ExplainNode::default(), Labels::new()),
        }
    }
}
