//! INSERT.

use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{Privileges, Relation, RelationKind};
use dictdb_parser::ast::{self, OnConflictAction, OnInsert, TableObject};
use dictdb_parser::node;
use dictdb_types::{Error, Result, SqlState};

use super::Binder;
use super::arbiter::Inference;
use super::assign::Target;
use super::clause::Clause;
use super::insert_source::InsertTargets;
use super::names::Names;
use super::updatable::{Verb, ViewTarget};
use crate::expr::Expr;
use crate::logical::{Column, ConflictUpdate, Modify, ModifyAction, Node, OnConflict, PolicyStage};

/// The table of an INSERT, the view that it is changed through, and where the accesses that the view makes begin.
type InsertTarget<'a> = (Arc<Relation>, Option<&'a ViewTarget>, usize);

impl Binder<'_> {
    pub(crate) fn bind_insert(&mut self, insert: &ast::Insert) -> Result<Node> {
        self.with_insert_target(insert, |binder, target, alias| binder.bind_insert_into(insert, target, alias))
    }

    /// Runs `f` with the target of an INSERT, perhaps the table that a view stands for.
    pub(crate) fn with_insert_target<T>(
        &mut self,
        insert: &ast::Insert,
        f: impl FnOnce(&mut Self, InsertTarget<'_>, Arc<str>) -> Result<T>,
    ) -> Result<T> {
        let TableObject::TableName(name) = &insert.table else {
            return Err(Error::unsupported("INSERT INTO other than a table"));
        };
        let named = self.modify_target(name)?;
        let alias: Arc<str> = insert
            .table_alias
            .as_ref()
            .map_or_else(|| named.name.clone(), |alias| Arc::from(alias.alias.value.as_str()));
        if self.changes_itself(&named, Event::Insert) {
            return f(self, (named, None, 0), alias);
        }
        let first_access = self.accesses.len();
        let view = Arc::new(self.view_target(&named, Verb::Insert)?);
        let outer = self.target_view.replace((view.clone(), Verb::Insert));
        let bound = f(self, (view.base_with_defaults(), Some(&view), first_access), alias);
        self.target_view = outer;
        bound
    }

    /// The rows that an INSERT inserts, the columns that they have values for, and how many of these were given.
    pub(crate) fn insert_rows(
        &mut self,
        insert: &ast::Insert,
        relation: &Arc<Relation>,
        (view, first_access): (Option<&ViewTarget>, usize),
    ) -> Result<(Node, Vec<i16>, usize)> {
        let table = relation.clone();
        let written = InsertTargets {
            targets: match view.filter(|_| insert.columns.is_empty()) {
                Some(view) => self.view_targets(&table, view, insert.source.as_deref())?,
                None => self.insert_targets(&table, &insert.columns)?,
            },
            explicit: !insert.columns.is_empty(),
            overriding: node::overriding(insert),
        };
        if let Some(view) = view {
            check_once(&written.targets)?;
            view.check_defaults(Verb::Insert)?;
        }
        let attnums: Vec<i16> = written.targets.iter().map(|target| target.attnum).collect();
        match view {
            Some(view) => self.note_view_change(view, Privileges::INSERT, &attnums, first_access),
            None => self.note_change(relation, Privileges::INSERT, attnums),
        }
        let (input, given) = match &insert.source {
            None => {
                let rows = self.take_rule_rows();
                (rows.unwrap_or_else(super::rule_rows::one_row), Vec::new())
            }
            Some(query) => self.insert_source(&written, query)?,
        };
        let count = given.len();
        let (input, targets) = self.add_defaults(relation, input, given)?;
        Ok((input, targets, count))
    }

    /// INSERT into a table, perhaps through a view.
    fn bind_insert_into(
        &mut self,
        insert: &ast::Insert,
        (relation, view, first_access): InsertTarget<'_>,
        alias: Arc<str>,
    ) -> Result<Node> {
        let row = self.returned_columns(&relation);
        let names = Names::of_table(match view {
            Some(view) => view.row_name(&alias, &row),
            None => self.row_name(&relation, &alias, &row),
        });
        self.enter(&names.tables[0], view.is_none().then_some(relation.oid));
        let (input, targets, count) = self.insert_rows(insert, &relation, (view, first_access))?;
        let input = self.except_inserted(input, &relation, &targets)?;
        let (mut checks, generated) = self.row_rules(&relation, &row)?;
        let updates = matches!(
            &insert.on,
            Some(OnInsert::OnConflict(conflict)) if matches!(conflict.action, OnConflictAction::DoUpdate(_))
        );
        let reads = insert.returning.is_some() || insert.on.is_some();
        checks.extend(self.as_role(view, |binder| {
            let mut checks = binder.policy_checks(&relation, &row, PolicyStage::Insert, reads)?;
            for stage in [PolicyStage::Conflict, PolicyStage::Update].into_iter().filter(|_| updates) {
                checks.extend(binder.policy_checks(&relation, &row, stage, true)?);
            }
            Ok(checks)
        })?);
        checks.extend(view.into_iter().flat_map(|view| view.checks_over(&row)));
        let given = self.recorded_given();
        let conflict = match &insert.on {
            None => None,
            Some(OnInsert::OnConflict(_)) if matches!(relation.kind, RelationKind::Virtual) => {
                let message = "ON CONFLICT is not supported with system catalog tables";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            Some(OnInsert::OnConflict(conflict)) => {
                Some(self.bind_on_conflict((&relation, view), &alias, insert, conflict)?)
            }
            Some(other) => return Err(Error::unsupported(format_args!("{other}"))),
        };
        let target = names.tables[0].clone();
        let returning = self.bind_returning(insert.returning.as_ref(), names)?;
        let on_conflict = match conflict {
            Some((mut on_conflict, inference)) => {
                self.choose_arbiters(&relation, view, &mut on_conflict, inference)?;
                Some(on_conflict)
            }
            None => None,
        };
        if self.records() {
            self.record_insert(insert, (&relation, &target, &row), (given, on_conflict.as_ref()), returning.as_deref());
        }
        let action = ModifyAction::Insert { targets, given: count, on_conflict };
        let alias = if view.is_some() { relation.name.clone() } else { alias };
        Ok(Node::Modify(Box::new(Modify {
            members: self.cx.catalog.members(&relation).into(),
            relation,
            alias,
            action,
            input,
            identity: Vec::new(),
            row,
            returning,
            checks,
            generated,
        })))
    }

    /// Adds the defaults of columns that no value was given for.
    pub(crate) fn add_defaults(
        &mut self,
        relation: &Relation,
        input: Node,
        mut given: Vec<i16>,
    ) -> Result<(Node, Vec<i16>)> {
        let mut defaults = Vec::new();
        for (attnum, column) in relation.live_columns() {
            let constrained = column.default.is_some()
                || self.cx.catalog.domain(column.ty.oid).is_some()
                || self.cx.catalog.domain_default(column.ty.oid).is_some();
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
        (relation, view): (&Arc<Relation>, Option<&ViewTarget>),
        alias: &str,
        insert: &ast::Insert,
        conflict: &ast::OnConflict,
    ) -> Result<(OnConflict, Option<Inference>)> {
        self.ranges += 1;
        let named = view.map_or_else(|| relation.clone(), ViewTarget::base_as_named);
        if matches!(conflict.action, OnConflictAction::DoUpdate(_)) && conflict.conflict_target.is_none() {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                "ON CONFLICT DO UPDATE requires inference specification or constraint name",
            )
            .hint("For example, ON CONFLICT (column_name)."));
        }
        let target = self.inference(&named, insert)?;
        let update = match &conflict.action {
            OnConflictAction::DoNothing => None,
            OnConflictAction::DoUpdate(update) => Some(self.bind_conflict_update((relation, view), alias, update)?),
        };
        Ok((OnConflict { indexes: self.named_arbiter(relation, conflict)?, update }, target))
    }

    /// The indexes in which rows may conflict, where the statement does not name their constraint.
    fn choose_arbiters(
        &mut self,
        relation: &Arc<Relation>,
        view: Option<&ViewTarget>,
        on_conflict: &mut OnConflict,
        inference: Option<Inference>,
    ) -> Result<()> {
        if let Some(inference) = inference {
            on_conflict.indexes = self.inferred_arbiters(relation, &inference)?;
        }
        on_conflict.indexes.iter().for_each(|index| self.note_arbiter(relation, view, *index));
        Ok(())
    }

    fn bind_conflict_update(
        &mut self,
        (relation, view): (&Arc<Relation>, Option<&ViewTarget>),
        alias: &str,
        update: &ast::DoUpdate,
    ) -> Result<ConflictUpdate> {
        let existing = self.row_columns(relation);
        let excluded = self.row_columns(relation);
        let name = |binder: &Self, alias: &str, row: &super::modify::RowColumns| match view {
            Some(view) => view.row_name(alias, row),
            None => binder.row_name(relation, alias, row),
        };
        let mut names = Names::of_table(name(self, alias, &existing));
        let other = name(self, "excluded", &excluded);
        let other = super::names::TableName { schema: None, ..other };
        self.enter(&other, None);
        names.columns.extend(other.columns.iter().cloned());
        names.tables.push(other);
        self.level().names = names;
        let current: Vec<(i16, Expr)> =
            existing.iter().map(|(column, attnum)| (*attnum, Expr::column(column))).collect();
        let updated = view.map_or_else(|| relation.clone(), ViewTarget::base_to_update);
        let bound = self.bind_assignments(&updated, &current, &update.assignments)?;
        let (assignments, rows) = (bound.values, bound.rows);
        let assigned: Vec<i16> = assignments.iter().map(|(attnum, _)| *attnum).collect();
        match view {
            Some(view) => self.note_view_change(view, Privileges::UPDATE, &assigned, self.accesses.len()),
            None => self.note_change(relation, Privileges::UPDATE, assigned),
        }
        let filter = match &update.selection {
            Some(selection) => Some(self.bind_predicate(selection, Clause::Where)?),
            None => None,
        };
        let assignments = assignments
            .into_iter()
            .map(|(attnum, mut value)| {
                // There is no node below that could compute a subquery's row once.
                for (row, link) in &rows {
                    crate::columns::replace_in_expr(&mut value, row.id, link);
                }
                (attnum, value)
            })
            .collect();
        self.level().names = Names::default();
        Ok(ConflictUpdate { existing, excluded, assignments, filter })
    }
}

/// 42601 for a column of the table that two columns of a view stand for, given twice.
fn check_once(targets: &[Target<'_>]) -> Result<()> {
    for (place, target) in targets.iter().enumerate() {
        if targets[..place].iter().any(|other| other.attnum == target.attnum && (other.is_whole() || target.is_whole()))
        {
            let message = format!("multiple assignments to same column \"{}\"", target.column.name);
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
    }
    Ok(())
}
