//! The wording of INSERT, UPDATE, DELETE and MERGE, for the texts of rules and of routines.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_parser::ast::{self, ConflictTarget, OnConflict, OnConflictAction, OnInsert};
use dictdb_parser::node::{self, Overriding};
use dictdb_types::quote_identifier;

use super::Binder;
use super::modify::RowColumns;
use super::modify_source::ModifySource;
use super::names::{NamedColumn, TableName};
use crate::expr::Expr;
use crate::logical::{self, Column};
use crate::table_expr::TableExpr;
use crate::view::tree::{
    Assignment, Change, ChangeAction, Conflict, Insert, InsertSource, Merge, MergeThen, MergeWhen, Table, TargetName,
    Update,
};

/// The target of a statement, its name, and its row after the change.
type Target<'a> = (&'a Arc<Relation>, &'a TableName, &'a RowColumns);

/// Values given to columns.
type Given = Vec<Assignment>;

/// The alias of the target, whether it is `ONLY` it, and what is returned.
type Written<'a> = ((Option<&'a ast::TableAlias>, bool), Option<&'a [(Column, Expr)]>);

impl Binder<'_> {
    pub(super) fn record_update(
        &mut self,
        update: &ast::Update,
        target: Target<'_>,
        source: &ModifySource,
        written: Written<'_>,
    ) {
        let set = self.recorded_given();
        let count = match &update.from {
            Some(ast::UpdateTableFromKind::AfterSet(items) | ast::UpdateTableFromKind::BeforeSet(items)) => items.len(),
            None => 0,
        };
        let from = self.recorded_from(count);
        let action = ChangeAction::Update(Update { set, from, filter: source.condition.clone() });
        self.record_found(target, source, written, action);
    }

    pub(super) fn record_delete(
        &mut self,
        using: usize,
        target: Target<'_>,
        source: &ModifySource,
        written: Written<'_>,
    ) {
        let action = ChangeAction::Delete(self.recorded_from(using), source.condition.clone());
        self.record_found(target, source, written, action);
    }

    /// A change of rows that were found.
    fn record_found(
        &mut self,
        (relation, _, row): Target<'_>,
        source: &ModifySource,
        ((alias, only), returning): Written<'_>,
        action: ChangeAction,
    ) {
        let alias = alias.map(|alias| Arc::from(alias.name.value.as_str()));
        let Some(found) = source.names.tables.first() else { return };
        let target = self.recorded_target(relation, (alias, only), found, row);
        self.record_change(Change { target, action, returning: returning.unwrap_or_default().to_vec() });
    }

    pub(super) fn record_insert(
        &mut self,
        insert: &ast::Insert,
        (relation, table, row): Target<'_>,
        (given, conflict): (Given, Option<&logical::OnConflict>),
        returning: Option<&[(Column, Expr)]>,
    ) {
        let set = self.recorded_given();
        let values = insert.source.as_ref().and_then(|query| match &*query.body {
            ast::SetExpr::Values(values) if query.with.is_none() => Some(values.rows.len().max(1)),
            _ => None,
        });
        let given: Vec<(TargetName, Option<Expr>)> = given.into_iter().filter_map(single).collect();
        let width = given.len() / values.unwrap_or(1);
        let columns = given.iter().take(width).map(|(target, _)| target.clone()).collect();
        let source = match (&insert.source, values) {
            (None, _) => InsertSource::Defaults,
            (Some(_), Some(_)) => {
                let values: Vec<Option<Expr>> = given.into_iter().map(|(_, value)| value).collect();
                InsertSource::Values(values.chunks(width.max(1)).map(<[_]>::to_vec).collect())
            }
            (Some(_), None) => match self.recorded_query() {
                Some(query) => InsertSource::Query(Box::new(query)),
                None => return,
            },
        };
        let overriding = match node::overriding(insert) {
            None => "",
            Some(Overriding::System) => "OVERRIDING SYSTEM VALUE ",
            Some(Overriding::User) => "OVERRIDING USER VALUE ",
        };
        let alias = insert.table_alias.as_ref().map(|alias| Arc::from(alias.alias.value.as_str()));
        let mut target = self.recorded_target(relation, (alias, false), table, row);
        let conflict = match (&insert.on, conflict) {
            (Some(OnInsert::OnConflict(written)), Some(bound)) => {
                Some(self.recorded_conflict((insert, written), bound, relation, set, &mut target))
            }
            _ => None,
        };
        let action = ChangeAction::Insert(Insert { columns, overriding, source, conflict });
        self.record_change(Change { target, action, returning: returning.unwrap_or_default().to_vec() });
    }

    pub(super) fn record_merge(
        &mut self,
        (relation, found): (&Arc<Relation>, &TableName),
        (alias, only): (Option<&ast::TableAlias>, bool),
        merge: Merge,
    ) {
        let alias = alias.map(|alias| Arc::from(alias.name.value.as_str()));
        let target = self.recorded_target(relation, (alias, only), found, &Vec::new());
        self.record_change(Change { target, action: ChangeAction::Merge(merge), returning: Vec::new() });
    }

    /// What is recorded of one clause of a MERGE, whose values have been bound just now.
    pub(super) fn recorded_when(&mut self, clause: &ast::MergeClause, condition: Option<&Expr>) -> MergeWhen {
        let set = self.recorded_given();
        let action = match &clause.action {
            ast::MergeAction::DoNothing { .. } => MergeThen::Nothing,
            ast::MergeAction::Delete { .. } => MergeThen::Delete,
            ast::MergeAction::Update(_) => MergeThen::Update(set),
            ast::MergeAction::Insert(insert) => {
                let overriding = match node::merge_overriding(&insert.columns) {
                    None => "",
                    Some(Overriding::System) => " OVERRIDING SYSTEM VALUE",
                    Some(Overriding::User) => " OVERRIDING USER VALUE",
                };
                MergeThen::Insert(overriding, set.into_iter().filter_map(single).collect())
            }
        };
        let matched = clause.clause_kind == ast::MergeClauseKind::Matched;
        MergeWhen { matched, condition: condition.cloned(), action }
    }

    /// The target of ON CONFLICT as it is written back.
    fn inference_words(&self, insert: &ast::Insert, relation: &Arc<Relation>) -> String {
        let Some(target) = node::conflict_target(insert) else { return String::new() };
        let bound = |expr: &ast::Expr, purpose| {
            let bound = crate::table_expr::bind(expr, self.locations, relation, purpose, self.cx);
            bound.map_or_else(|_| expr.to_string(), |bound| bound.text.to_string())
        };
        let element = |element: &node::ConflictElement<'_>| {
            let mut words = match (element.column, element.expr) {
                (Some(column), _) => quote_identifier(&column.value).into_owned(),
                (None, Some(expr)) => format!("({})", bound(expr, TableExpr::IndexKey)),
                (None, None) => String::new(),
            };
            if let Some(collation) = element.collation {
                words.push_str(&format!(" COLLATE {collation}"));
            }
            if let Some(opclass) = element.opclass {
                words.push_str(&format!(" {opclass}"));
            }
            words
        };
        let elements: Vec<String> = target.elements.iter().map(element).collect();
        let condition = target.predicate.map(|predicate| bound(predicate, TableExpr::IndexPredicate));
        let condition = condition.map_or_else(String::new, |condition| format!("\n  WHERE {condition}"));
        format!("({}){condition}", elements.join(", "))
    }

    fn recorded_conflict(
        &mut self,
        (insert, written): (&ast::Insert, &OnConflict),
        bound: &logical::OnConflict,
        relation: &Arc<Relation>,
        set: Given,
        target: &mut Table,
    ) -> Conflict {
        let words = match &written.conflict_target {
            None => String::new(),
            Some(ConflictTarget::OnConstraint(name)) => format!(" ON CONSTRAINT {name}"),
            Some(ConflictTarget::Columns(_)) => self.inference_words(insert, relation),
        };
        let (OnConflictAction::DoUpdate(_), Some(update)) = (&written.action, &bound.update) else {
            return Conflict { target: words, update: None, excluded: None };
        };
        let named = |row: &RowColumns| row.iter().map(|(column, _)| NamedColumn::of(column)).collect::<Vec<_>>();
        target.also.push(named(&update.existing));
        let excluded = TableName::new("excluded", named(&update.excluded), relation.row_type);
        let excluded = self.recorded_target(relation, (Some(Arc::from("excluded")), false), &excluded, &Vec::new());
        Conflict { target: words, update: Some((set, update.filter.clone())), excluded: Some(excluded) }
    }
}

/// A column with its value, when it is given one by itself.
fn single(given: Assignment) -> Option<(TargetName, Option<Expr>)> {
    match given {
        Assignment::Value(target, value) => Some((target, value)),
        Assignment::Row(..) => None,
    }
}
