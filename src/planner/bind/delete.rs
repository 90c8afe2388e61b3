//! DELETE.

use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{PolicyCommand, Privileges, Relation};
use dictdb_parser::ast::{self, FromTable, TableFactor};
use dictdb_parser::node;
use dictdb_types::{Error, Result};

use super::Binder;
use super::modify::RowRules;
use super::modify_source::{Changed, ModifySource, ids};
use super::updatable::{Verb, ViewTarget};
use crate::logical::{ModifyAction, Node};

/// The alias of the target, and whether it is `ONLY` it.
type Alias<'a> = (Option<&'a ast::TableAlias>, bool);

impl Binder<'_> {
    pub(crate) fn bind_delete(&mut self, delete: &ast::Delete) -> Result<Node> {
        self.with_delete_target(delete, |binder, target, alias| binder.bind_delete_from(delete, target, alias))
    }

    /// Runs `f` with the target of a DELETE, perhaps the table that a view stands for.
    pub(crate) fn with_delete_target<T>(
        &mut self,
        delete: &ast::Delete,
        f: impl FnOnce(&mut Self, (Arc<Relation>, Option<&ViewTarget>), Alias<'_>) -> Result<T>,
    ) -> Result<T> {
        let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
        let [target] = tables.as_slice() else { return Err(Error::unsupported("DELETE from several tables")) };
        let TableFactor::Table { name, alias, with_hints, .. } = &target.relation else {
            return Err(Error::unsupported("DELETE from other than a table"));
        };
        let named = self.modify_target(name)?;
        let first_access = self.accesses.len();
        let view = match self.changes_itself(&named, Event::Delete) {
            true => None,
            false => Some(self.view_target(&named, Verb::Delete)?),
        };
        match &view {
            Some(view) => self.note_view_change(view, Privileges::DELETE, &[], first_access),
            None => self.note_change(&named, Privileges::DELETE, Vec::new()),
        }
        let relation = view.as_ref().map_or(named, |view| view.base.clone());
        f(self, (relation, view.as_ref()), (alias.as_ref(), node::is_only(with_hints)))
    }

    /// The rows that a DELETE deletes.
    pub(crate) fn delete_rows(
        &mut self,
        delete: &ast::Delete,
        relation: &Arc<Relation>,
        view: Option<&ViewTarget>,
        alias: Alias<'_>,
    ) -> Result<ModifySource> {
        let using = delete.using.as_deref().unwrap_or(&[]);
        let reads = delete.selection.is_some() || delete.returning.is_some() || !using.is_empty();
        let rows = (delete.selection.as_ref(), PolicyCommand::Delete, reads);
        self.modify_source(relation, view, alias, using, rows)
    }

    /// DELETE from a table, perhaps through a view.
    fn bind_delete_from(
        &mut self,
        delete: &ast::Delete,
        (relation, view): (Arc<Relation>, Option<&ViewTarget>),
        alias: Alias<'_>,
    ) -> Result<Node> {
        let mut source = self.delete_rows(delete, &relation, view, alias)?;
        let (input, assignments) = self.changed_input(&mut source, &relation, Vec::new())?;
        let row = self.returned_columns(&relation);
        let names = self.changed_names(&source, &relation, view, &row);
        let target = names.tables[0].clone();
        let returning = self.bind_returning(delete.returning.as_ref(), names)?;
        if self.records() {
            let using = delete.using.as_ref().map_or(0, Vec::len);
            self.record_delete(using, (&relation, &target, &row), &source, (alias, returning.as_deref()));
        }
        let action = match &source.changed {
            Changed::Stored(row_id) => ModifyAction::Delete { row_id: row_id.id },
            Changed::Shown(old) => ModifyAction::Instead { event: Event::Delete, old: ids(old), assignments },
        };
        Ok(source.into_modify(relation, action, input, (row, returning), RowRules::default()))
    }
}
