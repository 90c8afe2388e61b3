//! Whole queries: WITH, the body, ORDER BY, LIMIT, row locks.

use dictdb_parser::ast::{self, LimitClause, OrderByKind, SetExpr};
use dictdb_types::{Error, Result, SqlState};

use super::Binder;
use super::clause::Clause;
use crate::expr::Expr;
use crate::logical::Node;

impl Binder<'_> {
    /// A query inside another one; its names end with it.
    pub(crate) fn bind_subquery(&mut self, query: &ast::Query) -> Result<Node> {
        self.in_level(|binder| binder.bind_query(query))
    }

    /// A query in the current (fresh) level.
    pub(crate) fn bind_query(&mut self, query: &ast::Query) -> Result<Node> {
        self.nested(|binder| {
            let visible = binder.ctes.len();
            let result = binder.bind_query_inner(query);
            binder.ctes.truncate(visible);
            result
        })
    }

    fn bind_query_inner(&mut self, query: &ast::Query) -> Result<Node> {
        let ctes = match &query.with {
            Some(with) if with.recursive && matches!(*query.body, SetExpr::Merge(_)) => {
                let message = "WITH RECURSIVE is not supported for MERGE statement";
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
            Some(with) => {
                // The rows of a rule are for the body.
                let rows = self.rule_rows.take();
                let ctes = self.bind_with(with)?;
                self.rule_rows = rows;
                ctes
            }
            None => Vec::new(),
        };
        let order = order_items(query)?;
        let body = match &*query.body {
            SetExpr::Select(select) => self.bind_select(select, order, &query.locks)?,
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => self.bind_modify(statement)?,
            other => {
                self.refuse_rule_rows(other)?;
                if let Some(lock) = query.locks.first() {
                    return Err(super::lock::refused(lock, other));
                }
                let node = self.bind_set_expr(other)?;
                self.order_by_columns(node, order)?
            }
        };
        let body = self.bind_limit(body, query)?;
        let node = if ctes.is_empty() { body } else { Node::With { ctes, body: Box::new(body) } };
        self.record_query(query, &node);
        Ok(node)
    }

    /// The body of a query without its ORDER BY: an arm of a set operation, or VALUES.
    pub(crate) fn bind_set_expr(&mut self, body: &SetExpr) -> Result<Node> {
        match body {
            SetExpr::Select(select) => self.in_level(|binder| binder.bind_select(select, &[], &[])),
            SetExpr::Query(query) => {
                let node = self.bind_subquery(query)?;
                self.record_nested_body();
                Ok(node)
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.nested(|binder| binder.bind_set_operation(left, *op, *set_quantifier, right))
            }
            SetExpr::Values(values) => self.in_level(|binder| {
                let given = binder.take_rule_rows();
                let node = binder.bind_values(values)?;
                Ok(super::rule_rows::over_rule_rows(given, node))
            }),
            SetExpr::Table(table) => self.bind_table_command(table),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(Error::new(SqlState::SYNTAX_ERROR, "a data-modifying statement is not allowed here"))
            }
        }
    }

    fn bind_limit(&mut self, input: Node, query: &ast::Query) -> Result<Node> {
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, .. }) => (limit.as_ref(), offset.as_ref().map(|o| &o.value)),
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        };
        let mut with_ties = false;
        let mut fetch = None;
        if let Some(clause) = &query.fetch {
            with_ties = clause.with_ties;
            fetch = Some(clause.quantity.as_ref());
        }
        if limit.is_none() && offset.is_none() && fetch.is_none() {
            return Ok(input);
        }
        if with_ties && order_items(query)?.is_empty() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "WITH TIES cannot be specified without ORDER BY clause"));
        }
        if let (true, Some(Some(ast::Expr::Value(value)))) = (with_ties, fetch)
            && matches!(value.value, ast::Value::Null)
        {
            let message = "row count cannot be null in FETCH FIRST ... WITH TIES clause";
            return Err(Error::new(SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, message));
        }
        let bound_offset = offset.map(|expr| self.bind_count(expr, Clause::Offset)).transpose()?;
        let bound_limit = match (limit, fetch) {
            (Some(expr), _) => Some(self.bind_count(expr, Clause::Limit)?),
            (None, Some(Some(expr))) => Some(self.bind_count(expr, Clause::Limit)?),
            (None, Some(None)) => Some(Expr::Const(dictdb_types::Datum::Int8(1), dictdb_types::oids::INT8.into())),
            (None, None) => None,
        };
        let limited = |input| Node::Limit { input, limit: bound_limit, offset: bound_offset, with_ties };
        Ok(match input {
            // What is left out is not computed either: that shows where computing has an effect.
            Node::Project { input, columns } if !with_ties && columns.iter().any(|(_, expr)| expr.is_volatile()) => {
                Node::Project { input: Box::new(limited(input)), columns }
            }
            input => limited(Box::new(input)),
        })
    }

    fn bind_count(&mut self, expr: &ast::Expr, clause: Clause) -> Result<Expr> {
        let position = self.leftmost(expr);
        let mark = self.references_mark();
        let bound = self.in_clause(clause, |binder| binder.bind_expr(expr))?;
        let bound = self.coerce_to_int8(bound, clause.noun(), position)?;
        let level = self.level();
        if bound.any(&mut |part| matches!(part, Expr::Column(id, _) if level.provides(*id))) {
            let message = format!("argument of {} must not contain variables", clause.noun());
            let position = self.position_since(mark);
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(position));
        }
        Ok(bound)
    }
}

/// The items of a query's ORDER BY.
pub(crate) fn order_items(query: &ast::Query) -> Result<&[ast::OrderByExpr]> {
    match query.order_by.as_ref().map(|order| &order.kind) {
        None => Ok(&[]),
        Some(OrderByKind::Expressions(items)) => Ok(items),
        Some(OrderByKind::All(_)) => Err(Error::unsupported("ORDER BY ALL")),
    }
}
