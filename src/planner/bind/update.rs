//! UPDATE.

use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{PolicyCommand, Privileges, Relation};
use dictdb_parser::ast::{self, Expr as Ast, TableFactor, UpdateTableFromKind};
use dictdb_parser::node;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Clause;
use super::names::{Names, Referable};
use super::updatable::{Verb, ViewTarget};
use crate::expr::{Call, ColumnId, Expr, Function, Volatility};
use crate::logical::{Column, JoinKind, Modify, ModifyAction, Node, PolicyStage};

/// The table of an UPDATE or DELETE; the view that it is changed through, with where the accesses that the view makes begin.
pub(crate) type UpdateTarget<'a> = (Arc<Relation>, Option<(&'a ViewTarget, usize)>);

/// Whether an UPDATE reads the rows that it changes.
fn reads_rows(update: &ast::Update) -> bool {
    let computes = update.assignments.iter().any(|assignment| !matches!(assignment.value, Ast::Value(_)));
    update.selection.is_some() || update.returning.is_some() || update.from.is_some() || computes
}

/// What is left of an UPDATE's or DELETE's rows when the target is left out; nothing if its condition looks at the target.
fn without_target(rest: Option<Node>, target: &[Column], predicate: &Expr) -> Option<Option<Node>> {
    let mut mentioned = std::collections::BTreeSet::new();
    crate::columns::expr_columns(predicate, &mut mentioned);
    if target.iter().any(|column| mentioned.contains(&column.id)) {
        return None;
    }
    let input = Box::new(rest.unwrap_or_else(super::rule_rows::one_row));
    Some(Some(Node::Filter { input, predicate: predicate.clone() }))
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
        let relation = view.map_or(named, |(view, _)| view.base_with_defaults());
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
        let bound = self.bind_assignments(relation, &source.current, &update.assignments)?;
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

    /// UPDATE of a table, perhaps through a view.
    fn bind_update_of(
        &mut self,
        update: &ast::Update,
        (relation, view): UpdateTarget<'_>,
        alias: (Option<&ast::TableAlias>, bool),
    ) -> Result<Node> {
        let (mut source, values) = self.update_rows(update, &relation, view, alias)?;
        let (view, reads) = (view.map(|(view, _)| view), reads_rows(update));
        let node = std::mem::replace(&mut source.node, super::rule_rows::one_row());
        let node = self.except_changed(node, &relation, &source, &values)?;
        let mut columns = source.changed.columns();
        let mut targets = Vec::with_capacity(values.len());
        for (attnum, value) in values {
            let column = self.new_column("new", value.ty());
            targets.push((attnum, column.id));
            columns.push((column, value));
        }
        columns.extend(source.others.iter().map(|column| (column.clone(), Expr::column(column))));
        let input = Node::Project { input: Box::new(node), columns };
        let row = self.returned_columns(&relation);
        let (mut checks, generated) = self.row_rules(&relation, &row)?;
        checks.extend(self.as_role(view, |binder| binder.policy_checks(&relation, &row, PolicyStage::Update, reads))?);
        let mut names = source.names.clone();
        names.tables[0] = match view {
            Some(view) => {
                checks.extend(view.checks_over(&row));
                view.row_name(&source.alias, &row)
            }
            None => self.row_name(&relation, &source.alias, &row),
        };
        replace_target_columns(&mut names);
        let target = names.tables[0].clone();
        let returning = self.bind_returning(update.returning.as_ref(), names)?;
        if self.records() {
            self.record_update(update, (&relation, &target, &row), &source, (alias, returning.as_deref()));
        }
        let action = match source.changed {
            Changed::Stored(row_id) => ModifyAction::Update { row_id: row_id.id, assignments: targets },
            Changed::Shown(old) => ModifyAction::Instead { event: Event::Update, old: ids(&old), assignments: targets },
        };
        let (alias, identity) = (source.alias, source.identity);
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

    /// The rows an UPDATE or DELETE works on: the table, perhaps `ONLY` it, joined with FROM or USING, filtered.
    pub(crate) fn modify_source(
        &mut self,
        relation: &Arc<Relation>,
        view: Option<&ViewTarget>,
        (alias, only): (Option<&ast::TableAlias>, bool),
        from: &[ast::TableWithJoins],
        (selection, command, reads): (Option<&Ast>, PolicyCommand, bool),
    ) -> Result<ModifySource> {
        let (scan, names) = match view {
            Some(view) => (view.scan.clone(), view.scan_names(alias, self)?),
            None => {
                let bound = self.bind_relation(relation, alias, only, None)?;
                if relation.is_stored() {
                    self.note_target();
                }
                bound
            }
        };
        let members = match &scan {
            Node::Scan(scan) => scan.members.clone(),
            _ => Arc::from([]),
        };
        let shown = names.tables[0].alias.clone();
        let (changed, stored): (Changed, Vec<(i16, Column)>) = match &scan {
            Node::Scan(scan) => {
                let row_id = scan.row_id.ok_or_else(|| Error::internal("the target has no row ids"))?;
                let (name, ty) = (Arc::from("row id"), crate::physical::ROW_ID);
                let stored = scan.columns.iter().filter(|(_, attnum)| *attnum > 0);
                let stored = stored.map(|(column, attnum)| (*attnum, column.clone())).collect();
                (Changed::Stored(Column { id: row_id, name, ty, source: None }), stored)
            }
            shown => {
                let attnums = relation.live_columns().map(|(attnum, _)| attnum);
                let row: Vec<(i16, Column)> = attnums.zip(shown.columns()).collect();
                (Changed::Shown(row.clone()), row)
            }
        };
        let current: Vec<(i16, Expr)> = stored.iter().map(|(attnum, column)| (*attnum, Expr::column(column))).collect();
        self.enter(&names.tables[0], view.is_none().then_some(relation.oid));
        self.level().names = names;
        let secured = match &scan {
            Node::Scan(scan) if view.is_none() => {
                let commands = [command, PolicyCommand::Select];
                self.visible_rows(relation, &scan.columns, &commands[..1 + usize::from(reads)])?
            }
            _ => Vec::new(),
        };
        let target = scan.columns();
        let mut node = view.map_or(scan, ViewTarget::node);
        node = secured.into_iter().fold(node, |node, predicate| Node::Filter { input: Box::new(node), predicate });
        let mut others = Vec::new();
        let mut identity = Vec::new();
        let given = self.take_rule_rows();
        let mut rest = None;
        if !from.is_empty() || given.is_some() {
            let right = self.beside_target(|binder| binder.bind_from(from))?;
            let right = self.beside_rule_rows(given, right);
            rest = self.spares_target.then(|| Some(right.clone()));
            others = right.columns();
            identity = identity_of(&right);
            node = Node::Join {
                kind: JoinKind::Inner,
                left: Box::new(node),
                right: Box::new(right),
                on: None,
                lateral: false,
            };
        } else if self.spares_target {
            rest = Some(None);
        }
        let mut condition = None;
        if let Some(selection) = selection {
            let predicate = match node::current_of(selection) {
                Some(cursor) => self.current_row_of(cursor, relation)?,
                None => self.bind_predicate(selection, Clause::Where)?,
            };
            condition = (self.records() || self.spares_target).then(|| predicate.clone());
            rest = rest.and_then(|rest| without_target(rest, &target, &predicate));
            node = Node::Filter { input: Box::new(node), predicate };
        }
        let names = self.level().names.clone();
        Ok(ModifySource { node, rest, condition, names, members, changed, others, identity, current, alias: shown })
    }
}

impl Binder<'_> {
    /// Binds FROM or USING: what is LATERAL there sees the target but may not refer to it.
    fn beside_target<T>(&mut self, bind: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let names = &mut self.level().names;
        let count = names.tables.len();
        let columns = std::mem::take(&mut names.columns);
        names.tables.iter_mut().for_each(|table| table.referable = Referable::NotTarget);
        let bound = bind(self)?;
        let names = &mut self.level().names;
        names.tables.iter_mut().take(count).for_each(|table| table.referable = Referable::Yes);
        let others = std::mem::replace(&mut names.columns, columns);
        names.columns.extend(others);
        Ok(bound)
    }

    /// `CURRENT OF cursor`: the row of the target whose `ctid` is that of the cursor's row in the same table. 0A000 for views.
    fn current_row_of(&mut self, cursor: &ast::Ident, relation: &Relation) -> Result<Expr> {
        let system = self.level().names.tables.first().map(|table| table.system.clone()).unwrap_or_default();
        let column = |name: &str| system.iter().find(|column| *column.name == *name).map(|column| column.expr.clone());
        let (Some(ctid), Some(table)) = (column("ctid"), column("tableoid")) else {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "WHERE CURRENT OF on a view is not implemented"));
        };
        let function = self.cursor_function();
        let text = |text: &str| Expr::Const(Datum::text(text), Type::new(oids::TEXT));
        let target = Expr::Const(Datum::Oid(relation.oid.0), Type::new(oids::OID));
        // A variable has the cursor's name.
        let variable = self.variable(&[&cursor.value])?.filter(|variable| variable.ty().oid == oids::REFCURSOR);
        let args = vec![variable.unwrap_or_else(|| text(&cursor.value)), target, table];
        let current = Expr::Call(Box::new(Call::new(function, args, Type::new(oids::TID), None)));
        self.operator_call(&"=".into(), Some(ctid), current, None)
    }

    /// Where a cursor stands: of the session, which knows it by this name.
    fn cursor_function(&self) -> Arc<Function> {
        const NAME: &str = "dictdb_row_of_cursor";
        Arc::new(Function {
            oid: Oid::INVALID,
            name: Arc::from(NAME),
            strict: true,
            volatility: Volatility::Stable,
            returns_set: false,
            source: Arc::from(NAME),
            kernel: self.cx.registry.scalar(NAME),
            set: None,
            aggregate: None,
        })
    }
}

