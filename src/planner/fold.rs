//! Constant folding: calls of immutable functions over constants are evaluated once, when the plan is made.

use std::cmp::Ordering;

use dictdb_functions::facts;
use dictdb_functions::kernel::CallContext;
use dictdb_types::{Array, Datum, Env, Error, Oid, Physical, Result, Type, oids, order};

use crate::expr::{BoolTest, Call, Case, Expr, Function, Volatility};

/// Evaluates a call of constants; anything else is returned as it is. Errors are the function's own.
pub fn constant_call(expr: Expr, env: &dyn Env) -> Result<Expr> {
    let Expr::Call(call) = &expr else { return Ok(expr) };
    match evaluate(call, env) {
        Some(result) => Ok(Expr::Const(result?, call.ty)),
        None => Ok(expr),
    }
}

/// Folds an expression and everything below it, in the order PostgreSQL does: branches that constants rule out are not looked
/// at, whatever else can be computed is, and fails here if it fails. After an error what was folded before it stays so.
pub fn fold(expr: &mut Expr, env: &dyn Env) -> Result<()> {
    let folded = match expr {
        Expr::Case(case) => fold_case(case, env)?,
        Expr::Coalesce(items, ty) => fold_coalesce(items, *ty, env)?,
        Expr::And(items) => fold_junction(items, false, env)?,
        Expr::Or(items) => fold_junction(items, true, env)?,
        _ => {
            fold_operands(expr, env)?;
            fold_own(expr, env)?
        }
    };
    if let Some(folded) = folded {
        *expr = folded;
    }
    Ok(())
}

fn fold_operands(expr: &mut Expr, env: &dyn Env) -> Result<()> {
    let mut result = Ok(());
    expr.for_each_child_mut(&mut |child| {
        if result.is_ok() {
            result = fold(child, env);
        }
    });
    result
}

/// What an expression over folded operands is.
fn fold_own(expr: &Expr, env: &dyn Env) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::Call(call) => match evaluate(call, env) {
            Some(value) => Some(Expr::Const(value?, call.ty)),
            None => None,
        },
        Expr::Relabel(inner, ty) => match &**inner {
            Expr::Const(value, _) => Some(Expr::Const(relabelled(value, *ty, env), *ty)),
            _ => None,
        },
        Expr::ArrayCoerce(inner, element, ty) => match (&**inner, &**element) {
            (Expr::Const(value, _), Expr::Relabel(of, to)) if matches!(**of, Expr::TestValue(_)) => {
                Some(Expr::Const(array_relabelled(value, *to, env), *ty))
            }
            _ => None,
        },
        Expr::Array { items, nested: false, ty } if !items.is_empty() => {
            let values = items.iter().map(|item| match item {
                Expr::Const(value, _) => Some(value.clone()),
                _ => None,
            });
            let values: Option<Vec<Datum>> = values.collect();
            let element = env.type_info(ty.oid).map(|info| info.element).filter(|element| element.is_valid());
            values
                .zip(element)
                .map(|(values, element)| Expr::Const(Datum::Array(Array::vector(element, values).into()), *ty))
        }
        Expr::Not(inner) => match &**inner {
            Expr::Const(Datum::Bool(value), _) => Some(Expr::boolean(!value)),
            Expr::Const(Datum::Null, ty) => Some(Expr::null(*ty)),
            _ => None,
        },
        Expr::IsNull(inner, not) => match &**inner {
            Expr::Const(Datum::Record(_), _) => None,
            Expr::Const(value, _) => Some(Expr::boolean(value.is_null() != *not)),
            _ => None,
        },
        Expr::BoolTest(inner, test) => match &**inner {
            Expr::Const(value, _) => Some(Expr::boolean(test_of(value, *test))),
            _ => None,
        },
        Expr::Distinct(function, pair, not) => equal(function, pair, env)?.map(|equal| Expr::boolean(equal == *not)),
        Expr::NullIf(function, pair) => {
            let value = || pair.0.clone();
            equal(function, pair, env)?.map(|equal| if equal { Expr::null(pair.0.ty()) } else { value() })
        }
        Expr::MinMax(greatest, items, ty) => extreme(*greatest, items, *ty),
        _ => None,
    })
}

