//! Collations: `COLLATION FOR`, their versions, those of the system.

use dictdb_catalog::DEFAULT_COLLATION;
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::arguments::{oid, session};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_collation_for", pg_collation_for),
    ("pg_collation_actual_version", actual_version),
    ("pg_database_collation_actual_version", database_version),
    ("pg_import_system_collations", import),
];

/// `pg_collation_for(value)`: the collation of a type that has one. Where an expression has another one, the planner says so.
/// 42804 for other types.
fn pg_collation_for(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let ty = cx.arg_type(0).oid;
    let collation = cx.env.type_info(ty).map_or(Oid::INVALID, |info| info.collation);
    let env = session(cx)?;
    if !collation.is_valid() {
        let shown = dictdb_types::type_name(&*env.catalog, ty, &|_| None);
        let message = format!("collations are not supported by type {shown}");
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
    }
    Ok(Datum::text(env.catalog.collation_text(collation, &env.search_path(), false)))
}

/// 42704.
fn actual_version(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let collation = oid(args, 0);
    let env = session(cx)?;
    if collation == DEFAULT_COLLATION {
        return Ok(Datum::Null);
    }
    let info = env.catalog.collation_info(collation).ok_or_else(|| {
        Error::new(SqlState::UNDEFINED_OBJECT, format!("collation with OID {collation} does not exist"))
    })?;
    Ok(info.actual_version().map_or(Datum::Null, Datum::text))
}

/// Of the tables that a database orders by. 42704.
fn database_version(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let database = oid(args, 0);
    let known = session(cx)?.shared.instance.databases();
    let unknown = || Error::new(SqlState::UNDEFINED_OBJECT, format!("database with OID {database} does not exist"));
    let known = known.iter().find(|own| own.oid == database).ok_or_else(unknown)?;
    Ok(known.catalog.current().locale().actual_version().map_or(Datum::Null, Datum::text))
}

/// Every database has all collations that there are tables for: none is added. 3F000, 42501.
fn import(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let schema = oid(args, 0);
    let role = env.catalog.role(env.bind_context(&[]).role);
    if !role.is_some_and(|role| role.superuser) {
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, "must be superuser to import system collations"));
    }
    match env.catalog.schema(schema) {
        Some(_) => Ok(Datum::Int4(0)),
        None => Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema with OID {schema} does not exist"))),
    }
}
