//! Reading single rows: by row id, by key, and as of now.

use std::sync::Arc;

use dictdb_types::{Datum, Result, RowId};

use super::Table;
use crate::block::RowView;
use crate::index::{Candidates, Index, KeyOutcome, RegionEntry, RowIds, key_of_region};
use crate::snapshot::Snapshot;
use crate::transaction::Transaction;
use crate::value::RowReader;
use crate::version::{Stamp, View};
use crate::writers::Writers;

/// Rows that are visited under one latch.
const SLOTS_AT_ONCE: usize = 64;

/// Names the version of a row that [`Table::read_latest`] showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionTag(pub(crate) Stamp);

/// Rows that an index had under a key at one moment.
#[derive(Debug, Default)]
pub struct Found {
    rows: RowIds,
    /// Whether all of them have the key in the version that an older snapshot sees.
    exact: bool,
    next: usize,
}

impl Found {
    /// Brings the rows into the order that the table has them in.
    pub fn sort_by_row(&mut self) {
        self.rows.sort_unstable();
    }

    /// How many rows have not been looked at.
    pub fn remaining(&self) -> usize {
        self.rows.len() - self.next
    }
}

impl Table {
    /// Runs `visit` on the version of a row that the snapshot sees, under the block's latch: it must not call storage.
    /// `None` if it sees none.
    #[inline]
    pub fn read<R>(&self, row: RowId, snapshot: &Snapshot, visit: impl FnOnce(&RowView<'_>) -> R) -> Option<R> {
        let (cell, slot) = self.cell(row)?;
        let block = cell.latch.read();
        cell.find(&block, slot, snapshot.view(), snapshot.writers()).map(|version| visit(&version))
    }

    /// Like [`Table::read`] for any view.
    pub(crate) fn with_version<R>(
        &self,
        row: RowId,
        view: &View,
        writers: &Writers,
        visit: impl FnOnce(RowView<'_>) -> R,
    ) -> Option<R> {
        let (cell, slot) = self.cell(row)?;
        let block = cell.latch.read();
        block.find(slot, view, writers).map(visit)
    }

    /// Runs `visit` on the rows of a block that the snapshot sees, in order. The block's latch is held for a few rows at a
    /// time; `visit` must not call storage.
    pub fn each_visible<E>(
        &self,
        number: usize,
        snapshot: &Snapshot,
        mut visit: impl FnMut(RowId, &RowView<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(cell) = self.block(number) else { return Ok(()) };
        let mut slot = 0;
        loop {
            let block = cell.latch.read();
            if slot >= block.len() {
                return Ok(());
            }
            let end = block.len().min(slot + SLOTS_AT_ONCE);
            for slot in slot..end {
                if let Some(version) = cell.find(&block, slot, snapshot.view(), snapshot.writers()) {
                    visit(super::row_id(number, slot), &version)?;
                }
            }
            slot = end;
        }
    }

    /// Appends the values of some columns, if the snapshot sees the row.
    pub fn read_datums(
        &self,
        row: RowId,
        snapshot: &Snapshot,
        columns: &[usize],
        out: &mut Vec<Datum>,
    ) -> Result<bool> {
        let read = |version: &RowView<'_>| append(version, columns, out);
        self.read(row, snapshot, read).transpose().map(|found| found.is_some())
    }

    /// Looks a key up in an index, to read the rows one by one: see [`Table::read_found`].
    #[inline]
    pub fn look_up(&self, index: &Index, key: &[u8], found: &mut Found) {
        found.rows.clear();
        found.next = 0;
        found.exact = index.lookup(key, &mut found.rows);
    }

    /// Runs `visit` on the next row found that the snapshot sees with that key, under its block's latch: it must not call
    /// storage. `None` after the last one. The snapshot is at least as old as the search.
    pub fn read_found<R>(
        &self,
        index: &Index,
        key: &[u8],
        found: &mut Found,
        snapshot: &Snapshot,
        mut visit: impl FnMut(RowId, &RowView<'_>) -> R,
    ) -> Result<Option<R>> {
        while let Some(&row) = found.rows.get(found.next) {
            found.next += 1;
            let exact = found.exact;
            let seen = self.read(row, snapshot, |version| {
                let has_key = exact || has_key(index, version, key)?;
                Ok::<_, dictdb_types::Error>(has_key.then(|| visit(row, version)))
            });
            if let Some(result) = seen.transpose()?.flatten() {
                self.note_read(row);
                return Ok(Some(result));
            }
        }
        Ok(None)
    }

    /// Runs `visit` on the rows that have a key in an index and that the snapshot sees, one after the other, each under
    /// its block's latch. `visit` returns whether to go on.
    pub fn find<E>(
        &self,
        index: &Index,
        key: &[u8],
        snapshot: &Snapshot,
        mut visit: impl FnMut(RowId, &RowView<'_>) -> Result<bool, E>,
    ) -> Result<(), E>
    where
        E: From<dictdb_types::Error>,
    {
        let mut found = Found::default();
        self.look_up(index, key, &mut found);
        while let Some(go_on) = self.read_found(index, key, &mut found, snapshot, &mut visit)? {
            if !go_on? {
                break;
            }
        }
        Ok(())
    }

    /// Like [`Table::read`] for a row of a cursor's batch; `None` also if the version that the snapshot sees does not have
    /// the key by which it was found (it may come again under the right one).
    pub fn read_candidate<R>(
        &self,
        index: &Index,
        candidates: &Candidates,
        at: usize,
        snapshot: &Snapshot,
        visit: impl FnOnce(RowId, &RowView<'_>) -> R,
    ) -> Result<Option<R>> {
        let Some(&row) = candidates.rows().get(at) else { return Ok(None) };
        let key_of = |version: &RowView<'_>| {
            let mut key = Vec::new();
            let outcome = index.def().key.key(version, &mut key)?;
            // No entry is empty.
            Ok::<_, dictdb_types::Error>(if outcome == KeyOutcome::NotIndexed { Vec::new() } else { key })
        };
        let seen = self.read(row, snapshot, |version| {
            let found = candidates.is_found_by(at, || key_of(version))?;
            Ok(found.then(|| visit(row, version)))
        });
        let seen = seen.transpose().map(Option::flatten);
        if let Ok(Some(_)) = &seen {
            self.note_read(row);
        }
        seen
    }

    /// The next row found that the snapshot sees with that key, as [`Table::read_found`] finds it. Rows are looked at, and then
    /// counted, only where the snapshot is not known to see all of their block.
    pub fn seen_of_found(
        &self,
        index: &Index,
        key: &[u8],
        found: &mut Found,
        snapshot: &Snapshot,
        looked_at: &mut u64,
    ) -> Result<Option<RowId>> {
        if found.exact
            && let Some(row) = found.rows.get(found.next).copied().filter(|row| self.is_known_to_see(*row, snapshot))
        {
            found.next += 1;
            self.note_read(row);
            return Ok(Some(row));
        }
        let first = found.next;
        let seen = self.read_found(index, key, found, snapshot, |row, _| row)?;
        *looked_at += (found.next - first) as u64;
        Ok(seen)
    }

    /// Whether the snapshot sees a row of a cursor's batch, with the key by which it was found. Likewise.
    pub fn sees_candidate(
        &self,
        index: &Index,
        candidates: &Candidates,
        at: usize,
        snapshot: &Snapshot,
        looked_at: &mut u64,
    ) -> Result<bool> {
        if candidates.is_exact()
            && let Some(row) = candidates.rows().get(at).copied().filter(|row| self.is_known_to_see(*row, snapshot))
        {
            self.note_read(row);
            return Ok(true);
        }
        *looked_at += 1;
        self.read_candidate(index, candidates, at, snapshot, |_, _| ()).map(|seen| seen.is_some())
    }

    /// Like [`Table::read`] for an entry of a walk; `None` also if the version that the snapshot sees does not have its box.
    pub fn read_entry<R>(
        &self,
        index: &Index,
        entry: &RegionEntry,
        is_exact: bool,
        snapshot: &Snapshot,
        visit: impl FnOnce(RowId, &RowView<'_>) -> R,
    ) -> Result<Option<R>> {
        let Some(row) = entry.row() else { return Ok(None) };
        let seen = self.read(row, snapshot, |version| {
            let has_key = is_exact || has_key(index, version, &key_of_region(entry.region()))?;
            Ok::<_, dictdb_types::Error>(has_key.then(|| visit(row, version)))
        });
        let seen = seen.transpose()?.flatten();
        if seen.is_some() {
            self.note_read(row);
        }
        Ok(seen)
    }

    /// Whether the snapshot sees a row of a walk with the box of its entry, as [`Table::sees_candidate`] tells it.
    pub fn sees_entry(
        &self,
        index: &Index,
        entry: &RegionEntry,
        is_exact: bool,
        snapshot: &Snapshot,
        looked_at: &mut u64,
    ) -> Result<bool> {
        if is_exact && let Some(row) = entry.row().filter(|row| self.is_known_to_see(*row, snapshot)) {
            self.note_read(row);
            return Ok(true);
        }
        *looked_at += 1;
        self.read_entry(index, entry, is_exact, snapshot, |_, _| ()).map(|seen| seen.is_some())
    }

    /// Whether a snapshot is known to see all rows of the block that this row is in.
    fn is_known_to_see(&self, row: RowId, snapshot: &Snapshot) -> bool {
        self.cell(row).is_some_and(|(cell, _)| cell.is_known_clean_for(snapshot.view()))
    }

    /// Runs `visit` on the newest version that is committed or the transaction's own, and names it. `None` if that is
    /// no row. This is what READ COMMITTED looks at again after [`Written::Changed`](crate::Written::Changed).
    pub fn read_latest<R>(
        &self,
        row: RowId,
        transaction: &Transaction,
        visit: impl FnOnce(&RowView<'_>) -> R,
    ) -> Option<(VersionTag, R)> {
        let (cell, slot) = self.cell(row)?;
        let block = cell.latch.read();
        let writers = &transaction.session().shared.writers;
        let (stamp, version) = block.find_latest(slot, transaction.writer(), writers)?;
        Some((VersionTag(stamp), visit(&version)))
    }

    /// Visits every row that the snapshot sees, in row id order, under its block's latch. `visit` returns whether to
    /// go on.
    pub fn for_each<E>(
        &self,
        snapshot: &Snapshot,
        mut visit: impl FnMut(RowId, &RowView<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        for number in 0..self.blocks.len() {
            if !self.for_each_in_block(number, snapshot, &mut visit)? {
                break;
            }
        }
        Ok(())
    }

    /// Likewise the rows of one block. Returns what the last visit did.
    pub fn for_each_in_block<E>(
        &self,
        number: usize,
        snapshot: &Snapshot,
        mut visit: impl FnMut(RowId, &RowView<'_>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let Some(cell) = self.block(number) else { return Ok(true) };
        let block = cell.latch.read();
        for slot in 0..block.len() {
            if let Some(version) = block.find(slot, snapshot.view(), snapshot.writers())
                && !visit(super::row_id(number, slot), &version)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The rows that an index has under a key, whatever their versions: for callers that look at them themselves.
    pub fn candidates(&self, index: &Arc<Index>, key: &[u8]) -> RowIds {
        let mut rows = RowIds::new();
        index.lookup(key, &mut rows);
        rows
    }
}

fn append(row: &dyn RowReader, columns: &[usize], out: &mut Vec<Datum>) -> Result<()> {
    for column in columns {
        out.push(row.column(*column).to_datum()?);
    }
    Ok(())
}

/// Whether a version's key in an index is this one.
pub(super) fn has_key(index: &Index, version: &RowView<'_>, key: &[u8]) -> Result<bool> {
    Ok(key_of(index, version)?.as_deref() == Some(key))
}

/// A version's key in an index, if it is in it.
pub(super) fn key_of(index: &Index, version: &RowView<'_>) -> Result<Option<Vec<u8>>> {
    let mut key = Vec::new();
    let outcome = index.def().key.key(version, &mut key)?;
    Ok((outcome != KeyOutcome::NotIndexed).then_some(key))
}
