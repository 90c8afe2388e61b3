//! `pg_description` and `pg_shdescription`: comments.

use super::super::output::{Output, row};
use super::depend::classes;
use super::{Source, exported};
use dictdb_types::Oid;

/// Catalogs whose objects belong to the whole server.
fn is_shared(class: Oid) -> bool {
    matches!(class, classes::AUTHID | classes::DATABASE | classes::TABLESPACE)
}

/// Comments on objects of the database: PostgreSQL's own and users'.
pub fn pg_description(source: &Source<'_>, out: &mut Output<'_>) {
    exported::rows("pg_description").iter().for_each(|row| out.push(row));
    for ((class, object, part), text) in source.catalog.comments().filter(|((class, ..), _)| !is_shared(*class)) {
        row!(out; *object, *class, *part, text);
    }
}

/// Comments on roles, databases and tablespaces.
pub fn pg_shdescription(source: &Source<'_>, out: &mut Output<'_>) {
    for ((class, object, _), text) in source.catalog.comments().filter(|((class, ..), _)| is_shared(*class)) {
        row!(out; *object, *class, text);
    }
}
