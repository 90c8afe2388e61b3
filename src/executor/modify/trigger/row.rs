//! Changes of single rows as triggers let them: BEFORE ROW triggers, then what the row has to satisfy, then the write.

use dictdb_catalog::trigger::{Event, Timing};
use dictdb_planner::logical::PolicyStage;
use dictdb_storage::{RowLocked, RowStrength, VersionTag, concurrent_update};
use dictdb_types::{Datum, Error, Result, RowId, SqlState};

use super::super::partition::Moving;
use super::super::target::Target;
use super::super::unique::same_image;
use super::super::writer::{Change, Update, Writer};
use super::Happening;
use crate::row::Row;

/// A row to be updated.
pub(crate) struct RowUpdate<'r> {
    /// The row.
    pub id: RowId,
    /// The version that was looked at, where that is not the one the command sees.
    pub expected: Option<VersionTag>,
    /// Places that are set.
    pub places: Vec<usize>,
    /// The whole row before.
    pub old: &'r Row,
    /// The whole row afterwards, generated columns excepted.
    pub new: Row,
    /// Where the row may go, if it is in a partition of the table that is updated.
    pub moving: Option<Moving<'r>>,
}

impl Writer<'_> {
    /// Makes a new row complete: BEFORE triggers, generated columns. `false`: a trigger said no. What it has to satisfy comes next:
    /// [`Writer::check_policies`], then [`Writer::check_row`].
    pub fn prepare_insert(&self, target: &Target, row: &mut Row) -> Result<bool> {
        if target.has_triggers(Timing::Before, Event::Insert) {
            let happening = Happening { event: Event::Insert, assigned: &[], old: None, new: Some(row) };
            match self.before_row(target, happening)? {
                Some(changed) => *row = changed,
                None => return Ok(false),
            }
        }
        self.generate(target, row).map(|()| true)
    }

    /// Updates a row: BEFORE triggers, what the row has to satisfy, the write. Gives the row as it is then.
    pub fn update_row(&self, target: &Target, update: RowUpdate<'_>) -> Result<(Change, Row)> {
        let RowUpdate { id, expected, places, old, mut new, moving } = update;
        let assigned = target.with_generated(places);
        let mut places = std::borrow::Cow::Borrowed(&assigned);
        if target.has_triggers(Timing::Before, Event::Update) {
            match self.lock_for_triggers(target, id, expected, target.update_strength(assigned.iter().copied()))? {
                Change::Done => {}
                other => return Ok((other, new)),
            }
            target.rules.generated.iter().for_each(|(place, _)| new[*place] = Datum::Null);
            let happening = Happening { event: Event::Update, assigned: &assigned, old: Some(old), new: Some(&new) };
            let Some(changed) = self.before_row(target, happening)? else { return Ok((Change::Skipped, new)) };
            let differs = |place: &usize| !assigned.contains(place) && !same_image(&[*place], &changed, &new);
            places.to_mut().extend((0..target.width()).filter(differs));
            new = changed;
        }
        self.generate(target, &mut new)?;
        // Those of a partitioned table are about its own columns: whoever knows these looks at them.
        self.check_policies(target, &new, PolicyStage::Update)?;
        if let Some(change) = self.move_row(moving, target, (id, expected), old, &new)? {
            return Ok((change, new));
        }
        self.check_row(target, &new)?;
        let update = Update { id, expected, places: &places, assigned: &assigned };
        Ok((self.update(target, update, old, &new)?, new))
    }

    /// Deletes a row, `old` being its complete values, unless a BEFORE trigger says no.
    pub fn delete_row(&self, target: &Target, id: RowId, expected: Option<VersionTag>, old: &Row) -> Result<Change> {
        match self.before_delete(target, (id, expected), old)? {
            Change::Done => self.delete(target, id, expected, old),
            other => Ok(other),
        }
    }

    /// BEFORE DELETE triggers of a row, which is locked for them; `Done`: they let it go.
    pub fn before_delete(
        &self,
        target: &Target,
        (id, expected): (RowId, Option<VersionTag>),
        old: &Row,
    ) -> Result<Change> {
        if !target.has_triggers(Timing::Before, Event::Delete) {
            return Ok(Change::Done);
        }
        match self.lock_for_triggers(target, id, expected, RowStrength::Update)? {
            Change::Done => {}
            other => return Ok(other),
        }
        let happening = Happening { event: Event::Delete, assigned: &[], old: Some(old), new: None };
        Ok(if self.before_row(target, happening)?.is_some() { Change::Done } else { Change::Skipped })
    }

    /// INSTEAD OF triggers of a view; the row they leave, `None` if one of them did nothing.
    pub fn instead_of(&self, target: &super::Triggers, happening: Happening<'_>) -> Result<Option<Row>> {
        self.fire_in_turn((target, None), Timing::InsteadOf, happening)
    }

    /// BEFORE triggers; the row they leave, `None` if one of them says no.
    fn before_row(&self, target: &Target, happening: Happening<'_>) -> Result<Option<Row>> {
        match &target.triggers {
            Some(triggers) => self.fire_in_turn((triggers, Some(target)), Timing::Before, happening),
            None => Ok(happening.new.or(happening.old).cloned()),
        }
    }

    /// 0A000 when a trigger that stands for one of a partitioned table has made a row that belongs to another partition.
    fn check_not_moved(&self, target: &Target, trigger: &dictdb_catalog::Trigger, row: &Row) -> Result<()> {
        if !trigger.parent.is_valid() {
            return Ok(());
        }
        let Some(rule) = target.partition_rule(self)? else { return Ok(()) };
        if rule.fits(row, self)? {
            return Ok(());
        }
        let message = "moving row to another partition during a BEFORE FOR EACH ROW trigger is not supported";
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).detail(format!(
            "Before executing trigger \"{}\", the row was to be in partition \"{}.{}\".",
            trigger.name,
            target.schema,
            target.relation().name
        )))
    }

    /// Row triggers that each get the row as the one before left it.
    fn fire_in_turn(
        &self,
        (triggers, partition): (&super::Triggers, Option<&Target>),
        timing: Timing,
        happening: Happening<'_>,
    ) -> Result<Option<Row>> {
        let mut changed: Option<Row> = None;
        for code in triggers.of(timing, true, happening.event) {
            let now = Happening { new: changed.as_ref().or(happening.new), ..happening };
            if !code.fires(now, self)? {
                continue;
            }
            match code.call(now, None, self.cx)? {
                Some(returned) if happening.event != Event::Delete => {
                    if let Some(target) = partition.filter(|_| happening.event == Event::Insert) {
                        self.check_not_moved(target, &code.trigger, &returned)?;
                    }
                    changed = Some(returned);
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
        Ok(changed.or_else(|| happening.new.or(happening.old).cloned()))
    }

    /// Locks a row before its triggers run, so that nobody changes it meanwhile. [`Change::Done`]: it is locked. 27000 when
    /// something that the command started has changed it.
    fn lock_for_triggers(
        &self,
        target: &Target,
        id: RowId,
        expected: Option<VersionTag>,
        strength: RowStrength,
    ) -> Result<Change> {
        let table = &target.handle.table;
        loop {
            return match table.lock_row(&self.cx.transaction, self.snapshot, id, expected, strength)? {
                RowLocked::Done => Ok(Change::Done),
                RowLocked::Busy(holder) => {
                    self.wait_for_row(table, id, holder)?;
                    continue;
                }
                RowLocked::Changed => self.if_read_committed(Change::Changed, concurrent_update),
                RowLocked::Deleted => self.if_deleted((table, id), Change::Gone),
                // A write that changes nothing tells which of its commands the transaction changed the row in.
                RowLocked::SelfModified => self.update_blind(target, id, expected, &[], || Ok(Row::new())),
            };
        }
    }
}
