//! `reg…` types: names of objects to oids and back, as the search path of the statement sees them.

mod function;
mod operator;
pub(crate) mod qualified;
mod relation;
mod simple;
mod types;

use dictdb_types::{Oid, RegKind, Result};

use crate::StatementEnv;
pub(crate) use function::{proc_is_visible, routines_named};
pub(crate) use operator::operator_is_visible;
pub(crate) use relation::{find_relation, relation_is_visible, relation_named};
pub(crate) use types::{find_type, formatted, type_is_visible};

/// Object id for the text of a `reg…` value: a number, `-` for none, or a name. The errors are PostgreSQL's for each kind of
/// object.
pub(crate) fn reg_in(env: &StatementEnv, kind: RegKind, text: &str) -> Result<Oid> {
    if text == "-" {
        return Ok(Oid::INVALID);
    }
    if !text.is_empty()
        && text.bytes().all(|c| c.is_ascii_digit())
        && let Ok(oid) = text.parse()
    {
        return Ok(Oid(oid));
    }
    reg_named(env, kind, text)
}

/// Likewise, for a name only.
pub(crate) fn reg_named(env: &StatementEnv, kind: RegKind, text: &str) -> Result<Oid> {
    match kind {
        RegKind::Class => relation::by_text(env, text),
        RegKind::Type => types::by_text(env, text),
        RegKind::Proc => function::by_name(env, text),
        RegKind::Procedure => function::by_signature(env, text),
        RegKind::Oper => operator::by_name(env, text),
        RegKind::Operator => operator::by_signature(env, text),
        RegKind::Namespace | RegKind::Role | RegKind::Collation | RegKind::Config | RegKind::Dictionary => {
            simple::by_text(env, kind, text)
        }
    }
}

/// Text of a `reg…` value: the name, qualified if the search path does not find it; the number when the object is gone.
pub(crate) fn reg_out(env: &StatementEnv, kind: RegKind, oid: Oid) -> String {
    if !oid.is_valid() {
        // The operator types print zero, because "-" is an operator.
        return if matches!(kind, RegKind::Oper | RegKind::Operator) { "0" } else { "-" }.to_owned();
    }
    let name = match kind {
        RegKind::Class => relation::text(env, oid),
        RegKind::Type => types::text(env, oid),
        RegKind::Proc => function::name_text(env, oid),
        RegKind::Procedure => function::signature(env, oid),
        RegKind::Oper => operator::name_text(env, oid),
        RegKind::Operator => operator::signature(env, oid),
        RegKind::Namespace | RegKind::Role | RegKind::Collation | RegKind::Config | RegKind::Dictionary => {
            simple::text(env, kind, oid)
        }
    };
    name.unwrap_or_else(|| oid.to_string())
}
