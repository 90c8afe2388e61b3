//! Select lists and RETURNING lists: stars, aliases, the names PostgreSQL gives to unnamed columns.

use std::sync::Arc;

use dictdb_functions::facts::{self, ArgMode};
use dictdb_functions::resolve;
use dictdb_parser::TypeName;
use dictdb_parser::ast::{self, Expr as Ast, SelectItem, SelectItemQualifiedWildcardKind as Wildcard};
use dictdb_parser::xml::XmlExpr;
use dictdb_types::{Error, Oid, Result, SqlState, Type, TypeLookup, oids};

use super::Binder;
use super::clause::Clause;
use super::expression::strip_parentheses;
use super::names::idents;
use crate::expr::Expr;
use crate::logical::Column;

/// Columns a select list may have (`MaxTupleAttributeNumber`).
const MAX_COLUMNS: usize = 1664;

impl Binder<'_> {
    pub(crate) fn bind_select_list(&mut self, items: &[SelectItem]) -> Result<Vec<(Column, Expr)>> {
        self.in_clause(Clause::Select, |binder| binder.bind_targets(items))
    }

    pub(crate) fn bind_targets(&mut self, items: &[SelectItem]) -> Result<Vec<(Column, Expr)>> {
        let mut out: Vec<(Column, Expr)> = Vec::with_capacity(items.len());
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let source = self.source_of(expr);
                    let bound = self.bind_target(expr)?;
                    out.push(self.output(figure_name(expr), bound, source));
                }
                SelectItem::ExprWithAlias { expr: Ast::QualifiedWildcard(name, _), .. } => {
                    let parts = idents(name)?;
                    let columns = self.expand_star(Some(&parts))?;
                    let position = parts.first().and_then(|ident| self.position(ident.span));
                    self.push_star(columns, position, &mut out);
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let source = self.source_of(expr);
                    let bound = self.bind_target(expr)?;
                    out.push(self.output(alias.value.clone(), bound, source));
                }
                SelectItem::Wildcard(options) => {
                    let position = self.position(options.wildcard_token.0.span);
                    let columns = self.expand_star(None)?;
                    if columns.is_empty() && self.level().names.tables.is_empty() {
                        return Err(Error::new(
                            SqlState::SYNTAX_ERROR,
                            "SELECT * with no tables specified is not valid",
                        )
                        .at(position));
                    }
                    self.push_star(columns, position, &mut out);
                }
                SelectItem::QualifiedWildcard(Wildcard::ObjectName(name), _) => {
                    let parts = idents(name)?;
                    let columns = self.expand_star(Some(&parts))?;
                    let position = parts.first().and_then(|ident| self.position(ident.span));
                    self.push_star(columns, position, &mut out);
                }
                SelectItem::QualifiedWildcard(Wildcard::Expr(expr), _) => self.push_fields(expr, &mut out)?,
                SelectItem::ExprWithAliases { .. } => return Err(Error::unsupported("several aliases of one column")),
            }
        }
        if out.len() > MAX_COLUMNS {
            return Err(Error::new(
                SqlState::TOO_MANY_COLUMNS,
                format!("target lists can have at most {MAX_COLUMNS} entries"),
            ));
        }
        Ok(out)
    }

    fn bind_target(&mut self, expr: &Ast) -> Result<Expr> {
        self.bind_expr(expr)
    }

    fn output(&mut self, name: impl Into<Arc<str>>, expr: Expr, source: Option<(Oid, i16)>) -> (Column, Expr) {
        let column = Column { source, ..self.new_column(name, expr.ty()) };
        if expr.ty().oid == oids::RECORD
            && let Some(shape) = self.row_fields(&expr)
        {
            self.row_shapes.insert(column.id, shape);
        }
        (column, expr)
    }

    fn push_star(&mut self, columns: Vec<super::NamedColumn>, position: Option<u32>, out: &mut Vec<(Column, Expr)>) {
        for column in columns {
            self.note_reference(&column.expr, position);
            self.note_mention(column.source);
            let item = self.output(column.name, column.expr, column.source);
            out.push(item);
        }
    }

    /// `(row).*`.
    fn push_fields(&mut self, expr: &Ast, out: &mut Vec<(Column, Expr)>) -> Result<()> {
        let row = self.bind_expr(expr)?;
        let ty = row.ty();
        let fields = self.row_fields(&row).ok_or_else(|| {
            Error::new(SqlState::WRONG_OBJECT_TYPE, format!("type {} is not composite", self.type_name(ty)))
        })?;
        for (index, (name, ty)) in fields.into_iter().enumerate() {
            let item = self.output(name, Expr::Field(Box::new(row.clone()), index, ty), None);
            out.push(item);
        }
        Ok(())
    }

    /// Names and types of the fields of a row value, where they are known.
    pub(crate) fn row_fields(&self, row: &Expr) -> Option<super::RowShape> {
        if let Some(fields) = self.fields_of(row.ty()) {
            return Some(fields.iter().map(|field| (field.name.clone(), field.ty)).collect());
        }
        match row {
            Expr::Row(items, _, Some(names)) => Some(names.iter().cloned().zip(items.iter().map(Expr::ty)).collect()),
            Expr::Row(items, _, None) => {
                Some(items.iter().enumerate().map(|(i, item)| (Arc::from(format!("f{}", i + 1)), item.ty())).collect())
            }
            // The row of a table that an outer join may leave out.
            Expr::Case(case) if case.operand.is_none() && case.otherwise.is_none() => match case.whens.as_slice() {
                [(_, row @ Expr::Row(..))] => self.row_fields(row),
                _ => None,
            },
            Expr::Param(number, _) => {
                let fields = self.record_fields.get(number)?;
                Some(fields.iter().map(|field| (field.name.clone(), field.ty)).collect())
            }
            Expr::Call(call) if !call.columns.is_empty() => {
                Some(call.columns.iter().map(|field| (field.name.clone(), field.ty)).collect())
            }
            Expr::Call(call) => self.routine_outputs(call).or_else(|| self.output_parameters(call)),
            Expr::Column(id, _) => self.row_shapes.get(id).cloned().or_else(|| {
                self.levels.iter().find_map(|level| {
                    let (_, call) = level.sets.iter().find(|(column, _)| column.id == *id)?;
                    self.row_fields(call)
                })
            }),
            _ => None,
        }
    }

    /// The name of the only output parameter of a built-in function.
    pub(crate) fn output_parameter(&self, call: &Expr) -> Option<Arc<str>> {
        let Expr::Call(call) = call else { return None };
        if let Some(routine) = self.cx.catalog.routine(call.function.oid) {
            let mut outputs = routine.outputs();
            return match (outputs.next(), outputs.next()) {
                (Some(only), None) if !only.name.is_empty() => Some(only.name.clone()),
                _ => None,
            };
        }
        let proc = facts::proc_by_oid(call.function.oid)?;
        let (modes, names) = (proc.arg_modes.as_ref()?, proc.arg_names.as_ref()?);
        let mut outputs =
            modes.iter().zip(names.iter()).filter(|(mode, _)| !matches!(mode, ArgMode::In | ArgMode::Variadic));
        match (outputs.next(), outputs.next()) {
            (Some((_, name)), None) if !name.is_empty() => Some(Arc::from(*name)),
            _ => None,
        }
    }

    /// The output parameters of a user's function that has several.
    fn routine_outputs(&self, call: &crate::expr::Call) -> Option<Vec<(Arc<str>, Type)>> {
        let routine = self.cx.catalog.routine(call.function.oid)?;
        if routine.outputs().count() < 2 {
            return None;
        }
        let actual: Vec<Oid> = call.args.iter().map(|arg| arg.ty().oid).collect();
        let scope = self.scope();
        let outputs = routine.outputs().enumerate().map(|(index, parameter)| {
            let resolved = resolve::resolve_polymorphic(&scope, &actual, &mut routine.args.to_vec(), parameter.ty);
            let name = match &*parameter.name {
                "" => Arc::from(format!("column{}", index + 1)),
                _ => parameter.name.clone(),
            };
            (name, Type::new(resolved.unwrap_or(parameter.ty)))
        });
        Some(outputs.collect())
    }

    /// The output parameters of a built-in function that has several.
    fn output_parameters(&self, call: &crate::expr::Call) -> Option<Vec<(Arc<str>, Type)>> {
        let proc = facts::proc_by_oid(call.function.oid)?;
        let (types, modes, names) = (proc.all_args.as_ref()?, proc.arg_modes.as_ref()?, proc.arg_names.as_ref()?);
        let outputs: Vec<usize> =
            (0..types.len()).filter(|i| matches!(modes[*i], ArgMode::Out | ArgMode::InOut | ArgMode::Table)).collect();
        if outputs.len() < 2 {
            return None;
        }
        let element = call.args.iter().find_map(|arg| self.element_of(arg.ty()));
        let actual = |declared: Oid| match (declared, element) {
            (oids::ANYELEMENT, Some(element)) => Type::new(element.oid),
            (other, _) => Type::new(other),
        };
        Some(outputs.into_iter().map(|i| (Arc::from(names[i]), actual(types[i]))).collect())
    }

    /// The field of this name of a row value.
    pub(crate) fn field_named(&self, row: &Expr, name: &str) -> Option<Expr> {
        let fields = self.row_fields(row)?;
        let index = fields.iter().position(|(field, _)| **field == *name)?;
        self.note_field(row.ty(), name);
        Some(Expr::Field(Box::new(row.clone()), index, fields[index].1))
    }

    /// A field of a type of users is used: what has the expression depends on it.
    fn note_field(&self, ty: Type, name: &str) {
        self.fields.borrow_mut().extend(self.field_of_users(ty, name));
    }

    /// A field of a type of users: relation and attnum.
    pub(crate) fn field_of_users(&self, ty: Type, name: &str) -> Option<(Oid, i16)> {
        let catalog = self.cx.catalog;
        let relation = catalog.type_info(catalog.base_type(ty).oid)?.relation;
        let relation = Some(relation).filter(|oid| *oid >= Oid::FIRST_NORMAL).and_then(|oid| catalog.relation(oid))?;
        relation.column_named(name).map(|(attnum, _)| (relation.oid, attnum))
    }

    /// The fields of composite types that were selected so far.
    pub(crate) fn fields_used(&self) -> Vec<(Oid, i16)> {
        self.fields.borrow().iter().copied().collect()
    }

    /// Table and attnum of an expression that is a plain column.
    fn source_of(&self, expr: &Ast) -> Option<(Oid, i16)> {
        let names = &self.levels.last()?.names;
        let find = |columns: &[super::NamedColumn], name: &str| {
            columns.iter().find(|c| *c.name == *name).and_then(|c| c.source)
        };
        match strip_parentheses(expr) {
            Ast::Identifier(ident) => find(&names.columns, &ident.value),
            Ast::CompoundIdentifier(parts) => {
                let [.., table, column] = parts.as_slice() else { return None };
                let table = names.tables.iter().find(|t| *t.alias == *table.value)?;
                find(&table.columns, &column.value)
            }
            _ => None,
        }
    }
}

