//! The rows that INSERT and MERGE insert: expressions or a query, spread over the target columns.

use dictdb_catalog::{Column as TableColumn, Identity};
use dictdb_parser::ast::{self, SetExpr};
use dictdb_parser::node::{self, Overriding};
use dictdb_types::{Error, Result, SqlState, oids};

use super::Binder;
use super::assign::Target;
use super::clause::Clause;
use super::modify::not_assignable;
use crate::expr::Expr;
use crate::logical::{Column, Node};

/// What the values of an INSERT are for.
pub(crate) struct InsertTargets<'a> {
    /// In the order of the values.
    pub targets: Vec<Target<'a>>,
    /// Whether they were written, rather than all columns of the table.
    pub explicit: bool,
    /// `OVERRIDING … VALUE`.
    pub overriding: Option<Overriding>,
}

/// A value as written, and where.
enum Given {
    Default,
    Value(Expr, Option<u32>),
}

impl Binder<'_> {
    /// The rows of a query or VALUES, coerced to the columns' types, and the columns they give.
    pub(crate) fn insert_source(&mut self, to: &InsertTargets<'_>, query: &ast::Query) -> Result<(Node, Vec<i16>)> {
        if let SetExpr::Values(values) = &*query.body
            && query.with.is_none()
            && query.order_by.is_none()
            && query.limit_clause.is_none()
            && query.fetch.is_none()
        {
            let rows: Vec<&[ast::Expr]> = values.rows.iter().map(|row| row.content.as_slice()).collect();
            let given = self.take_rule_rows();
            let (node, attnums) = self.insert_values(to, &rows)?;
            return Ok((super::rule_rows::over_rule_rows(given, node), attnums));
        }
        self.ranges += 1;
        let node = self.bind_subquery(query)?;
        let produced = node.columns();
        let items = projection(query);
        self.check_width(to, produced.len(), &items)?;
        let mut given = Vec::with_capacity(produced.len());
        for (index, source) in produced.iter().enumerate() {
            let value = literal_behind(&node, source).unwrap_or_else(|| Expr::column(source));
            let position = items.get(index).and_then(|item| self.leftmost(item));
            given.push(Given::Value(value, position));
        }
        let values = self.insert_row(to, given)?;
        let mut columns = Vec::with_capacity(values.len());
        let mut attnums = Vec::with_capacity(values.len());
        for (attnum, value) in values {
            columns.push((self.new_column("value", value.ty()), value));
            attnums.push(attnum);
        }
        Ok((Node::Project { input: Box::new(node), columns }, attnums))
    }

    /// Rows of expressions.
    pub(crate) fn insert_values(&mut self, to: &InsertTargets<'_>, rows: &[&[ast::Expr]]) -> Result<(Node, Vec<i16>)> {
        let mut width = None;
        self.ranges += usize::from(rows.len() > 1);
        let mut bound = Vec::with_capacity(rows.len());
        for row in rows {
            let mut given = Vec::with_capacity(row.len());
            for expr in *row {
                if node::is_default(expr) {
                    given.push(Given::Default);
                    continue;
                }
                let position = self.leftmost(expr);
                let values = self.in_clause(Clause::Values, |binder| binder.bind_row_item(expr))?;
                given.extend(values.into_iter().map(|value| Given::Value(value, position)));
            }
            let width = *width.get_or_insert(given.len());
            if given.len() != width {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "VALUES lists must all be the same length")
                    .at(row.first().and_then(|expr| self.leftmost(expr))));
            }
            let items: Vec<&ast::Expr> = row.iter().collect();
            self.check_width(to, width, &items)?;
            bound.push(self.insert_row(to, given)?);
        }
        let sets = self.sets_of_values(bound.len() == 1)?;
        if let ([row], false) = (&mut bound[..], sets.is_empty()) {
            return Ok(self.expand_row(std::mem::take(row), sets));
        }
        let first = bound.first().map_or(&[][..], Vec::as_slice);
        let attnums: Vec<i16> = first.iter().map(|(attnum, _)| *attnum).collect();
        let types: Vec<_> = first.iter().map(|(_, value)| value.ty()).collect();
        let columns = types.into_iter().map(|ty| self.new_column("value", ty)).collect();
        let rows = bound.into_iter().map(|row| row.into_iter().map(|(_, value)| value).collect()).collect();
        Ok((Node::Values { columns, rows }, attnums))
    }

    /// The set-returning calls that stand in VALUES. 0A000 unless the one row of an INSERT may be expanded.
    pub(crate) fn sets_of_values(&mut self, single: bool) -> Result<Vec<(Column, Expr)>> {
        let sets = std::mem::take(&mut self.level().sets);
        match sets.first() {
            Some((column, _)) if !single => {
                let message = "set-returning functions are not allowed in VALUES";
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(self.call_position(column.id)))
            }
            _ => Ok(sets),
        }
    }

    /// A row of set-returning calls as the rows they give.
    fn expand_row(&mut self, row: Vec<(i16, Expr)>, sets: Vec<(Column, Expr)>) -> (Node, Vec<i16>) {
        let one = Node::Values { columns: Vec::new(), rows: vec![Vec::new()] };
        let input = Box::new(super::grouped::project_sets(one, sets));
        let attnums = row.iter().map(|(attnum, _)| *attnum).collect();
        let columns = row.into_iter().map(|(_, value)| (self.new_column("value", value.ty()), value)).collect();
        (Node::Project { input, columns }, attnums)
    }

    /// The values of one row by column; several parts of a column become one value.
    fn insert_row(&mut self, to: &InsertTargets<'_>, given: Vec<Given>) -> Result<Vec<(i16, Expr)>> {
        let mut row: Vec<(i16, Expr)> = Vec::with_capacity(given.len());
        let mut refused = None;
        for (value, target) in given.into_iter().zip(&to.targets) {
            let column = target.column;
            if self.records() {
                let written = match &value {
                    Given::Default => None,
                    Given::Value(value, position) => Some(self.written_value(target, value, *position)?),
                };
                self.record_given(target.wording(), written);
            }
            let before = row.iter().position(|(attnum, _)| *attnum == target.attnum);
            let current = match before {
                Some(at) => row.remove(at).1,
                None => Expr::null(column.ty),
            };
            let value = match value {
                Given::Default if !target.is_whole() => return Err(target.no_default()),
                Given::Default => self.default_of(column)?,
                Given::Value(value, position) => {
                    let assigned = self.assign(target, current, value, position)?;
                    if user_value_ignored(column, to.overriding) {
                        self.default_of(column)?
                    } else {
                        refused = refused.or_else(|| refusal(column, to.overriding));
                        assigned
                    }
                }
            };
            row.insert(before.unwrap_or(row.len()), (target.attnum, value));
        }
        match refused {
            Some(error) => Err(error),
            None => Ok(row),
        }
    }

    fn check_width(&self, to: &InsertTargets<'_>, width: usize, items: &[&ast::Expr]) -> Result<()> {
        let targets = to.targets.len();
        if width > targets {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "INSERT has more expressions than target columns")
                .at(items.get(targets).and_then(|expr| self.leftmost(expr))));
        }
        if !to.explicit || width == targets {
            return Ok(());
        }
        let error = Error::new(SqlState::SYNTAX_ERROR, "INSERT has more target columns than expressions")
            .at(to.targets.get(width).and_then(|target| target.position));
        let is_row = |expr: &ast::Expr| matches!(expr, ast::Expr::Tuple(fields) if fields.len() == targets);
        Err(match items {
            [single] if is_row(single) => error.hint(
                "The insertion source is a row expression containing the same number of columns expected by the \
                 INSERT. Did you accidentally use extra parentheses?",
            ),
            _ => error,
        })
    }
}

