//! Calls: ordinary functions, the ones with a grammar of their own, and the hand-over of aggregates, window calls and
//! set-returning calls to their collectors.

use std::sync::Arc;

use dictdb_functions::facts::{self, ProcKind};
use dictdb_functions::resolve::{self, ArgSource, FunctionCall, FunctionMatch, Resolution};
use dictdb_parser::ast::{self, Expr as Ast, FunctionArg, FunctionArguments};
use dictdb_parser::node;
use dictdb_parser::xml::XmlExpr;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Forbidden;
use super::level::Level;
use super::names::idents;
use crate::expr::{Call, Expr, Spelling, SublinkKind};

/// The arguments of a call as bound.
struct BoundArgs {
    values: Vec<Expr>,
    /// Names of the last ones.
    names: Vec<String>,
    /// The last argument was marked VARIADIC.
    variadic: bool,
    /// `f(*)`.
    star: bool,
}

/// What a call turns out to be.
enum Resolved {
    Call(FunctionMatch),
    Value(Expr),
}

/// Whether a call failed because there is no one function for it. Where it is written as a field, the field is what is missing then.
pub(super) fn finds_none(error: &Error) -> bool {
    matches!(error.code(), SqlState::UNDEFINED_FUNCTION | SqlState::AMBIGUOUS_FUNCTION)
}

