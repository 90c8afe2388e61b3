//! What functions, procedures and their bodies need of the binder: defaults of parameters, CALL, simple expressions,
//! assignments.

use std::sync::Arc;

use dictdb_catalog::Routine;
use dictdb_functions::facts::{ArgMode, CastContext, ProcKind};
use dictdb_functions::resolve::{self, FunctionCall, FunctionMatch, Resolution, is_polymorphic};
use dictdb_parser::ast::{self, FunctionArg, SelectItem, SetExpr};
use dictdb_parser::{Locations, node};
use dictdb_types::{Error, Field, Oid, Result, SqlState, Type, TypeKind, TypeLookup, oids};

use crate::bind::{BindContext, Binder, Clause, Level};
use crate::expr::Expr;
use crate::inlining::Terms;
use crate::logical::Node;
use crate::variables::Variables;
use crate::{build, estimate, physical, rules};

/// A parameter's default as it is stored.
pub struct ParameterDefault {
    /// Canonical text.
    pub text: Arc<str>,
    /// Its type, which is the parameter's unless that is polymorphic.
    pub ty: Oid,
}

/// Binds the default of a parameter. 42P13, 42804.
pub fn bind_default(
    expr: &ast::Expr,
    locations: &Locations,
    declared: Oid,
    cx: BindContext<'_>,
) -> Result<ParameterDefault> {
    let mut binder = Binder::new(cx, locations, &[], false);
    binder.levels.push(Level { clause: Clause::FunctionDefault, ..Level::default() });
    binder.keep_casts = true;
    let value = binder.bind_expr(expr)?;
    let value = match is_polymorphic(declared) {
        // A literal without a type is of whatever type a call gives the parameter.
        true if matches!(&value, crate::expr::Expr::Const(_, ty) if ty.oid == dictdb_types::oids::UNKNOWN) => value,
        true => binder.resolve_unknown(value)?,
        false => {
            let source = value.ty();
            let coerced = binder.coerce(value, Type::new(declared), CastContext::Assignment)?;
            coerced.ok_or_else(|| {
                let message = format!(
                    "argument of DEFAULT must be type {}, not type {}",
                    binder.type_name(Type::new(declared)),
                    binder.type_name(source)
                );
                Error::new(SqlState::DATATYPE_MISMATCH, message).at(locations.leftmost(expr))
            })?
        }
    };
    let text = match &value {
        // As PostgreSQL shows it.
        crate::expr::Expr::Const(dictdb_types::Datum::Null, ty) if ty.oid == dictdb_types::oids::UNKNOWN => {
            "NULL::unknown".to_owned()
        }
        value => crate::table_expr::canonical_text(&binder, value)?,
    };
    Ok(ParameterDefault { text: text.into(), ty: value.ty().oid })
}

/// A CALL ready to be prepared.
pub struct PlannedCall {
    /// The procedure.
    pub routine: Oid,
    /// Gives one row: the values of the input parameters.
    pub plan: Arc<physical::Plan>,
    /// Types of the statement's parameters.
    pub params: Vec<Type>,
    /// Types of the input parameters in this call.
    pub types: Vec<Type>,
    /// For each output parameter of the procedure, the argument that stands for it; `None` when it has a default.
    pub outputs: Vec<Option<ast::Expr>>,
    /// Types of the output parameters in this call.
    pub output_types: Vec<Type>,
    /// Whether arguments call functions of users.
    pub calls_routines: bool,
}

/// Plans `CALL procedure(…)`.
pub fn plan_call(
    call: &ast::Function,
    locations: &Locations,
    declared: &[Type],
    variables: Option<&dyn Variables>,
    cx: BindContext<'_>,
) -> Result<PlannedCall> {
    let mut binder = Binder::new(cx, locations, declared, variables.is_none());
    binder.variables = variables;
    binder.levels.push(Level { clause: Clause::CallArgument, ..Level::default() });
    let (found, values) = binder.resolve_procedure(call)?;
    let args = binder.call_args(&found, values, None)?;
    let types: Vec<Type> = args.iter().map(Expr::ty).collect();
    let routine = cx.catalog.routine(found.oid).cloned();
    let outputs = routine.as_ref().map(|routine| output_arguments(call, routine)).unwrap_or_default();
    let output_types = match &routine {
        Some(routine) => {
            let actual: Vec<Oid> = types.iter().map(|ty| ty.oid).collect();
            let resolve_type = |declared: Oid| {
                let mut inputs = routine.args.to_vec();
                resolve::resolve_polymorphic(&binder.scope(), &actual, &mut inputs, declared).map(Type::new)
            };
            routine.outputs().map(|parameter| resolve_type(parameter.ty)).collect::<Result<_>>()?
        }
        None => Vec::new(),
    };
    let columns = types.iter().map(|ty| binder.new_column("argument", *ty)).collect();
    let node = Node::Values { columns, rows: vec![args] };
    binder.levels.pop();
    let calls_routines = binder.user_functions().iter().any(|oid| *oid != found.oid) || binder.runs_statements();
    let params = binder.into_params()?;
    let outputs_of_node = node.columns();
    let (node, failure) = rules::apply(node, cx);
    if let Some(error) = failure {
        return Err(error);
    }
    let plan = build::plan(&node, &outputs_of_node, cx, &estimate::NoStatistics).map(Arc::new)?;
    Ok(PlannedCall { routine: found.oid, plan, params, types, outputs, output_types, calls_routines })
}

