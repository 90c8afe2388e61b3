//! Whole queries: WITH, the body, ORDER BY, LIMIT, row locks.

use dictdb_parser::ast::{self, LimitClause, OrderByKind, SetExpr};
use dictdb_parser::node;
use dictdb_types::{Error, Result, SqlState};

use super::Binder;
use super::clause::Clause;
use crate::expr::Expr;
use crate::logical::{LockStrength, LockTarget, LockWait, Node};

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
            Some(with) => self.bind_with(with)?,
            None => Vec::new(),
        };
        let order = order_items(query)?;
        let body = match &*query.body {
            SetExpr::Select(select) => self.bind_select(select, order, &query.locks)?,
            SetExpr::Insert(statement) | SetExpr::Update(statement) | SetExpr::Delete(statement) => {
                self.bind_modify(statement)?
            }
            other => {
                if let Some(lock) = query.locks.first() {
                    return Err(self.lock_refused(lock, "UNION/INTERSECT/EXCEPT"));
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
            SetExpr::Values(values) => self.in_level(|binder| binder.bind_values(values)),
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
        let bound_offset = offset.map(|expr| self.bind_count(expr, Clause::Offset)).transpose()?;
        let bound_limit = match (limit, fetch) {
            (Some(expr), _) => Some(self.bind_count(expr, Clause::Limit)?),
            (None, Some(Some(expr))) => Some(self.bind_count(expr, Clause::Limit)?),
            (None, Some(None)) => Some(Expr::Const(dictdb_types::Datum::Int8(1), dictdb_types::oids::INT8.into())),
            (None, None) => None,
        };
        Ok(Node::Limit { input: Box::new(input), limit: bound_limit, offset: bound_offset, with_ties })
    }

    fn bind_count(&mut self, expr: &ast::Expr, clause: Clause) -> Result<Expr> {
        let position = self.leftmost(expr);
        let names = std::mem::take(&mut self.level().names);
        let bound = self.in_clause(clause, |binder| binder.bind_expr(expr));
        self.level().names = names;
        let bound = bound.map_err(|error| {
            if error.code() == SqlState::UNDEFINED_COLUMN {
                Error::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    format!("argument of {} must not contain variables", clause.noun()),
                )
                .at(position)
            } else {
                error
            }
        })?;
        self.coerce_to_int8(bound, clause.noun(), position)
    }

    pub(crate) fn lock_refused(&self, lock: &ast::LockClause, with: &str) -> Error {
        let strength = node::lock_clause(lock).strength;
        Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("{} is not allowed with {with}", strength_name(lock_strength(strength))),
        )
    }

    /// `FOR UPDATE` and its kin over the tables of the current level.
    pub(crate) fn bind_locks(&mut self, input: Node, clauses: &[ast::LockClause]) -> Result<Node> {
        if clauses.is_empty() {
            return Ok(input);
        }
        let mut targets: Vec<LockTarget> = Vec::new();
        for clause in clauses {
            let clause = node::lock_clause(clause);
            let strength = lock_strength(clause.strength);
            let wait = match clause.nonblock {
                None => LockWait::Block,
                Some(ast::NonBlock::Nowait) => LockWait::NoWait,
                Some(ast::NonBlock::SkipLocked) => LockWait::SkipLocked,
            };
            let table = match clause.of {
                None => None,
                Some([part]) => part.as_ident(),
                Some(_) => {
                    return Err(Error::new(
                        SqlState::SYNTAX_ERROR,
                        format!("{} must specify unqualified relation names", strength_name(strength)),
                    ));
                }
            };
            let found = lockable_scans(&input, table.map(|table| table.value.as_str()));
            if let Some(table) = table
                && found.is_empty()
            {
                return Err(Error::new(
                    SqlState::UNDEFINED_TABLE,
                    format!(
                        "relation \"{}\" in {} clause not found in FROM clause",
                        table.value,
                        strength_name(strength)
                    ),
                )
                .at(self.position(table.span)));
            }
            for (relation, row_id) in found {
                match targets.iter_mut().find(|target| target.row_id == row_id) {
                    Some(target) => target.strength = target.strength.max(strength),
                    None => targets.push(LockTarget { relation, row_id, strength, wait }),
                }
            }
        }
        Ok(Node::LockRows { input: Box::new(input), targets })
    }
}

fn lock_strength(strength: node::LockStrength) -> LockStrength {
    match strength {
        node::LockStrength::KeyShare => LockStrength::KeyShare,
        node::LockStrength::Share => LockStrength::Share,
        node::LockStrength::NoKeyUpdate => LockStrength::NoKeyUpdate,
        node::LockStrength::Update => LockStrength::Update,
    }
}

fn strength_name(strength: LockStrength) -> &'static str {
    match strength {
        LockStrength::KeyShare => "FOR KEY SHARE",
        LockStrength::Share => "FOR SHARE",
        LockStrength::NoKeyUpdate => "FOR NO KEY UPDATE",
        LockStrength::Update => "FOR UPDATE",
    }
}

/// Tables of a FROM clause, subqueries included, that a locking clause (without or with a name) means.
fn lockable_scans(
    node: &Node,
    alias: Option<&str>,
) -> Vec<(std::sync::Arc<dictdb_catalog::Relation>, crate::expr::ColumnId)> {
    let mut found = Vec::new();
    collect_scans(node, alias, &mut found);
    found
}

fn collect_scans(
    node: &Node,
    alias: Option<&str>,
    found: &mut Vec<(std::sync::Arc<dictdb_catalog::Relation>, crate::expr::ColumnId)>,
) {
    match node {
        Node::Scan(scan) => {
            if let Some(row_id) = scan.row_id
                && alias.is_none_or(|alias| *scan.alias == *alias)
            {
                found.push((scan.relation.clone(), row_id));
            }
        }
        Node::Filter { input, .. } | Node::Project { input, .. } | Node::Sort { input, .. } => {
            collect_scans(input, alias, found);
        }
        Node::Join { left, right, .. } => {
            collect_scans(left, alias, found);
            collect_scans(right, alias, found);
        }
        _ => {}
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
