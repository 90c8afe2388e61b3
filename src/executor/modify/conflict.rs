//! ON CONFLICT: what an INSERT does about a row that is there already, exact under concurrency.

use std::borrow::Cow;

use dictdb_catalog::Relation;
use dictdb_catalog::trigger::Event;
use dictdb_planner::logical::PolicyStage;
use dictdb_storage::{
    DatumRow, Inserted, Isolation, KeyOutcome, RowLocked, RowStrength, UniqueConflict, VersionTag, concurrent_update,
};
use dictdb_types::{Error, Oid, Result, RowId, SqlState};

use super::members::Member;
use super::node::Place;
use super::target::Target;
use super::trigger::RowUpdate;
use super::violation;
use super::writer::{Change, Writer};
use crate::eval::{Code, Scope};
use crate::row::Row;

/// `ON CONFLICT`.
#[derive(Debug)]
pub(crate) struct ConflictCode {
    /// Storage ids of the arbiter indexes; none at all means every unique one.
    pub arbiters: Vec<Oid>,
    /// A deferrable constraint among them, which cannot decide.
    pub deferrable: Option<std::sync::Arc<str>>,
    /// `DO UPDATE`.
    pub update: Option<ConflictUpdate>,
}

/// `DO UPDATE`: expressions over the existing full row, then the one proposed.
#[derive(Debug)]
pub(crate) struct ConflictUpdate {
    /// Place and new value.
    pub assignments: Box<[(usize, Code)]>,
    /// WHERE.
    pub filter: Option<Code>,
}

impl ConflictCode {
    /// Inserts a complete row, or deals with the one in its way. The full row that is stored afterwards; `None`: nothing
    /// was changed.
    /// Of a partition the arbiters are its parts of those of the partitioned table.
    pub(super) fn insert(
        &self,
        (target, whole): (&Target, &Target),
        leaf: Option<&Member>,
        proposed: Row,
        writer: &Writer<'_>,
    ) -> Result<Option<(Row, Place)>> {
        if let Some(constraint) = &self.deferrable {
            return Err(not_deferrable(target, constraint));
        }
        let arbiters = match leaf {
            Some(leaf) => Cow::Owned(self.arbiters_in(leaf, writer)?),
            None => Cow::Borrowed(&self.arbiters),
        };
        let table = target.relation().oid;
        loop {
            if self.is_excluded(target, &arbiters, &proposed, writer)? {
                return Ok(None);
            }
            let conflict = match writer.insert(target, &proposed, Event::Insert)? {
                Inserted::Done(id) => return Ok(Some((proposed, Place::new(table, id)))),
                Inserted::Conflict(conflict) => arbiter_conflict(&arbiters, target, conflict, &proposed, writer)?,
                Inserted::Busy(_) => return Err(Error::internal("insert gave up waiting")),
            };
            let Some(update) = &self.update else {
                self.check_visible(target, conflict.row, writer)?;
                return Ok(None);
            };
            if let Some(outcome) = update.apply((target, whole), leaf, &conflict, &proposed, writer)? {
                let place = Place { locked: true, ..Place::new(table, conflict.row) };
                return Ok(outcome.map(|row| (row, place)));
            }
            // The row, or its key, went away meanwhile: the insert may succeed now.
        }
    }

