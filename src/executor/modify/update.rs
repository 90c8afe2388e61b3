//! UPDATE.

use std::borrow::Cow;

use dictdb_planner::logical::PolicyStage;
use dictdb_storage::VersionTag;
use dictdb_types::{Datum, Result, RowId};

use super::node::{Changed, Modify, Place};
use super::partition::Moving;
use super::recheck::Recheck;
use super::target::Target;
use super::trigger::RowUpdate;
use super::violation;
use super::writer::{Change, Writer};
use crate::access::columns::row_id as row_id_of;
use crate::row::Row;
use crate::runtime::Runtime;

impl Modify {
    pub(super) fn update(
        &self,
        row_id: usize,
        assignments: &[(usize, usize)],
        recheck: &Recheck,
        mut input: Row,
        rt: &Runtime,
    ) -> Result<Option<Changed>> {
        let Some(found) = row_id_of(&Modify::input_value(&input, row_id))? else { return Ok(None) };
        let writer = rt.writer();
        let (number, id) = found;
        let (member, target) = self.table_of(number, &writer)?;
        let assignments = member.map_or(Cow::Borrowed(assignments), |member| {
            assignments.iter().map(|(place, column)| (member.place(*place), *column)).collect()
        });
        let moving = self.moving(member, &writer)?;
        let blind = self.returning.is_none() && target.is_plain() && self.target.is_plain();
        let mut latest: Option<(VersionTag, Row)> = None;
        loop {
            let change = if blind {
                let expected = latest.as_ref().map(|(tag, _)| *tag);
                update_blind(target, id, expected, &assignments, &input, &writer).map(|change| (change, Row::new()))?
            } else {
                let (expected, old) = match latest.take() {
                    Some((tag, row)) => (Some(tag), row),
                    None => match writer.read(target, id)? {
                        Some(row) => (None, row),
                        None => return Ok(None),
                    },
                };
                update_whole(target, moving, (id, expected), &assignments, &old, &input, &writer)?
            };
            match change {
                (Change::Done, full) => {
                    let full = match member {
                        Some(member) if !blind => member.named(full),
                        _ => full,
                    };
                    if !blind {
                        if member.is_some() {
                            writer.check_policies(&self.target, &full, PolicyStage::Update)?;
                        }
                        writer.check_views(&self.target, &full)?;
                    }
                    let table = match moving.filter(|_| self.returning.is_some()) {
                        Some(moving) => moving.router.route(&full, &writer)?.relation.oid,
                        None => target.relation().oid,
                    };
                    return Ok(Some(Changed { full, input, place: Place::new(table, id) }));
                }
                (Change::Gone | Change::Repeated | Change::Skipped, _) => return Ok(None),
                (Change::Changed, _) => {
                    let Some((newest, again)) = recheck.latest(rt, target, found, &input)? else { return Ok(None) };
                    (input, latest) = (again, Some(newest));
                }
            }
        }
    }
}

impl Target {
    /// Whether nothing about a row matters but its new values: no rule looks at others, nobody refers to it.
    fn is_plain(&self) -> bool {
        self.rules.checks.is_empty()
            && self.rules.generated.is_empty()
            && self.foreign_keys.is_empty()
            && self.referenced_by.is_empty()
            && self.deferrable.is_empty()
            && self.exclusions.is_empty()
            && !self.relation().is_partition()
            && self.triggers.is_none()
    }
}

/// Writes the new values without looking at the row, unless something is wrong with them.
fn update_blind(
    target: &Target,
    id: RowId,
    expected: Option<VersionTag>,
    assignments: &[(usize, usize)],
    input: &Row,
    writer: &Writer<'_>,
) -> Result<Change> {
    let mut changes = smallvec::SmallVec::<[(usize, Datum); 4]>::with_capacity(assignments.len());
    for (place, column) in assignments {
        let value = Modify::input_value(input, *column);
        if value.is_null() && target.rules.not_null.contains(place) {
            let row = new_row(&writer.read(target, id)?.unwrap_or_default(), assignments, input);
            return Err(violation::not_null(target, *place, &row, writer.cx));
        }
        changes.push((target.slot(*place), value));
    }
    writer.update_blind(target, id, expected, &changes, || {
        Ok(new_row(&writer.read(target, id)?.unwrap_or_default(), assignments, input))
    })
}

/// Makes the whole new row, checks it, writes what changed.
fn update_whole(
    target: &Target,
    moving: Option<Moving<'_>>,
    (id, expected): (RowId, Option<VersionTag>),
    assignments: &[(usize, usize)],
    old: &Row,
    input: &Row,
    writer: &Writer<'_>,
) -> Result<(Change, Row)> {
    let places = assignments.iter().map(|(place, _)| *place).collect();
    let update = RowUpdate { id, expected, places, old, new: new_row(old, assignments, input), moving };
    writer.update_row(target, update)
}

fn new_row(old: &Row, assignments: &[(usize, usize)], input: &Row) -> Row {
    let mut new = old.clone();
    for (place, column) in assignments {
        if let Some(cell) = new.get_mut(*place) {
            *cell = Modify::input_value(input, *column);
        }
    }
    new
}