/// The name PostgreSQL's `FigureColname` gives to a column without alias.
pub(crate) fn figure_name(expr: &Ast) -> String {
    named(expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

/// The name an expression has by itself.
pub(crate) fn expression_name(expr: &Ast) -> Option<String> {
    named(expr).map(|(name, _)| name)
}

/// The name and how strongly it is meant: a cast's own name is weaker than its operand's.
fn named(expr: &Ast) -> Option<(String, u8)> {
    match expr {
        Ast::Nested(inner) => named(inner),
        Ast::Identifier(ident) => Some((ident.value.clone(), 2)),
        Ast::CompoundIdentifier(parts) => parts.last().map(|ident| (ident.value.clone(), 2)),
        Ast::QualifiedWildcard(name, _) => Some((name.0.last()?.as_ident()?.value.clone(), 2)),
        Ast::CompoundFieldAccess { root, access_chain } => access_chain
            .iter()
            .rev()
            .find_map(|access| match access {
                ast::AccessExpr::Dot(Ast::Identifier(field)) => Some((field.value.clone(), 2)),
                _ => None,
            })
            .or_else(|| named(root)),
        Ast::Function(function) if XmlExpr::of(function).is_some() => {
            XmlExpr::of(function)?.column_name().map(|name| (name.to_owned(), 2))
        }
        Ast::Function(function) => {
            let ident = function.name.0.last()?.as_ident()?;
            Some((ident.value.clone(), 2))
        }
        Ast::Cast { expr: inner, data_type, .. } => match named(inner) {
            Some(found @ (_, 2)) => Some(found),
            _ => type_word(data_type).map(|name| (name, 1)),
        },
        Ast::TypedString(typed) => type_word(&typed.data_type).map(|name| (name, 1)),
        Ast::Collate { expr: inner, .. } => named(inner),
        Ast::Case { else_result, .. } => match else_result.as_deref().and_then(named) {
            Some(found @ (_, 2)) => Some(found),
            _ => Some(("case".to_owned(), 1)),
        },
        Ast::Array(_) => Some(("array".to_owned(), 2)),
        Ast::Tuple(_) => Some(("row".to_owned(), 2)),
        Ast::Exists { .. } => Some(("exists".to_owned(), 2)),
        Ast::Subquery(query) => first_column(&query.body).map(|name| (name, 2)),
        _ => None,
    }
}

/// The name of a query's first column, which is its name even when it has none.
fn first_column(body: &ast::SetExpr) -> Option<String> {
    match body {
        ast::SetExpr::Select(select) => match select.projection.first()? {
            SelectItem::UnnamedExpr(expr) => Some(figure_name(expr)),
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
            _ => None,
        },
        ast::SetExpr::Values(_) => Some("column1".to_owned()),
        ast::SetExpr::SetOperation { left, .. } => first_column(left),
        ast::SetExpr::Query(query) => first_column(&query.body),
        _ => None,
    }
}

fn type_word(data_type: &ast::DataType) -> Option<String> {
    let name = TypeName::of(data_type)?;
    name.names.last().map(|ident| ident.value.clone())
}
