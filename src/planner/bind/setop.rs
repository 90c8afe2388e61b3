//! UNION, INTERSECT, EXCEPT, VALUES, TABLE.

use std::sync::Arc;

use dictdb_functions::facts::CastContext;
use dictdb_parser::ast::{self, SetExpr, SetOperator, SetQuantifier};
use dictdb_types::{Error, Result, SqlState, Type};

use super::Binder;
use super::clause::Clause;
use super::recursion::{IN_EXCEPT, IN_INTERSECT};
use crate::expr::Expr;
use crate::logical::{Column, Node, SetOpKind};

impl Binder<'_> {
    pub(crate) fn bind_set_operation(
        &mut self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
    ) -> Result<Node> {
        let (kind, name) = match op {
            SetOperator::Union => (SetOpKind::Union, "UNION"),
            SetOperator::Intersect => (SetOpKind::Intersect, "INTERSECT"),
            SetOperator::Except | SetOperator::Minus => (SetOpKind::Except, "EXCEPT"),
        };
        let left_items: Vec<_> = super::insert_source::items(left).iter().map(|item| self.leftmost(item)).collect();
        let right_items: Vec<_> = super::insert_source::items(right).iter().map(|item| self.leftmost(item)).collect();
        let all = quantifier == SetQuantifier::All;
        let places = match kind {
            SetOpKind::Union => [None, None],
            SetOpKind::Intersect => [all.then_some(IN_INTERSECT); 2],
            SetOpKind::Except => [all.then_some(IN_EXCEPT), Some(IN_EXCEPT)],
        };
        for arm in [left, right] {
            if let SetExpr::Select(select) = arm
                && let Some(into) = &select.into
            {
                let message = "INTO is only allowed on first SELECT of UNION/INTERSECT/EXCEPT";
                let position = into.targets.first().and_then(|name| self.leftmost(name));
                return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position));
            }
        }
        let left = self.misplacing_if(places[0], |binder| binder.bind_arm(left))?;
        let right = self.misplacing_if(places[1], |binder| binder.bind_arm(right))?;
        self.ranges += 2;
        let (left_columns, right_columns) = (left.columns(), right.columns());
        if left_columns.len() != right_columns.len() {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("each {name} query must have the same number of columns"),
            )
            .at(right_items.first().copied().flatten()));
        }
        let mut types = Vec::with_capacity(left_columns.len());
        for (index, (a, b)) in left_columns.iter().zip(&right_columns).enumerate() {
            let position = right_items.get(index).copied().flatten();
            let ty = self.common_type(&[a.ty, b.ty], name).map_err(|e| e.at(position))?;
            if kind != SetOpKind::Union || !all {
                self.require_equality(ty, left_items.get(index).copied().flatten())?;
            }
            types.push(ty);
        }
        let left = self.coerce_arm(left, &types)?;
        let right = self.coerce_arm(right, &types)?;
        let columns: Vec<Column> =
            left_columns.iter().zip(&types).map(|(column, ty)| self.new_column(column.name.clone(), *ty)).collect();
        self.record_set_operation(kind, all, &columns);
        Ok(Node::SetOp { kind, all, columns, left: Box::new(left), right: Box::new(right) })
    }

    /// An arm; its columns are what errors in the next ones suggest.
    fn bind_arm(&mut self, arm: &SetExpr) -> Result<Node> {
        let node = self.bind_set_expr(arm)?;
        if !matches!(arm, SetExpr::SetOperation { .. }) {
            self.enter_arm(node.columns().into_iter().map(|column| column.name));
        }
        Ok(node)
    }

    /// An arm with its columns coerced; literals of its select list are coerced in place, as constants.
    fn coerce_arm(&mut self, node: Node, types: &[Type]) -> Result<Node> {
        match node {
            Node::Project { input, mut columns } => {
                for ((column, expr), ty) in columns.iter_mut().zip(types) {
                    if column.ty.oid != ty.oid {
                        *expr = self.coerce_implicit(expr.clone(), ty.oid)?;
                        column.ty = expr.ty();
                    }
                }
                Ok(Node::Project { input, columns })
            }
            other => self.coerce_columns(other, types),
        }
    }

    pub(crate) fn bind_values(&mut self, values: &ast::Values) -> Result<Node> {
        let mut rows: Vec<Vec<Expr>> = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            let bound = self.in_clause(Clause::Values, |binder| {
                let mut bound = Vec::with_capacity(row.content.len());
                for expr in row.content.iter() {
                    match expr {
                        ast::Expr::QualifiedWildcard(..) => bound.extend(binder.bind_row_item(expr)?),
                        expr => bound.push(binder.bind_expr(expr)?),
                    }
                }
                Ok(bound)
            })?;
            if rows.first().is_some_and(|first| first.len() != bound.len()) {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length")
                    .at(row.content.first().and_then(|expr| self.leftmost(expr))));
            }
            rows.push(bound);
        }
        let width = rows.first().map_or(0, Vec::len);
        self.sets_of_values(false)?;
        self.ranges += usize::from(rows.len() > 1);
        let mut columns = Vec::with_capacity(width);
        for position in 0..width {
            let column: Vec<Expr> = rows.iter().map(|row| row[position].clone()).collect();
            let places: Vec<_> =
                values.rows.iter().map(|row| row.content.get(position).and_then(|expr| self.leftmost(expr))).collect();
            let (unified, ty) = self.unify_at(column, &places, "VALUES")?;
            for (row, value) in rows.iter_mut().zip(unified) {
                row[position] = value;
            }
            columns.push(self.new_column(Arc::from(format!("column{}", position + 1)), ty));
        }
        self.record_values(&rows);
        Ok(Node::Values { columns, rows })
    }

    /// The parameters of EXECUTE as one row.
    pub(crate) fn bind_parameters(&mut self, exprs: &[ast::Expr], types: &[Type]) -> Result<Node> {
        self.in_level(|binder| {
            binder.level().clause = Clause::ExecuteParameter;
            let mut row = Vec::with_capacity(exprs.len());
            let mut columns = Vec::with_capacity(exprs.len());
            for (number, (expr, ty)) in exprs.iter().zip(types).enumerate() {
                let position = binder.leftmost(expr);
                let bound = binder.bind_expr(expr)?;
                let source = bound.ty();
                let coerced = binder.coerce(bound, *ty, CastContext::Assignment).map_err(|e| e.at(position))?;
                row.push(coerced.ok_or_else(|| {
                    Error::new(
                        SqlState::DATATYPE_MISMATCH,
                        format!(
                            "parameter ${} of type {} cannot be coerced to the expected type {}",
                            number + 1,
                            binder.type_name(source),
                            binder.type_name(*ty)
                        ),
                    )
                    .hint("You will need to rewrite or cast the expression.")
                    .at(position)
                })?);
                columns.push(binder.new_column("parameter", *ty));
            }
            Ok(Node::Values { columns, rows: vec![row] })
        })
    }

    /// `TABLE t` is `SELECT * FROM t`.
    pub(crate) fn bind_table_command(&mut self, table: &ast::Table) -> Result<Node> {
        let parts = table.schema_name.iter().chain(&table.table_name);
        let name = ast::ObjectName::from(parts.map(ast::Ident::new).collect::<Vec<_>>());
        self.in_level(|binder| {
            let (input, names) = binder.bind_table(&name, None, false)?;
            binder.level().names = names;
            let columns: Vec<(Column, Expr)> = binder
                .expand_star(None)?
                .into_iter()
                .map(|c| (Column { source: c.source, ..binder.new_column(c.name, c.expr.ty()) }, c.expr))
                .collect();
            binder.record_table_command(&columns);
            Ok(Node::Project { input: Box::new(input), columns })
        })
    }
}
