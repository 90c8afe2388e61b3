//! Scalar expressions: the dispatch over syntax, and the forms that are neither operators nor calls.

use dictdb_functions::facts::CastContext;
use dictdb_functions::resolve;
use dictdb_parser::ast::{self, AccessExpr, CastKind, Expr as Ast};
use dictdb_types::{Error, Result, SqlState, Type, TypeLookup, oids};

use super::Binder;
use super::clause::Forbidden;
use super::function::finds_none;
use crate::expr::{BoolTest, Case, Expr, SublinkKind};

impl Binder<'_> {
    /// Binds an expression; unknown literals stay unknown until a context decides.
    pub(crate) fn bind_expr(&mut self, expr: &Ast) -> Result<Expr> {
        self.nested(|binder| binder.bind_expr_inner(expr))
    }

    fn bind_expr_inner(&mut self, expr: &Ast) -> Result<Expr> {
        match expr {
            Ast::Identifier(ident) => self.bind_bare_word(ident),
            Ast::CompoundIdentifier(parts) => {
                self.forbid_columns(parts.first())?;
                self.bind_compound(parts)
            }
            Ast::CompoundFieldAccess { root, access_chain } => self.bind_access(root, access_chain),
            Ast::Value(value) => self.bind_value(value),
            Ast::Nested(inner) => self.bind_expr(inner),
            Ast::TypedString(typed) => {
                let target = self.bind_type(&typed.data_type)?;
                let position = self.position(typed.value.span);
                let literal = self.bind_value(&typed.value)?;
                self.cast(literal, target, position)
            }
            Ast::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr: inner, data_type, format: None } => {
                self.bind_cast(inner, data_type, self.node_position(expr))
            }
            Ast::IsNull(arg) => self.bind_null_test(arg, false),
            Ast::IsNotNull(arg) => self.bind_null_test(arg, true),
            Ast::IsTrue(arg) => self.bind_bool_test(arg, BoolTest::True, "IS TRUE"),
            Ast::IsNotTrue(arg) => self.bind_bool_test(arg, BoolTest::NotTrue, "IS NOT TRUE"),
            Ast::IsFalse(arg) => self.bind_bool_test(arg, BoolTest::False, "IS FALSE"),
            Ast::IsNotFalse(arg) => self.bind_bool_test(arg, BoolTest::NotFalse, "IS NOT FALSE"),
            Ast::IsUnknown(arg) => self.bind_bool_test(arg, BoolTest::Unknown, "IS UNKNOWN"),
            Ast::IsNotUnknown(arg) => self.bind_bool_test(arg, BoolTest::NotUnknown, "IS NOT UNKNOWN"),
            Ast::Case { operand, conditions, else_result, .. } => self.without_sets("CASE", |binder| {
                binder.bind_case(operand.as_deref(), conditions, else_result.as_deref())
            }),
            Ast::Array(array) => self.bind_array(&array.elem, None),
            Ast::Tuple(items) => self.bind_row(items),
            Ast::Exists { subquery, negated } => {
                let link = self.bind_sublink(SublinkKind::Exists, subquery, None)?;
                Ok(if *negated { Expr::Not(Box::new(link)) } else { link })
            }
            Ast::Subquery(query) => self.bind_sublink(SublinkKind::Scalar, query, self.leftmost(expr)),
            Ast::QualifiedWildcard(name, _) => {
                let parts = super::names::idents(name)?;
                self.row_of_table(&parts)
            }
            Ast::Function(function) => self.bind_function(function),
            Ast::Collate { expr: inner, collation } => self.bind_collate(inner, collation, self.node_position(expr)),
            Ast::GroupingSets(_) | Ast::Cube(_) | Ast::Rollup(_) => {
                Err(Error::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"(\"").at(self.leftmost(expr)))
            }
            _ => self.bind_operator_syntax(expr),
        }
    }

    fn bind_bare_word(&mut self, ident: &ast::Ident) -> Result<Expr> {
        if ident.quote_style.is_none()
            && let Some(call) = self.bind_niladic(ident)?
        {
            return Ok(call);
        }
        self.forbid_columns(Some(ident))?;
        self.bind_identifier(ident)
    }

    fn forbid_columns(&mut self, ident: Option<&ast::Ident>) -> Result<()> {
        let clause = self.levels.last().map(|level| level.clause).unwrap_or_default();
        if !clause.forbids(Forbidden::Column) {
            return Ok(());
        }
        let position = ident.and_then(|ident| self.position(ident.span));
        let subject =
            if clause == super::Clause::ExecuteParameter { "EXECUTE parameter" } else { "DEFAULT expression" };
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot use column reference in {subject}"))
            .at(position))
    }

    fn bind_cast(&mut self, inner: &Ast, data_type: &ast::DataType, own: Option<u32>) -> Result<Expr> {
        let target = self.bind_type(data_type)?;
        let position = self.leftmost(inner);
        // ARRAY[…]::t[] types the elements by the target, so that an empty or untyped array can be written. In a kept text they have
        // their types, and what is cast is the array.
        let is_vector = matches!(target.oid, oids::INT2VECTOR | oids::OIDVECTOR);
        if let Ast::Array(array) = strip_parentheses(inner)
            && (!self.reads_stored || is_vector || array.elem.is_empty())
            && let Some(element) = self.element_of(target)
        {
            let bound = match self.bind_array(&array.elem, Some(element))? {
                // Vectors have no array type's cast: the literal is one itself.
                Expr::Array { items, nested, .. } if is_vector => Expr::Array { items, nested, ty: target },
                bound => bound,
            };
            return self.cast(bound, target, position);
        }
        let bound = self.bind_expr(inner)?;
        let cast = self.cast_at(bound, target, position, own.or(position))?;
        // Without a modifier the type is any of its kind, whatever the operand was limited to.
        if target.typmod < 0 && cast.ty().typmod >= 0 && cast.ty().oid == target.oid {
            return Ok(Expr::Relabel(Box::new(cast), target));
        }
        Ok(cast)
    }

    fn bind_null_test(&mut self, arg: &Ast, negated: bool) -> Result<Expr> {
        let bound = self.bind_expr(arg)?;
        let bound = self.resolve_any(bound)?;
        Ok(Expr::IsNull(Box::new(bound), negated))
    }

    fn bind_bool_test(&mut self, arg: &Ast, test: BoolTest, construct: &str) -> Result<Expr> {
        let bound = self.bind_expr(arg)?;
        let bound = self.coerce_to_boolean(bound, construct, self.leftmost(arg))?;
        Ok(Expr::BoolTest(Box::new(bound), test))
    }

    fn bind_case(&mut self, operand: Option<&Ast>, whens: &[ast::CaseWhen], otherwise: Option<&Ast>) -> Result<Expr> {
        let operand = match operand {
            Some(operand) => {
                let bound = self.bind_expr(operand)?;
                Some(self.resolve_unknown(bound)?)
            }
            None => None,
        };
        let mut conditions = Vec::with_capacity(whens.len());
        let mut results = Vec::with_capacity(whens.len() + 1);
        for when in whens {
            let position = self.leftmost(&when.condition);
            let condition = self.bind_expr(&when.condition)?;
            conditions.push(match &operand {
                Some(operand) => {
                    let position = self.locations.filed(&when.condition);
                    self.bind_binary("=", Expr::TestValue(operand.ty()), condition, position)?
                }
                None => self.coerce_to_boolean(condition, "CASE/WHEN", position)?,
            });
            results.push(self.bind_expr(&when.result)?);
        }
        // ELSE comes first when the common type is chosen, as in PostgreSQL.
        let otherwise = otherwise.map(|otherwise| self.bind_expr(otherwise)).transpose()?;
        let has_else = otherwise.is_some();
        results.insert(0, otherwise.unwrap_or_else(|| Expr::null(Type::new(oids::UNKNOWN))));
        let mut positions = vec![None];
        positions.extend(whens.iter().map(|when| self.leftmost(&when.result)));
        let (mut results, ty) = self.unify_at(results, &positions, "CASE")?;
        let otherwise = results.remove(0);
        Ok(Expr::Case(Box::new(Case {
            operand,
            whens: conditions.into_iter().zip(results).collect(),
            otherwise: has_else.then_some(otherwise),
            ty,
        })))
    }

    /// Coerces expressions to their common type; 42804 naming the construct.
    pub(crate) fn unify(&mut self, exprs: Vec<Expr>, construct: &str) -> Result<(Vec<Expr>, Type)> {
        let types: Vec<Type> = exprs.iter().map(Expr::ty).collect();
        let ty = self.common_type(&types, construct)?;
        let mut unified = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let source = expr.ty();
            let coerced = self
                .coerce(expr, Type::new(ty.oid), CastContext::Implicit)?
                .ok_or_else(|| resolve::cannot_convert(&self.scope(), construct, source.oid, ty.oid))?;
            unified.push(coerced);
        }
        Ok((unified, ty))
    }

    /// The common type of some alternatives, with the modifier they share.
    pub(crate) fn common_type(&self, types: &[Type], construct: &str) -> Result<Type> {
        let oids: Vec<_> = types.iter().map(|ty| ty.oid).collect();
        let oid = resolve::select_common_type(&self.scope(), &oids, &[], construct)?;
        Ok(Type::with_typmod(oid, resolve::select_common_typmod(types, oid)))
    }

    /// `ARRAY[…]`; `element` is known under a cast.
    pub(crate) fn bind_array(&mut self, items: &[Ast], element: Option<Type>) -> Result<Expr> {
        let mut bound = Vec::with_capacity(items.len());
        let mut nested = false;
        for item in items {
            if let Ast::Array(inner) = strip_parentheses(item) {
                nested = true;
                bound.push(self.bind_array(&inner.elem, element)?);
            } else {
                let item = self.bind_expr(item)?;
                // A domain over an array is a value like others.
                let is_array = self.type_info(item.ty().oid).is_some_and(|info| info.is_array());
                nested = nested || is_array && element.is_none_or(|e| self.element_of(e).is_none());
                bound.push(item);
            }
        }
        if bound.is_empty() && element.is_none() {
            return Err(Error::new(SqlState::INDETERMINATE_DATATYPE, "cannot determine type of empty array")
                .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[]."));
        }
        let (items, item_type) = match element {
            Some(element) if !nested => {
                let mut cast = Vec::with_capacity(bound.len());
                for item in bound {
                    cast.push(self.cast(item, element, None)?);
                }
                (cast, element)
            }
            Some(element) => {
                let array = self.array_type_of(element).unwrap_or(element);
                let cast = bound.into_iter().map(|item| self.cast(item, array, None)).collect::<Result<_>>()?;
                (cast, array)
            }
            None => {
                let positions: Vec<_> = items.iter().map(|item| self.leftmost(item)).collect();
                self.unify_at(bound, &positions, "ARRAY")?
            }
        };
        // A domain over an array that was smashed to it has no array type.
        let is_array = self.type_info(item_type.oid).is_some_and(|info| info.is_array());
        let array_type = if is_array && !nested { None } else { self.array_type_of(item_type) };
        let ty = array_type.ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("could not find array type for data type {}", self.type_name(item_type)),
            )
        })?;
        Ok(Expr::Array { items, nested, ty })
    }

    pub(crate) fn bind_row(&mut self, items: &[Ast]) -> Result<Expr> {
        let mut fields = Vec::with_capacity(items.len());
        for item in items {
            fields.extend(self.bind_row_item(item)?);
        }
        Ok(Expr::Row(fields, Type::new(oids::RECORD), None))
    }

    /// One item of a row constructor; `t.*` gives several.
    pub(crate) fn bind_row_item(&mut self, item: &Ast) -> Result<Vec<Expr>> {
        match item {
            Ast::QualifiedWildcard(name, _) => {
                let parts = super::names::idents(name)?;
                Ok(self.expand_star(Some(&parts))?.into_iter().map(|column| column.expr).collect())
            }
            Ast::Wildcard(_) => Ok(self.expand_star(None)?.into_iter().map(|column| column.expr).collect()),
            other => Ok(vec![self.bind_expr(other)?]),
        }
    }

    fn bind_access(&mut self, root: &Ast, chain: &[AccessExpr]) -> Result<Expr> {
        let mut value = self.bind_expr(root)?;
        let mut rest = chain;
        // A missing field is reported where the row stands.
        let row = strip_parentheses(root);
        let position = match row {
            Ast::Cast { expr, .. } if matches!(strip_parentheses(expr), Ast::Tuple(_)) => self.node_position(row),
            _ => self.leftmost(row),
        };
        // A field of a table's row is the column that the query calls so.
        if let (Ast::Identifier(table), Some(AccessExpr::Dot(Ast::Identifier(column)))) = (row, chain.first())
            && matches!(value, Expr::Row(..) | Expr::Case(_))
            && self.is_table(table)
        {
            value = self.qualified(None, table, column, position)?;
            rest = &rest[1..];
        }
        while let Some(first) = rest.first() {
            match first {
                AccessExpr::Dot(Ast::Identifier(field)) => {
                    value = self.bind_field(value, field).map_err(|mut error| {
                        error.fields_mut().position = position;
                        error
                    })?;
                    rest = &rest[1..];
                }
                AccessExpr::Dot(other) => {
                    return Err(Error::unsupported(format_args!("the field access .{other}")));
                }
                AccessExpr::Subscript(_) => {
                    let end = rest.iter().position(|a| !matches!(a, AccessExpr::Subscript(_))).unwrap_or(rest.len());
                    value = self.bind_subscripts(value, &rest[..end], self.leftmost(root))?;
                    rest = &rest[end..];
                }
            }
        }
        Ok(value)
    }

    /// `(row).field`, or a function of the row.
    pub(crate) fn bind_field(&mut self, row: Expr, field: &ast::Ident) -> Result<Expr> {
        let position = self.position(field.span);
        let ty = row.ty();
        if let Some(value) = self.field_named(&row, &field.value) {
            return Ok(value);
        }
        let error = if ty.oid == oids::RECORD {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("could not identify column \"{}\" in record data type", field.value),
            )
        } else if self.fields_of(ty).is_some() {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{}\" not found in data type {}", field.value, self.type_name(ty)),
            )
        } else {
            Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "column notation .{} applied to type {}, which is not a composite type",
                    field.value,
                    self.type_name(ty)
                ),
            )
        };
        let call = self.bind_call_of_values(None, &field.value, vec![row], position);
        let call = call.map_err(|found| if finds_none(&found) { error.at(position) } else { found })?;
        self.collect_set(call, position)
    }

    fn bind_collate(&mut self, inner: &Ast, collation: &ast::ObjectName, position: Option<u32>) -> Result<Expr> {
        let bound = self.bind_expr(inner)?;
        let bound = self.resolve_unknown(bound)?;
        let ty = self.cx.catalog.base_type(bound.ty());
        if self.cx.catalog.type_info(ty.oid).is_some_and(|info| !info.collation.is_valid()) {
            let message = format!("collations are not supported by type {}", self.type_name(bound.ty()));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(position));
        }
        let oid = self.cx.collation(collation).map_err(|error| error.at(position))?;
        self.collations.insert(oid);
        Ok(Expr::Collate(Box::new(bound), oid, position))
    }
}

/// The expression inside redundant parentheses.
pub(crate) fn strip_parentheses(expr: &Ast) -> &Ast {
    match expr {
        Ast::Nested(inner) => strip_parentheses(inner),
        other => other,
    }
}
