//! SET: the assignments of UPDATE, MERGE and ON CONFLICT DO UPDATE.

use std::sync::Arc;

use dictdb_catalog::{Column as TableColumn, Identity, Relation};
use dictdb_functions::facts::CastContext;
use dictdb_parser::ast::{self, AssignmentTarget, Expr as Ast, ObjectName};
use dictdb_parser::node;
use dictdb_types::{Error, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Clause;
use super::modify::not_assignable;
use crate::expr::{Expr, Sublink, SublinkKind};
use crate::logical::{Column, Node};

/// Bound assignments.
pub(crate) struct Assignments {
    /// Attnum and new value of each column, coerced to its type.
    pub values: Vec<(i16, Expr)>,
    /// Columns for the rows of subqueries that give several values, to be computed before.
    pub rows: Vec<(Column, Expr)>,
}

/// What an assignment assigns.
enum Source {
    Default,
    Value(Expr, Option<u32>),
    /// A field of the row that a subquery gives.
    Field(Expr, Option<u32>),
}

/// A column with its value so far.
struct Assigned {
    attnum: i16,
    value: Expr,
    whole: bool,
}

impl Binder<'_> {
    /// Binds SET items. `current` are the values of the target's columns, which parts are assigned to. Values are bound
    /// before targets are looked at, as PostgreSQL does.
    pub(crate) fn bind_assignments(
        &mut self,
        relation: &Arc<Relation>,
        current: &[(i16, Expr)],
        assignments: &[ast::Assignment],
    ) -> Result<Assignments> {
        let mut rows = Vec::new();
        let mut sources: Vec<(&ObjectName, Source)> = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => sources.push((name, self.bind_source(&assignment.value)?)),
                AssignmentTarget::Tuple(names) => {
                    let several = rows.len();
                    sources.extend(names.iter().zip(self.bind_sources(names, &assignment.value, &mut rows)?));
                    if rows.len() > several && self.records() {
                        let targets = names.iter().map(|name| Ok(self.assignment_target(relation, name)?.wording()));
                        let targets = targets.collect::<Result<_>>()?;
                        self.record_given_row(targets);
                    }
                }
            }
        }
        let mut bound: Vec<Assigned> = Vec::with_capacity(sources.len());
        let mut refused = None;
        for (name, source) in sources {
            if let Some(error) = self.assign_source(relation, current, name, source, &mut bound)? {
                refused.get_or_insert(error);
            }
        }
        match refused {
            Some(error) => Err(error),
            None => Ok(Assignments { values: bound.into_iter().map(|item| (item.attnum, item.value)).collect(), rows }),
        }
    }

    /// Keeps the wording of an assignment.
    fn record_source(&mut self, target: &super::assign::Target<'_>, source: &Source) -> Result<()> {
        let value = match source {
            Source::Default => None,
            Source::Value(value, position) => Some(self.written_value(target, value, *position)?),
            Source::Field(..) => return Ok(()),
        };
        self.record_given(target.wording(), value);
        Ok(())
    }

    /// A value as it is written: a literal has the type of its column.
    pub(crate) fn written_value(
        &mut self,
        target: &super::assign::Target<'_>,
        value: &Expr,
        position: Option<u32>,
    ) -> Result<Expr> {
        match value.ty().oid {
            oids::UNKNOWN if target.is_whole() => {
                let ty = Type::new(target.column.ty.oid);
                let coerced = self.coerce(value.clone(), ty, CastContext::Assignment).map_err(|e| e.at(position))?;
                Ok(coerced.unwrap_or_else(|| value.clone()))
            }
            oids::UNKNOWN => self.resolve_unknown(value.clone()),
            _ => Ok(value.clone()),
        }
    }

    fn bind_source(&mut self, value: &Ast) -> Result<Source> {
        if node::is_default(value) {
            return Ok(Source::Default);
        }
        let bound = self.in_clause(Clause::UpdateSource, |binder| binder.bind_expr(value))?;
        Ok(Source::Value(bound, self.leftmost(value)))
    }

    /// The values of `(a, b) = …`.
    fn bind_sources(
        &mut self,
        names: &[ObjectName],
        value: &Ast,
        rows: &mut Vec<(Column, Expr)>,
    ) -> Result<Vec<Source>> {
        let position = self.leftmost(value);
        let counted = |count: usize| match count == names.len() {
            true => Ok(()),
            false => {
                let message = "number of columns does not match number of values";
                Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position))
            }
        };
        match value {
            Ast::Tuple(items) => {
                let mut sources = Vec::with_capacity(items.len());
                for item in items {
                    if !matches!(item, Ast::QualifiedWildcard(..) | Ast::Wildcard(_)) {
                        sources.push(self.bind_source(item)?);
                        continue;
                    }
                    let fields = self.in_clause(Clause::UpdateSource, |binder| binder.bind_row_item(item))?;
                    let position = self.leftmost(item);
                    sources.extend(fields.into_iter().map(|field| Source::Value(field, position)));
                }
                counted(sources.len())?;
                Ok(sources)
            }
            Ast::Subquery(query) => {
                let node = self.in_clause(Clause::UpdateSource, |binder| binder.bind_subquery(query))?;
                let node = self.settle_unknown(node)?;
                let produced = node.columns();
                counted(produced.len())?;
                let row = self.row_of_subquery(node, &produced);
                let items = super::insert_source::projection(query);
                let sources = produced.iter().enumerate().map(|(index, column)| {
                    let field = Expr::Field(Box::new(Expr::column(&row.0)), index, column.ty);
                    Source::Field(field, items.get(index).and_then(|item| self.leftmost(item)))
                });
                let sources = sources.collect();
                rows.push(row);
                Ok(sources)
            }
            _ => Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
            )
            .at(position)),
        }
    }

    /// A subquery of several columns as one value.
    pub(crate) fn row_of_subquery(&mut self, node: Node, produced: &[Column]) -> (Column, Expr) {
        let record = Type::new(oids::RECORD);
        let fields = produced.iter().map(Expr::column).collect();
        let inner = self.new_column("row", record);
        let query = Node::Project { input: Box::new(node), columns: vec![(inner, Expr::Row(fields, record, None))] };
        let link = Expr::Sublink(Box::new(Sublink { kind: SublinkKind::Scalar, query, ty: record, wording: None }));
        (self.new_column("row", record), link)
    }

    /// Adds one assignment. What the column does not take is returned as an error to be raised after all others.
    fn assign_source(
        &mut self,
        relation: &Arc<Relation>,
        current: &[(i16, Expr)],
        name: &ObjectName,
        source: Source,
        bound: &mut Vec<Assigned>,
    ) -> Result<Option<Error>> {
        let target = self.assignment_target(relation, name)?;
        let column = target.column;
        if self.records() {
            self.record_source(&target, &source)?;
        }
        let before = bound.iter().position(|item| item.attnum == target.attnum);
        if let Some(at) = before
            && (bound[at].whole || target.is_whole())
        {
            return Ok(Some(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("multiple assignments to same column \"{}\"", column.name),
            )));
        }
        let (value, refused) = match source {
            Source::Default if !target.is_whole() => return Err(target.no_default()),
            Source::Default if self.target_view_of(relation).is_some() => {
                (self.default_of(column)?, makes_its_own(column).then(|| not_assignable(column, "update")))
            }
            Source::Default if column.generated => return Ok(None),
            Source::Default => (self.default_of(column)?, None),
            Source::Value(value, position) | Source::Field(value, position) => {
                let old = match before {
                    Some(at) => bound[at].value.clone(),
                    None => current
                        .iter()
                        .find(|(attnum, _)| *attnum == target.attnum)
                        .map_or_else(|| Expr::null(column.ty), |(_, value)| value.clone()),
                };
                let value = self.assign(&target, old, value, position)?;
                (value, makes_its_own(column).then(|| not_assignable(column, "update")))
            }
        };
        let assigned = Assigned { attnum: target.attnum, value, whole: target.is_whole() };
        match before {
            Some(at) => bound[at] = assigned,
            None => bound.push(assigned),
        }
        Ok(refused)
    }
}

/// Whether nobody gives a column its values.
fn makes_its_own(column: &TableColumn) -> bool {
    column.generated || column.identity == Some(Identity::Always)
}
