//! `regclass`.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::qualified::{QualifiedName, schema_oid, shown};
use crate::StatementEnv;

pub(super) fn by_text(env: &StatementEnv, text: &str) -> Result<Oid> {
    find_relation(env, text).map(|relation| relation.oid)
}

/// The relation of a possibly qualified name. 42602, 42P01, 3F000.
pub(crate) fn find_relation(env: &StatementEnv, text: &str) -> Result<Arc<Relation>> {
    find(env, &QualifiedName::parse(text)?)
}

/// Likewise, of the parts of a name. 42P01, 3F000, 0A000.
pub(crate) fn relation_named(env: &StatementEnv, parts: &[String]) -> Result<Arc<Relation>> {
    find(env, &QualifiedName { parts: parts.to_vec() })
}

fn find(env: &StatementEnv, name: &QualifiedName) -> Result<Arc<Relation>> {
    let (schema, relation) = name.schema_and_name(env, "relation")?;
    let found = match schema {
        Some(schema) => env.catalog.relation_in(schema_oid(env, schema)?, relation),
        None => env.catalog.relation_on_path(&env.search_path(), relation),
    };
    found
        .cloned()
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", name.dotted())))
}

/// `pg_table_is_visible`; `None` when there is no such relation.
pub(crate) fn relation_is_visible(env: &StatementEnv, oid: Oid) -> Option<bool> {
    let relation = env.catalog.relation(oid)?;
    let first = env.catalog.relation_on_path(&env.search_path(), &relation.name);
    Some(first.is_some_and(|first| first.oid == oid))
}

pub(super) fn text(env: &StatementEnv, oid: Oid) -> Option<String> {
    let relation = env.catalog.relation(oid)?;
    Some(shown(env, relation.namespace, &relation.name, relation_is_visible(env, oid)?))
}