/// The arguments of a call that stand for the procedure's output parameters.
fn output_arguments(call: &ast::Function, routine: &Routine) -> Vec<Option<ast::Expr>> {
    let list = match &call.args {
        ast::FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    let named = |name: &str| {
        list.iter().find(|arg| matches!(arg, FunctionArg::Named { name: given, .. } if given.value == name))
    };
    let positional = list.iter().filter(|arg| !matches!(arg, FunctionArg::Named { .. })).count();
    let mut outputs = Vec::new();
    for (position, parameter) in routine.params.iter().enumerate() {
        if !matches!(parameter.mode, ArgMode::Out | ArgMode::InOut) {
            continue;
        }
        let argument = match position < positional {
            true => list.get(position),
            false => named(&parameter.name),
        };
        outputs.push(argument.and_then(node::argument).map(|(expr, _)| expr.clone()));
    }
    outputs
}

impl Binder<'_> {
    /// The procedure a CALL means, and its arguments as bound.
    fn resolve_procedure(&mut self, call: &ast::Function) -> Result<(FunctionMatch, Vec<Expr>)> {
        let parts = crate::bind::idents(&call.name)?;
        let position = parts.first().and_then(|ident| self.position(ident.span));
        let (schema, name) = match parts.as_slice() {
            [.., schema, name] => (Some(schema.value.as_str()), name.value.as_str()),
            [name] => (None, name.value.as_str()),
            [] => return Err(Error::internal("CALL without a name")),
        };
        let (values, names, variadic) = self.bind_named_args(call)?;
        let types: Vec<Oid> = values.iter().map(|value| value.ty().oid).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let wanted = FunctionCall {
            schema,
            name,
            args: &types,
            arg_names: &names,
            variadic,
            procedure: true,
            ..FunctionCall::default()
        };
        match resolve::resolve_function(&self.scope(), &wanted).map_err(|error| error.at(position))? {
            Resolution::Call(found) if found.kind == ProcKind::Procedure => Ok((found, values)),
            _ => Err(Error::internal("CALL found something else than a procedure")),
        }
    }

    /// A value as an assignment stores it: cast as INSERT would, through text where there is no such cast.
    pub(crate) fn assign_value(&mut self, value: Expr, target: Type, position: Option<u32>) -> Result<Expr> {
        if value.ty().oid == oids::UNKNOWN
            && let Some(coerced) =
                self.coerce(value.clone(), target, CastContext::Assignment).map_err(|e| e.at(position))?
        {
            return Ok(coerced);
        }
        let value = self.resolve_unknown(value)?;
        if let Some(coerced) = self.coerce(value.clone(), target, CastContext::Assignment)? {
            return Ok(coerced);
        }
        let base = self.cx.catalog.base_type(target);
        let through_text = Expr::ViaIo(Box::new(value), Type::new(base.oid));
        let coerced = self.coerce(through_text.clone(), target, CastContext::Assignment)?;
        Ok(coerced.unwrap_or(through_text))
    }
}

/// An expression that is evaluated without a query.
pub struct SimpleExpr {
    /// Parameters are [`Expr::Input`].
    pub expr: Expr,
    /// Its type.
    pub ty: Type,
    /// Whether it calls functions of users.
    pub calls_routines: bool,
    /// Names and types of the fields, of a row.
    pub fields: Option<Arc<[Field]>>,
}

/// What an expression is evaluated for.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The type its value is converted to.
    pub ty: Type,
    /// Whether a literal that is none of the type is reported where it stands.
    pub located: bool,
}

