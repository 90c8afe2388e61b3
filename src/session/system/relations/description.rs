//! `pg_description` and `pg_shdescription`: comments.

use dictdb_catalog::are_comments_shared;

use super::super::output::{Output, row};
use super::{Source, exported};

/// Comments on objects of the database: PostgreSQL's own and users'.
pub fn pg_description(source: &Source<'_>, out: &mut Output<'_>) {
    exported::rows("pg_description").iter().for_each(|row| out.push(row));
    for ((class, object, part), text) in
        source.catalog.comments().filter(|((class, ..), _)| !are_comments_shared(*class))
    {
        row!(out; *object, *class, *part, text);
    }
}

/// Comments on roles, databases and tablespaces.
pub fn pg_shdescription(source: &Source<'_>, out: &mut Output<'_>) {
    for ((class, object, _), text) in source.catalog.comments().filter(|((class, ..), _)| are_comments_shared(*class)) {
        row!(out; *object, *class, text);
    }
}
