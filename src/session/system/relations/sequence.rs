//! `pg_sequence`.

use dictdb_catalog::RelationKind;

use super::super::output::{Output, row};
use super::Source;

/// Sequences; their state is in the sequence itself.
pub fn pg_sequence(source: &Source<'_>, out: &mut Output<'_>) {
    for relation in source.catalog.relations() {
        if let RelationKind::Sequence(s) = &relation.kind {
            row!(out; relation.oid, s.ty, s.start, s.increment, s.max, s.min, s.cache, s.cycle);
        }
    }
}
