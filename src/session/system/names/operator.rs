//! `regoper` and `regoperator`.

use dictdb_catalog::Operator;
use dictdb_functions::resolve::{OperatorSignature, Scope};
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::function::parse_signature;
use super::qualified::QualifiedName;
use super::types::formatted;
use crate::StatementEnv;

fn candidates(env: &StatementEnv, name: &QualifiedName) -> Result<Vec<OperatorSignature>> {
    let (schema, name) = name.schema_and_name(env, "qualified")?;
    let path = env.search_path();
    let mut found = CatalogScope { catalog: &env.catalog, search_path: &path }.operators(schema, name)?;
    found.sort_by_key(|operator| operator.path);
    let mut distinct: Vec<OperatorSignature> = Vec::new();
    for operator in found {
        if !distinct.iter().any(|o| (o.left, o.right) == (operator.left, operator.right)) {
            distinct.push(operator);
        }
    }
    Ok(distinct)
}

fn undefined(text: &str) -> Error {
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("operator does not exist: {text}"))
}

pub(super) fn by_name(env: &StatementEnv, text: &str) -> Result<Oid> {
    match candidates(env, &QualifiedName::parse(text)?)?.as_slice() {
        [operator] => Ok(operator.oid),
        [] => Err(undefined(text)),
        _ => Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("more than one operator named {text}"))),
    }
}

pub(super) fn by_signature(env: &StatementEnv, text: &str) -> Result<Oid> {
    let (name, args) = parse_signature(env, text, true)?;
    let [left, right] = args[..] else {
        return Err(match args.len() {
            1 => Error::new(SqlState::UNDEFINED_PARAMETER, "missing argument")
                .hint("Use NONE to denote the missing argument of a unary operator."),
            _ => Error::new(SqlState::TOO_MANY_ARGUMENTS, "too many arguments")
                .hint("Provide two argument types for operator."),
        });
    };
    let found = candidates(env, &name)?.into_iter().find(|o| (o.left, o.right) == (left, right));
    found.map(|operator| operator.oid).ok_or_else(|| undefined(text))
}

/// `pg_operator_is_visible`; `None` when there is no such operator.
pub(crate) fn operator_is_visible(env: &StatementEnv, oid: Oid) -> Option<bool> {
    let operator = env.catalog.any_operator(oid)?;
    let name = QualifiedName { parts: vec![operator.name.to_string()] };
    Some(candidates(env, &name).unwrap_or_default().iter().any(|found| found.oid == oid))
}

fn qualified(env: &StatementEnv, operator: &Operator, visible: bool) -> String {
    match env.catalog.schema(operator.namespace) {
        Some(schema) if !visible => format!("{}.{}", dictdb_types::quote_identifier(&schema.name), operator.name),
        _ => operator.name.to_string(),
    }
}

pub(super) fn name_text(env: &StatementEnv, oid: Oid) -> Option<String> {
    let operator = env.catalog.any_operator(oid)?;
    let name = QualifiedName { parts: vec![operator.name.to_string()] };
    let found = candidates(env, &name).unwrap_or_default();
    Some(qualified(env, &operator, matches!(found.as_slice(), [only] if only.oid == oid)))
}

pub(super) fn signature(env: &StatementEnv, oid: Oid) -> Option<String> {
    let operator = env.catalog.any_operator(oid)?;
    let side = |ty: Oid| if ty.is_valid() { formatted(env, ty, None) } else { "NONE".to_owned() };
    let name = qualified(env, &operator, operator_is_visible(env, oid)?);
    Some(format!("{name}({},{})", side(operator.left), side(operator.right)))
}
