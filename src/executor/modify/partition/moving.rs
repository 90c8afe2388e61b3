//! An UPDATE that takes a row to another partition: it is deleted here and inserted there.

use dictdb_catalog::trigger::Event;
use dictdb_storage::VersionTag;
use dictdb_types::{Oid, Result, RowId};

use super::super::members::Member;
use super::super::target::Target;
use super::super::writer::{Change, Writer};
use super::Router;
use crate::row::Row;

/// Where the rows of an UPDATE of a partitioned table may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moving<'m> {
    /// Finds the partition of a row.
    pub router: &'m Router,
    /// The partition the row is in.
    pub member: &'m Member,
    /// The database that relation locks are taken in.
    pub database: Oid,
    /// Whether transition tables show the row as updated; otherwise as deleted and inserted, which is how MERGE has it.
    pub captured: bool,
}

impl Writer<'_> {
    /// Takes a changed row to the partition it belongs into now; `None`: it stays. Without a partitioned table above, 23514 if
    /// it does not belong where it is.
    pub fn move_row(
        &self,
        moving: Option<Moving<'_>>,
        target: &Target,
        (id, expected): (RowId, Option<VersionTag>),
        old: &Row,
        new: &Row,
    ) -> Result<Option<Change>> {
        let Some(Moving { router, member, database, captured }) = moving else {
            return self.check_partition(target, new).map(|()| None);
        };
        let named = member.named(new.clone());
        let goal = router.route(&named, self)?;
        if goal.relation.oid == member.relation.oid {
            return Ok(None);
        }
        let (out, into) = if captured { (Event::Update, Event::Update) } else { (Event::Delete, Event::Insert) };
        let change = self.take_out(target, (id, expected), old, new, (out, router.root()))?;
        if matches!(change, Change::Done) {
            let goal_target = goal.target(database, self)?;
            let mut row = goal.stored(named);
            if !self.prepare_insert(goal_target, &mut row)? {
                return Ok(Some(Change::Skipped));
            }
            self.check_row(goal_target, &row)?;
            self.insert_new(goal_target, &row, into)?;
        }
        Ok(Some(change))
    }
}
