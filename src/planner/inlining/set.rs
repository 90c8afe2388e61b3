//! Calls in FROM that give rows: the query of the body, as a subquery.

use dictdb_functions::facts::{CastContext, Volatility};
use dictdb_types::{Result, Type, oids};

use super::properties::most_volatile;
use super::scalar::put_arguments;
use super::{Inliner, during_inlining, query_of};
use crate::bind::Binder;
use crate::columns::{for_each_expr_mut, for_each_input_mut};
use crate::expr::{Call, Expr};
use crate::logical::{Column, Node};
use crate::variables::Parameters;

impl Inliner<'_, '_> {
    /// Puts the query of a function in FROM in its place.
    pub(super) fn set_returning(&mut self, node: &mut Node) -> Result<()> {
        let Node::FunctionScan(scan) = node else { return Ok(()) };
        let ([item], None) = (scan.calls.as_slice(), &scan.ordinality) else { return Ok(()) };
        let Expr::Call(call) = &item.call else { return Ok(()) };
        let is_fixed = call.function.returns_set
            && call.function.volatility != Volatility::Volatile
            && !call.function.strict
            && call.ty.oid != oids::VOID;
        if !is_fixed || !call.args.iter().all(is_fixed_argument) {
            return Ok(());
        }
        let Some((routine, parsed)) = self.candidate(call) else { return Ok(()) };
        let Some(query) = query_of(&parsed.statement) else { return Ok(()) };
        let types: Vec<Type> = call.args.iter().map(Expr::ty).collect();
        let parameters = Parameters::of(&routine, &types);
        let mut inner = self.binder.for_body(&parsed.locations, &types, &parameters);
        let bound = inner.in_level(|binder| {
            let bound = binder.bind_query(query)?;
            binder.settle_unknown(bound)
        });
        let bound = bound.map_err(|error| during_inlining(error, &routine))?;
        let Some(mut body) = as_result(&mut inner, bound, &item.columns)? else { return Ok(()) };
        inner.check_privileges(&body)?;
        self.binder.after_body(&inner);
        replace_parameters(&mut body, call);
        self.within(&routine, |inliner| inliner.node(&mut body))?;
        *node = body;
        Ok(())
    }
}

fn is_fixed_argument(arg: &Expr) -> bool {
    most_volatile(arg) != Volatility::Volatile && !arg.any(&mut |expr| matches!(expr, Expr::Sublink(_)))
}

/// The rows of a body as the columns of the call; `None` when they do not fit.
fn as_result(binder: &mut Binder<'_>, body: Node, columns: &[Column]) -> Result<Option<Node>> {
    let given = body.columns();
    if given.len() != columns.len() {
        return Ok(None);
    }
    let mut projected = Vec::with_capacity(columns.len());
    for (column, own) in columns.iter().zip(&given) {
        let Some(value) = binder.coerce(Expr::column(own), column.ty, CastContext::Assignment)? else {
            return Ok(None);
        };
        projected.push((column.clone(), value));
    }
    Ok(Some(Node::Project { input: Box::new(body), columns: projected }))
}

/// Arguments in place of parameters in a whole query.
fn replace_parameters(node: &mut Node, call: &Call) {
    for_each_expr_mut(node, &mut |expr| {
        expr.rewrite(&mut |expr| {
            if let Expr::Sublink(link) = expr {
                replace_parameters(&mut link.query, call);
            }
        });
        put_arguments(expr, &call.args);
    });
    for_each_input_mut(node, &mut |input| replace_parameters(input, call));
}
