//! INSERT.

use std::sync::Arc;

use dictdb_catalog::{
    Column as TableColumn, ConstraintKind, Identity, IndexTarget, Privileges, Relation, RelationKind,
};
use dictdb_parser::ast::{self, OnConflictAction, OnInsert, SetExpr, TableObject};
use dictdb_parser::node::{self, Overriding};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::Binder;
use super::clause::Clause;
use super::modify::{assigned_twice, not_assignable};
use super::names::Names;
use super::updatable::{Verb, ViewTarget};
use crate::expr::Expr;
use crate::logical::{Column, ConflictUpdate, Modify, ModifyAction, Node, OnConflict};

impl Binder<'_> {
    pub(crate) fn bind_insert(&mut self, insert: &ast::Insert) -> Result<Node> {
        let TableObject::TableName(name) = &insert.table else {
            return Err(Error::unsupported("INSERT INTO other than a table"));
        };
        let named = self.modify_target(name)?;
        let alias: Arc<str> = insert
            .table_alias
            .as_ref()
            .map_or_else(|| named.name.clone(), |alias| Arc::from(alias.alias.value.as_str()));
        if !matches!(named.kind, RelationKind::View(_)) {
            return self.bind_insert_into(insert, named, None, alias);
        }
        let view = Arc::new(self.view_target(&named, Verb::Insert)?);
        let outer = self.target_view.replace((view.clone(), Verb::Insert));
        let bound = self.bind_insert_into(insert, view.base_with_defaults(), Some(&view), alias);
        self.target_view = outer;
        bound
    }

    /// INSERT into a table, perhaps through a view.
    fn bind_insert_into(
        &mut self,
        insert: &ast::Insert,
        relation: Arc<Relation>,
        view: Option<&ViewTarget>,
        alias: Arc<str>,
    ) -> Result<Node> {
        let targets = self.insert_targets(&relation, view, insert)?;
        match view {
            Some(view) => self.note_change(&view.view, Privileges::INSERT, Vec::new()),
            None => self.note_change(&relation, Privileges::INSERT, targets.clone()),
        }
        let overriding = node::overriding(insert);
        let (input, given) = match &insert.source {
            None => (Node::Values { columns: Vec::new(), rows: vec![Vec::new()] }, Vec::new()),
            Some(query) => self.insert_source(&relation, &targets, query, overriding)?,
        };
        let (input, targets) = self.add_defaults(&relation, input, given)?;
        let row = self.row_columns(&relation);
        let (mut checks, generated) = self.row_rules(&relation, &row)?;
        let names = match view {
            Some(view) => {
                checks.extend(view.checks_over(&row));
                Names::of_table(view.row_name(&alias, &row))
            }
            None => Names::of_table(self.row_name(&relation, &alias, &row)),
        };
        let on_conflict = match &insert.on {
            None => None,
            Some(OnInsert::OnConflict(_)) if view.is_some() => {
                return Err(Error::unsupported("ON CONFLICT of an INSERT into a view"));
            }
            Some(OnInsert::OnConflict(conflict)) => Some(self.bind_on_conflict(&relation, &alias, insert, conflict)?),
            Some(other) => return Err(Error::unsupported(format_args!("{other}"))),
        };
        let returning = self.bind_returning(insert.returning.as_ref(), names)?;
        let action = ModifyAction::Insert { targets, on_conflict };
        Ok(Node::Modify(Box::new(Modify { relation, alias, action, input, row, returning, checks, generated })))
    }

    /// The columns that values are given for, in the order written.
    fn insert_targets(&self, relation: &Relation, view: Option<&ViewTarget>, insert: &ast::Insert) -> Result<Vec<i16>> {
        if let (true, Some(view)) = (insert.columns.is_empty(), view) {
            let width = insert.source.as_ref().map_or(0, |query| source_width(query).unwrap_or(view.width()));
            return if width == 0 { Ok(Vec::new()) } else { view.all_targets(width, Verb::Insert) };
        }
        if insert.columns.is_empty() {
            return Ok(relation.live_columns().map(|(attnum, _)| attnum).collect());
        }
        let mut targets = Vec::with_capacity(insert.columns.len());
        for name in &insert.columns {
            let (attnum, column, position) = self.target_column(relation, name)?;
            if targets.contains(&attnum) {
                return Err(assigned_twice(&column.name).at(position));
            }
            targets.push(attnum);
        }
        Ok(targets)
    }

    /// The rows, coerced to the columns' types, and the columns they give.
    fn insert_source(
        &mut self,
        relation: &Relation,
        targets: &[i16],
        query: &ast::Query,
        overriding: Option<Overriding>,
    ) -> Result<(Node, Vec<i16>)> {
        if let SetExpr::Values(values) = &*query.body
            && query.with.is_none()
            && query.order_by.is_none()
            && query.limit_clause.is_none()
            && query.fetch.is_none()
        {
            return self.insert_values(relation, targets, values, overriding);
        }
        let node = self.bind_subquery(query)?;
        let produced = node.columns();
        self.check_width(relation, targets, produced.len(), query)?;
        let mut columns = Vec::with_capacity(produced.len());
        let mut given = Vec::with_capacity(produced.len());
        for (source, attnum) in produced.iter().zip(targets) {
            let Some(column) = relation.column(*attnum) else { continue };
            if user_value_ignored(column, overriding) {
                continue;
            }
            check_assignable(column, overriding)?;
            let value = match literal_behind(&node, source) {
                Some(literal) => literal,
                None => Expr::column(source),
            };
            let value = self.coerce_for_column(value, column, None)?;
            columns.push((self.new_column(column.name.clone(), value.ty()), value));
            given.push(*attnum);
        }
        Ok((Node::Project { input: Box::new(node), columns }, given))
    }

    fn insert_values(
        &mut self,
        relation: &Relation,
        targets: &[i16],
        values: &ast::Values,
        overriding: Option<Overriding>,
    ) -> Result<(Node, Vec<i16>)> {
        let width = values.rows.first().map_or(0, |row| row.content.len());
        let first = values.rows.first().and_then(|row| row.content.first());
        self.check_width_at(relation, targets, width, first)?;
        let targets: Vec<i16> = targets[..width.min(targets.len())].to_vec();
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            if row.content.len() != width {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length")
                    .at(row.content.first().and_then(|expr| self.leftmost(expr))));
            }
            let mut bound = Vec::with_capacity(width);
            for (expr, attnum) in row.content.iter().zip(&targets) {
                let Some(column) = relation.column(*attnum) else { continue };
                bound.push(self.insert_value(expr, column, overriding)?);
            }
            rows.push(bound);
        }
        let columns = targets
            .iter()
            .filter_map(|attnum| relation.column(*attnum))
            .map(|column| self.new_column(column.name.clone(), column.ty))
            .collect();
        Ok((Node::Values { columns, rows }, targets))
    }

    fn insert_value(&mut self, expr: &ast::Expr, column: &TableColumn, overriding: Option<Overriding>) -> Result<Expr> {
        if node::is_default(expr) || user_value_ignored(column, overriding) {
            return self.default_of(column);
        }
        let position = self.leftmost(expr);
        check_assignable(column, overriding).map_err(|e| e.at(position))?;
        let bound = self.in_clause(Clause::Values, |binder| binder.bind_expr(expr))?;
        self.coerce_for_column(bound, column, position)
    }

    fn check_width(&self, relation: &Relation, targets: &[i16], width: usize, query: &ast::Query) -> Result<()> {
        let first = match &*query.body {
            SetExpr::Select(select) => select.projection.first().and_then(|item| match item {
                ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => Some(expr),
                _ => None,
            }),
            _ => None,
        };
        self.check_width_at(relation, targets, width, first)
    }

    fn check_width_at(
        &self,
        relation: &Relation,
        targets: &[i16],
        width: usize,
        first: Option<&ast::Expr>,
    ) -> Result<()> {
        let explicit = targets.len() != relation.live_columns().count();
        if width > targets.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "INSERT has more expressions than target columns")
                .at(first.and_then(|expr| self.leftmost(expr))));
        }
        if explicit && width < targets.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "INSERT has more target columns than expressions"));
        }
        Ok(())
    }

    /// Adds the defaults of columns that no value was given for.
    fn add_defaults(&mut self, relation: &Relation, input: Node, mut given: Vec<i16>) -> Result<(Node, Vec<i16>)> {
        let mut defaults = Vec::new();
        for (attnum, column) in relation.live_columns() {
            let constrained = column.default.is_some() || self.cx.catalog.domain(column.ty.oid).is_some();
            if given.contains(&attnum) || column.generated || !constrained {
                continue;
            }
            let value = self.default_of(column)?;
            defaults.push((attnum, self.new_column(column.name.clone(), column.ty), value));
        }
        if defaults.is_empty() {
            return Ok((input, given));
        }
        given.extend(defaults.iter().map(|(attnum, ..)| *attnum));
        let node = match input {
            Node::Values { mut columns, mut rows } => {
                for (_, column, value) in &defaults {
                    columns.push(column.clone());
                    rows.iter_mut().for_each(|row| row.push(value.clone()));
                }
                Node::Values { columns, rows }
            }
            other => {
                let mut columns: Vec<(Column, Expr)> =
                    other.columns().into_iter().map(|column| (column.clone(), Expr::column(&column))).collect();
                for (column, _) in &mut columns {
                    column.id = self.new_id();
                }
                columns.extend(defaults.into_iter().map(|(_, column, value)| (column, value)));
                Node::Project { input: Box::new(other), columns }
            }
        };
        Ok((node, given))
    }

    fn bind_on_conflict(
        &mut self,
        relation: &Arc<Relation>,
        alias: &str,
        insert: &ast::Insert,
        conflict: &ast::OnConflict,
    ) -> Result<OnConflict> {
        let indexes = self.arbiters(relation, insert, conflict)?;
        let update = match &conflict.action {
            OnConflictAction::DoNothing => None,
            OnConflictAction::DoUpdate(_) if conflict.conflict_target.is_none() => {
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    "ON CONFLICT DO UPDATE requires inference specification or constraint name",
                )
                .hint("For example, ON CONFLICT (column_name)."));
            }
            OnConflictAction::DoUpdate(update) => Some(self.bind_conflict_update(relation, alias, update)?),
        };
        Ok(OnConflict { indexes, update })
    }

    fn bind_conflict_update(
        &mut self,
        relation: &Arc<Relation>,
        alias: &str,
        update: &ast::DoUpdate,
    ) -> Result<ConflictUpdate> {
        let existing = self.row_columns(relation);
        let excluded = self.row_columns(relation);
        let mut names = Names::of_table(self.row_name(relation, alias, &existing));
        let mut other = self.row_name(relation, "excluded", &excluded);
        other.schema = None;
        names.tables.push(other);
        self.level().names = names;
        let assignments = self.bind_assignments(relation, &update.assignments)?;
        self.note_change(relation, Privileges::UPDATE, assignments.iter().map(|(attnum, _)| *attnum).collect());
        let filter = match &update.selection {
            Some(selection) => Some(self.bind_predicate(selection, Clause::Where)?),
            None => None,
        };
        self.level().names = Names::default();
        Ok(ConflictUpdate { existing, excluded, assignments, filter })
    }

    /// The unique indexes an ON CONFLICT target means; 42P10 when there is none.
    fn arbiters(&self, relation: &Relation, insert: &ast::Insert, conflict: &ast::OnConflict) -> Result<Vec<Oid>> {
        if let Some(ast::ConflictTarget::OnConstraint(name)) = &conflict.conflict_target {
            let parts = super::names::idents(name)?;
            return constraint_arbiter(relation, &super::names::dotted(&parts));
        }
        let Some(target) = node::conflict_target(insert) else { return Ok(Vec::new()) };
        let mut attnums = Vec::with_capacity(target.elements.len());
        for element in &target.elements {
            let Some(ident) = element.column else {
                return Err(Error::unsupported("an expression in an ON CONFLICT target"));
            };
            let (attnum, _) = relation.column_named(&ident.value).ok_or_else(|| {
                Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{}\" does not exist", ident.value))
                    .at(self.position(ident.span))
            })?;
            attnums.push(attnum);
        }
        self.matching_indexes(relation, &attnums, target.predicate.is_some())
    }

    fn matching_indexes(&self, relation: &Relation, attnums: &[i16], partial: bool) -> Result<Vec<Oid>> {
        let matches = |oid: &Oid| {
            let Some(info) = self.cx.catalog.relation(*oid).and_then(|index| index.index().cloned()) else {
                return false;
            };
            let keys: Option<Vec<i16>> = info
                .keys
                .iter()
                .map(|key| match key.target {
                    IndexTarget::Column(attnum) => Some(attnum),
                    IndexTarget::Expression(_) => None,
                })
                .collect();
            let Some(keys) = keys else { return false };
            info.unique
                && (info.predicate.is_none() || partial)
                && keys.iter().all(|key| attnums.contains(key))
                && attnums.iter().all(|attnum| keys.contains(attnum))
        };
        let found: Vec<Oid> = relation.indexes.iter().copied().filter(matches).collect();
        if found.is_empty() {
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                "there is no unique or exclusion constraint matching the ON CONFLICT specification",
            ));
        }
        Ok(found)
    }
}

