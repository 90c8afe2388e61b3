//! UPDATE.

use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{PolicyCommand, Privileges, Relation};
use dictdb_parser::ast::{self, Expr as Ast, TableFactor, UpdateTableFromKind};
use dictdb_parser::node;
use dictdb_types::{Error, Result};

use super::Binder;
use super::modify_source::{Changed, ModifySource, ids};
use super::updatable::{Verb, ViewTarget};
use crate::expr::Expr;
use crate::logical::{Column, ModifyAction, Node, PolicyStage};

/// The table of an UPDATE or DELETE; the view that it is changed through, with where the accesses that the view makes begin.
pub(crate) type UpdateTarget<'a> = (Arc<Relation>, Option<(&'a ViewTarget, usize)>);

/// Whether an UPDATE reads the rows that it changes.
fn reads_rows(update: &ast::Update) -> bool {
    let computes = update.assignments.iter().any(|assignment| !matches!(assignment.value, Ast::Value(_)));
    update.selection.is_some() || update.returning.is_some() || update.from.is_some() || computes
}

impl Binder<'_> {
    pub(crate) fn bind_update(&mut self, update: &ast::Update) -> Result<Node> {
        self.with_update_target(update, |binder, target, alias| binder.bind_update_of(update, target, alias))
    }

    /// Runs `f` with the target of an UPDATE, perhaps the table that a view stands for.
    pub(crate) fn with_update_target<T>(
        &mut self,
        update: &ast::Update,
        f: impl FnOnce(&mut Self, UpdateTarget<'_>, (Option<&ast::TableAlias>, bool)) -> Result<T>,
    ) -> Result<T> {
        let TableFactor::Table { name, alias, with_hints, .. } = &update.table.relation else {
            return Err(Error::unsupported("UPDATE of other than a table"));
        };
        let named = self.modify_target(name)?;
        let first_access = self.accesses.len();
        let view = match self.changes_itself(&named, Event::Update) {
            true => None,
            false => Some(Arc::new(self.view_target(&named, Verb::Update)?)),
        };
        let outer = std::mem::replace(&mut self.target_view, view.clone().map(|view| (view, Verb::Update)));
        let view = view.as_deref().map(|view| (view, first_access));
        let relation = view.map_or(named, |(view, _)| view.base_to_update());
        let bound = f(self, (relation, view), (alias.as_ref(), node::is_only(with_hints)));
        self.target_view = outer;
        bound
    }

    /// The rows that an UPDATE changes, and the values that it gives columns.
    pub(crate) fn update_rows(
        &mut self,
        update: &ast::Update,
        relation: &Arc<Relation>,
        view: Option<(&ViewTarget, usize)>,
        alias: (Option<&ast::TableAlias>, bool),
    ) -> Result<(ModifySource, Vec<(i16, Expr)>)> {
        let from = match &update.from {
            Some(UpdateTableFromKind::AfterSet(items) | UpdateTableFromKind::BeforeSet(items)) => items.as_slice(),
            None => &[],
        };
        let rows = (update.selection.as_ref(), PolicyCommand::Update, reads_rows(update));
        let mut source = self.modify_source(relation, view.map(|(view, _)| view), alias, from, rows)?;
        let levels = self.levels.len();
        let bound = match self.bind_assignments(relation, &source.current, &update.assignments) {
            Ok(bound) => bound,
            Err(error) => {
                self.levels.truncate(levels);
                return Err(self.refused_returning(update, relation, view, &source).unwrap_or(error));
            }
        };
        if !bound.rows.is_empty() {
            source.rest = None;
        }
        source.node = with_rows(source.node, bound.rows);
        let assigned: Vec<i16> = bound.values.iter().map(|(attnum, _)| *attnum).collect();
        match view {
            Some((view, first_access)) => self.note_view_change(view, Privileges::UPDATE, &assigned, first_access),
            None => self.note_change(relation, Privileges::UPDATE, assigned),
        }
        Ok((source, bound.values))
    }

    /// What is wrong with the RETURNING of an UPDATE whose SET is wrong, too: PostgreSQL looks at it first.
    fn refused_returning(
        &mut self,
        update: &ast::Update,
        relation: &Arc<Relation>,
        view: Option<(&ViewTarget, usize)>,
        source: &ModifySource,
    ) -> Option<Error> {
        let row = self.returned_columns(relation);
        let names = self.changed_names(source, relation, view.map(|(view, _)| view), &row);
        self.bind_returning(update.returning.as_ref(), names).err()
    }

    /// UPDATE of a table, perhaps through a view.
    fn bind_update_of(
        &mut self,
        update: &ast::Update,
        (relation, view): UpdateTarget<'_>,
        alias: (Option<&ast::TableAlias>, bool),
    ) -> Result<Node> {
        let (mut source, values) = self.update_rows(update, &relation, view, alias)?;
        let (view, reads) = (view.map(|(view, _)| view), reads_rows(update));
        let (input, assignments) = self.changed_input(&mut source, &relation, values)?;
        let row = self.returned_columns(&relation);
        let (mut checks, generated) = self.row_rules(&relation, &row)?;
        checks.extend(self.as_role(view, |binder| binder.policy_checks(&relation, &row, PolicyStage::Update, reads))?);
        checks.extend(view.into_iter().flat_map(|view| view.checks_over(&row)));
        let names = self.changed_names(&source, &relation, view, &row);
        let target = names.tables[0].clone();
        let returning = self.bind_returning(update.returning.as_ref(), names)?;
        if self.records() {
            self.record_update(update, (&relation, &target, &row), &source, (alias, returning.as_deref()));
        }
        let action = match &source.changed {
            Changed::Stored(row_id) => ModifyAction::Update { row_id: row_id.id, assignments },
            Changed::Shown(old) => ModifyAction::Instead { event: Event::Update, old: ids(old), assignments },
        };
        Ok(source.into_modify(relation, action, input, (row, returning), (checks, generated)))
    }

    /// Runs `f` with the role whose view of a table counts: of a view's table, not the current one.
    pub(crate) fn as_role<T>(
        &mut self,
        view: Option<&ViewTarget>,
        f: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let role = view.map_or(self.cx.role, |view| view.role);
        let outer = std::mem::replace(&mut self.cx.role, role);
        let result = f(self);
        self.cx.role = outer;
        result
    }
}

/// Computes the rows of subqueries in SET once, below what takes their fields.
pub(crate) fn with_rows(node: Node, rows: Vec<(Column, Expr)>) -> Node {
    if rows.is_empty() {
        return node;
    }
    let mut columns: Vec<(Column, Expr)> =
        node.columns().into_iter().map(|column| (column.clone(), Expr::column(&column))).collect();
    columns.extend(rows);
    Node::Project { input: Box::new(node), columns }
}