/// The expressions of a query's (first) select list, for positions.
pub(crate) fn projection(query: &ast::Query) -> Vec<&ast::Expr> {
    items(&query.body)
}

/// Likewise, of a query's body.
pub(crate) fn items(mut body: &SetExpr) -> Vec<&ast::Expr> {
    loop {
        match body {
            SetExpr::Select(select) => {
                let items = select.projection.iter().map_while(|item| match item {
                    ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => Some(expr),
                    _ => None,
                });
                return items.collect();
            }
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => body = &query.body,
            SetExpr::Values(values) => {
                return values.rows.first().map_or_else(Vec::new, |row| row.content.iter().collect());
            }
            _ => return Vec::new(),
        }
    }
}

fn user_value_ignored(column: &TableColumn, overriding: Option<Overriding>) -> bool {
    column.identity.is_some() && overriding == Some(Overriding::User)
}

/// 428C9 for a column that does not take a value.
fn refusal(column: &TableColumn, overriding: Option<Overriding>) -> Option<Error> {
    let always = column.identity == Some(Identity::Always) && overriding != Some(Overriding::System);
    (column.generated || always).then(|| not_assignable(column, "insert"))
}

/// The constant behind an output column: `INSERT … SELECT 'x'` reads the literal as the column's type.
fn literal_behind(node: &Node, column: &Column) -> Option<Expr> {
    let Node::Project { columns, .. } = node else { return None };
    let (_, expr) = columns.iter().find(|(c, _)| c.id == column.id)?;
    let unknown = expr.ty().oid == oids::UNKNOWN;
    (unknown && matches!(expr, Expr::Const(..) | Expr::Param(..))).then(|| expr.clone())
}
