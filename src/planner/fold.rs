//! Constant folding: calls of immutable functions over constants are evaluated once, when the plan is made.

use dictdb_functions::kernel::CallContext;
use dictdb_types::{Datum, Env, Physical, Result, Type};

use crate::expr::{Call, Expr, Volatility};

/// Evaluates a call of constants; anything else is returned as it is. Errors are the function's own.
pub fn constant_call(expr: Expr, env: &dyn Env) -> Result<Expr> {
    let Expr::Call(call) = &expr else { return Ok(expr) };
    match evaluate(call, env) {
        Some(result) => Ok(Expr::Const(result?, call.ty)),
        None => Ok(expr),
    }
}

/// Folds everything below an expression. A call that fails is left for execution to report, where it may never be reached.
pub fn fold(expr: &mut Expr, env: &dyn Env) {
    expr.rewrite(&mut |e| {
        if let Some(folded) = folded(e, env) {
            *e = folded;
        }
    });
}

fn folded(expr: &Expr, env: &dyn Env) -> Option<Expr> {
    match expr {
        Expr::Call(call) => evaluate(call, env)?.ok().map(|value| Expr::Const(value, call.ty)),
        Expr::Relabel(inner, ty) => match &**inner {
            Expr::Const(value, _) => Some(Expr::Const(relabelled(value, *ty, env), *ty)),
            _ => None,
        },
        Expr::And(items) => fold_junction(items, false),
        Expr::Or(items) => fold_junction(items, true),
        Expr::Not(inner) => match &**inner {
            Expr::Const(Datum::Bool(value), _) => Some(Expr::boolean(!value)),
            _ => None,
        },
        _ => None,
    }
}

/// A value under the name of a binary-compatible type. Only `oid` and its relatives are held otherwise than integers.
fn relabelled(value: &Datum, ty: Type, env: &dyn Env) -> Datum {
    match (value, env.physical(ty.oid)) {
        (Datum::Int4(v), Physical::Oid) => Datum::Oid(v.cast_unsigned()),
        (Datum::Oid(v), Physical::Int4) => Datum::Int4(v.cast_signed()),
        (Datum::Oid(v), Physical::Int8) => Datum::Int8(i64::from(*v)),
        _ => value.clone(),
    }
}

/// AND (`decisive` false) and OR (true): a decisive constant decides, neutral ones go.
fn fold_junction(items: &[Expr], decisive: bool) -> Option<Expr> {
    let constant = |e: &Expr, wanted: bool| matches!(e, Expr::Const(Datum::Bool(value), _) if *value == wanted);
    if items.iter().any(|item| constant(item, decisive)) {
        return Some(Expr::boolean(decisive));
    }
    if !items.iter().any(|item| constant(item, !decisive)) {
        return None;
    }
    let mut rest: Vec<Expr> = items.iter().filter(|item| !constant(item, !decisive)).cloned().collect();
    Some(match rest.len() {
        0 => Expr::boolean(!decisive),
        1 => rest.remove(0),
        _ if decisive => Expr::Or(rest),
        _ => Expr::And(rest),
    })
}

fn evaluate(call: &Call, env: &dyn Env) -> Option<Result<Datum>> {
    let function = &call.function;
    let kernel = function.kernel?;
    if function.volatility != Volatility::Immutable || function.returns_set {
        return None;
    }
    let mut values = Vec::with_capacity(call.args.len());
    let mut types: Vec<Type> = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        let Expr::Const(value, ty) = arg else { return None };
        values.push(value.clone());
        types.push(*ty);
    }
    if function.strict && values.iter().any(Datum::is_null) {
        return Some(Ok(Datum::Null));
    }
    Some(kernel(&CallContext::new(env, &types, call.ty), &values))
}