impl Binder<'_> {
    pub(crate) fn bind_function(&mut self, function: &ast::Function) -> Result<Expr> {
        let parts = idents(&function.name)?;
        let position = parts.first().and_then(|ident| self.position(ident.span));
        if let Some(xml) = XmlExpr::of(function) {
            return self.bind_xml(&xml, position);
        }
        if let [name] = parts.as_slice()
            && name.quote_style.is_none()
            && let Some(special) = self.bind_special_form(&name.value, function, position)?
        {
            return Ok(special);
        }
        let (schema, name) = match parts.as_slice() {
            [name] => (None, name.value.as_str()),
            [schema, name] => (Some(schema.value.as_str()), name.value.as_str()),
            _ => {
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    format!("improper qualified name (too many dotted names): {}", super::names::dotted(&parts)),
                )
                .at(position));
            }
        };
        if let Some(treatment) = &function.null_treatment {
            return Err(Error::unsupported(format_args!("{treatment}")).at(position));
        }
        let mark = self.references_mark();
        let mut args = self.bind_call_args(function)?;
        let direct = args.values.len();
        for item in &function.within_group {
            args.values.push(self.bind_expr(&item.expr)?);
        }
        let types: Vec<Oid> = args.values.iter().map(|value| value.ty().oid).collect();
        let names: Vec<&str> = args.names.iter().map(String::as_str).collect();
        let call = FunctionCall {
            schema,
            name,
            args: &types,
            arg_names: &names,
            literal: is_literal(function, &args.values),
            star: args.star,
            distinct: is_distinct(function),
            variadic: args.variadic,
            order_by: call_order(function).len() + function.within_group.len(),
            within_group: !function.within_group.is_empty(),
            filter: function.filter.is_some(),
            over: function.over.is_some(),
            procedure: false,
        };
        let found = match self.resolve_call(&call, &args.values) {
            Ok(Resolved::Call(found)) => found,
            Ok(Resolved::Value(value)) => return Ok(value),
            // What polymorphic parameters make of the arguments has no place in PostgreSQL.
            Err(error) if error.code() == SqlState::DATATYPE_MISMATCH => return Err(error),
            Err(error) => return Err(error.at(position)),
        };
        match found.kind {
            ProcKind::Aggregate => {
                let call = self.bind_aggregate(function, found, args.values, direct, position)?;
                if function.over.is_none() {
                    self.forget_references(mark);
                }
                self.note_reference(&call, position);
                Ok(call)
            }
            ProcKind::Window => {
                let call = self.bind_window_function(function, found, args.values, position)?;
                self.note_reference(&call, position);
                Ok(call)
            }
            ProcKind::Procedure => Err(Error::internal("a procedure resolved outside CALL")),
            ProcKind::Function => {
                let mut call = self.finish_call(&found, args.values, position)?;
                if let Expr::Call(call) = &mut call {
                    call.variadic = args.variadic;
                    if dictdb_parser::node::is_standard_syntax(function) {
                        call.spelling = Spelling::Standard;
                    }
                }
                self.collect_set(call, position)
            }
        }
    }

    /// What a call means; a cast or a row's field is a finished value.
    fn resolve_call(&mut self, call: &FunctionCall<'_>, values: &[Expr]) -> Result<Resolved> {
        match resolve::resolve_function(&self.scope(), call) {
            Ok(Resolution::Call(found)) => Ok(Resolved::Call(found)),
            Ok(Resolution::Cast(target)) => {
                let value = values.first().cloned().ok_or_else(|| Error::internal("a cast without an operand"))?;
                self.cast(value, Type::new(target), None).map(Resolved::Value)
            }
            Err(error) if error.code() == SqlState::UNDEFINED_FUNCTION && call.schema.is_none() => {
                let [row] = values else { return Err(error) };
                self.field_named(row, call.name).map(Resolved::Value).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// A call by name over values that are bound already.
    pub(crate) fn bind_call_of_values(
        &mut self,
        schema: Option<&str>,
        name: &str,
        values: Vec<Expr>,
        position: Option<u32>,
    ) -> Result<Expr> {
        let types: Vec<Oid> = values.iter().map(|value| value.ty().oid).collect();
        let call = FunctionCall { schema, name, args: &types, ..FunctionCall::default() };
        match resolve::resolve_function(&self.scope(), &call).map_err(|e| e.at(position))? {
            Resolution::Call(found) if found.kind == ProcKind::Aggregate => {
                self.bind_plain_aggregate(&found, values, position)
            }
            Resolution::Call(found) => self.finish_call(&found, values, position),
            Resolution::Cast(target) => {
                let value = values.into_iter().next().ok_or_else(|| Error::internal("a cast without an operand"))?;
                self.cast(value, Type::new(target), position)
            }
        }
    }

    /// A resolved call with its arguments coerced.
    pub(crate) fn finish_call(
        &mut self,
        found: &FunctionMatch,
        values: Vec<Expr>,
        position: Option<u32>,
    ) -> Result<Expr> {
        let args = self.call_args(found, values, position)?;
        let function = self.function(found.oid)?;
        let mut call = Call::new(function, args, Type::new(found.result), position);
        if self.keep_casts && found.variadic.is_none() {
            let is_default = |param: &&resolve::Param| matches!(param.source, ArgSource::Default(_));
            call.defaulted = found.params.iter().rev().take_while(is_default).count();
        }
        Ok(Expr::Call(Box::new(call)))
    }

    /// The arguments as the function takes them: in its order, coerced, with defaults, variadic ones in an array.
    pub(crate) fn call_args(
        &mut self,
        found: &FunctionMatch,
        values: Vec<Expr>,
        position: Option<u32>,
    ) -> Result<Vec<Expr>> {
        let mut args = Vec::with_capacity(found.params.len());
        for param in &found.params {
            let value = match param.source {
                ArgSource::Given(index) => {
                    values.get(index).cloned().ok_or_else(|| Error::internal("a call with a missing argument"))?
                }
                ArgSource::Default(index) => self.default_argument(found.oid, index)?,
            };
            let value = if matches!(param.ty, oids::ANY | oids::UNKNOWN) {
                self.resolve_any(value)?
            } else {
                self.coerce_implicit(value, param.ty).map_err(|e| e.at(position))?
            };
            args.push(value);
        }
        if let Some(variadic) = found.variadic {
            let items = args.split_off(variadic.first.min(args.len()));
            args.push(Expr::Array { items, nested: false, ty: Type::new(variadic.array) });
        }
        Ok(args)
    }

    /// The default expression of this number.
    fn default_argument(&mut self, function: Oid, index: usize) -> Result<Expr> {
        let missing = || Error::internal("a default argument that is not there");
        if let Some(routine) = self.cx.catalog.routine(function) {
            let mut defaults = routine.params.iter().filter_map(|parameter| parameter.default.as_ref());
            let text = defaults.nth(index).map(|(text, _)| text.clone()).ok_or_else(missing)?;
            return self.bind_stored(&text, Level::default());
        }
        let text = facts::proc_by_oid(function).and_then(|proc| proc.defaults).ok_or_else(missing)?;
        match self.bind_stored(&format!("ROW({text})"), Level::default())? {
            Expr::Row(mut items, _, _) if index < items.len() => Ok(items.swap_remove(index)),
            _ => Err(missing()),
        }
    }

    fn bind_call_args(&mut self, function: &ast::Function) -> Result<BoundArgs> {
        let mut bound = BoundArgs { values: Vec::new(), names: Vec::new(), variadic: false, star: false };
        let FunctionArguments::List(list) = &function.args else { return Ok(bound) };
        let mut misplaced = None;
        for arg in &list.args {
            if let FunctionArg::Named { name, .. } = arg {
                if bound.names.contains(&name.value) {
                    let message = format!("argument name \"{}\" used more than once", name.value);
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(self.position(name.span)));
                }
                bound.names.push(name.value.clone());
            }
            let Some((expr, variadic)) = node::argument(arg) else {
                bound.star = true;
                continue;
            };
            if matches!(arg, FunctionArg::Unnamed(_)) && !bound.names.is_empty() {
                misplaced.get_or_insert(expr);
            }
            bound.variadic |= variadic;
            match expr {
                Ast::QualifiedWildcard(name, _) => {
                    let parts = idents(name)?;
                    bound.values.push(self.row_of_table(&parts)?);
                }
                expr => {
                    let value = self.bind_expr(expr)?;
                    // As a driver calls a procedure of OUT parameters only: `f($1::void)` is `f()`.
                    if !(value.ty().oid == oids::VOID && matches!(value, Expr::Param(..))) {
                        bound.values.push(value);
                    }
                }
            }
        }
        match misplaced {
            Some(expr) => Err(Error::new(SqlState::SYNTAX_ERROR, "positional argument cannot follow named argument")
                .at(self.leftmost(expr))),
            None => Ok(bound),
        }
    }

    /// Where the arguments of a call stand.
    pub(crate) fn arg_positions(&self, function: &ast::Function) -> Vec<Option<u32>> {
        let FunctionArguments::List(list) = &function.args else { return Vec::new() };
        list.args.iter().map(|arg| node::argument(arg).and_then(|(expr, _)| self.leftmost(expr))).collect()
    }

    /// The arguments of a call: values, names of the last ones, and whether the last was marked VARIADIC.
    pub(crate) fn bind_named_args(&mut self, function: &ast::Function) -> Result<(Vec<Expr>, Vec<String>, bool)> {
        let bound = self.bind_call_args(function)?;
        Ok((bound.values, bound.names, bound.variadic))
    }

    pub(crate) fn bind_arg_values(&mut self, function: &ast::Function) -> Result<Vec<Expr>> {
        Ok(self.bind_call_args(function)?.values)
    }

    /// Forms that look like calls but are not functions of `pg_proc`.
    fn bind_special_form(
        &mut self,
        name: &str,
        function: &ast::Function,
        position: Option<u32>,
    ) -> Result<Option<Expr>> {
        if matches!(function.args, FunctionArguments::None) {
            return self.bind_keyword_value(name, None, position);
        }
        if let ("array", FunctionArguments::Subquery(query)) = (name, &function.args) {
            return self.bind_sublink(SublinkKind::Array, query, position).map(Some);
        }
        match name {
            "coalesce" => {
                let args = self.without_sets("COALESCE", |binder| binder.bind_arg_values(function))?;
                let (items, ty) = self.unify_at(args, &self.arg_positions(function), "COALESCE")?;
                Ok(Some(Expr::Coalesce(items, ty)))
            }
            "greatest" | "least" => {
                let args = self.bind_arg_values(function)?;
                let (items, ty) = self.unify_at(args, &self.arg_positions(function), &name.to_ascii_uppercase())?;
                self.require_comparison(ty)?;
                Ok(Some(Expr::MinMax(name == "greatest", items, ty)))
            }
            "nullif" => {
                let mut args = self.bind_arg_values(function)?.into_iter();
                let (Some(left), Some(right)) = (args.next(), args.next()) else {
                    return Err(Error::new(SqlState::SYNTAX_ERROR, "syntax error at or near \")\"").at(position));
                };
                let (function, pair) = self.equality(left, right, position)?;
                Ok(Some(Expr::NullIf(function, Box::new(pair))))
            }
            "grouping" => self.bind_grouping_call(function, position).map(Some),
            "current_time" | "current_timestamp" | "localtime" | "localtimestamp" => {
                let args = self.bind_arg_values(function)?;
                let precision = match args.first() {
                    Some(Expr::Const(Datum::Int4(precision), _)) => Some(*precision),
                    _ => None,
                };
                self.bind_keyword_value(name, precision, position)
            }
            _ => Ok(None),
        }
    }

    /// A bare word that is a function without parentheses.
    pub(crate) fn bind_niladic(&mut self, ident: &ast::Ident) -> Result<Option<Expr>> {
        let position = self.position(ident.span);
        if ident.value == "DEFAULT" {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "DEFAULT is not allowed in this context").at(position));
        }
        Ok(None)
    }

    /// `current_date` and its relatives: a function and the cast PostgreSQL's grammar gives it.
    fn bind_keyword_value(
        &mut self,
        name: &str,
        precision: Option<i32>,
        position: Option<u32>,
    ) -> Result<Option<Expr>> {
        let (function, target) = match name {
            "current_date" => ("now", Some(oids::DATE)),
            "current_time" => ("now", Some(oids::TIMETZ)),
            "current_timestamp" => ("now", precision.map(|_| oids::TIMESTAMPTZ)),
            "localtime" => ("now", Some(oids::TIME)),
            "localtimestamp" => ("now", Some(oids::TIMESTAMP)),
            "current_user" | "current_role" | "user" => ("current_user", None),
            "session_user" => ("session_user", None),
            "current_catalog" => ("current_database", None),
            "current_schema" => ("current_schema", None),
            _ => return Ok(None),
        };
        let call = self.bind_call_of_values(Some("pg_catalog"), function, Vec::new(), position)?;
        let target = target.map(|oid| Type::with_typmod(oid, precision.map_or(-1, |p| p.min(6))));
        let mut value = match target {
            Some(target) => self.cast(call, target, position)?,
            None => call,
        };
        if let Expr::Call(call) = &mut value {
            let word = name.to_ascii_uppercase();
            call.spelling = Spelling::Keyword(match precision {
                Some(precision) => format!("{word}({precision})").into(),
                None => word.into(),
            });
        }
        Ok(Some(value))
    }

    /// A set-returning call in a select list becomes a column of a ProjectSet node.
    pub(crate) fn collect_set(&mut self, call: Expr, position: Option<u32>) -> Result<Expr> {
        let Expr::Call(inner) = &call else { return Ok(call) };
        if !inner.function.returns_set {
            return Ok(call);
        }
        let clause = self.level().clause;
        if clause.forbids(Forbidden::SetReturning) {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("set-returning functions are not allowed in {}", clause.noun()),
            )
            .at(position));
        }
        if clause == super::Clause::FromFunction {
            self.level().from_sets.push(position);
            return Ok(call);
        }
        // Calls in lockstep answer alike, and a sorting or grouping clause means the call of the select list.
        let sorting = matches!(clause, super::Clause::GroupBy | super::Clause::OrderBy | super::Clause::DistinctOn);
        if (sorting || !call.is_volatile())
            && let Some((column, _)) = self.level().sets.iter().find(|(_, other)| other.same(&call))
        {
            return Ok(Expr::column(column));
        }
        let column = self.new_column(Arc::from(&*inner.function.name), inner.ty);
        let expr = Expr::column(&column);
        self.level().sets.push((column, call));
        self.note_reference(&expr, position);
        Ok(expr)
    }

    /// Binds something that may not contain set-returning calls, because it need not be evaluated. 0A000 naming it.
    pub(crate) fn without_sets<T>(&mut self, construct: &str, bind: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.level().sets.len();
        let bound = bind(self)?;
        let Some(id) = self.level().sets.get(before).map(|(column, _)| column.id) else { return Ok(bound) };
        Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("set-returning functions are not allowed in {construct}"),
        )
        .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
        .at(self.call_position(id)))
    }
}

/// Whether the call says DISTINCT.
pub(crate) fn is_distinct(function: &ast::Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list)
        if list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct))
}

/// The ORDER BY inside a call's parentheses.
pub(crate) fn call_order(function: &ast::Function) -> &[ast::OrderByExpr] {
    let FunctionArguments::List(list) = &function.args else { return &[] };
    list.clauses
        .iter()
        .find_map(|clause| match clause {
            ast::FunctionArgumentClause::OrderBy(items) => Some(items.as_slice()),
            _ => None,
        })
        .unwrap_or(&[])
}

/// Whether the only argument is a string literal, lifted or not.
fn is_literal(call: &ast::Function, values: &[Expr]) -> bool {
    let [value] = values else { return false };
    let lifted = || match &call.args {
        ast::FunctionArguments::List(list) => matches!(
            list.args.as_slice(),
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Value(value)))]
                if matches!(&value.value, ast::Value::Placeholder(name) if dictdb_parser::node::lifted(name).is_some())
        ),
        _ => false,
    };
    match value {
        Expr::Const(_, ty) => ty.oid == oids::UNKNOWN,
        Expr::Param(_, ty) => ty.oid == oids::UNKNOWN && lifted(),
        _ => false,
    }
}
