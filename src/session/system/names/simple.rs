//! `regnamespace`, `regrole`, `regcollation`, `regconfig`, `regdictionary`: objects found by name alone.

use dictdb_functions::facts;
use dictdb_types::{Error, Oid, RegKind, Result, SqlState, quote_identifier};

use super::qualified::{QualifiedName, schema_oid};
use crate::StatementEnv;

/// The exported table of a kind, and what messages call its objects.
fn table(kind: RegKind) -> Option<&'static str> {
    match kind {
        RegKind::Collation => Some("pg_collation"),
        RegKind::Config => Some("pg_ts_config"),
        RegKind::Dictionary => Some("pg_ts_dict"),
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
            let found = objects(kind).find(|(_, name, namespace)| *name == own && path.contains(namespace));
            found.map(|(oid, ..)| oid).ok_or_else(|| {
                let dotted = name.dotted();
                undefined(match kind {
                    RegKind::Collation => format!("collation \"{dotted}\" for encoding \"UTF8\" does not exist"),
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
        _ => {
            // All of them are in pg_catalog, which every search path includes.
            let (_, name, _) = objects(kind).find(|(own, ..)| *own == oid)?;
            name.to_owned()
        }
    };
    Some(quote_identifier(&name).into_owned())
}
