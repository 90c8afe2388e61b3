//! How the binder keeps a query's wording: what it binds is pushed here, and whoever encloses it takes it from here.
//!
//! Every method does nothing unless the binder was asked to record.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Relation};
use dictdb_parser::ast::{self, JoinConstraint, TableFactor};
use dictdb_parser::node;

use super::tree::{
    Assignment, Body, Calls, Change, Cte, Cycle, FromItem, Functions, Group, Join, JoinAlias, Lock, Query, Sample,
    Search, Select, SetOp, Source, Table, TargetName,
};
use crate::bind::{Binder, NamedColumn, Names, TableName};
use crate::expr::Expr;
use crate::logical::{Column, FunctionItem, FunctionScan, JoinKind, Node, SampleMethod, SetOpKind};

/// What has been bound and not yet been taken.
#[derive(Default)]
pub(crate) struct Recorder {
    queries: Vec<Query>,
    bodies: Vec<Body>,
    from: Vec<FromItem>,
    ctes: Vec<Cte>,
    /// The values given to columns by the statement being bound.
    given: Vec<Assignment>,
    /// The catalog whose names tables and columns get, when it is not the one they are bound over.
    renamed: Option<Arc<Catalog>>,
}

impl Recorder {
    pub(crate) fn new(renamed: Option<Arc<Catalog>>) -> Self {
        Recorder { renamed, ..Recorder::default() }
    }
}

fn name(ident: &ast::Ident) -> Arc<str> {
    Arc::from(ident.value.as_str())
}

fn last<T>(items: &mut Vec<T>, count: usize) -> Vec<T> {
    items.split_off(items.len().saturating_sub(count))
}

