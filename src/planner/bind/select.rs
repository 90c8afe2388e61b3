//! SELECT: its clauses in the order they take effect.
//!
//! ```text
//!   FROM → WHERE → GROUP BY/aggregates → HAVING → windows → set-returning calls → select list → DISTINCT → ORDER BY
//! ```
//! Expressions are bound first, in PostgreSQL's order (select list, WHERE, HAVING, ORDER BY, GROUP BY, windows), which decides
//! about the error that is reported, with aggregates, window calls and set-returning calls replaced by columns of their own;
//! then the nodes that provide those columns are stacked up.

use dictdb_parser::ast;
use dictdb_types::{Error, Result, SqlState};

use super::Binder;
use super::clause::Clause;
use super::group::Grouping;
use super::grouped::project_sets;
use crate::expr::{AggregateCall, Expr, SortKey};
use crate::logical::{Column, Node};
use crate::view::tree;

/// The clauses of a SELECT that see groups where there are any, bound.
pub(crate) struct Clauses {
    /// The select list.
    pub list: Vec<(Column, Expr)>,
    /// HAVING.
    pub having: Option<Expr>,
    /// ORDER BY.
    pub sort: Vec<SortKey>,
    /// Which output column each sort key names.
    pub sort_targets: Vec<Option<usize>>,
    /// DISTINCT ON.
    pub distinct_on: Option<Vec<Expr>>,
}

