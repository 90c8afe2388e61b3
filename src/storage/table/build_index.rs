//! Building an index over the rows that are there.
//!
//! Keys are made block by block, and entered in runs that are in the index's own order: entering the keys of a run goes through a tree
//! from one end to the other, instead of looking for the place of each.

use std::sync::Arc;

use dictdb_types::{Error, Result, RowId};

use super::keys::{Obstacle, UniqueConflict};
use super::{Table, row_id};
use crate::block::{BLOCK_ROWS, Block, BlockCell};
use crate::index::{Index, IndexDef, IndexKind, KeyOutcome};
use crate::transaction::Transaction;
use crate::value::RowReader;
use crate::writers::Holder;

/// Keys of a run, and bytes of them.
const RUN_KEYS: usize = 1 << 18;
const RUN_BYTES: usize = 1 << 26;
/// Slots that are looked at under one latch, so that others need not wait for all of a block.
const SLOTS_AT_ONCE: usize = 256;

/// What became of building an index.
#[derive(Debug)]
pub enum IndexBuilt {
    /// It is there and complete for every snapshot.
    Done(Arc<Index>),
    /// Two rows have one key, of which this is one.
    Conflict(UniqueConflict),
    /// A row of a transaction in progress decides whether there is a conflict: wait for it and build again.
    Busy(Holder),
}

/// Keys that wait to be entered.
#[derive(Default)]
struct Run {
    /// The keys, one after the other.
    bytes: Vec<u8>,
    keys: Vec<RunKey>,
}

/// A key of a row's newest version.
struct RunKey {
    /// Its first bytes, which decide most comparisons.
    prefix: u64,
    start: usize,
    len: u32,
    outcome: KeyOutcome,
    row: RowId,
}

impl Table {
    /// Builds an index over all versions of all rows, so that old snapshots can use it too. `interrupted` is asked now and then, and its
    /// error ends it.
    ///
    /// A lock must keep other writers out.
    pub fn create_index(
        self: &Arc<Self>,
        transaction: &Transaction,
        def: IndexDef,
        interrupted: &dyn Fn() -> Result<()>,
    ) -> Result<IndexBuilt> {
        if self.index(def.id).is_some() {
            return Err(Error::internal(format!("index {} exists", def.id)));
        }
        let index = Arc::new(Index::new(def));
        let mut run = Run::default();
        for (number, cell) in self.all_blocks() {
            interrupted()?;
            for first in (0..BLOCK_ROWS).step_by(SLOTS_AT_ONCE) {
                run.add(&index, number, cell, first)?;
            }
            if run.is_full()
                && let Some(obstacle) = self.enter_run(&index, &mut run, transaction)?
            {
                return Ok(obstacle);
            }
        }
        if let Some(obstacle) = self.enter_run(&index, &mut run, transaction)? {
            return Ok(obstacle);
        }
        let mut indexes = self.indexes.write();
        *indexes = indexes.iter().cloned().chain([index.clone()]).collect();
        Ok(IndexBuilt::Done(index))
    }

    /// Enters the keys of a run and empties it. Of several rows with a key that is there, the first one is told.
    fn enter_run(&self, index: &Arc<Index>, run: &mut Run, transaction: &Transaction) -> Result<Option<IndexBuilt>> {
        if index.def().kind == IndexKind::Ordered {
            run.sort();
        }
        let mut first: Option<(RowId, UniqueConflict)> = None;
        for key in &run.keys {
            match self.enter_key(index, run.key(key), key.outcome, key.row, transaction)? {
                Ok(()) => {}
                Err(Obstacle::Busy(holder)) => return Ok(Some(IndexBuilt::Busy(holder))),
                Err(Obstacle::Conflict(conflict)) => {
                    if first.as_ref().is_none_or(|(row, _)| key.row < *row) {
                        first = Some((key.row, conflict));
                    }
                }
            }
        }
        run.keys.clear();
        run.bytes.clear();
        Ok(first.map(|(_, conflict)| IndexBuilt::Conflict(conflict)))
    }
}

impl Run {
    fn is_full(&self) -> bool {
        self.keys.len() >= RUN_KEYS || self.bytes.len() >= RUN_BYTES
    }

    fn key(&self, key: &RunKey) -> &[u8] {
        &self.bytes[key.start..][..key.len as usize]
    }

    /// Adds the newest keys of some slots of a block. Those of older versions go into the index at once.
    fn add(&mut self, index: &Index, number: usize, cell: &BlockCell, first: usize) -> Result<()> {
        let block = cell.latch.read();
        for slot in first..block.len().min(first + SLOTS_AT_ONCE) {
            self.add_row(index, &block, slot, row_id(number, slot))?;
        }
        Ok(())
    }

    fn add_row(&mut self, index: &Index, block: &Block, slot: usize, row: RowId) -> Result<()> {
        let start = self.bytes.len();
        let is_row = block.stamps.get(slot).is_some_and(|stamp| !stamp.is_free()) && !block.is_deleted(slot);
        let mut newest = None;
        let mut older = Vec::new();
        for (age, version) in block.versions(slot).enumerate() {
            let version: &dyn RowReader = &version;
            if age == 0 && is_row {
                newest = Some(index.def().key.key(version, &mut self.bytes)?);
                continue;
            }
            older.clear();
            let outcome = index.def().key.key(version, &mut older)?;
            if outcome != KeyOutcome::NotIndexed && (newest.is_none() || older != self.bytes[start..]) {
                // An old key of a row stays for old snapshots, and the row may be found by it in vain.
                index.add_stale();
                index.insert(&older, row);
            }
        }
        match newest {
            None | Some(KeyOutcome::NotIndexed) => self.bytes.truncate(start),
            Some(outcome) => self.push(start, outcome, row),
        }
        Ok(())
    }

    fn push(&mut self, start: usize, outcome: KeyOutcome, row: RowId) {
        let mut prefix = [0; 8];
        let key = &self.bytes[start..];
        let short = key.len().min(prefix.len());
        prefix[..short].copy_from_slice(&key[..short]);
        let (prefix, len) = (u64::from_be_bytes(prefix), key.len() as u32);
        self.keys.push(RunKey { prefix, start, len, outcome, row });
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        let whole = |key: &RunKey| &bytes[key.start..][..key.len as usize];
        self.keys.sort_unstable_by(|a, b| {
            a.prefix.cmp(&b.prefix).then_with(|| whole(a).cmp(whole(b))).then_with(|| a.row.cmp(&b.row))
        });
    }
}
