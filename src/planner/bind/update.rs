//! UPDATE.

use std::sync::Arc;

use dictdb_catalog::{Identity, Privileges, Relation, RelationKind};
use dictdb_parser::ast::{self, AssignmentTarget, Expr as Ast, TableFactor, UpdateTableFromKind};
use dictdb_parser::node;
use dictdb_types::{Error, Result, SqlState};

use super::Binder;
use super::clause::Clause;
use super::expression::strip_parentheses;
use super::modify::not_assignable;
use super::names::Names;
use super::updatable::{Verb, ViewTarget};
use crate::expr::{ColumnId, Expr, SublinkKind};
use crate::logical::{Column, JoinKind, Modify, ModifyAction, Node};

impl Binder<'_> {
    pub(crate) fn bind_update(&mut self, update: &ast::Update) -> Result<Node> {
        let TableFactor::Table { name, alias, .. } = &update.table.relation else {
            return Err(Error::unsupported("UPDATE of other than a table"));
        };
        let named = self.modify_target(name)?;
        let view = match named.kind {
            RelationKind::View(_) => Some(Arc::new(self.view_target(&named, Verb::Update)?)),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.target_view, view.clone().map(|view| (view, Verb::Update)));
        let bound = self.bind_update_of(update, named, view.as_deref(), alias.as_ref());
        self.target_view = outer;
        bound
    }

    /// UPDATE of a table, perhaps through a view.
    fn bind_update_of(
        &mut self,
        update: &ast::Update,
        named: Arc<Relation>,
        view: Option<&ViewTarget>,
        alias: Option<&ast::TableAlias>,
    ) -> Result<Node> {
        let relation = view.map_or(named, ViewTarget::base_with_defaults);
        let from = match &update.from {
            Some(UpdateTableFromKind::AfterSet(items) | UpdateTableFromKind::BeforeSet(items)) => items.as_slice(),
            None => &[],
        };
        let source = self.modify_source(&relation, view, alias, from, update.selection.as_ref())?;
        let assignments = self.bind_assignments(&relation, &update.assignments)?;
        match view {
            Some(view) => self.note_change(&view.view, Privileges::UPDATE, Vec::new()),
            None => {
                let assigned = assignments.iter().map(|(attnum, _)| *attnum).collect();
                self.note_change(&relation, Privileges::UPDATE, assigned);
            }
        }
        let mut columns = vec![(source.row_id_column.clone(), Expr::column(&source.row_id_column))];
        let mut targets = Vec::with_capacity(assignments.len());
        for (attnum, value) in assignments {
            let column = self.new_column("new", value.ty());
            targets.push((attnum, column.id));
            columns.push((column, value));
        }
        columns.extend(source.others.iter().map(|column| (column.clone(), Expr::column(column))));
        let input = Node::Project { input: Box::new(source.node), columns };
        let row = self.row_columns(&relation);
        let (mut checks, generated) = self.row_rules(&relation, &row)?;
        let mut names = source.names;
        names.tables[0] = match view {
            Some(view) => {
                checks.extend(view.checks_over(&row));
                view.row_name(&source.alias, &row)
            }
            None => self.row_name(&relation, &source.alias, &row),
        };
        replace_target_columns(&mut names);
        let returning = self.bind_returning(update.returning.as_ref(), names)?;
        let action = ModifyAction::Update { row_id: source.row_id, assignments: targets };
        let alias = source.alias;
        Ok(Node::Modify(Box::new(Modify { relation, alias, action, input, row, returning, checks, generated })))
    }

    /// SET items: attnum and value, coerced to the column's type.
    pub(crate) fn bind_assignments(
        &mut self,
        relation: &Arc<Relation>,
        assignments: &[ast::Assignment],
    ) -> Result<Vec<(i16, Expr)>> {
        let mut bound: Vec<(i16, Expr)> = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => {
                    self.bind_assignment(relation, name, &assignment.value, &mut bound)?
                }
                AssignmentTarget::Tuple(names) => {
                    self.bind_tuple_assignment(relation, names, &assignment.value, &mut bound)?
                }
            }
        }
        Ok(bound)
    }

    fn bind_assignment(
        &mut self,
        relation: &Arc<Relation>,
        name: &ast::ObjectName,
        value: &Ast,
        bound: &mut Vec<(i16, Expr)>,
    ) -> Result<()> {
        let (attnum, column, position) = self.target_column(relation, name)?;
        if bound.iter().any(|(other, _)| *other == attnum) {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("multiple assignments to same column \"{}\"", column.name),
            )
            .at(position));
        }
        if node::is_default(value) {
            if !column.generated {
                bound.push((attnum, self.default_of(column)?));
            }
            return Ok(());
        }
        if column.generated || column.identity == Some(Identity::Always) {
            return Err(not_assignable(column, "update").at(position));
        }
        let at = self.leftmost(value);
        let expr = self.in_clause(Clause::UpdateSource, |binder| binder.bind_expr(value))?;
        bound.push((attnum, self.coerce_for_column(expr, column, at)?));
        Ok(())
    }

    /// `(a, b) = (x, y)` and `(a, b) = (SELECT …)`.
    fn bind_tuple_assignment(
        &mut self,
        relation: &Arc<Relation>,
        names: &[ast::ObjectName],
        value: &Ast,
        bound: &mut Vec<(i16, Expr)>,
    ) -> Result<()> {
        match strip_parentheses(value) {
            Ast::Tuple(items) => {
                if items.len() != names.len() {
                    return Err(column_count());
                }
                for (name, item) in names.iter().zip(items) {
                    self.bind_assignment(relation, name, item, bound)?;
                }
                Ok(())
            }
            Ast::Subquery(query) => {
                let node = self.bind_subquery(query)?;
                let produced = node.columns();
                if produced.len() != names.len() {
                    return Err(column_count());
                }
                let fields = produced.iter().map(Expr::column).collect();
                let record = dictdb_types::Type::new(dictdb_types::oids::RECORD);
                let row = self.new_column("row", record);
                let query = Node::Project { input: Box::new(node), columns: vec![(row, Expr::Row(fields, record))] };
                let link = crate::expr::Sublink { kind: SublinkKind::Scalar, query, ty: record, wording: None };
                for (index, (name, column)) in names.iter().zip(&produced).enumerate() {
                    let (attnum, target, position) = self.target_column(relation, name)?;
                    let row = Expr::Sublink(Box::new(link.clone()));
                    let field = Expr::Field(Box::new(row), index, column.ty);
                    bound.push((attnum, self.coerce_for_column(field, target, position)?));
                }
                Ok(())
            }
            single if names.len() == 1 => self.bind_assignment(relation, &names[0], single, bound),
            _ => Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
            )),
        }
    }

    /// The rows an UPDATE or DELETE works on: the table joined with FROM or USING, filtered.
    pub(crate) fn modify_source(
        &mut self,
        relation: &Arc<Relation>,
        view: Option<&ViewTarget>,
        alias: Option<&ast::TableAlias>,
        from: &[ast::TableWithJoins],
        selection: Option<&Ast>,
    ) -> Result<ModifySource> {
        let (scan, names) = match view {
            Some(view) => (view.scan.clone(), view.scan_names(alias, self)?),
            None => {
                let bound = self.bind_relation(relation, alias, None)?;
                self.note_target();
                bound
            }
        };
        let Node::Scan(scan_ref) = &scan else { return Err(Error::internal("the target is not a table")) };
        let row_id = scan_ref.row_id.ok_or_else(|| Error::internal("the target has no row ids"))?;
        let shown = names.tables[0].alias.clone();
        self.level().names = names;
        let mut node = view.map_or(scan, ViewTarget::node);
        let mut others = Vec::new();
        if !from.is_empty() {
            let right = self.bind_from(from)?;
            others = right.columns();
            node = Node::Join {
                kind: JoinKind::Inner,
                left: Box::new(node),
                right: Box::new(right),
                on: None,
                lateral: false,
            };
        }
        if let Some(selection) = selection {
            let predicate = match node::current_of(selection) {
                Some(cursor) => return Err(Error::unsupported(format_args!("WHERE CURRENT OF {}", cursor.value))),
                None => self.bind_predicate(selection, Clause::Where)?,
            };
            node = Node::Filter { input: Box::new(node), predicate };
        }
        let row_id_column = Column { id: row_id, name: Arc::from("row id"), ty: crate::physical::ROW_ID, source: None };
        let names = self.level().names.clone();
        Ok(ModifySource { node, names, row_id, row_id_column, others, alias: shown })
    }
}

/// What [`Binder::modify_source`] finds.
pub(crate) struct ModifySource {
    /// The plan.
    pub node: Node,
    /// Names visible to SET, WHERE and RETURNING; the target is the first table.
    pub names: Names,
    /// The target's row id.
    pub row_id: ColumnId,
    /// Likewise, as a column.
    pub row_id_column: Column,
    /// Columns of the other tables, for RETURNING.
    pub others: Vec<Column>,
    /// The target's alias.
    pub alias: Arc<str>,
}

/// After the first table was exchanged: makes unqualified names and `*` follow.
pub(crate) fn replace_target_columns(names: &mut Names) {
    let target = names.tables[0].columns.clone();
    for (column, new) in names.columns.iter_mut().zip(target) {
        *column = new;
    }
}

fn column_count() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "number of columns does not match number of values")
}