/// What [`Binder::modify_source`] finds.
pub(crate) struct ModifySource {
    /// The plan.
    pub node: Node,
    /// What is left of it without the target, where that can be spared: for rules that do not look at its rows.
    pub rest: Option<Option<Node>>,
    /// The condition, when wording is kept.
    pub condition: Option<Expr>,
    /// Names visible to SET, WHERE and RETURNING; the target is the first table.
    pub names: Names,
    /// The tables that the target's rows are in when they are not its alone.
    pub members: Arc<[Arc<Relation>]>,
    /// What says which row of the target is changed.
    pub changed: Changed,
    /// Columns of the other tables, for RETURNING.
    pub others: Vec<Column>,
    /// Those of them that tell two rows of the other tables apart.
    pub identity: Vec<ColumnId>,
    /// The target's columns before the change, by attnum.
    pub current: Vec<(i16, Expr)>,
    /// The target's alias.
    pub alias: Arc<str>,
}

/// What says which row is changed.
pub(crate) enum Changed {
    /// The row id of a table's row.
    Stored(Column),
    /// The row itself as a view with INSTEAD OF triggers shows it, by attnum.
    Shown(Vec<(i16, Column)>),
}

impl Changed {
    /// As columns of a projection.
    pub fn columns(&self) -> Vec<(Column, Expr)> {
        let pass = |column: &Column| (column.clone(), Expr::column(column));
        match self {
            Changed::Stored(row_id) => vec![pass(row_id)],
            Changed::Shown(row) => row.iter().map(|(_, column)| pass(column)).collect(),
        }
    }
}

/// The columns of a row by attnum.
pub(crate) fn ids(row: &[(i16, Column)]) -> Vec<(i16, ColumnId)> {
    row.iter().map(|(attnum, column)| (*attnum, column.id)).collect()
}

/// After the first table was exchanged: makes unqualified names and `*` follow.
pub(crate) fn replace_target_columns(names: &mut Names) {
    let target = names.tables[0].columns.clone();
    for (column, new) in names.columns.iter_mut().zip(target) {
        *column = new;
    }
}

/// Columns that tell the rows of a FROM clause apart: the row ids of tables, all columns of anything else.
pub(crate) fn identity_of(node: &Node) -> Vec<ColumnId> {
    match node {
        Node::Scan(scan) if scan.row_id.is_some() => scan.row_id.into_iter().collect(),
        Node::Scan(scan) => {
            scan.columns.iter().filter(|(_, attnum)| *attnum > 0).map(|(column, _)| column.id).collect()
        }
        Node::Filter { input, .. } | Node::Sort { input, .. } => identity_of(input),
        Node::Sample(sample) => identity_of(&sample.input),
        Node::Join { left, right, .. } => [identity_of(left), identity_of(right)].concat(),
        other => other.columns().iter().map(|column| column.id).collect(),
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
