//! INSERT.

use dictdb_catalog::trigger::Event;
use dictdb_planner::logical::PolicyStage;
use dictdb_types::{Datum, Result};

use super::conflict::ConflictCode;
use super::members::Member;
use super::node::{Changed, Modify, Place};
use super::target::Target;
use super::writer::Writer;
use crate::row::Row;
use crate::runtime::Runtime;

impl Modify {
    pub(super) fn insert(
        &self,
        (places, in_order): (&[usize], bool),
        on_conflict: Option<&ConflictCode>,
        input: Row,
        rt: &Runtime,
    ) -> Result<Option<Changed>> {
        let writer = rt.writer();
        // A row that nobody looks at again is stored as it came.
        if in_order && self.returning.is_none() && input.len() == places.len() {
            let inserted = self.insert_checked(input, on_conflict, &writer)?;
            return Ok(inserted.map(|(input, place)| Changed { full: Row::new(), input, place }));
        }
        let mut full = vec![Datum::Null; self.target.width()];
        for (place, value) in places.iter().zip(&input) {
            if let Some(cell) = full.get_mut(*place) {
                *cell = value.clone();
            }
        }
        let inserted = self.insert_checked(full, on_conflict, &writer)?;
        Ok(inserted.map(|(full, place)| Changed { full, input, place }))
    }

    /// Inserts a row, and checks what is checked when it is there.
    fn insert_checked(
        &self,
        full: Row,
        on_conflict: Option<&ConflictCode>,
        writer: &Writer<'_>,
    ) -> Result<Option<(Row, Place)>> {
        let Some((full, place)) = self.insert_row(full, on_conflict, writer)? else { return Ok(None) };
        if place.locked && place.table != self.target.relation().oid {
            writer.check_policies(&self.target, &full, PolicyStage::Update)?;
        }
        writer.check_views(&self.target, &full)?;
        Ok(Some((full, place)))
    }

    /// Inserts a row where it belongs: into the table, or into one of its partitions. Gives the row with
    /// the place that it is in; `None`: nothing was changed.
    pub(super) fn insert_row(
        &self,
        mut full: Row,
        on_conflict: Option<&ConflictCode>,
        writer: &Writer<'_>,
    ) -> Result<Option<(Row, Place)>> {
        let Some(router) = self.members.router(&self.target, writer)? else {
            if !writer.prepare_insert(&self.target, &mut full)? {
                return Ok(None);
            }
            writer.check_policies(&self.target, &full, PolicyStage::Insert)?;
            writer.check_row(&self.target, &full)?;
            writer.check_partition(&self.target, &full)?;
            return store((&self.target, &self.target), full, on_conflict, None, writer);
        };
        let leaf = router.route(&full, writer)?;
        let target = leaf.target(self.members.database(), writer)?;
        let mut full = leaf.stored(full);
        if !writer.prepare_insert(target, &mut full)? {
            return Ok(None);
        }
        if self.target.has_policies() {
            writer.check_policies(&self.target, &leaf.named(full.clone()), PolicyStage::Insert)?;
        }
        writer.check_row(target, &full)?;
        // A BEFORE trigger may have changed what the row belongs to.
        writer.check_partition(target, &full)?;
        let stored = store((target, &self.target), full, on_conflict, Some(leaf), writer)?;
        Ok(stored.map(|(row, place)| (leaf.named(row), place)))
    }
}

/// Writes a complete row, or does what ON CONFLICT says about the one in its way.
fn store(
    (target, whole): (&Target, &Target),
    full: Row,
    on_conflict: Option<&ConflictCode>,
    leaf: Option<&Member>,
    writer: &Writer<'_>,
) -> Result<Option<(Row, Place)>> {
    match on_conflict {
        None => {
            let id = writer.insert_new(target, &full, Event::Insert)?;
            Ok(Some((full, Place::new(target.relation().oid, id))))
        }
        Some(on_conflict) => on_conflict.insert((target, whole), leaf, full, writer),
    }
}