impl Binder<'_> {
    /// The query recorded last.
    pub(crate) fn recorded_query(&mut self) -> Option<Query> {
        self.recorder.as_mut()?.queries.pop()
    }

    /// A whole query: its body has been recorded, and its WITH items before.
    pub(crate) fn record_query(&mut self, syntax: &ast::Query, node: &Node) {
        let Some(recorder) = &mut self.recorder else { return };
        let Some(body) = recorder.bodies.pop() else { return };
        let count = syntax.with.as_ref().map_or(0, |with| with.cte_tables.len());
        let mut query = Query::of(body);
        query.recursive = syntax.with.as_ref().is_some_and(|with| with.recursive);
        query.ctes = last(&mut recorder.ctes, count);
        let mut inner = match node {
            Node::With { body, .. } if count > 0 => body,
            other => other,
        };
        if let Node::Limit { limit, offset, with_ties, input } = inner
            && (syntax.limit_clause.is_some() || syntax.fetch.is_some())
        {
            (query.limit, query.offset, query.with_ties) = (limit.clone(), offset.clone(), *with_ties);
            inner = input;
        }
        query.order = match (&mut query.body, inner) {
            (Body::Select(select), _) => std::mem::take(&mut select.order),
            (_, Node::Sort { keys, .. }) if syntax.order_by.is_some() => keys.clone(),
            _ => Vec::new(),
        };
        query.locks = syntax.locks.iter().map(lock_words).collect();
        recorder.queries.push(query);
    }

    /// A SELECT, before its grouping is applied to the expressions.
    pub(crate) fn record_select(&mut self, syntax: &ast::Select, mut select: Select) {
        if self.recorder.is_none() {
            return;
        }
        let level = self.level();
        select.calls = Calls {
            aggregates: level.aggregates.clone(),
            groupings: level
                .groupings
                .iter()
                .map(|(column, args)| (column.clone(), args.iter().map(|(arg, _)| arg.clone()).collect()))
                .collect(),
            windows: level.windows.clone(),
            sets: level.sets.clone(),
        };
        select.windows = level.named_windows.clone();
        if let Some(recorder) = &mut self.recorder {
            select.from = last(&mut recorder.from, syntax.from.len());
            recorder.bodies.push(Body::Select(Box::new(select)));
        }
    }

    /// `TABLE t`, which is `SELECT * FROM t`.
    pub(crate) fn record_table_command(&mut self, list: &[(Column, Expr)]) {
        let Some(recorder) = &mut self.recorder else { return };
        let from = last(&mut recorder.from, 1);
        recorder.bodies.push(Body::Select(Box::new(Select { list: list.to_vec(), from, ..Select::default() })));
    }

    /// `VALUES`.
    pub(crate) fn record_values(&mut self, rows: &[Vec<Expr>]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.bodies.push(Body::Values(rows.to_vec()));
        }
    }

    /// A parenthesised query as an arm of a set operation.
    pub(crate) fn record_nested_body(&mut self) {
        let Some(recorder) = &mut self.recorder else { return };
        if let Some(query) = recorder.queries.pop() {
            let body = if query.has_clauses() { Body::Query(Box::new(query)) } else { query.body };
            recorder.bodies.push(body);
        }
    }

    /// A set operation over the two bodies recorded last.
    pub(crate) fn record_set_operation(&mut self, kind: SetOpKind, all: bool, columns: &[Column]) {
        let Some(recorder) = &mut self.recorder else { return };
        if let (Some(right), Some(left)) = (recorder.bodies.pop(), recorder.bodies.pop()) {
            let columns = columns.to_vec();
            recorder.bodies.push(Body::SetOp(Box::new(SetOp { kind, all, columns, left, right })));
        }
    }

    /// A `WITH` item over the query recorded last.
    pub(crate) fn record_cte(&mut self, syntax: &ast::Cte, materialized: Option<bool>) {
        let cycle = self.recorder.is_some().then(|| self.recorded_cycle(syntax)).flatten();
        let Some(recorder) = &mut self.recorder else { return };
        let Some(query) = recorder.queries.pop() else { return };
        let columns = syntax.alias.columns.iter().map(|column| name(&column.name)).collect();
        let search = node::search(&syntax.query).map(|search| Search {
            depth_first: search.depth_first,
            columns: search.columns.iter().copied().map(name).collect(),
            sequence: name(search.sequence),
        });
        recorder.ctes.push(Cte { name: name(&syntax.alias.name), columns, query, materialized, search, cycle });
    }

    fn recorded_cycle(&mut self, syntax: &ast::Cte) -> Option<Cycle> {
        let cycle = node::cycle(&syntax.query)?;
        let values = [cycle.value, cycle.default].map(|value| {
            let bound = self.in_level(|binder| {
                let bound = binder.bind_expr(value)?;
                binder.resolve_unknown(bound)
            });
            bound.unwrap_or(Expr::Const(dictdb_types::Datum::Null, dictdb_types::oids::TEXT.into()))
        });
        let truth =
            |expr: &Expr, want| matches!(expr, Expr::Const(dictdb_types::Datum::Bool(value), _) if *value == want);
        let plain = truth(&values[0], true) && truth(&values[1], false);
        Some(Cycle {
            columns: cycle.columns.iter().copied().map(name).collect(),
            mark: name(cycle.mark),
            values: (!plain).then_some(values),
            path: name(cycle.path),
        })
    }

    /// Puts the items of a `WITH` clause recorded last back in the order they were written in.
    pub(crate) fn record_cte_order(&mut self, order: &[(usize, bool)]) {
        let Some(recorder) = &mut self.recorder else { return };
        let mut items: Vec<_> =
            order.iter().map(|(index, _)| *index).zip(last(&mut recorder.ctes, order.len())).collect();
        items.sort_by_key(|(index, _)| *index);
        recorder.ctes.extend(items.into_iter().map(|(_, item)| item));
    }

    /// The two terms of a recursive `WITH` item as one query; its own WITH items were recorded before.
    pub(crate) fn record_recursive_terms(&mut self, syntax: &ast::Query, all: bool, columns: &[Column]) {
        self.record_set_operation(SetOpKind::Union, all, columns);
        let Some(recorder) = &mut self.recorder else { return };
        let Some(body) = recorder.bodies.pop() else { return };
        let count = syntax.with.as_ref().map_or(0, |with| with.cte_tables.len());
        recorder.queries.push(Query { ctes: last(&mut recorder.ctes, count), ..Query::of(body) });
    }

    /// A table, view or `WITH` item by name.
    pub(crate) fn record_table(
        &mut self,
        source: impl FnOnce() -> Source,
        alias: Option<&ast::TableAlias>,
        names: &Names,
    ) {
        if self.recorder.is_some() {
            self.push_table(source(), alias, names, false);
        }
    }

    /// A subquery in FROM: the query recorded last.
    pub(crate) fn record_derived(&mut self, alias: &ast::TableAlias, names: &Names, lateral: bool) {
        if let Some(query) = self.recorded_query() {
            self.push_table(Source::Query(Box::new(query)), Some(alias), names, lateral);
        }
    }

    /// Functions in FROM.
    pub(crate) fn record_function(&mut self, scan: &FunctionScan, alias: Option<&ast::TableAlias>, names: &Names) {
        if self.recorder.is_none() {
            return;
        }
        let call = |item: &FunctionItem| {
            let columns = item.columns.iter().map(|column| (column.name.clone(), column.ty));
            (item.call.clone(), if item.defined { columns.collect() } else { Vec::new() })
        };
        let functions = Functions {
            calls: scan.calls.iter().map(call).collect(),
            ordinality: scan.ordinality.is_some(),
            name: scan.alias.clone(),
        };
        let outer = |e: &Expr, level: &crate::bind::Level| matches!(e, Expr::Column(id, _) if level.provides(*id));
        let level = self.level();
        let lateral = functions.calls.iter().any(|(call, _)| call.any(&mut |e| outer(e, level)));
        self.push_table(Source::Function(functions), alias, names, lateral);
    }

    fn push_table(&mut self, source: Source, alias: Option<&ast::TableAlias>, names: &Names, lateral: bool) {
        let alias = alias.filter(|alias| !self.is_numbered(&source, alias));
        let (Some(recorder), Some(table)) = (&mut self.recorder, names.tables.first()) else { return };
        let mut item = Table {
            source,
            alias: alias.map(|alias| Arc::from(alias.name.value.as_str())),
            renames: alias.is_some_and(|alias| !alias.columns.is_empty()),
            columns: table.columns.clone(),
            system: table.system.clone(),
            also: Vec::new(),
            lateral,
            sample: None,
        };
        if let Some(renamed) = &recorder.renamed {
            item.rename(renamed, alias.map_or(0, |alias| alias.columns.len()));
        }
        recorder.from.push(FromItem::Table(item));
    }

    /// Whether an alias is only a table's name with a number, which sets it apart from an item further out that has this name.
    fn is_numbered(&self, source: &Source, alias: &ast::TableAlias) -> bool {
        let Source::Relation(relation, _) = source else { return false };
        let number = alias.name.value.strip_prefix(&*relation.name).and_then(|rest| rest.strip_prefix('_'));
        let outer = self.levels.iter().rev().skip(1).flat_map(|level| &level.names.tables);
        alias.columns.is_empty()
            && number.is_some_and(|number| number.parse::<u32>().is_ok())
            && outer.into_iter().any(|table| table.alias == relation.name)
    }

    /// A join of the two items recorded last. The first columns of `columns` are those that USING merged.
    pub(crate) fn record_join(
        &mut self,
        kind: JoinKind,
        constraint: &JoinConstraint,
        on: Option<&Expr>,
        (using, sides): (&[NamedColumn], Vec<(Expr, Expr)>),
    ) {
        let catalog = self.cx.catalog;
        let Some(recorder) = &mut self.recorder else { return };
        let (Some(mut right), Some(mut left)) = (recorder.from.pop(), recorder.from.pop()) else { return };
        if recorder.renamed.is_some() {
            for side in [&mut left, &mut right] {
                side.for_each_table(&mut |table| table.keep_names(catalog, using));
            }
        }
        let using_alias = node::join_using(constraint).and_then(|(_, alias)| alias);
        recorder.from.push(FromItem::Join(Box::new(Join {
            kind,
            left,
            right,
            on: on.filter(|_| matches!(constraint, JoinConstraint::On(_))).cloned(),
            using: using.to_vec(),
            sides,
            using_alias: using_alias.map(|alias| Arc::from(alias.value.as_str())),
            alias: None,
        })));
    }

    /// The sample taken of the table recorded last.
    pub(crate) fn record_sample(&mut self, sampled: &Node) {
        let (Some(recorder), Node::Sample(sample)) = (&mut self.recorder, sampled) else { return };
        if let Some(FromItem::Table(table)) = recorder.from.last_mut() {
            let method = match sample.method {
                SampleMethod::Bernoulli => "bernoulli",
                SampleMethod::System => "system",
            };
            table.sample = Some(Sample { method, percent: sample.percent.clone(), seed: sample.seed.clone() });
        }
    }

    /// The alias of the join recorded last.
    pub(crate) fn record_join_alias(&mut self, factor: &TableFactor, columns: &[NamedColumn]) {
        let (Some(recorder), TableFactor::NestedJoin { alias: Some(alias), .. }) = (&mut self.recorder, factor) else {
            return;
        };
        if let Some(FromItem::Join(join)) = recorder.from.last_mut() {
            let (name, listed) = (Arc::from(alias.name.value.as_str()), alias.columns.len());
            let columns = match recorder.renamed {
                Some(_) => join.reshaped(columns, listed),
                None => columns.to_vec(),
            };
            join.alias = Some(JoinAlias { name, columns, listed });
        }
    }

    /// A value given to a column: none is DEFAULT.
    pub(crate) fn record_given(&mut self, target: TargetName, value: Option<Expr>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.given.push(Assignment::Value(target, value));
        }
    }

    /// The query recorded last as the values of several columns.
    pub(crate) fn record_given_row(&mut self, targets: Vec<TargetName>) {
        let Some(recorder) = &mut self.recorder else { return };
        if let Some(query) = recorder.queries.pop() {
            recorder.given.push(Assignment::Row(targets, Box::new(query)));
        }
    }

    /// The values given to columns since this was asked last.
    pub(crate) fn recorded_given(&mut self) -> Vec<Assignment> {
        self.recorder.as_mut().map(|recorder| std::mem::take(&mut recorder.given)).unwrap_or_default()
    }

    /// The items of FROM recorded last.
    pub(crate) fn recorded_from(&mut self, count: usize) -> Vec<FromItem> {
        self.recorder.as_mut().map(|recorder| last(&mut recorder.from, count)).unwrap_or_default()
    }

    /// The table that a statement changes, with the columns that its rows have after the change.
    pub(crate) fn recorded_target(
        &mut self,
        relation: &Arc<Relation>,
        (alias, only): (Option<Arc<str>>, bool),
        table: &TableName,
        row: &[(Column, i16)],
    ) -> Table {
        let after = row
            .iter()
            .map(|(column, attnum)| NamedColumn { source: Some((relation.oid, *attnum)), ..NamedColumn::of(column) });
        let mut item = Table {
            source: Source::Relation(relation.clone(), only),
            alias,
            renames: false,
            columns: table.columns.clone(),
            system: table.system.clone(),
            also: vec![after.collect()],
            lateral: false,
            sample: None,
        };
        if let Some(renamed) = self.recorder.as_ref().and_then(|recorder| recorder.renamed.as_ref()) {
            item.rename(renamed, 0);
        }
        item
    }

    /// A data-modifying statement.
    pub(crate) fn record_change(&mut self, change: Change) {
        if let Some(recorder) = &mut self.recorder {
            recorder.bodies.push(Body::Change(Box::new(change)));
        }
    }

    /// The body recorded last, as a query.
    pub(crate) fn recorded_body(&mut self) -> Option<Query> {
        self.recorder.as_mut()?.bodies.pop().map(Query::of)
    }

    /// Whether wording is kept.
    pub(crate) fn records(&self) -> bool {
        self.recorder.is_some()
    }
}

