//! Changes of tables.

use dictdb_types::RegKind;

use super::label::{Label, Prefix};
use super::*;
use crate::physical::OnConflict;

impl Describer<'_> {
    pub(super) fn modify(&mut self, node: &Node, modify: &Modify, shown: &mut ExplainNode) -> Labels {
        kind(shown, "ModifyTable");
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
        self.relation(node, &modify.table, shown);
        let (below, given) = self.node(&modify.input);
        let given = label::from_below(given);
        let mut alias = self.naming.alias(node).to_owned();
        if !matches!(modify.action, Action::Insert { .. }) {
            alias = self.member_targets(modify, operation, shown).unwrap_or(alias);
        }
        if let Action::Insert { on_conflict: Some(conflict), .. } = &modify.action {
            self.conflict(modify, conflict, &alias, shown);
        }
        shown.children.push(child("Outer", below));
        if modify.returning.is_none() && self.actual.is_none() {
            (shown.rows, shown.width) = (0.0, 0);
        }
        let mut row = whole_row(&modify.table.relation, &alias);
        row.push(Label::column(&alias, "tableoid"));
        row.extend(modify.system.iter().map(|attnum| Label::column(&alias, scan::system_name(*attnum))));
        row.extend(given);
        self.subplans_in(node, &row, shown);
        modify.returning.iter().flatten().map(|expr| self.label(expr, &row)).collect()
    }

    /// The tables that rows of a table with children are changed in; gives the name of the first one.
    fn member_targets(&self, modify: &Modify, operation: &str, shown: &mut ExplainNode) -> Option<String> {
        let mut targets = Vec::new();
        let mut first = None;
        modify.input.for_each(&mut |node| {
            if let Some((table, fetch)) = read(node)
                && fetch.row_id
                && !self.removed.contains(&std::ptr::from_ref(node))
                && modify.members.iter().any(|member| member.oid == table.relation.oid)
            {
                first.get_or_insert_with(|| self.naming.alias(node).to_owned());
                targets.push((self.table(node, table), self.relation_attributes(node, table)));
            }
        });
        if !targets.is_empty() {
            shown.properties.push(("Target Tables", Value::Targets(operation.to_owned(), targets)));
        }
        first
    }

    fn conflict(&self, modify: &Modify, conflict: &OnConflict, alias: &str, shown: &mut ExplainNode) {
        let resolution = if conflict.update.is_some() { "UPDATE" } else { "NOTHING" };
        shown.properties.push(("Conflict Resolution", Value::Text(resolution.into())));
        if !conflict.indexes.is_empty() {
            let names = conflict.indexes.iter().map(|oid| self.cx.env.reg_out(RegKind::Class, *oid));
            shown.properties.push(("Conflict Arbiter Indexes", Value::List(names.collect())));
        }
        if let Some(filter) = conflict.update.as_ref().and_then(|update| update.filter.as_ref()) {
            let mut rows = whole_row(&modify.table.relation, alias);
            rows.extend(whole_row(&modify.table.relation, "excluded"));
            shown.properties.push(("Conflict Filter", Value::Text(self.text(filter, &rows, Prefix::Yes))));
        }
    }
}

/// All columns of a table by attnum.
fn whole_row(table: &Relation, alias: &str) -> Labels {
    table.columns.iter().map(|column| Label::column(alias, &column.name)).collect()
}
