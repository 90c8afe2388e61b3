//! Reading rows through an index: the searches of an index scan or of one outer row of an index join, in turn.

use std::sync::Arc;

use dictdb_planner::physical::{Fetch, IndexBounds, ReadOrder, TableRef};
use dictdb_storage::{Candidates, Direction, Found, Index, IndexCursor};
use dictdb_types::{Error, Result, RowId};
use hashbrown::HashSet;

use super::TableHandle;
use super::columns::OutputColumns;
use super::index::{BoundsCode, IndexKeys, KeyRange, KeyRanges};
use crate::eval::{CompileContext, Scope};
use crate::row::Row;
use crate::runtime::{Runtime, ScanId};

/// Rows of the first batch of a range; each further one is twice as large, up to the last.
const FIRST_BATCH: usize = 16;
const LARGEST_BATCH: usize = 1024;
/// Room for a key, which most fit into.
const KEY_BYTES: usize = 32;

/// A compiled index access.
#[derive(Debug)]
pub(crate) struct IndexAccess {
    /// The table.
    pub handle: TableHandle,
    index: Arc<Index>,
    keys: IndexKeys,
    bounds: Box<[BoundsCode]>,
    order: ReadOrder,
    /// What is read of each row.
    pub columns: OutputColumns,
    /// The scan's name.
    pub scan: ScanId,
}

impl IndexAccess {
    /// Resolves and compiles.
    #[allow(clippy::too_many_arguments, reason = "the parts of one scan, each used once")]
    pub fn compile(
        table: &TableRef,
        index: &dictdb_catalog::Relation,
        bounds: &[IndexBounds],
        order: ReadOrder,
        fetch: &Fetch,
        scan: ScanId,
        handle: TableHandle,
        cx: &CompileContext<'_>,
    ) -> Result<Self> {
        let storage_index = handle
            .table
            .index(index.storage)
            .ok_or_else(|| Error::internal(format!("index \"{}\" has no storage", index.name)))?;
        Ok(IndexAccess {
            index: storage_index,
            keys: IndexKeys::new(index, cx.types)?,
            bounds: bounds.iter().map(|bounds| BoundsCode::compile(bounds, cx)).collect::<Result<_>>()?,
            order,
            columns: OutputColumns::new(&table.relation, fetch)?,
            scan,
            handle,
        })
    }
}

impl IndexAccess {
    /// Lets a SERIALIZABLE transaction remember what it looks for.
    #[inline]
    fn announce(&self, range: &KeyRange, rt: &Runtime) -> Result<()> {
        let (from, to) = range.ends();
        rt.cx().transaction.reads_keys(&self.handle.table, &self.index, from, to)
    }
}

/// A running search.
pub(crate) struct Search {
    access: Arc<IndexAccess>,
    ranges: KeyRanges,
    next_range: usize,
    /// The rows of the last point, on the way through them.
    point: Found,
    at_point: bool,
    /// The range that is being read.
    range: Option<Box<RangeRead>>,
    /// Rows returned, when ranges may overlap.
    seen: Option<HashSet<RowId>>,
    position: usize,
}

/// A range of an index on the way through it.
struct RangeRead {
    cursor: IndexCursor,
    batch: Candidates,
    at: usize,
    batch_rows: usize,
}

impl Search {
    /// A search without ranges, at its end.
    pub fn new(access: Arc<IndexAccess>) -> Self {
        let seen = (access.bounds.len() > 1).then(HashSet::new);
        Search {
            access,
            ranges: KeyRanges::new(),
            next_range: 0,
            point: Found::default(),
            at_point: false,
            range: None,
            seen,
            position: 0,
        }
    }

    /// Begins with the values that the bounds have now.
    pub fn start(&mut self, scope: Scope<'_>) -> Result<()> {
        // The key of the last search, mostly a point, lends its memory.
        let mut key = match self.ranges.pop() {
            Some(KeyRange::Point(mut key)) => {
                key.clear();
                key
            }
            _ => Vec::with_capacity(KEY_BYTES),
        };
        self.ranges.clear();
        for bounds in &self.access.bounds {
            bounds.ranges(&self.access.keys, scope, std::mem::take(&mut key), &mut self.ranges)?;
        }
        if self.access.order == ReadOrder::Backward {
            self.ranges.reverse();
        }
        self.next_range = 0;
        self.at_point = false;
        self.range = None;
        if let Some(seen) = &mut self.seen {
            seen.clear();
        }
        Ok(())
    }

