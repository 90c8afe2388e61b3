//! Qualified names as text: `schema.name`, each part quoted or folded to lower case.

use dictdb_types::{Error, Oid, Result, SqlState, quote_identifier, quote_qualified, unquote_identifier};

use crate::StatementEnv;

/// A name in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct QualifiedName {
    /// At least one.
    pub parts: Vec<String>,
}

/// Longest identifier, as PostgreSQL cuts it.
const MAX_BYTES: usize = 63;

impl QualifiedName {
    /// Splits a text at dots. 42602 for what is no name.
    pub fn parse(text: &str) -> Result<QualifiedName> {
        let invalid = || Error::new(SqlState::INVALID_NAME, "invalid name syntax");
        let mut parts = Vec::new();
        let mut rest = text.trim_ascii_start();
        loop {
            let (part, after) = next_part(rest).ok_or_else(invalid)?;
            parts.push(part);
            rest = after.trim_ascii_start();
            match rest.strip_prefix('.') {
                Some(after) => rest = after.trim_ascii_start(),
                None if rest.is_empty() => return Ok(QualifiedName { parts }),
                None => return Err(invalid()),
            }
        }
    }

    /// Schema and name, after looking that a database, if given, is this one. 42601 for more parts.
    pub fn schema_and_name(&self, env: &StatementEnv, noun: &str) -> Result<(Option<&str>, &str)> {
        match self.parts.as_slice() {
            [name] => Ok((None, name)),
            [schema, name] => Ok((Some(schema), name)),
            [database, schema, name] if **database == *env.shared.database.name => Ok((Some(schema), name)),
            [_, _, _] => Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("cross-database references are not implemented: {}", self.quoted_if(noun)),
            )),
            _ => Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("improper {noun} name (too many dotted names): {}", self.dotted()),
            )),
        }
    }

    /// Relations stand in double quotes in messages, other objects do not.
    fn quoted_if(&self, noun: &str) -> String {
        if noun == "relation" { format!("\"{}\"", self.dotted()) } else { self.dotted() }
    }

    /// The parts joined by dots, as messages show them.
    pub fn dotted(&self) -> String {
        self.parts.join(".")
    }
}

fn next_part(text: &str) -> Option<(String, &str)> {
    let (mut name, rest) = match text.strip_prefix('"') {
        Some(quoted) => unquote_identifier(quoted)?,
        None => {
            let end = text.find(|c: char| c == '.' || c.is_ascii_whitespace()).unwrap_or(text.len());
            (text[..end].to_ascii_lowercase(), &text[end..])
        }
    };
    if name.is_empty() {
        return None;
    }
    while name.len() > MAX_BYTES {
        name.pop();
    }
    Some((name, rest))
}

/// A name as `reg…` types print it: with the schema unless the search path finds the object without.
pub(crate) fn shown(env: &StatementEnv, namespace: Oid, name: &str, visible: bool) -> String {
    match env.catalog.schema(namespace) {
        Some(schema) if !visible => quote_qualified(&schema.name, name),
        _ => quote_identifier(name).into_owned(),
    }
}

/// The schema of a name; 3F000 when it does not exist.
pub(super) fn schema_oid(env: &StatementEnv, schema: &str) -> Result<Oid> {
    env.catalog.schema_seen(&env.search_path(), schema).map(|schema| schema.oid).ok_or_else(|| no_schema(schema))
}

/// 3F000.
pub(crate) fn no_schema(schema: &str) -> Error {
    Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_as_in_postgresql() {
        let parts = |text| QualifiedName::parse(text).map(|name| name.parts).map_err(|e| e.code());
        assert_eq!(parts(" A . \"B\"\"c\" "), Ok(vec!["a".into(), "B\"c".into()]));
        for bad in ["", "a b", "\"a", "a.", ".a", "\"\""] {
            assert_eq!(parts(bad), Err(SqlState::INVALID_NAME), "{bad}");
        }
    }
}