impl Binder<'_> {
    pub(crate) fn bind_select(
        &mut self,
        select: &ast::Select,
        order: &[ast::OrderByExpr],
        locks: &[ast::LockClause],
    ) -> Result<Node> {
        if let Some(into) = &select.into {
            let position = into.targets.first().and_then(|target| self.leftmost(target));
            return Err(Error::new(SqlState::SYNTAX_ERROR, "SELECT ... INTO is not allowed here").at(position));
        }
        let given = self.take_rule_rows();
        let from = self.bind_from(&select.from)?;
        let mut node = self.beside_rule_rows(given, from);
        self.bind_named_windows(&select.named_window);
        let mut list = self.bind_select_list(&select.projection)?;
        let mut filter = None;
        if let Some(selection) = &select.selection {
            let predicate = self.bind_predicate(selection, Clause::Where)?;
            filter = self.records().then(|| predicate.clone());
            node = Node::Filter { input: Box::new(node), predicate };
        }
        let having = select.having.as_ref().map(|having| self.bind_predicate(having, Clause::Having)).transpose()?;
        let distinct = matches!(select.distinct, Some(ast::Distinct::Distinct));
        let (sort, sort_targets) = self.bind_order_by(order, &mut list, distinct)?;
        let mut grouping = self.bind_group_by(&select.group_by, &list)?;
        if distinct {
            self.require_distinct(&select.projection, &list)?;
        }
        let distinct_on = self.bind_distinct_on(select.distinct.as_ref(), &list)?;
        if let Some(on) = &distinct_on {
            self.check_distinct_on(on, &sort, select.distinct.as_ref())?;
        }
        self.check_windows()?;
        let mut clauses = Clauses { list, having, sort, sort_targets, distinct_on };
        if self.records() {
            self.record_clauses(select, filter, &clauses, grouping.as_mut())?;
        }
        self.check_aggregates(grouping.as_ref(), &node)?;
        node = self.stack_grouping(node, grouping, &mut clauses, locks)?;
        node = self.stack_window_sets(node);
        node = self.stack_windows(node, &clauses.sort, locks)?;
        self.stack_list(node, clauses, select.distinct.is_some(), locks)
    }

    /// The wording of the clauses, before grouping is applied to them.
    fn record_clauses(
        &mut self,
        select: &ast::Select,
        filter: Option<Expr>,
        clauses: &Clauses,
        grouping: Option<&mut Grouping>,
    ) -> Result<()> {
        let groups = self.record_groups(&select.group_by, &clauses.list, grouping)?;
        let distinct = select.distinct.as_ref().filter(|distinct| !matches!(distinct, ast::Distinct::All));
        let described = tree::Select {
            distinct: distinct.map(|_| clauses.distinct_on.clone().unwrap_or_default()),
            list: clauses.list.clone(),
            filter,
            groups,
            distinct_groups: dictdb_parser::node::group_by(&select.group_by).1,
            having: clauses.having.clone(),
            order: clauses.sort.clone(),
            ..tree::Select::default()
        };
        self.record_select(select, described);
        Ok(())
    }

    /// 42803 for direct arguments over what is not grouped; 42P19 for aggregates over a recursive reference.
    fn check_aggregates(&mut self, grouping: Option<&Grouping>, input: &Node) -> Result<()> {
        let has_direct_arguments = |call: &AggregateCall| call.within_group && !call.args.is_empty();
        if self.level().aggregates.iter().any(|(_, call)| has_direct_arguments(call)) {
            let mut grouping = grouping.cloned().unwrap_or_default();
            self.check_direct_arguments(&mut grouping, input)?;
        }
        let level = self.level();
        match level.aggregates.first().map(|(column, _)| column.id) {
            Some(first) if level.recursive_reference => {
                let message = "aggregate functions are not allowed in a recursive query's recursive term";
                Err(Error::new(SqlState::INVALID_RECURSION, message).at(self.call_position(first)))
            }
            _ => Ok(()),
        }
    }

    /// Groups, if anything asks for them. 0A000 where rows are to be locked.
    fn stack_grouping(
        &mut self,
        node: Node,
        grouping: Option<Grouping>,
        clauses: &mut Clauses,
        locks: &[ast::LockClause],
    ) -> Result<Node> {
        let level = self.level();
        let asked = match (&grouping, &clauses.having) {
            (Some(_), _) => "GROUP BY clause",
            (None, Some(_)) => "HAVING clause",
            (None, None) if level.aggregates.is_empty() && level.groupings.is_empty() => return Ok(node),
            (None, None) => "aggregate functions",
        };
        match locks.first() {
            Some(lock) => Err(super::lock::not_allowed(lock, asked)),
            None => self.stack_groups(node, grouping.unwrap_or_default(), clauses),
        }
    }

    /// The select list with its set-returning calls, DISTINCT and ORDER BY.
    fn stack_list(&mut self, node: Node, clauses: Clauses, distinct: bool, locks: &[ast::LockClause]) -> Result<Node> {
        let calls = std::mem::take(&mut self.level().sets);
        if let (Some(lock), false) = (locks.first(), calls.is_empty()) {
            return Err(super::lock::not_allowed(lock, "set-returning functions in the target list"));
        }
        let plain = distinct && clauses.distinct_on.is_none();
        let keys = clauses.sort.iter().map(|key| &key.expr).chain(clauses.distinct_on.iter().flatten());
        if plain || clauses.sort.is_empty() || uses_sets(keys, &calls) {
            return self.finish_select(project_sets(node, calls), clauses, distinct, locks);
        }
        // What rows are not sorted by is expanded afterwards.
        let Node::Project { input, columns } = self.finish_select(node, clauses, distinct, locks)? else {
            return Err(Error::internal("a select list that is no projection"));
        };
        Ok(Node::Project { input: Box::new(project_sets(*input, calls)), columns })
    }

    /// DISTINCT compares every column of the list.
    fn require_distinct(&self, items: &[ast::SelectItem], list: &[(Column, Expr)]) -> Result<()> {
        let position = |index: usize| match items.get(index).filter(|_| items.len() == list.len())? {
            ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => self.leftmost(expr),
            _ => None,
        };
        let mut columns = list.iter().enumerate();
        columns.try_for_each(|(index, (_, expr))| self.require_equality(expr.ty(), position(index)))
    }

    /// Select list, DISTINCT and ORDER BY on top of everything else.
    fn finish_select(
        &mut self,
        node: Node,
        clauses: Clauses,
        distinct: bool,
        locks: &[ast::LockClause],
    ) -> Result<Node> {
        let Clauses { list, sort, distinct_on, .. } = clauses;
        if !distinct {
            let node = if sort.is_empty() { node } else { Node::Sort { input: Box::new(node), keys: sort } };
            // Rows are locked in the order they are returned, and no more of them than LIMIT asks for.
            let node = self.bind_locks(node, locks)?;
            return Ok(Node::Project { input: Box::new(node), columns: list });
        }
        if let Some(lock) = locks.first() {
            return Err(super::lock::not_allowed(lock, "DISTINCT clause"));
        }
        match distinct_on {
            Some(on) => {
                let node = if sort.is_empty() { node } else { Node::Sort { input: Box::new(node), keys: sort } };
                let node = Node::Distinct { input: Box::new(node), on: Some(on) };
                Ok(Node::Project { input: Box::new(node), columns: list })
            }
            None => {
                let keys = self.keys_over_list(sort, &list)?;
                let node = Node::Project { input: Box::new(node), columns: list };
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
    fn stack_windows(&mut self, mut node: Node, sort: &[SortKey], locks: &[ast::LockClause]) -> Result<Node> {
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
