//! SELECT … FOR UPDATE and its weaker kin.

use std::sync::Arc;

use dictdb_planner::logical::{LockStrength, LockWait};
use dictdb_storage::{RowLocked, RowStrength, concurrent_update, row_not_available};
use dictdb_types::{Datum, Error, Result, RowId};

use super::{Cursor, Node, Row};
use crate::access::TableHandle;
use crate::access::columns::row_id;
use crate::modify::recheck;
use crate::runtime::{Runtime, ScanId};

/// LockRows.
#[derive(Debug)]
pub(crate) struct LockRows {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Tables whose rows are locked.
    pub targets: Box<[LockTarget]>,
    /// The input again, row by row: for a second look.
    pub recheck: Arc<dyn Node>,
    /// Columns that say which rows of tables that are not locked a row was joined with.
    pub identity: Box<[usize]>,
}

/// A table whose rows are locked.
#[derive(Debug)]
pub(crate) struct LockTarget {
    /// The table, or those that its rows are in.
    pub handles: Box<[TableHandle]>,
    /// Input column with the row id.
    pub row_id: usize,
    /// How strongly.
    pub strength: RowStrength,
    /// What to do when somebody else has the row.
    pub wait: LockWait,
    /// The scans the rows come from, with the member each reads.
    pub scans: Box<[(usize, ScanId)]>,
}

/// Storage's word for a strength.
pub(crate) fn strength(strength: LockStrength) -> RowStrength {
    match strength {
        LockStrength::KeyShare => RowStrength::KeyShare,
        LockStrength::Share => RowStrength::Share,
        LockStrength::NoKeyUpdate => RowStrength::NoKeyUpdate,
        LockStrength::Update => RowStrength::Update,
    }
}

/// What became of one row of one table.
enum Locked {
    AsSeen,
    /// In a version newer than the snapshot's.
    Newer,
    /// The result row is left out.
    Skipped,
}

impl Node for LockRows {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(LockRowsCursor { input: self.input.clone().open(), node: self })
    }
}

struct LockRowsCursor {
    node: Arc<LockRows>,
    input: Box<dyn Cursor>,
}

impl LockTarget {
    fn lock(&self, (member, id): (usize, RowId), rt: &Runtime) -> Result<Locked> {
        let writer = rt.writer();
        let handle = self.handles.get(member).ok_or_else(|| Error::internal("a row of a member there is not"))?;
        let (transaction, table) = (&rt.cx().transaction, &handle.table);
        let mut expected = None;
        loop {
            match table.lock_row(transaction, &rt.cx().snapshot, id, expected, self.strength)? {
                RowLocked::Done if expected.is_some() => return Ok(Locked::Newer),
                RowLocked::Done => return Ok(Locked::AsSeen),
                RowLocked::Busy(holder) => match self.wait {
                    LockWait::Block => writer.wait_for_row(table, id, holder)?,
                    LockWait::NoWait => return Err(row_not_available(&handle.relation.name)),
                    LockWait::SkipLocked => return Ok(Locked::Skipped),
                },
                RowLocked::Changed => {
                    writer.if_read_committed((), concurrent_update)?;
                    match table.read_latest(id, transaction, |_| ()) {
                        Some((tag, ())) => expected = Some(tag),
                        None => return Ok(Locked::Skipped),
                    }
                }
                RowLocked::Deleted => {
                    // To whoever only locks, PostgreSQL calls a deletion an update too.
                    writer.if_read_committed((), concurrent_update)?;
                    return writer.if_deleted((table, id), Locked::Skipped);
                }
                RowLocked::SelfModified => return Ok(Locked::Skipped),
            }
        }
    }
}

impl LockRowsCursor {
    /// Locks the rows behind a result row; `false` leaves it out.
    fn lock(&self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let mut newer = false;
        let mut fixed = Vec::with_capacity(self.node.targets.len());
        for target in &self.node.targets {
            let Some(id) = row_id(row.get(target.row_id).unwrap_or(&Datum::Null))? else { continue };
            match target.lock(id, rt)? {
                Locked::Skipped => return Ok(false),
                Locked::Newer => newer = true,
                Locked::AsSeen => {}
            }
            fixed.extend(recheck::fixed(&target.scans, id.0, id.1));
        }
        if !newer {
            return Ok(true);
        }
        match recheck::run(&self.node.recheck, rt, fixed, &self.node.identity, row)? {
            Some(again) => {
                *row = again;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

impl Cursor for LockRowsCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        while self.input.next(rt, row)? {
            if self.lock(rt, row)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.input.rescan(rt)
    }
}
