//! INSERT.

use dictdb_types::{Datum, Oid, Result};

use super::conflict::ConflictCode;
use super::members::Member;
use super::node::{Changed, Modify};
use super::target::Target;
use super::writer::Writer;
use crate::row::Row;
use crate::runtime::Runtime;

impl Modify {
    pub(super) fn insert(
        &self,
        places: &[usize],
        on_conflict: Option<&ConflictCode>,
        input: Row,
        rt: &Runtime,
    ) -> Result<Option<Changed>> {
        let writer = rt.writer();
        let mut full = vec![Datum::Null; self.target.width()];
        for (place, value) in places.iter().zip(&input) {
            if let Some(cell) = full.get_mut(*place) {
                *cell = value.clone();
            }
        }
        let Some((full, table)) = self.insert_row(full, on_conflict, &writer)? else { return Ok(None) };
        writer.check_views(&self.target, &full)?;
        Ok(Some(Changed { full, input, table }))
    }

    /// Inserts a row where it belongs: into the table, or into one of its partitions. Gives the row with
    /// the table that it is in; `None`: nothing was changed.
    pub(super) fn insert_row(
        &self,
        mut full: Row,
        on_conflict: Option<&ConflictCode>,
        writer: &Writer<'_>,
    ) -> Result<Option<(Row, Oid)>> {
        let Some(router) = self.members.router(&self.target, writer)? else {
            if !writer.prepare_insert(&self.target, &mut full)? {
                return Ok(None);
            }
            writer.check_partition(&self.target, &full)?;
            let stored = store(&self.target, full, on_conflict, None, writer)?;
            return Ok(stored.map(|row| (row, self.target.relation().oid)));
        };
        let leaf = router.route(&full, writer)?;
        let target = leaf.target(self.members.database(), writer)?;
        let mut full = leaf.stored(full);
        if !writer.prepare_insert(target, &mut full)? {
            return Ok(None);
        }
        // A BEFORE trigger may have changed what the row belongs to.
        writer.check_partition(target, &full)?;
        let stored = store(target, full, on_conflict, Some(leaf), writer)?;
        Ok(stored.map(|row| (leaf.named(row), leaf.relation.oid)))
    }
}

/// Writes a complete row, or does what ON CONFLICT says about the one in its way.
fn store(
    target: &Target,
    full: Row,
    on_conflict: Option<&ConflictCode>,
    leaf: Option<&Member>,
    writer: &Writer<'_>,
) -> Result<Option<Row>> {
    match on_conflict {
        None => writer.insert_new(target, &full).map(|_| Some(full)),
        Some(on_conflict) => on_conflict.insert(target, leaf, full, writer),
    }
}
