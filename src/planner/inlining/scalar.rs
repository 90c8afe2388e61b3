//! Calls that give one value: the only expression of the body.

use dictdb_catalog::Routine;
use dictdb_functions::facts::{CastContext, Volatility};
use dictdb_parser::ast::SelectItem;
use dictdb_types::{Datum, Result, Type, oids};

use super::properties::{is_strict, most_volatile, operations};
use super::{Inliner, Terms, during_inlining};
use crate::bind::{BindContext, Level};
use crate::expr::{Call, Case, Expr};
use crate::routine::{is_plain, projection};
use crate::variables::Parameters;

/// Operations up to which an argument is computed again for each use of its parameter.
const CHEAP_OPERATIONS: f32 = 10.0;

impl Inliner<'_, '_> {
    /// What a call is without the call; `None`: it stays one.
    pub(super) fn scalar(&mut self, call: &Call) -> Result<Option<Expr>> {
        if call.function.returns_set || call.ty.oid == oids::RECORD {
            return Ok(None);
        }
        let Some((routine, parsed)) = self.candidate(call) else { return Ok(None) };
        let dictdb_parser::Statement::Sql(tree) = &parsed.statement else { return Ok(None) };
        let expr = match projection(tree) {
            Some([SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }]) => expr,
            _ => return Ok(None),
        };
        let types: Vec<Type> = call.args.iter().map(Expr::ty).collect();
        let parameters = Parameters::of(&routine, &types);
        let home = [dictdb_catalog::namespaces::PG_CATALOG, routine.namespace];
        let mut inner = self.binder.for_body(&parsed.locations, &types, &parameters);
        if self.terms == Terms::Trusted {
            inner.cx = BindContext { search_path: &home, ..inner.cx };
        }
        inner.levels.push(Level::default());
        let bound = inner.bind_expr(expr).and_then(|bound| inner.resolve_unknown(bound));
        let bound = bound.map_err(|error| during_inlining(error, &routine))?;
        if !is_plain(&mut inner, &bound) {
            return Ok(None);
        }
        let Some(mut body) = inner.coerce(bound, call.ty, CastContext::Assignment)? else { return Ok(None) };
        match self.terms {
            Terms::Checked if !keeps_promises(&body, &routine) || !may_replace(&body, call, &routine) => {
                return Ok(None);
            }
            Terms::Checked => {}
            Terms::Trusted => body = strict_as(body, &routine, call),
        }
        self.binder.after_body(&inner);
        put_arguments(&mut body, &call.args);
        let (env, outer) = (self.binder.cx.env, self.inlined.failure.take());
        let is_collated =
            self.binder.cx.catalog.has_locale() || body.any(&mut |part| matches!(part, Expr::Collate(..)));
        self.within(&routine, |inliner| {
            inliner.expr(&mut body)?;
            // What collations make of it is not known before the whole plan is settled.
            if !is_collated && let Err(error) = crate::fold::fold(&mut body, env) {
                inliner.inlined.failure.get_or_insert(error);
            }
            Ok(())
        })?;
        let own = self.inlined.failure.take().map(|error| during_inlining(error, &routine));
        self.inlined.failure = outer.or(own);
        Ok(Some(body))
    }
}

/// The body must not do what the function is declared not to do.
fn keeps_promises(body: &Expr, routine: &Routine) -> bool {
    let volatility = most_volatile(body);
    let steady = match routine.volatility {
        Volatility::Immutable => volatility == Volatility::Immutable,
        Volatility::Stable => volatility != Volatility::Volatile,
        Volatility::Volatile => true,
    };
    steady && (!routine.strict || is_strict(body))
}

/// The body as the function is declared: a strict one is not computed when an argument is NULL.
fn strict_as(body: Expr, routine: &Routine, call: &Call) -> Expr {
    if !routine.strict || is_strict(&body) {
        return body;
    }
    let nulls = call.args.iter().map(|arg| Expr::IsNull(Box::new(arg.clone()), false)).collect();
    let whens = vec![(Expr::Or(nulls), Expr::Const(Datum::Null, call.ty))];
    Expr::Case(Box::new(Case { operand: None, whens, otherwise: Some(body), ty: call.ty }))
}

/// Whether the arguments can stand where the parameters do: none is lost that decides about NULL, none is computed twice that is
/// costly or may differ, and none means the tested value of a CASE around the call where the body has one of its own.
fn may_replace(body: &Expr, call: &Call, routine: &Routine) -> bool {
    let tests = |expr: &Expr| expr.any(&mut |part| matches!(part, Expr::TestValue(_)));
    if tests(body) && call.args.iter().any(tests) {
        return false;
    }
    call.args.iter().enumerate().all(|(number, arg)| {
        let mut uses = 0;
        body.visit(&mut |expr| uses += i32::from(matches!(expr, Expr::Param(own, _) if *own == number)));
        match uses {
            1 => true,
            0 => !routine.strict,
            _ => {
                let has_query = arg.any(&mut |expr| matches!(expr, Expr::Sublink(_)));
                !has_query && most_volatile(arg) != Volatility::Volatile && operations(arg) <= CHEAP_OPERATIONS
            }
        }
    })
}

/// Arguments in place of parameters.
pub(super) fn put_arguments(body: &mut Expr, args: &[Expr]) {
    body.rewrite(&mut |expr| {
        if let Expr::Param(number, _) = expr
            && let Some(arg) = args.get(*number)
        {
            *expr = arg.clone();
        }
    });
}
