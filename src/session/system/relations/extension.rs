//! `pg_extension`.

use super::super::output::{NULL, Output, row};
use super::Source;

/// The extensions of the database.
pub fn pg_extension(source: &Source<'_>, out: &mut Output<'_>) {
    for extension in source.catalog.extensions() {
        row!(out;
            extension.oid, &extension.name, extension.owner, extension.namespace, extension.relocatable,
            &extension.version, NULL, NULL,
        );
    }
}
