//! `pg_sequence`, and what a sequence is as a table.

use dictdb_catalog::{Relation, RelationKind};

use super::super::output::{Output, row};
use super::Source;
use crate::StatementEnv;

/// Sequences; their state is in the sequence itself.
pub fn pg_sequence(source: &Source<'_>, out: &mut Output<'_>) {
    for relation in source.relations_wanted(out, 1) {
        if let RelationKind::Sequence(s) = &relation.kind {
            row!(out; relation.oid, s.ty, s.start, s.increment, s.max, s.min, s.cache, s.cycle);
        }
    }
}

/// The row of a sequence: `last_value`, `log_cnt` (nothing is logged ahead) and `is_called`.
pub fn state(env: &StatementEnv, relation: &Relation, out: &mut Output<'_>) {
    if let Some(sequence) = env.shared.instance.storage.sequence(relation.storage) {
        let state = sequence.state();
        row!(out; state.last_value, 0i64, state.is_called);
    }
}
