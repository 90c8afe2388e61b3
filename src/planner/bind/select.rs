//! SELECT: its clauses in the order they take effect.
//!
//! ```text
//!   FROM → WHERE → GROUP BY/aggregates → HAVING → windows → set-returning calls → select list → DISTINCT → ORDER BY
//! ```
//! Expressions are bound first, in PostgreSQL's order (select list, WHERE, HAVING, ORDER BY, GROUP BY), which decides
//! about the error that is reported, with aggregates, window calls and set-returning calls replaced by columns of their own;
//! then the nodes that provide those columns are stacked up.

use dictdb_parser::ast;
use dictdb_types::{Error, Result, SqlState};

use super::Binder;
use super::clause::Clause;
use super::grouped::{AboveGroups, project_sets};
use crate::expr::Expr;
use crate::logical::{Column, Node};
use crate::view::tree;

/// The select list, and the sort keys that go with it.
pub(crate) struct SelectList {
    pub columns: Vec<(Column, Expr)>,
}

impl Binder<'_> {
    pub(crate) fn bind_select(
        &mut self,
        select: &ast::Select,
        order: &[ast::OrderByExpr],
        locks: &[ast::LockClause],
    ) -> Result<Node> {
        if select.into.is_some() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "SELECT ... INTO is not allowed here"));
        }
        let given = self.take_rule_rows();
        let from = self.bind_from(&select.from)?;
        let mut node = self.beside_rule_rows(given, from);
        let mut filter = None;
        self.bind_named_windows(&select.named_window)?;
        let mut list = self.bind_select_list(&select.projection)?;
        if let Some(selection) = &select.selection {
            let predicate = self.bind_predicate(selection, Clause::Where)?;
            filter = self.records().then(|| predicate.clone());
            node = Node::Filter { input: Box::new(node), predicate };
        }
        let mut having = match &select.having {
            Some(having) => Some(self.bind_predicate(having, Clause::Having)?),
            None => None,
        };
        let (mut sort, sort_targets) =
            self.bind_order_by(order, &mut list.columns, matches!(select.distinct, Some(ast::Distinct::Distinct)))?;
        let mut grouping = self.bind_group_by(&select.group_by, &list.columns)?;
        if matches!(select.distinct, Some(ast::Distinct::Distinct)) {
            self.require_distinct(&select.projection, &list)?;
        }
        let mut distinct_on = self.bind_distinct_on(select.distinct.as_ref(), &list.columns)?;
        if let Some(on) = &distinct_on {
            self.check_distinct_on(on, &sort, select.distinct.as_ref())?;
        }

        if self.records() {
            let groups = self.record_groups(&select.group_by, &list.columns, grouping.as_mut())?;
            let described = tree::Select {
                distinct: select
                    .distinct
                    .as_ref()
                    .filter(|d| !matches!(d, ast::Distinct::All))
                    .map(|_| distinct_on.clone().unwrap_or_default()),
                list: list.columns.clone(),
                filter,
                groups,
                distinct_groups: dictdb_parser::node::group_by(&select.group_by).1,
                having: having.clone(),
                order: sort.clone(),
                ..tree::Select::default()
            };
            self.record_select(select, described);
        }
        if self.level().aggregates.iter().any(|(_, call)| call.within_group && !call.args.is_empty()) {
            let mut grouping = grouping.clone().unwrap_or_default();
            self.check_direct_arguments(&mut grouping, &node)?;
        }
        let level = self.level();
        let aggregates = std::mem::take(&mut level.aggregates);
        let groupings = std::mem::take(&mut level.groupings);
        let grouped = grouping.is_some() || !aggregates.is_empty() || !groupings.is_empty() || having.is_some();
        if self.level().recursive_reference
            && let Some((first, _)) = aggregates.first()
        {
            let message = "aggregate functions are not allowed in a recursive query's recursive term";
            return Err(Error::new(SqlState::INVALID_RECURSION, message).at(self.call_position(first.id)));
        }
        if grouped {
            if let Some(lock) = locks.first() {
                let what = match (&grouping, &having) {
                    (Some(_), _) => "GROUP BY clause",
                    (None, Some(_)) => "HAVING clause",
                    (None, None) => "aggregate functions",
                };
                return Err(super::lock::not_allowed(lock, what));
            }
            let grouping = grouping.take().unwrap_or_default();
            self.level().aggregates = aggregates;
            self.level().groupings = groupings;
            let above = AboveGroups {
                list: &mut list,
                sort: &mut sort,
                sort_targets: &sort_targets,
                having: &mut having,
                distinct_on: &mut distinct_on,
            };
            node = self.stack_groups(node, grouping, above)?;
        }
        node = self.stack_window_sets(node);
        node = self.stack_windows(node, &sort, locks)?;
        let calls = std::mem::take(&mut self.level().sets);
        if let (Some(lock), false) = (locks.first(), calls.is_empty()) {
            return Err(super::lock::not_allowed(lock, "set-returning functions in the target list"));
        }
        let plain = select.distinct.is_some() && distinct_on.is_none();
        let keys = sort.iter().map(|key| &key.expr).chain(distinct_on.iter().flatten());
        if plain || sort.is_empty() || uses_sets(keys, &calls) {
            node = project_sets(node, calls);
            return self.finish_select(node, list, sort, distinct_on, select.distinct.is_some(), locks);
        }
        // What rows are not sorted by is expanded afterwards.
        let Node::Project { input, columns } =
            self.finish_select(node, list, sort, distinct_on, select.distinct.is_some(), locks)?
        else {
            return Err(Error::internal("a select list that is no projection"));
        };
        Ok(Node::Project { input: Box::new(project_sets(*input, calls)), columns })
    }

    /// DISTINCT compares every column of the list.
    fn require_distinct(&self, items: &[ast::SelectItem], list: &SelectList) -> Result<()> {
        let position = |index: usize| match items.get(index).filter(|_| items.len() == list.columns.len())? {
            ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => self.leftmost(expr),
            _ => None,
        };
        let mut columns = list.columns.iter().enumerate();
        columns.try_for_each(|(index, (_, expr))| self.require_equality(expr.ty(), position(index)))
    }

    /// Select list, DISTINCT and ORDER BY on top of everything else.
    fn finish_select(
        &mut self,
        node: Node,
        list: SelectList,
        sort: Vec<crate::expr::SortKey>,
        distinct_on: Option<Vec<Expr>>,
        distinct: bool,
        locks: &[ast::LockClause],
    ) -> Result<Node> {
        if !distinct {
            let node = if sort.is_empty() { node } else { Node::Sort { input: Box::new(node), keys: sort } };
            // Rows are locked in the order they are returned, and no more of them than LIMIT asks for.
            let node = self.bind_locks(node, locks)?;
            return Ok(Node::Project { input: Box::new(node), columns: list.columns });
        }
        if let Some(lock) = locks.first() {
            return Err(super::lock::not_allowed(lock, "DISTINCT clause"));
        }
        match distinct_on {
            Some(on) => {
                let node = if sort.is_empty() { node } else { Node::Sort { input: Box::new(node), keys: sort } };
                let node = Node::Distinct { input: Box::new(node), on: Some(on) };
                Ok(Node::Project { input: Box::new(node), columns: list.columns })
            }
            None => {
                let keys = self.keys_over_list(sort, &list.columns)?;
                let node = Node::Project { input: Box::new(node), columns: list.columns };
                let node = Node::Distinct { input: Box::new(node), on: None };
                Ok(if keys.is_empty() { node } else { Node::Sort { input: Box::new(node), keys } })
            }
        }
    }

    /// A boolean condition of a clause.
    pub(crate) fn bind_predicate(&mut self, expr: &ast::Expr, clause: Clause) -> Result<Expr> {
        let position = self.leftmost(expr);
        let bound = self.in_clause(clause, |binder| binder.bind_expr(expr))?;
        self.coerce_to_boolean(bound, clause.noun(), position)
    }

    /// Window nodes, one per distinct window, in PostgreSQL's order.
    fn stack_windows(
        &mut self,
        mut node: Node,
        sort: &[crate::expr::SortKey],
        locks: &[ast::LockClause],
    ) -> Result<Node> {
        let mut calls = std::mem::take(&mut self.level().windows);
        if let (Some(lock), false) = (locks.first(), calls.is_empty()) {
            return Err(super::lock::not_allowed(lock, "window functions"));
        }
        let mut windows = Vec::new();
        while let Some((_, first)) = calls.first() {
            let first = first.window.clone();
            let (same, rest): (Vec<_>, Vec<_>) = calls.into_iter().partition(|(_, call)| call.window.same(&first));
            windows.push((first, same));
            calls = rest;
        }
        super::window::in_order(&mut windows, sort);
        for (_, calls) in windows {
            node = Node::Window { input: Box::new(node), calls };
        }
        Ok(node)
    }
}

/// Whether an expression names the result of a set-returning call.
fn uses_sets<'e>(mut exprs: impl Iterator<Item = &'e Expr>, calls: &[(Column, Expr)]) -> bool {
    let is_set = |e: &Expr| matches!(e, Expr::Column(id, _) if calls.iter().any(|(column, _)| column.id == *id));
    exprs.any(|expr| expr.any(&mut |e| is_set(e)))
}
