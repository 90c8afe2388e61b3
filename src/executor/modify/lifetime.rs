//! Rows that go by themselves: those that `ttl` has taken, and those that are too many for `max_rows`.
//!
//! Statements do not see an expired row, by a condition on their scans. It is deleted by whoever wants its unique key, by VACUUM and in
//! the background. Room for a row is made by the transaction that inserts it: the least recently used ones go, those being used that
//! were written or found through an index; rows that others hold are passed over. Neither fires triggers.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_storage::{
    LockMode, RelationLock, RowReader, RowView, Snapshot, Storage, Table, Transaction, ValueRef, VersionTag,
    WaitOptions, WaitPolicy, Written,
};
use dictdb_types::{Datum, Error, Result, RowId};

use super::target::Target;
use super::writer::Writer;

/// Rows that others hold and that are passed over when room is made.
const BUSY_ROWS: usize = 64;
/// Rows that one transaction of the background takes out, and blocks it looks at.
const ROWS_AT_ONCE: usize = 10_000;

/// By what the rows of a table go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    /// Storage column that says when a row was written, and `ttl` in microseconds.
    ttl: Option<(usize, i64)>,
    max_rows: Option<usize>,
}

impl Lifetime {
    /// None for ordinary tables.
    pub fn of(relation: &Relation) -> Option<Lifetime> {
        relation.limited_by()?;
        let written = relation.written_at().map(|(_, column)| column.slot);
        Some(Lifetime { ttl: written.zip(relation.ttl_micros()), max_rows: relation.max_rows() })
    }

    fn has_taken(&self, version: &RowView<'_>, now: i64) -> Result<bool> {
        let Some((slot, ttl)) = self.ttl else { return Ok(false) };
        Ok(match version.column(slot).to_datum()? {
            Datum::Timestamp(written) => written <= now - ttl,
            _ => false,
        })
    }
}

impl Writer<'_> {
    /// Whether a row that is in the way has expired, and is now out of it.
    pub fn removes_expired(&self, target: &Target, row: RowId) -> Result<bool> {
        let Some(lifetime) = target.lifetime.as_ref().filter(|lifetime| lifetime.ttl.is_some()) else {
            return Ok(false);
        };
        let (table, now) = (&target.handle.table, self.cx.env.statement_timestamp());
        loop {
            let latest =
                table.read_latest(row, &self.cx.transaction, |version| lifetime.has_taken(version, now)).map(checked);
            let tag = match latest.transpose()? {
                None => return Ok(true),
                Some((_, false)) => return Ok(false),
                Some((tag, true)) => tag,
            };
            match table.delete(&self.cx.transaction, self.snapshot, row, Some(tag))? {
                Written::Busy(holder) => self.wait_for_row(table, row, holder)?,
                Written::Changed => {}
                _ => return Ok(true),
            }
        }
    }

    /// Takes out the least recently used rows of a table that has more than it may have.
    pub fn make_room(&self, target: &Target, lifetime: &Lifetime) -> Result<()> {
        let Some(limit) = lifetime.max_rows else { return Ok(()) };
        let table = &target.handle.table;
        table.keep_recency(lifetime.ttl.map(|(slot, _)| slot))?;
        trim(table, limit, &self.cx.transaction, self.snapshot).map(drop)
    }
}

fn checked((tag, taken): (VersionTag, Result<bool>)) -> Result<(VersionTag, bool)> {
    taken.map(|taken| (tag, taken))
}

/// Takes out the least recently used rows beyond a limit; how many.
fn trim(table: &Arc<Table>, limit: usize, transaction: &Transaction, snapshot: &Snapshot) -> Result<usize> {
    let _turn = table.turn_to_trim();
    let excess = table.rows_in_use().saturating_sub(limit);
    let mut removed = 0;
    if excess == 0 {
        return Ok(0);
    }
    for row in table.least_recent(excess + BUSY_ROWS) {
        let Some((tag, ())) = table.read_latest(row, transaction, |_| ()) else { continue };
        if let Written::Done = table.delete(transaction, snapshot, row, Some(tag))? {
            removed += 1;
        }
        if removed == excess {
            break;
        }
    }
    Ok(removed)
}

