//! DELETE.

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{PolicyCommand, Privileges, RelationKind};
use dictdb_parser::ast::{self, FromTable, TableFactor};
use dictdb_parser::node;
use dictdb_types::{Error, Result};

use super::Binder;
use super::updatable::Verb;
use super::update::{Changed, ids, replace_target_columns};
use crate::expr::Expr;
use crate::logical::{Modify, ModifyAction, Node};

impl Binder<'_> {
    pub(crate) fn bind_delete(&mut self, delete: &ast::Delete) -> Result<Node> {
        let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
        let [target] = tables.as_slice() else { return Err(Error::unsupported("DELETE from several tables")) };
        let TableFactor::Table { name, alias, with_hints, .. } = &target.relation else {
            return Err(Error::unsupported("DELETE from other than a table"));
        };
        let named = self.modify_target(name)?;
        let first_access = self.accesses.len();
        let view = match named.kind {
            RelationKind::View(_) if !self.has_instead(&named, Event::Delete) => {
                Some(self.view_target(&named, Verb::Delete)?)
            }
            _ => None,
        };
        match &view {
            Some(view) => self.note_view_change(view, Privileges::DELETE, &[], first_access),
            None => self.note_change(&named, Privileges::DELETE, Vec::new()),
        }
        let relation = view.as_ref().map_or(named, |view| view.base.clone());
        let using = delete.using.as_deref().unwrap_or(&[]);
        let alias = (alias.as_ref(), node::is_only(with_hints));
        let reads = delete.selection.is_some() || delete.returning.is_some() || !using.is_empty();
        let rows = (delete.selection.as_ref(), PolicyCommand::Delete, reads);
        let source = self.modify_source(&relation, view.as_ref(), alias, using, rows)?;
        let mut columns = source.changed.columns();
        columns.extend(source.others.iter().map(|column| (column.clone(), Expr::column(column))));
        let input = Node::Project { input: Box::new(source.node), columns };
        let row = self.returned_columns(&relation);
        let mut names = source.names;
        names.tables[0] = match &view {
            Some(view) => view.row_name(&source.alias, &row),
            None => self.row_name(&relation, &source.alias, &row),
        };
        replace_target_columns(&mut names);
        let returning = self.bind_returning(delete.returning.as_ref(), names)?;
        let action = match source.changed {
            Changed::Stored(row_id) => ModifyAction::Delete { row_id: row_id.id },
            Changed::Shown(old) => {
                ModifyAction::Instead { event: Event::Delete, old: ids(&old), assignments: Vec::new() }
            }
        };
        let (alias, identity) = (source.alias, source.identity);
        let (checks, generated) = (Vec::new(), Vec::new());
        Ok(Node::Modify(Box::new(Modify {
            relation,
            alias,
            members: source.members,
            action,
            input,
            identity,
            row,
            returning,
            checks,
            generated,
        })))
    }
}
