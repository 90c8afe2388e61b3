//! `pg_namespace`.

use dictdb_catalog::namespaces;

use super::super::output::{Output, acl, row};
use super::Source;

/// Schemas.
pub fn pg_namespace(source: &Source<'_>, out: &mut Output<'_>) {
    for schema in source.catalog.schemas().filter(|schema| schema.oid != namespaces::DICTDB) {
        row!(out; schema.oid, &schema.name, schema.owner, acl(schema.acl.as_deref()));
    }
}