fn test_of(value: &Datum, test: BoolTest) -> bool {
    match test {
        BoolTest::True => matches!(value, Datum::Bool(true)),
        BoolTest::NotTrue => !matches!(value, Datum::Bool(true)),
        BoolTest::False => matches!(value, Datum::Bool(false)),
        BoolTest::NotFalse => !matches!(value, Datum::Bool(false)),
        BoolTest::Unknown => value.is_null(),
        BoolTest::NotUnknown => !value.is_null(),
    }
}

/// Whether two constants are the same value, NULL being one; `None` when they are no constants.
fn equal(function: &Function, pair: &(Expr, Expr), env: &dyn Env) -> Result<Option<bool>> {
    let (Expr::Const(a, left), Expr::Const(b, right)) = pair else { return Ok(None) };
    if a.is_null() || b.is_null() {
        return Ok(Some(a.is_null() && b.is_null()));
    }
    let Some(kernel) = function.kernel.filter(|_| is_foldable(function)) else { return Ok(None) };
    let types = [*left, *right];
    let cx = CallContext { function: function.oid, ..CallContext::new(env, &types, oids::BOOL.into()) };
    Ok(Some(matches!(kernel(&cx, &[a.clone(), b.clone()])?, Datum::Bool(true))))
}

/// GREATEST or LEAST of constants.
fn extreme(greatest: bool, items: &[Expr], ty: Type) -> Option<Expr> {
    let mut best: Option<&Datum> = None;
    for item in items {
        let Expr::Const(value, _) = item else { return None };
        let better = best.is_none_or(|best| match order::compare_as(ty.oid, value, best) {
            Ordering::Less => !greatest,
            Ordering::Greater => greatest,
            Ordering::Equal => false,
        });
        if !value.is_null() && better {
            best = Some(value);
        }
    }
    Some(Expr::Const(best.cloned().unwrap_or(Datum::Null), ty))
}

/// Conditions in order: what is never true goes, what is always true is the last.
fn fold_case(case: &mut Case, env: &dyn Env) -> Result<Option<Expr>> {
    if let Some(operand) = &mut case.operand {
        fold(operand, env)?;
        if let Expr::Const(..) = operand {
            let operand = operand.clone();
            case.whens.iter_mut().for_each(|(condition, _)| put_test_value(condition, &operand));
            case.operand = None;
        }
    }
    let mut kept = Vec::new();
    for (mut condition, mut result) in std::mem::take(&mut case.whens) {
        fold(&mut condition, env)?;
        match condition {
            Expr::Const(Datum::Bool(true), _) => {
                fold(&mut result, env)?;
                case.otherwise = Some(result);
                case.whens = kept;
                return Ok(only_otherwise(case));
            }
            Expr::Const(..) => {}
            condition => {
                fold(&mut result, env)?;
                kept.push((condition, result));
            }
        }
    }
    case.whens = kept;
    if let Some(otherwise) = &mut case.otherwise {
        fold(otherwise, env)?;
    }
    Ok(only_otherwise(case))
}

fn only_otherwise(case: &mut Case) -> Option<Expr> {
    let otherwise = case.whens.is_empty().then(|| case.otherwise.take());
    otherwise.map(|value| value.unwrap_or_else(|| Expr::null(case.ty)))
}

/// The operand in place of its uses; constructs that have a test value of their own are left alone.
fn put_test_value(expr: &mut Expr, operand: &Expr) {
    match expr {
        Expr::TestValue(_) => *expr = operand.clone(),
        Expr::ArrayCoerce(..) => {}
        Expr::Case(case) if case.operand.is_some() => {
            if let Some(own) = &mut case.operand {
                put_test_value(own, operand);
            }
        }
        other => other.for_each_child_mut(&mut |child| put_test_value(child, operand)),
    }
}

/// NULLs go, and what stands behind a value is never reached.
fn fold_coalesce(items: &mut Vec<Expr>, ty: Type, env: &dyn Env) -> Result<Option<Expr>> {
    let mut kept = Vec::new();
    for mut item in std::mem::take(items) {
        fold(&mut item, env)?;
        let decided = matches!(&item, Expr::Const(value, _) if !value.is_null());
        if decided || !matches!(item, Expr::Const(..)) {
            kept.push(item);
        }
        if decided {
            break;
        }
    }
    *items = kept;
    Ok(match items.len() {
        0 => Some(Expr::null(ty)),
        1 => items.pop(),
        _ => None,
    })
}

