//! Statements that change the catalog: tables, indexes, sequences, views, types, schemas.
//!
//! They run inside the session's transaction: catalog changes are collected in its [`CatalogTransaction`], what they make in
//! storage is undone by [`StorageChanges`] when the transaction rolls back. Locks are PostgreSQL's.

mod column;
mod constraint;
mod context;
mod create_table;
mod drop;
mod foreign_key;
mod index;
mod names;
mod schema;
mod sequence;
mod storage_changes;
mod truncate;
mod types;
mod view;

use dictdb_parser::Locations;
use dictdb_parser::utility::Utility;
use dictdb_types::{Error, Result};

pub use context::DdlContext;
pub use storage_changes::StorageChanges;

/// Executes a statement that changes the catalog and returns its command tag; `None` when the statement is of another
/// kind.
pub fn execute(statement: &Utility, locations: &Locations, cx: &mut DdlContext<'_>) -> Result<Option<&'static str>> {
    Ok(Some(match statement {
        Utility::CreateTable(create) => {
            cx.create_table(create, locations)?;
            "CREATE TABLE"
        }
        Utility::CreateIndex(create) => {
            cx.create_index(create, locations)?;
            "CREATE INDEX"
        }
        Utility::CreateSequence(create) => {
            cx.create_sequence(create)?;
            "CREATE SEQUENCE"
        }
        Utility::AlterSequence(alter) => {
            cx.alter_sequence(alter)?;
            "ALTER SEQUENCE"
        }
        Utility::CreateSchema(create) => {
            if !create.elements.is_empty() {
                return Err(Error::unsupported("CREATE SCHEMA with elements"));
            }
            cx.create_schema(create)?;
            "CREATE SCHEMA"
        }
        Utility::CreateView(create) => {
            cx.create_view(create, locations)?;
            "CREATE VIEW"
        }
        Utility::CreateEnum(create) => {
            cx.create_enum(create)?;
            "CREATE TYPE"
        }
        Utility::CreateComposite(create) => {
            cx.create_composite(create)?;
            "CREATE TYPE"
        }
        Utility::AlterEnum(alter) => {
            cx.alter_enum(alter)?;
            "ALTER TYPE"
        }
        Utility::Drop(drop) => cx.drop_objects(drop)?,
        Utility::Truncate(truncate) => {
            cx.truncate(truncate)?;
            "TRUNCATE TABLE"
        }
        _ => return Ok(None),
    }))
}
