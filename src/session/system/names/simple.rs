//! `regnamespace`, `regrole`, `regcollation`, `regconfig`, `regdictionary`: objects found by name alone.

use dictdb_catalog::DefinitionKind;
use dictdb_functions::facts;
use dictdb_types::{Error, Oid, RegKind, Result, SqlState, quote_identifier};

use super::qualified::{QualifiedName, schema_oid};
use crate::StatementEnv;

/// The exported table of a kind, and what messages call its objects.
fn table(kind: RegKind) -> Option<&'static str> {
    match kind {
        RegKind::Config => Some("pg_ts_config"),
        RegKind::Dictionary => Some("pg_ts_dict"),
        _ => None,
    }
}

/// The kind that users' objects have.
fn definition_kind(kind: RegKind) -> Option<DefinitionKind> {
    match kind {
        RegKind::Config => Some(DefinitionKind::Configuration),
        RegKind::Dictionary => Some(DefinitionKind::Dictionary),
        _ => None,
    }
}

/// Oid, name and schema of the objects of an exported table, whose first three columns these are.
fn objects(kind: RegKind) -> impl Iterator<Item = (Oid, &'static str, Oid)> {
    let rows = table(kind).and_then(facts::table).into_iter().flat_map(|t| t.rows());
    rows.map(|mut row| {
        let mut next = || row.nullable().unwrap_or_default();
        let oid = |text: &str| Oid(text.parse().unwrap_or_default());
        (oid(next()), next(), oid(next()))
    })
}

pub(super) fn by_text(env: &StatementEnv, kind: RegKind, text: &str) -> Result<Oid> {
    let name = QualifiedName::parse(text)?;
    let undefined = |message: String| Error::new(SqlState::UNDEFINED_OBJECT, message);
    match kind {
        RegKind::Namespace | RegKind::Role => {
            let [name] = name.parts.as_slice() else {
                return Err(Error::new(SqlState::INVALID_NAME, "invalid name syntax"));
            };
            if kind == RegKind::Namespace {
                return super::qualified::schema_oid(env, name);
            }
            let role = env.catalog.role_named(name).map(|r| r.oid);
            role.ok_or_else(|| undefined(format!("role \"{name}\" does not exist")))
        }
        _ => {
            let (schema, own) = name.schema_and_name(env, "qualified")?;
            let path = match schema {
                Some(schema) => vec![schema_oid(env, schema)?],
                None => env.search_path(),
            };
            if kind == RegKind::Collation {
                let found = path.iter().find_map(|namespace| env.catalog.collation_in(*namespace, own));
                let missing = || format!("collation \"{}\" for encoding \"UTF8\" does not exist", name.dotted());
                return found.map(|found| found.oid).ok_or_else(|| undefined(missing()));
            }
            // The first schema that has it, of a user's or PostgreSQL's.
            let found = path.iter().find_map(|namespace| {
                let known = objects(kind).find(|(_, name, schema)| *name == own && schema == namespace);
                known
                    .map(|(oid, ..)| oid)
                    .or_else(|| env.catalog.definition_in(definition_kind(kind)?, *namespace, own).map(|own| own.oid))
            });
            found.ok_or_else(|| {
                let dotted = name.dotted();
                undefined(match kind {
                    RegKind::Config => format!("text search configuration \"{dotted}\" does not exist"),
                    _ => format!("text search dictionary \"{dotted}\" does not exist"),
                })
            })
        }
    }
}

pub(super) fn text(env: &StatementEnv, kind: RegKind, oid: Oid) -> Option<String> {
    let name = match kind {
        RegKind::Namespace => env.catalog.schema(oid)?.name.to_string(),
        RegKind::Role => env.catalog.role(oid)?.name.to_string(),
        RegKind::Collation => {
            env.catalog.collation(oid)?;
            return Some(env.catalog.collation_text(oid, &env.search_path(), false));
        }
        _ => {
            // PostgreSQL's are in pg_catalog, which every search path includes.
            if let Some((_, name, _)) = objects(kind).find(|(own, ..)| *own == oid) {
                return Some(quote_identifier(name).into_owned());
            }
            let own = env.catalog.definition(oid)?;
            let first = env.catalog.definition_on_path(own.kind(), &env.search_path(), &own.name);
            let name = quote_identifier(&own.name);
            return match first.is_some_and(|first| first.oid == oid) {
                true => Some(name.into_owned()),
                false => Some(format!("{}.{name}", quote_identifier(&env.catalog.schema(own.namespace)?.name))),
            };
        }
    };
    Some(quote_identifier(&name).into_owned())
}