/// Binds the only expression of a `SELECT expression`; `None` when the statement is more than that. With a target the
/// value is converted to it as an assignment does, unless it is a row.
pub fn simple_expression(
    statement: &ast::Statement,
    locations: &Locations,
    params: &[Type],
    variables: &dyn Variables,
    target: Option<Target>,
    cx: BindContext<'_>,
) -> Result<Option<SimpleExpr>> {
    let Some(expr) = only_expression(statement) else { return Ok(None) };
    let mut binder = Binder::new(cx, locations, params, false);
    binder.variables = Some(variables);
    binder.levels.push(Level::default());
    let mut bound = binder.bind_expr(expr)?;
    if !is_plain(&mut binder, &bound) {
        return Ok(None);
    }
    let inlined = crate::inlining::inline_expr(&mut binder, &mut bound, Terms::Checked)?;
    if let Some(failure) = inlined.failure {
        return Err(failure);
    }
    let mut bound = match target {
        Some(Target { ty, located }) if !is_row(cx, bound.ty()) && !is_row(cx, ty) => {
            let position = locations.leftmost(expr).filter(|_| located);
            binder.assign_value(bound, ty, position)?
        }
        _ => binder.resolve_unknown(bound)?,
    };
    let ty = bound.ty();
    let fields = match is_row(cx, ty) {
        true => binder.row_fields(&bound),
        false => None,
    };
    let fields = fields.map(|fields| fields.into_iter().map(|(name, ty)| Field { name, ty }).collect());
    crate::collation::settle_simple(&mut bound, cx)?;
    crate::fold::fold(&mut bound, cx.env)?;
    to_inputs(&mut bound);
    if !binder.guarded_functions().is_empty() {
        return Ok(None);
    }
    let calls_routines = !binder.user_functions().is_empty() && calls_users(&bound) || binder.runs_statements();
    Ok(Some(SimpleExpr { expr: bound, ty, calls_routines, fields }))
}

/// Whether an expression calls a function that a user made.
fn calls_users(expr: &Expr) -> bool {
    expr.any(&mut |part| part.function().is_some_and(|function| function >= Oid::FIRST_NORMAL))
}

/// Whether a bound expression can be evaluated without a query.
pub(crate) fn is_plain(binder: &mut Binder<'_>, bound: &Expr) -> bool {
    let level = binder.level();
    let plain = level.aggregates.is_empty() && level.windows.is_empty() && level.sets.is_empty();
    plain && !bound.any(&mut |e| matches!(e, Expr::Sublink(_) | Expr::Column(..)))
}

pub(crate) fn is_row(cx: BindContext<'_>, ty: Type) -> bool {
    ty.oid == oids::RECORD
        || matches!(
            cx.catalog.type_info(cx.catalog.base_type(ty).oid).map(|info| info.kind.clone()),
            Some(TypeKind::Composite(_))
        )
}

/// Parameters are read from the row of variables.
pub(crate) fn to_inputs(expr: &mut Expr) {
    expr.rewrite(&mut |e| {
        if let Expr::Param(number, ty) = e {
            *e = Expr::Input(*number, *ty);
        }
    });
}

/// The expression of a SELECT that has nothing else.
fn only_expression(statement: &ast::Statement) -> Option<&ast::Expr> {
    match projection(statement)? {
        [SelectItem::UnnamedExpr(expr)] => Some(expr),
        _ => None,
    }
}

/// What a SELECT that has nothing else selects.
pub(crate) fn projection(statement: &ast::Statement) -> Option<&[SelectItem]> {
    let ast::Statement::Query(query) = statement else { return None };
    let plain = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty();
    let SetExpr::Select(select) = &*query.body else { return None };
    let grouped = match &select.group_by {
        ast::GroupByExpr::Expressions(items, modifiers) => !items.is_empty() || !modifiers.is_empty(),
        ast::GroupByExpr::All(_) => true,
    };
    let plain = plain
        && select.from.is_empty()
        && select.selection.is_none()
        && select.having.is_none()
        && select.distinct.is_none()
        && select.into.is_none()
        && select.named_window.is_empty()
        && !grouped;
    plain.then_some(select.projection.as_slice())
}

/// The conversion of [`Expr::Input`] 0 from one type to another where INSERT would do it; `None`: it would not.
pub fn result_cast(from: Type, to: Type, cx: BindContext<'_>) -> Result<Option<Expr>> {
    let locations = Locations::default();
    let mut binder = Binder::new(cx, &locations, &[], false);
    binder.levels.push(Level::default());
    binder.coerce(Expr::Input(0, from), to, CastContext::Assignment)
}

/// The conversion of [`Expr::Input`] 0 from one type to another, as an assignment does it.
pub fn assignment_cast(from: Type, to: Type, cx: BindContext<'_>) -> Result<Expr> {
    let locations = Locations::default();
    let mut binder = Binder::new(cx, &locations, &[], false);
    binder.levels.push(Level::default());
    binder.assign_value(Expr::Input(0, from), to, None)
}
