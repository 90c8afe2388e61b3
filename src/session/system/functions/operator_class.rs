//! `amvalidate`: whether an operator class has what its access method needs.

use dictdb_catalog::Catalog;
use dictdb_functions::facts::{self, AmProc, Opclass, ids};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Oid, Result, SqlState, oids};

use super::arguments::{oid, session};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[("amvalidate", amvalidate)];

/// 22023 for what is no operator class. PostgreSQL's own are valid.
fn amvalidate(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let catalog = &session(cx)?.catalog;
    let wanted = oid(args, 0);
    let class = catalog.any_opclass(wanted).ok_or_else(|| {
        Error::new(SqlState::INTERNAL_ERROR, format!("cache lookup failed for operator class {wanted}"))
    })?;
    Ok(Datum::Bool(class.oid < Oid::FIRST_NORMAL || is_complete(catalog, class)))
}

/// Every strategy with an operator that answers yes or no, and the first support function.
fn is_complete(catalog: &Catalog, class: &Opclass) -> bool {
    let needed: &[i16] = match class.method {
        ids::BTREE => &[1, 2, 3, 4, 5],
        ids::HASH => &[1],
        _ => &[],
    };
    let of_class = |left: Oid, right: Oid| left == class.input && right == class.input;
    let strategies = catalog.strategies_of(class.family);
    let answers = |operator: Oid| catalog.any_operator(operator).is_some_and(|own| own.result == oids::BOOL);
    let operators = needed.iter().all(|number| {
        strategies.iter().any(|s| of_class(s.left, s.right) && s.number == *number && answers(s.operator))
    });
    let own = catalog.operator_family(class.family).map(|family| &family.functions[..]).unwrap_or_default();
    let is_first = |function: &AmProc| of_class(function.left, function.right) && function.number == 1;
    let supported = facts::am_procs(class.family).any(is_first) || own.iter().any(|(function, _)| is_first(function));
    operators && (supported || needed.is_empty())
}
