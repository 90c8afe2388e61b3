//! The rows that UPDATE and DELETE work on, and what both make of them: the change with its RETURNING.

use std::sync::Arc;

use dictdb_catalog::{PolicyCommand, Relation, RelationKind};
use dictdb_parser::ast::{self, Expr as Ast};
use dictdb_parser::node;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Clause;
use super::modify::{RowColumns, RowRules};
use super::names::{Names, Referable};
use super::updatable::ViewTarget;
use crate::expr::{Call, ColumnId, Expr, Function, Volatility};
use crate::logical::{Column, JoinKind, Modify, ModifyAction, Node};

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
        let scanned = if let Node::Scan(scan) = &scan { scan.alias.clone() } else { shown.clone() };
        let (changed, stored) = target_row(&scan, relation)?;
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
        Ok(ModifySource {
            node,
            rest,
            condition,
            names,
            members,
            changed,
            others,
            identity,
            current,
            alias: shown,
            scanned,
        })
    }

    /// The rows found, without those that conditional rules take over, with what the change needs of them: which row, the new values
    /// of columns, and what RETURNING sees of the other tables. The columns of the new values come with them, by attnum.
    pub(super) fn changed_input(
        &mut self,
        source: &mut ModifySource,
        relation: &Relation,
        values: Vec<(i16, Expr)>,
    ) -> Result<(Node, Vec<(i16, ColumnId)>)> {
        let node = std::mem::replace(&mut source.node, super::rule_rows::one_row());
        let node = self.except_changed(node, relation, source, &values)?;
        let mut columns = source.changed.columns();
        let mut targets = Vec::with_capacity(values.len());
        for (attnum, value) in values {
            let column = self.new_column("new", value.ty());
            targets.push((attnum, column.id));
            columns.push((column, value));
        }
        columns.extend(source.others.iter().map(|column| (column.clone(), Expr::column(column))));
        Ok((Node::Project { input: Box::new(node), columns }, targets))
    }

    /// What RETURNING names: the tables the rows were found in, the target with the row that the change makes or removes.
    pub(super) fn changed_names(
        &self,
        source: &ModifySource,
        relation: &Relation,
        view: Option<&ViewTarget>,
        row: &RowColumns,
    ) -> Names {
        let mut names = source.names.clone();
        names.tables[0] = match view {
            Some(view) => view.row_name(&source.alias, row),
            None => self.row_name(relation, &source.alias, row),
        };
        replace_target_columns(&mut names);
        names
    }

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
        Arc::new(Function {
            oid: Oid::INVALID,
            name: Arc::from(ROW_OF_CURSOR),
            strict: true,
            volatility: Volatility::Stable,
            returns_set: false,
            source: Arc::from(ROW_OF_CURSOR),
            kernel: self.cx.registry.scalar(ROW_OF_CURSOR),
            set: None,
            aggregate: None,
        })
    }
}

/// The function that says where a cursor stands.
const ROW_OF_CURSOR: &str = "dictdb_row_of_cursor";

/// The cursor whose current row a value is, when the statement names it.
pub(crate) fn cursor_of(value: &Expr) -> Option<&str> {
    let Expr::Call(call) = value else { return None };
    match call.args.first() {
        Some(Expr::Const(Datum::Text(cursor), _)) if &*call.function.source == ROW_OF_CURSOR => Some(cursor),
        _ => None,
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
    /// The alias of the table that is changed: a view's own one of its table.
    pub scanned: Arc<str>,
}

impl ModifySource {
    /// The change of these rows.
    pub fn into_modify(
        self,
        relation: Arc<Relation>,
        action: ModifyAction,
        input: Node,
        (row, returning): (RowColumns, Option<Vec<(Column, Expr)>>),
        (checks, generated): RowRules,
    ) -> Node {
        let ModifySource { scanned: alias, members, identity, .. } = self;
        Node::Modify(Box::new(Modify {
            relation,
            alias,
            members,
            action,
            input,
            identity,
            row,
            returning,
            checks,
            generated,
        }))
    }
}

/// What says which row is changed.
pub(crate) enum Changed {
    /// The row id of a table's row.
    Stored(Column),
    /// The row itself as a view with INSTEAD OF triggers or a system catalog shows it, by attnum.
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

/// What says which row of a scanned target is changed, and the row's columns by attnum.
fn target_row(scan: &Node, relation: &Relation) -> Result<(Changed, Vec<(i16, Column)>)> {
    match scan {
        Node::Scan(scan) => {
            let stored = scan.columns.iter().filter(|(_, attnum)| *attnum > 0);
            let stored: Vec<_> = stored.map(|(column, attnum)| (*attnum, column.clone())).collect();
            if matches!(relation.kind, RelationKind::Virtual) {
                return Ok((Changed::Shown(stored.clone()), stored));
            }
            let row_id = scan.row_id.ok_or_else(|| Error::internal("the target has no row ids"))?;
            let (name, ty) = (Arc::from("row id"), crate::physical::ROW_ID);
            Ok((Changed::Stored(Column { id: row_id, name, ty, source: None }), stored))
        }
        shown => {
            let attnums = relation.live_columns().map(|(attnum, _)| attnum);
            let row: Vec<(i16, Column)> = attnums.zip(shown.columns()).collect();
            Ok((Changed::Shown(row.clone()), row))
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