/// The number of columns that VALUES gives.
fn source_width(query: &ast::Query) -> Option<usize> {
    match &*query.body {
        SetExpr::Values(values) => values.rows.first().map(|row| row.content.len()),
        _ => None,
    }
}

fn constraint_arbiter(relation: &Relation, name: &str) -> Result<Vec<Oid>> {
    match relation.constraints.iter().find(|constraint| *constraint.name == *name).map(|constraint| &constraint.kind) {
        Some(ConstraintKind::Primary { index, .. } | ConstraintKind::Unique { index, .. }) => Ok(vec![*index]),
        Some(_) => {
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "constraint in ON CONFLICT clause has no associated index"))
        }
        None => Err(Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("constraint \"{name}\" for table \"{}\" does not exist", relation.name),
        )),
    }
}

fn user_value_ignored(column: &TableColumn, overriding: Option<Overriding>) -> bool {
    column.identity.is_some() && overriding == Some(Overriding::User)
}

fn check_assignable(column: &TableColumn, overriding: Option<Overriding>) -> Result<()> {
    let always = column.identity == Some(Identity::Always) && overriding != Some(Overriding::System);
    if column.generated || always { Err(not_assignable(column, "insert")) } else { Ok(()) }
}

/// The constant behind an output column: `INSERT … SELECT 'x'` reads the literal as the column's type.
fn literal_behind(node: &Node, column: &Column) -> Option<Expr> {
    let Node::Project { columns, .. } = node else { return None };
    let (_, expr) = columns.iter().find(|(c, _)| c.id == column.id)?;
    let unknown = expr.ty().oid == dictdb_types::oids::UNKNOWN;
    (unknown && matches!(expr, Expr::Const(..) | Expr::Param(..))).then(|| expr.clone())
}
