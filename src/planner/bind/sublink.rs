//! Subqueries in expressions.

use std::sync::Arc;

use dictdb_parser::ast::{self, Expr as Ast};
use dictdb_types::{Error, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::{Clause, Forbidden};
use super::expression::strip_parentheses;
use super::operator::OperatorName;
use super::recursion::IN_SUBQUERY;
use crate::expr::{Expr, Sublink, SublinkKind};
use crate::logical::Node;

impl Binder<'_> {
    /// `EXISTS (…)`, `ARRAY(…)` and scalar subqueries.
    pub(crate) fn bind_sublink(
        &mut self,
        kind: SublinkKind,
        query: &ast::Query,
        position: Option<u32>,
    ) -> Result<Expr> {
        self.check_subquery_allowed().map_err(|e| e.at(position))?;
        let mut node = self.bind_apart(query)?;
        if let (SublinkKind::Exists, Node::Project { columns, .. }) = (&kind, &mut node) {
            // EXISTS does not look at the select list: PostgreSQL does not even plan it.
            columns.clear();
        }
        let node = self.settle_unknown(node)?;
        let columns = node.columns();
        let ty = match kind {
            SublinkKind::Exists => Type::new(oids::BOOL),
            _ => {
                let [column] = columns.as_slice() else {
                    return Err(Error::new(SqlState::SYNTAX_ERROR, "subquery must return only one column").at(position));
                };
                match kind {
                    SublinkKind::Array => self.array_type_of(column.ty).ok_or_else(|| {
                        Error::new(
                            SqlState::UNDEFINED_OBJECT,
                            format!("could not find array type for data type {}", self.type_name(column.ty)),
                        )
                    })?,
                    _ => column.ty,
                }
            }
        };
        let wording = self.recorded_query().map(Arc::new);
        Ok(Expr::Sublink(Box::new(Sublink { kind, query: node, ty, wording })))
    }

    /// `left op ANY/ALL (SELECT …)`, `left IN (SELECT …)`, `(a, b) = (SELECT …)`.
    pub(crate) fn bind_comparison_sublink(
        &mut self,
        left: &Ast,
        name: &OperatorName,
        all: bool,
        query: &ast::Query,
        position: Option<u32>,
    ) -> Result<Expr> {
        self.check_subquery_allowed().map_err(|error| {
            let is_filter = self.levels.last().is_some_and(|level| level.clause == Clause::PublicationRow);
            error.at(if is_filter { self.leftmost(left) } else { position })
        })?;
        let operands = match strip_parentheses(left) {
            Ast::Tuple(items) => match self.bind_row(items)? {
                Expr::Row(fields, _, _) => fields,
                other => vec![other],
            },
            other => match self.bind_expr(other)? {
                // A cast of a row to a composite type is a row still.
                Expr::Row(fields, _, _) if is_cast_of_row(other) => fields,
                value => vec![value],
            },
        };
        let node = self.bind_apart(query)?;
        let node = self.settle_unknown(node)?;
        let wording = self.recorded_query().map(Arc::new);
        let columns = node.columns();
        if columns.len() != operands.len() {
            let message = if columns.len() < operands.len() {
                "subquery has too few columns"
            } else {
                "subquery has too many columns"
            };
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position));
        }
        let types: Vec<Type> = columns.iter().map(|column| column.ty).collect();
        let (kind, targets) = self.comparison_tests(name, operands, &types, all, position)?;
        let query = self.coerce_columns(node, &targets)?;
        Ok(Expr::Sublink(Box::new(Sublink { kind, query, ty: Type::new(oids::BOOL), wording })))
    }

    /// A query inside of an expression.
    fn bind_apart(&mut self, query: &ast::Query) -> Result<Node> {
        self.apart(|binder| binder.misplacing(IN_SUBQUERY, |binder| binder.bind_subquery(query)))
    }

    fn check_subquery_allowed(&mut self) -> Result<()> {
        let clause = self.levels.last().map(|level| level.clause).unwrap_or_default();
        if clause == Clause::PublicationRow {
            return Err(crate::row_filter::subquery());
        }
        if clause.forbids(Forbidden::Subquery) {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                match clause {
                    Clause::Check => "cannot use subquery in check constraint".to_owned(),
                    Clause::ColumnDefault => "cannot use subquery in DEFAULT expression".to_owned(),
                    Clause::IndexExpression => "cannot use subquery in index expression".to_owned(),
                    Clause::IndexPredicate => "cannot use subquery in index predicate".to_owned(),
                    Clause::Generated => "cannot use subquery in column generation expression".to_owned(),
                    Clause::Statistics => "cannot use subquery in statistics expression".to_owned(),
                    Clause::CopyWhere => "cannot use subquery in COPY FROM WHERE condition".to_owned(),
                    Clause::FunctionDefault => "cannot use subquery in DEFAULT expression".to_owned(),
                    Clause::CallArgument => "cannot use subquery in CALL argument".to_owned(),
                    Clause::TriggerWhen => "cannot use subquery in trigger WHEN condition".to_owned(),
                    Clause::ExecuteParameter => "cannot use subquery in EXECUTE parameter".to_owned(),
                    _ => "cannot use subquery in transform expression".to_owned(),
                },
            ));
        }
        Ok(())
    }

    /// The query with its columns coerced to the given types.
    pub(crate) fn coerce_columns(&mut self, node: Node, targets: &[Type]) -> Result<Node> {
        let columns = node.columns();
        if columns.iter().zip(targets).all(|(column, target)| column.ty.oid == target.oid) {
            return Ok(node);
        }
        let mut projected = Vec::with_capacity(columns.len());
        for (column, target) in columns.iter().zip(targets) {
            let value = self.coerce_implicit(Expr::column(column), target.oid)?;
            let output = self.new_column(column.name.clone(), value.ty());
            projected.push((output, value));
        }
        Ok(Node::Project { input: Box::new(node), columns: projected })
    }
}

fn is_cast_of_row(expr: &Ast) -> bool {
    match strip_parentheses(expr) {
        Ast::Cast { expr, .. } => matches!(strip_parentheses(expr), Ast::Tuple(_)) || is_cast_of_row(expr),
        _ => false,
    }
}