fn lock_words(lock: &ast::LockClause) -> Lock {
    let lock = node::lock_clause(lock);
    let strength = match lock.strength {
        node::LockStrength::KeyShare => "FOR KEY SHARE",
        node::LockStrength::Share => "FOR SHARE",
        node::LockStrength::NoKeyUpdate => "FOR NO KEY UPDATE",
        node::LockStrength::Update => "FOR UPDATE",
    };
    let of = lock.of.and_then(|parts| parts.first()?.as_ident()).map(|ident| Arc::from(ident.value.as_str()));
    let wait = match lock.nonblock {
        None => "",
        Some(ast::NonBlock::Nowait) => " NOWAIT",
        Some(ast::NonBlock::SkipLocked) => " SKIP LOCKED",
    };
    Lock { strength, of, wait }
}

impl FromItem {
    fn for_each_table(&mut self, f: &mut dyn FnMut(&mut Table)) {
        match self {
            FromItem::Table(table) => f(table),
            FromItem::Join(join) => {
                join.left.for_each_table(f);
                join.right.for_each_table(f);
            }
        }
    }
}

impl Table {
    /// Takes the names of another version of the catalog, but for the columns that the alias lists.
    fn rename(&mut self, catalog: &Catalog, listed: usize) {
        let Source::Relation(relation, _) = &mut self.source else { return };
        let Some(now) = catalog.relation(relation.oid) else { return };
        // An alias with a list of columns that is the table's own name stands there for the list.
        self.alias.take_if(|alias| listed > 0 && *alias == relation.name);
        *relation = now.clone();
        for column in self.columns.iter_mut().skip(listed).chain(self.also.iter_mut().flatten()) {
            if let Some(renamed) = column.source.and_then(|(_, attnum)| now.column(attnum)) {
                column.name = renamed.name.clone();
            }
        }
    }

    /// Columns that a join's USING names have to keep the names of before: the alias lists them.
    fn keep_names(&mut self, before: &Catalog, using: &[NamedColumn]) {
        let Source::Relation(relation, _) = &self.source else { return };
        let Some(old) = before.relation(relation.oid) else { return };
        for column in &mut self.columns {
            let Some(known) = column.source.and_then(|(_, attnum)| old.column(attnum)) else { continue };
            if known.name != column.name && using.iter().any(|merged| merged.name == known.name) {
                column.name = known.name.clone();
                self.renames = true;
            }
        }
    }
}

impl Group {
    /// A set, unless it is of one expression.
    pub(crate) fn set(mut items: Vec<Group>) -> Group {
        match (items.pop(), items.is_empty()) {
            (Some(single @ Group::Expr(_)), true) => single,
            (Some(last), _) => {
                items.push(last);
                Group::Set(items)
            }
            (None, _) => Group::Set(items),
        }
    }
}