    /// Appends the columns of the next row.
    pub fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if let Some(id) = rt.fixed_row(self.access.scan) {
            return match id {
                Some(id) => self.fixed(id, rt, row),
                None => Ok(false),
            };
        }
        loop {
            rt.tick(self.position)?;
            self.position = self.position.wrapping_add(1);
            if self.at_point {
                if self.next_of_point(rt, row)? {
                    return Ok(true);
                }
                self.at_point = false;
            }
            if self.range.is_some() {
                if self.next_of_range(rt, row)? {
                    return Ok(true);
                }
                self.range = None;
            }
            if !self.enter(rt)? {
                return Ok(false);
            }
        }
    }

    /// Whether at most one more row comes.
    pub fn ends_soon(&mut self, rt: &Runtime) -> Result<bool> {
        if rt.fixed_row(self.access.scan).is_some() {
            return Ok(true);
        }
        if !self.at_point && self.range.is_none() && !self.enter(rt)? {
            return Ok(true);
        }
        Ok(self.range.is_none() && self.next_range >= self.ranges.len() && self.point.remaining() <= 1)
    }

    /// Begins with the next range; `false` when there is none.
    fn enter(&mut self, rt: &Runtime) -> Result<bool> {
        let Some(range) = self.ranges.get(self.next_range) else { return Ok(false) };
        self.next_range += 1;
        self.access.announce(range, rt)?;
        match range {
            KeyRange::Point(key) => {
                self.access.handle.table.look_up(&self.access.index, key, &mut self.point);
                self.at_point = true;
            }
            KeyRange::Range(..) => {
                let (direction, batch_rows) = match self.access.order {
                    ReadOrder::Backward => (Direction::Backward, FIRST_BATCH),
                    ReadOrder::Keys => (Direction::Forward, FIRST_BATCH),
                    // Rows of one batch can be brought into another order.
                    ReadOrder::Table => (Direction::Forward, LARGEST_BATCH),
                };
                let (from, to) = range.ends();
                let index = self.access.index.clone();
                let cursor = IndexCursor::new(index, from, to, direction);
                let mut range = RangeRead { cursor, batch: Candidates::default(), at: 0, batch_rows };
                if self.access.order == ReadOrder::Table {
                    range.cursor.next_batch(batch_rows, &mut range.batch);
                    if range.cursor.is_at_end() {
                        range.batch.sort_by_row();
                    }
                }
                self.range = Some(Box::new(range));
            }
        }
        Ok(true)
    }

    fn next_of_point(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let last = self.next_range.checked_sub(1).and_then(|at| self.ranges.get(at));
        let Some(KeyRange::Point(key)) = last else { return Ok(false) };
        let access = &*self.access;
        let (table, snapshot, seen) = (&access.handle.table, &rt.cx().snapshot, &mut self.seen);
        loop {
            let visit = |id, version: &dictdb_storage::RowView<'_>| {
                if is_repeated(seen, id) {
                    return Ok(false);
                }
                access.columns.append(id, version, &rt.cx().transaction, row).map(|()| true)
            };
            match table.read_found(&access.index, key, &mut self.point, snapshot, visit)? {
                None => return Ok(false),
                Some(Ok(false)) => {}
                Some(found) => return found,
            }
        }
    }

    fn next_of_range(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let Some(range) = &mut self.range else { return Ok(false) };
        let access = &*self.access;
        loop {
            if range.at >= range.batch.rows().len() {
                rt.env().check_interrupts()?;
                if !range.cursor.next_batch(range.batch_rows, &mut range.batch) {
                    return Ok(false);
                }
                range.at = 0;
                range.batch_rows = (range.batch_rows * 2).min(LARGEST_BATCH);
            }
            let at = range.at;
            range.at += 1;
            let visit = |id, version: &dictdb_storage::RowView<'_>| {
                if is_repeated(&mut self.seen, id) {
                    return Ok(false);
                }
                access.columns.append(id, version, &rt.cx().transaction, row).map(|()| true)
            };
            let table = &access.handle.table;
            let found = table.read_candidate(&access.index, &range.batch, at, &rt.cx().snapshot, visit)?;
            if found.transpose()?.unwrap_or(false) {
                return Ok(true);
            }
        }
    }

    /// The one row of a re-check, if its newest version still satisfies the bounds.
    fn fixed(&mut self, id: RowId, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let ranges = std::mem::take(&mut self.ranges);
        let access = &*self.access;
        let read = access.handle.table.read_latest(id, &rt.cx().transaction, |version| {
            let mut key = Vec::new();
            access.index.def().key.key(version, &mut key)?;
            if !ranges.iter().any(|range| range.contains(&key)) {
                return Ok(false);
            }
            access.columns.append(id, version, &rt.cx().transaction, row).map(|()| true)
        });
        read.map_or(Ok(false), |(_, found)| found)
    }
}

fn is_repeated(seen: &mut Option<HashSet<RowId>>, id: RowId) -> bool {
    seen.as_mut().is_some_and(|seen| !seen.insert(id))
}
