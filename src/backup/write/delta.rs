//! What has changed between two moments, at the cost of that.

use dictdb_catalog::Change;
use dictdb_storage::{OldRow, SequenceState};
use dictdb_types::{Datum, Oid, Result, RowId};
use hashbrown::{HashMap, HashSet};

use super::Context;
use crate::moment::StoredRelation;
use crate::record::{Shape, key_slots};

/// The rows of a table that a delta tells of.
pub(crate) enum Rows {
    /// All: the table is new, or has been written anew.
    All,
    /// These, with what they were.
    Some(Vec<(RowId, Option<OldRow>)>),
}

/// What has changed between two moments.
pub(crate) struct Delta {
    pub(crate) changes: Vec<Change>,
    pub(crate) sequences: Vec<(Oid, SequenceState)>,
    /// By position in [`crate::moment::Moment::tables`].
    pub(crate) tables: Vec<(usize, Rows)>,
}

impl Delta {
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.sequences.is_empty() && self.tables.is_empty()
    }

    /// Rows, about.
    pub(crate) fn rows(&self) -> u64 {
        let count = |(_, rows): &(usize, Rows)| if let Rows::Some(rows) = rows { rows.len() as u64 } else { 0 };
        self.tables.iter().map(count).sum()
    }
}

/// Rows that are there, and those that are not any more.
pub(super) struct Parts {
    pub(super) upserts: Vec<RowId>,
    pub(super) gone: Vec<RowId>,
    /// Keys that exist no more, in JSON's form and as values.
    pub(super) deletes: Vec<(Vec<u8>, Box<[Datum]>)>,
}

impl Parts {
    /// Those of rows that have changed.
    pub(super) fn of(
        table: &StoredRelation,
        rows: &[(RowId, Option<OldRow>)],
        context: &Context<'_>,
        shape: &Shape,
    ) -> Result<Parts> {
        let mut parts = Parts { upserts: Vec::new(), gone: Vec::new(), deletes: Vec::new() };
        let slots = key_slots(&table.relation);
        let encode = |key: &[Datum]| {
            let mut encoded = Vec::new();
            shape.put_key(&slots, key, &context.surroundings, &mut encoded).map(|()| encoded)
        };
        let (mut old_keys, mut new_keys) = (HashMap::new(), HashSet::new());
        for (row, old) in rows {
            let mut key = Vec::new();
            let found = table.table.read_datums(*row, &context.moment.snapshot, &slots, &mut key)?;
            if found {
                parts.upserts.push(*row);
                new_keys.insert(encode(&key)?);
            } else if old.is_some() {
                parts.gone.push(*row);
            }
            if let Some(key) = old.as_ref().and_then(|old| old.key.as_ref()) {
                old_keys.insert(encode(key)?, key.clone());
            }
        }
        parts.deletes = old_keys.into_iter().filter(|(key, _)| !new_keys.contains(key)).collect();
        parts.deletes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(parts)
    }
}