    /// Whether an exclusion constraint among the arbiters rules a row out. Such a constraint allows DO NOTHING only.
    fn is_excluded(&self, target: &Target, arbiters: &[Oid], proposed: &Row, writer: &Writer<'_>) -> Result<bool> {
        for exclusion in &target.exclusions {
            let decides = arbiters.is_empty() || arbiters.contains(&exclusion.index());
            if decides && exclusion.stands_against(&target.storage_row(proposed), writer)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The arbiters of a partition.
    fn arbiters_in(&self, leaf: &Member, writer: &Writer<'_>) -> Result<Vec<Oid>> {
        let catalog = &writer.cx.catalog;
        let own = leaf.relation.indexes.iter().filter_map(|oid| catalog.relation(*oid));
        let decides = |index: &&std::sync::Arc<Relation>| {
            let mut ancestors = catalog.index_ancestors(index);
            ancestors.any(|above| self.arbiters.contains(&above.storage))
        };
        Ok(own.filter(decides).map(|index| index.storage).collect())
    }

    /// Under REPEATABLE READ a row that the transaction does not see as it is now must not decide.
    fn check_visible(&self, target: &Target, row: RowId, writer: &Writer<'_>) -> Result<()> {
        if writer.cx.transaction.isolation() == Isolation::ReadCommitted {
            return Ok(());
        }
        // A later command of the same transaction sees what this one wrote.
        let (transaction, table) = (&writer.cx.transaction, &target.handle.table);
        let now = transaction.snapshot()?;
        match table.read(row, &now, |_| ()) {
            Some(()) if table.is_unchanged_since(row, transaction, &now) => Ok(()),
            _ => Err(concurrent_update()),
        }
    }
}

/// A conflict under an arbiter: the index says by which key the row is in the way.
fn arbiter_conflict(
    arbiters: &[Oid],
    target: &Target,
    conflict: UniqueConflict,
    proposed: &Row,
    writer: &Writer<'_>,
) -> Result<UniqueConflict> {
    if arbiters.is_empty() || arbiters.contains(&conflict.index) {
        return Ok(conflict);
    }
    // A conflict under another index counts only if no arbiter has one: 23505.
    for index in arbiters {
        let Some(key) = key_in(target, *index, proposed)? else { continue };
        let table = &target.handle.table;
        let rows = table.index(*index).map(|index| table.candidates(&index, &key)).unwrap_or_default();
        for row in rows {
            if latest_with_key(target, row, *index, &key, writer)?.is_some() {
                return Ok(UniqueConflict { row, index: *index, key });
            }
        }
    }
    Err(violation::unique(target, conflict.index, proposed, writer))
}

/// The key of a row in a unique index, if one that may be in the way of others.
fn key_in(target: &Target, index: Oid, row: &Row) -> Result<Option<Vec<u8>>> {
    let Some(index) = target.handle.table.index(index) else { return Ok(None) };
    let mut key = Vec::new();
    let outcome = index.def().key.key(&DatumRow(&target.storage_row(row)), &mut key)?;
    Ok((outcome == KeyOutcome::Key).then_some(key))
}

/// The newest version of a row, if it has a key in an index.
fn latest_with_key(
    target: &Target,
    row: RowId,
    index: Oid,
    key: &[u8],
    writer: &Writer<'_>,
) -> Result<Option<VersionTag>> {
    let table = &target.handle.table;
    let Some(index) = table.index(index) else { return Ok(None) };
    let latest = table.read_latest(row, &writer.cx.transaction, |version| {
        let mut found = Vec::new();
        index.def().key.key(version, &mut found).map(|_| found == key)
    });
    Ok(match latest {
        Some((tag, same)) => same?.then_some(tag),
        None => None,
    })
}

impl ConflictUpdate {
    /// Updates the row in the way, of a partition where `leaf` says so. `None`: it, or its key, is gone, insert again;
    /// `Some(None)`: WHERE says no.
    #[allow(clippy::option_option, reason = "gone, unchanged and changed are three things")]
    fn apply(
        &self,
        (target, whole): (&Target, &Target),
        leaf: Option<&Member>,
        conflict: &UniqueConflict,
        proposed: &Row,
        writer: &Writer<'_>,
    ) -> Result<Option<Option<Row>>> {
        // Expressions are over rows as the named table has them.
        let named = |row: &Row| leaf.map(|leaf| leaf.named(row.clone()));
        let arranged = named(proposed);
        let id = conflict.row;
        let place = |place: usize| leaf.map_or(place, |leaf| leaf.place(place));
        let places = self.assignments.iter().map(|(to, _)| place(*to));
        let strength = target.update_strength(places.clone());
        loop {
            if !lock(target, conflict, strength, writer)? {
                return Ok(None);
            }
            let Some((tag, stored)) = writer.read_latest(target, id)? else { return Ok(None) };
            let own = named(&stored);
            let existing = own.as_ref().unwrap_or(&stored);
            let changed = self.evaluate(existing, arranged.as_ref().unwrap_or(proposed), writer)?;
            let Some(changed) = changed else { return Ok(Some(None)) };
            writer.check_policies(whole, existing, PolicyStage::Conflict)?;
            let changed = match leaf {
                Some(leaf) => leaf.stored(changed),
                None => changed,
            };
            if leaf.is_some()
                && let Some(rule) = target.partition_rule(writer)?
                && !rule.fits(&changed, writer)?
            {
                return Err(moves());
            }
            let places = places.clone().collect();
            let update = RowUpdate { id, expected: Some(tag), places, old: &stored, new: changed, moving: None };
            match writer.update_row(target, update)? {
                (Change::Done, stored) => return Ok(Some(Some(stored))),
                (Change::Skipped, _) => return Ok(Some(None)),
                (Change::Changed | Change::Gone | Change::Repeated, _) => {}
            }
        }
    }

    fn evaluate(&self, existing: &Row, proposed: &Row, writer: &Writer<'_>) -> Result<Option<Row>> {
        let both: Row = existing.iter().chain(proposed).cloned().collect();
        let scope = match writer.rt {
            Some(rt) => Scope::new(rt, &both),
            None => Scope::of_table(&*writer.cx.env, &both),
        };
        if let Some(filter) = &self.filter
            && !filter.is_true(scope)?
        {
            return Ok(None);
        }
        let mut changed = existing.clone();
        for (place, code) in &self.assignments {
            if let Some(cell) = changed.get_mut(*place) {
                *cell = code.eval(scope)?;
            }
        }
        Ok(Some(changed))
    }
}

/// Locks the row in the way as it is now; `false`: it, or its key, is gone. 21000 for a row of the same command, 40001.
fn lock(target: &Target, conflict: &UniqueConflict, strength: RowStrength, writer: &Writer<'_>) -> Result<bool> {
    let transaction = &writer.cx.transaction;
    let (table, id) = (&target.handle.table, conflict.row);
    let mut expected: Option<VersionTag> = None;
    loop {
        match table.lock_row(transaction, writer.snapshot, id, expected, strength)? {
            RowLocked::Done => return Ok(true),
            RowLocked::Busy(holder) => writer.wait_for_row(table, id, holder)?,
            RowLocked::Changed => {
                writer.if_read_committed((), concurrent_update)?;
                // Whoever changed it may have taken it out of the way.
                match latest_with_key(target, id, conflict.index, &conflict.key, writer)? {
                    Some(tag) => expected = Some(tag),
                    None => return Ok(false),
                }
            }
            RowLocked::Deleted => return writer.if_read_committed(false, concurrent_update),
            RowLocked::SelfModified => return Err(second_time()),
        }
    }
}

fn second_time() -> Error {
    Error::new(SqlState::CARDINALITY_VIOLATION, "ON CONFLICT DO UPDATE command cannot affect row a second time")
        .hint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
}

/// 0A000: the row would go to another partition.
fn moves() -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, "invalid ON UPDATE specification")
        .detail("The result tuple would appear in a different partition than the original tuple.")
}

fn not_deferrable(target: &Target, constraint: &str) -> Error {
    Error::new(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters",
    )
    .schema(&*target.schema)
    .table(&*target.relation().name)
    .constraint(constraint)
}
