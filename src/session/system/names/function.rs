//! `regproc` and `regprocedure`.

use dictdb_functions::resolve::Scope;
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::qualified::{QualifiedName, shown};
use super::types::{find_type, formatted};
use crate::StatementEnv;
use crate::system::described::Described;

/// Oids and parameter types of the functions a name finds, the first schema of the search path winning among equals.
fn candidates(env: &StatementEnv, name: &QualifiedName) -> Result<Vec<(Oid, Vec<Oid>)>> {
    let (schema, name) = name.schema_and_name(env, "qualified")?;
    routines_named(env, schema, name)
}

/// Likewise, of a schema and a name in it.
pub(crate) fn routines_named(env: &StatementEnv, schema: Option<&str>, name: &str) -> Result<Vec<(Oid, Vec<Oid>)>> {
    let path = env.search_path();
    let scope = CatalogScope { catalog: &env.catalog, search_path: &path };
    let mut found = scope.functions(schema, name)?;
    found.sort_by_key(|signature| signature.path);
    let mut distinct: Vec<(Oid, Vec<Oid>)> = Vec::new();
    for signature in found {
        if !distinct.iter().any(|(_, args)| *args == *signature.args) {
            distinct.push((signature.oid, signature.args.to_vec()));
        }
    }
    Ok(distinct)
}

pub(super) fn by_name(env: &StatementEnv, text: &str) -> Result<Oid> {
    let name = QualifiedName::parse(text)?;
    match candidates(env, &name)?.as_slice() {
        [(oid, _)] => Ok(*oid),
        [] => Err(undefined(text)),
        _ => Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("more than one function named \"{text}\""))),
    }
}

fn undefined(text: &str) -> Error {
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("function \"{text}\" does not exist"))
}

pub(super) fn by_signature(env: &StatementEnv, text: &str) -> Result<Oid> {
    let (name, args) = parse_signature(env, text, false)?;
    let found = candidates(env, &name)?.into_iter().find(|(_, params)| *params == args);
    found.map(|(oid, _)| oid).ok_or_else(|| undefined(text))
}

/// `name(type, type)`; `NONE` stands for no type where allowed.
pub(super) fn parse_signature(env: &StatementEnv, text: &str, none: bool) -> Result<(QualifiedName, Vec<Oid>)> {
    let invalid = |message: &str| Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message);
    let open = outside_quotes(text, '(').next().ok_or_else(|| invalid("expected a left parenthesis"))?;
    let name = QualifiedName::parse(&text[..open])?;
    let inside = text[open + 1..].trim_ascii_end();
    let inside = inside.strip_suffix(')').ok_or_else(|| invalid("expected a right parenthesis"))?;
    if inside.trim_ascii().is_empty() {
        return Ok((name, Vec::new()));
    }
    let mut args = Vec::new();
    for part in split_arguments(inside) {
        let part = part.trim_ascii();
        if part.is_empty() {
            return Err(invalid("expected a type name"));
        }
        args.push(match none && part.eq_ignore_ascii_case("none") {
            true => Oid::INVALID,
            false => find_type(env, part)?.oid,
        });
    }
    Ok((name, args))
}

fn outside_quotes(text: &str, wanted: char) -> impl Iterator<Item = usize> + '_ {
    let mut quoted = false;
    text.char_indices().filter_map(move |(i, c)| {
        if c == '"' {
            quoted = !quoted;
        }
        (!quoted && c == wanted).then_some(i)
    })
}

/// Splits at commas outside of quotes, parentheses and brackets.
fn split_arguments(text: &str) -> Vec<&str> {
    let (mut quoted, mut depth, mut start) = (false, 0i32, 0);
    let mut parts = Vec::new();
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `pg_function_is_visible`; `None` when there is no such function.
pub(crate) fn proc_is_visible(env: &StatementEnv, oid: Oid) -> Option<bool> {
    let proc = Described::find(&env.catalog, oid)?;
    let name = QualifiedName { parts: vec![proc.name.to_string()] };
    let found = candidates(env, &name).unwrap_or_default();
    Some(found.iter().any(|(found, _)| *found == oid))
}

/// `regproc`: a name that finds several functions is qualified, as one that finds another is.
pub(super) fn name_text(env: &StatementEnv, oid: Oid) -> Option<String> {
    let proc = Described::find(&env.catalog, oid)?;
    let name = QualifiedName { parts: vec![proc.name.to_string()] };
    let found = candidates(env, &name).unwrap_or_default();
    let visible = matches!(found.as_slice(), [(only, _)] if *only == oid);
    Some(shown(env, proc.namespace, &proc.name, visible))
}

/// `regprocedure`.
pub(super) fn signature(env: &StatementEnv, oid: Oid) -> Option<String> {
    let proc = Described::find(&env.catalog, oid)?;
    let name = shown(env, proc.namespace, &proc.name, proc_is_visible(env, oid)?);
    Some(format!("{name}({})", signature_text(env, &proc.args)))
}

/// Types in a list without blanks.
fn signature_text(env: &StatementEnv, args: &[Oid]) -> String {
    let name = |oid: &Oid| if *oid == oids::ANY { "\"any\"".to_owned() } else { formatted(env, *oid, None) };
    args.iter().map(name).collect::<Vec<_>>().join(",")
}