/// A value under the name of a binary-compatible type. Only `oid` and its relatives are held otherwise than integers.
fn relabelled(value: &Datum, ty: Type, env: &dyn Env) -> Datum {
    match (value, env.physical(ty.oid)) {
        (Datum::Int4(v), Physical::Oid) => Datum::Oid(v.cast_unsigned()),
        (Datum::Oid(v), Physical::Int4) => Datum::Int4(v.cast_signed()),
        (Datum::Oid(v), Physical::Int8) => Datum::Int8(i64::from(*v)),
        (Datum::Int4(v), Physical::Float4) => Datum::Float4(f32::from_bits(v.cast_unsigned())),
        (Datum::Int8(v), Physical::Float8) => Datum::Float8(f64::from_bits(v.cast_unsigned())),
        (Datum::Float4(v), Physical::Int4) => Datum::Int4(v.to_bits().cast_signed()),
        (Datum::Float8(v), Physical::Int8) => Datum::Int8(v.to_bits().cast_signed()),
        _ => value.clone(),
    }
}

/// An array whose elements get another name of their type.
fn array_relabelled(value: &Datum, element: Type, env: &dyn Env) -> Datum {
    let Datum::Array(array) = value else { return value.clone() };
    let items = array.items.iter().map(|item| relabelled(item, element, env)).collect();
    Datum::Array(Array { element: element.oid, items, ..(**array).clone() }.into())
}

/// AND (`decisive` false) and OR (true): a decisive constant decides before what follows it is looked at, neutral ones go.
fn fold_junction(items: &mut Vec<Expr>, decisive: bool, env: &dyn Env) -> Result<Option<Expr>> {
    let mut kept = Vec::new();
    for mut item in std::mem::take(items) {
        fold(&mut item, env)?;
        match item {
            Expr::Const(Datum::Bool(value), _) if value == decisive => return Ok(Some(Expr::boolean(decisive))),
            Expr::Const(Datum::Bool(_), _) => {}
            Expr::Or(inner) if decisive => kept.extend(inner),
            Expr::And(inner) if !decisive => kept.extend(inner),
            item => kept.push(item),
        }
    }
    *items = kept;
    Ok(match items.len() {
        0 => Some(Expr::boolean(!decisive)),
        1 => items.pop(),
        _ => None,
    })
}

/// Whether an immutable operator has nothing but parameters and constants for operands: with constants for parameters
/// it would have been evaluated when the plan was made. Coercions of single parameters do not count.
pub fn is_constant_but_for_parameters(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    let known = |arg: &Expr| matches!(arg, Expr::Const(..) | Expr::Param(..));
    call.operator.is_some()
        && call.function.volatility == Volatility::Immutable
        && call.args.iter().all(known)
        && call.args.iter().any(|arg| matches!(arg, Expr::Param(..)))
}

/// Whether calls of constants have one value, which can be found out without running what a user wrote.
fn is_foldable(function: &Function) -> bool {
    // What an extension brings is a kernel too, and known by its symbol.
    let of_user = function.oid >= Oid::FIRST_NORMAL && function.source.is_empty();
    !of_user && function.volatility == Volatility::Immutable && !function.returns_set
}

/// What fails in a function that PostgreSQL wrote in SQL fails in its statement.
#[cold]
fn in_sql_function(function: &Function, error: Error) -> Error {
    match facts::proc_by_oid(function.oid) {
        Some(proc) if proc.language == facts::ids::LANGUAGE_SQL => {
            error.context(format!("SQL function \"{}\" statement 1", proc.name))
        }
        _ => error,
    }
}

fn evaluate(call: &Call, env: &dyn Env) -> Option<Result<Datum>> {
    let function = &call.function;
    let kernel = function.kernel.filter(|_| is_foldable(function))?;
    let null = |arg: &Expr| matches!(arg, Expr::Const(Datum::Null, _));
    if function.strict && call.args.iter().any(null) {
        return Some(Ok(Datum::Null));
    }
    let mut values = Vec::with_capacity(call.args.len());
    let mut types: Vec<Type> = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        let Expr::Const(value, ty) = arg else { return None };
        values.push(value.clone());
        types.push(*ty);
    }
    let cx = CallContext { variadic: call.variadic, function: function.oid, ..CallContext::new(env, &types, call.ty) };
    Some(kernel(&cx, &values).map_err(|error| in_sql_function(function, error)))
}