/// Deletes the expired rows of a table, and those that are too many, in transactions of their own; how many. Rows that do not say
/// when they were written are given this moment. A table that somebody locks is left for another time, and so is one that has other
/// storage than the relation says.
pub fn reclaim(
    storage: &Storage,
    relation: &Relation,
    lock: &Arc<RelationLock>,
    now: i64,
    check: &dyn Fn() -> Result<()>,
) -> Result<usize> {
    let Some(lifetime) = Lifetime::of(relation) else { return Ok(0) };
    let mut block = 0;
    let mut removed = 0;
    loop {
        check()?;
        let transaction = storage.begin();
        let options = WaitOptions::default();
        if !transaction.lock_relation(lock, LockMode::RowExclusive, WaitPolicy::Skip, &options)? {
            return Ok(removed);
        }
        let Some(table) = storage.table(relation.storage) else { return Ok(removed) };
        let snapshot = transaction.snapshot()?;
        let mut found = Found::default();
        while block < table.block_count() && found.expired.len() + found.unstamped.len() < ROWS_AT_ONCE {
            found.look(&table, block, &lifetime, (&snapshot, now))?;
            block += 1;
        }
        removed += found.settle(&table, &lifetime, (&transaction, &snapshot), now)?;
        let is_end = block >= table.block_count();
        if let (true, Some(limit)) = (is_end, lifetime.max_rows) {
            table.keep_recency(lifetime.ttl.map(|(slot, _)| slot))?;
            removed += trim(&table, limit, &transaction, &snapshot)?;
        }
        drop(snapshot);
        transaction.commit()?;
        if is_end {
            return Ok(removed);
        }
    }
}

/// Deletes the expired rows of a table as part of a transaction. Those that others write are theirs.
pub(crate) fn remove_expired(
    storage: &Storage,
    relation: &Relation,
    transaction: &Transaction,
    now: i64,
) -> Result<()> {
    let Some((lifetime, table)) = Lifetime::of(relation).zip(storage.table(relation.storage)) else { return Ok(()) };
    let snapshot = transaction.snapshot()?;
    let mut found = Found::default();
    (0..table.block_count()).try_for_each(|block| found.look(&table, block, &lifetime, (&snapshot, now)))?;
    found.settle(&table, &lifetime, (transaction, &snapshot), now).map(drop)
}

/// What is to be done about the rows of some blocks.
#[derive(Default)]
struct Found {
    expired: Vec<RowId>,
    /// Rows that were put into the table by something other than a statement that writes rows.
    unstamped: Vec<RowId>,
}

impl Found {
    fn look(
        &mut self,
        table: &Table,
        block: usize,
        lifetime: &Lifetime,
        (snapshot, now): (&Snapshot, i64),
    ) -> Result<()> {
        let Some((slot, _)) = lifetime.ttl else { return Ok(()) };
        table.each_visible(block, snapshot, |row, version| {
            if lifetime.has_taken(version, now)? {
                self.expired.push(row);
            } else if matches!(version.value(slot), ValueRef::Null) {
                self.unstamped.push(row);
            }
            Ok::<_, Error>(())
        })
    }

    fn settle(
        self,
        table: &Arc<Table>,
        lifetime: &Lifetime,
        (transaction, snapshot): (&Transaction, &Snapshot),
        now: i64,
    ) -> Result<usize> {
        let mut removed = 0;
        for row in self.expired {
            if let Written::Done = table.delete(transaction, snapshot, row, None)? {
                removed += 1;
            }
        }
        let Some((slot, _)) = lifetime.ttl else { return Ok(removed) };
        for row in self.unstamped {
            // Whoever holds the row writes it, and so says when.
            table.update(transaction, snapshot, row, None, &[(slot, Datum::Timestamp(now))])?;
        }
        Ok(removed)
    }
}
