//! Scans: blocks as Arrow arrays.
//!
//! Where the snapshot sees every slot's newest version, the arrays are the block's own, shared. Otherwise they are
//! filtered, and rows whose older version is seen follow in a batch of their own.

use std::ops::{Deref, Range};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array};
use arrow::compute::filter;
use dictdb_types::{Error, Result, RowId};
use smallvec::SmallVec;

use super::{Table, row_id};
use crate::block::{BLOCK_ROWS, Block, RowView};
use crate::column::Column;
use crate::snapshot::Snapshot;
use crate::value::RowReader;

/// Up to 4096 rows, in row id order.
#[derive(Clone, Debug)]
pub struct ScanBatch {
    /// Number of rows, also when no column was asked for.
    pub rows: usize,
    /// The projected columns.
    pub columns: Vec<ArrayRef>,
    /// `Int64`: the rows' ids, if asked for.
    pub row_ids: Option<ArrayRef>,
}

/// Batches of one block: usually one, a second one for rows of which an older version is seen.
pub type BlockBatches = SmallVec<[ScanBatch; 2]>;

/// Iterates over the blocks of a table.
pub struct Scan {
    table: Arc<Table>,
    snapshot: Arc<Snapshot>,
    projection: Vec<usize>,
    with_row_ids: bool,
    blocks: Range<usize>,
    ready: BlockBatches,
}

impl Iterator for Scan {
    type Item = Result<ScanBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            let block = self.blocks.next()?;
            match self.table.scan_block(block, &self.snapshot, &self.projection, self.with_row_ids) {
                Ok(batches) => self.ready = batches,
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(self.ready.remove(0)))
    }
}

/// Which slots of a block a snapshot sees.
struct Seen {
    newest: Vec<bool>,
    newest_count: usize,
    /// Slots of which it sees an older version.
    older: Vec<usize>,
}

impl Table {
    /// Scans a range of blocks; `0..table.block_count()` for all. Blocks added later hold nothing the snapshot sees.
    pub fn scan(
        self: &Arc<Self>,
        snapshot: Arc<Snapshot>,
        projection: Vec<usize>,
        with_row_ids: bool,
        blocks: Range<usize>,
    ) -> Scan {
        let blocks = blocks.start..blocks.end.min(self.block_count());
        Scan { table: self.clone(), snapshot, projection, with_row_ids, blocks, ready: BlockBatches::new() }
    }

    /// The rows of one block that the snapshot sees; no batch if there are none. XX000 if there is no such column.
    pub fn scan_block(
        &self,
        number: usize,
        snapshot: &Snapshot,
        projection: &[usize],
        with_row_ids: bool,
    ) -> Result<BlockBatches> {
        let mut batches = BlockBatches::new();
        let Some(cell) = self.block(number) else { return Ok(batches) };
        let mut block = cell.latch.read();
        if projection.iter().any(|column| block.columns.get(*column).is_none_or(|column| column.array().is_none())) {
            drop(block);
            freeze(&mut cell.latch.write(), projection)?;
            block = cell.latch.read();
        }
        let arrays = projection.iter().map(|column| block.columns[*column].array().cloned());
        let Some(columns) = arrays.collect::<Option<Vec<_>>>() else {
            // A writer came in between the two latches.
            drop(block);
            let mut block = cell.latch.write();
            let columns = freeze(&mut block, projection)?;
            return self.visible(number, block, columns, snapshot, projection, with_row_ids);
        };
        if cell.is_clean_for(&block, snapshot.view()) {
            let rows = block.len();
            if rows > 0 {
                let row_ids = with_row_ids.then(|| row_ids(number, 0..rows));
                batches.push(ScanBatch { rows, columns, row_ids });
            }
            return Ok(batches);
        }
        self.visible(number, block, columns, snapshot, projection, with_row_ids)
    }

    /// The rows of a block that the snapshot sees, out of its columns. The latch is held for a look, and while versions that only undo
    /// records have are gathered.
    fn visible(
        &self,
        number: usize,
        block: impl Deref<Target = Block>,
        columns: Vec<ArrayRef>,
        snapshot: &Snapshot,
        projection: &[usize],
        with_row_ids: bool,
    ) -> Result<BlockBatches> {
        let mut batches = BlockBatches::new();
        let (seen, len) = (look(&block, snapshot), block.len());
        let older = if seen.older.is_empty() { None } else { Some(older(&block, &seen, snapshot, projection)?) };
        drop(block);
        let newest_ids = || with_row_ids.then(|| row_ids(number, 0..len));
        if seen.newest_count == len {
            batches.push(ScanBatch { rows: len, columns, row_ids: newest_ids() });
        } else if seen.newest_count > 0 {
            let mask = BooleanArray::from(seen.newest);
            let keep = |array: &ArrayRef| filter(array, &mask).map_err(|e| Error::internal(e.to_string()));
            let columns = columns.iter().map(keep).collect::<Result<_>>()?;
            let row_ids = newest_ids().as_ref().map(keep).transpose()?;
            batches.push(ScanBatch { rows: seen.newest_count, columns, row_ids });
        }
        if let Some(columns) = older {
            let row_ids = with_row_ids.then(|| row_ids(number, seen.older.iter().copied()));
            batches.push(ScanBatch { rows: seen.older.len(), columns, row_ids });
        }
        Ok(batches)
    }
}

/// The versions that a snapshot sees of slots whose newest one it does not see.
fn older(block: &Block, seen: &Seen, snapshot: &Snapshot, projection: &[usize]) -> Result<Vec<ArrayRef>> {
    let version = |slot: &usize| block.find(*slot, snapshot.view(), snapshot.writers());
    let versions: Vec<RowView<'_>> = seen.older.iter().filter_map(version).collect();
    projection.iter().map(|column| gather(block, &versions, *column)).collect()
}

fn freeze(block: &mut Block, projection: &[usize]) -> Result<Vec<ArrayRef>> {
    let freeze = |column: &usize| match block.columns.get_mut(*column) {
        Some(column) => column.freeze(),
        None => Err(Error::internal(format!("there is no storage column {column}"))),
    };
    projection.iter().map(freeze).collect()
}

fn look(block: &Block, snapshot: &Snapshot) -> Seen {
    let (view, writers) = (snapshot.view(), snapshot.writers());
    let mut seen = Seen { newest: vec![false; block.len()], newest_count: 0, older: Vec::new() };
    for slot in 0..block.len() {
        if writers.sees(view, block.stamps[slot]) {
            let alive = !block.is_deleted(slot);
            seen.newest[slot] = alive;
            seen.newest_count += usize::from(alive);
        } else if block.undo_of(slot).is_some() && block.find(slot, view, writers).is_some() {
            seen.older.push(slot);
        }
    }
    seen
}

/// A column of versions that are not all the newest.
fn gather(block: &Block, versions: &[RowView<'_>], column: usize) -> Result<ArrayRef> {
    let mut values = Column::new(block.columns[column].physical());
    for version in versions {
        values.push(version.column(column));
    }
    values.freeze()
}

fn row_ids(block: usize, slots: impl Iterator<Item = usize>) -> ArrayRef {
    debug_assert!(block < usize::MAX / BLOCK_ROWS);
    Arc::new(Int64Array::from_iter_values(slots.map(|slot| row_id(block, slot).0 as i64)))
}

/// Ids of single rows, as a scan gives them.
pub(super) fn row_ids_of(rows: &[RowId]) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0 as i64)))
}
