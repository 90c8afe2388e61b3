//! Reading rows through an index: the searches of an index scan or of one outer row of an index join, in turn.

use std::sync::Arc;

use dictdb_planner::physical::{Fetch, IndexBounds, ReadOrder, TableRef};
use dictdb_storage::{Candidates, Direction, Found, Index, IndexCursor, KeyOutcome};
use dictdb_types::{Error, Result, RowId};
use hashbrown::HashSet;

use super::TableHandle;
use super::columns::OutputColumns;
use super::index::{BoundsCode, IndexKeys, KeyRange, KeyRanges, KeyValues};
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
    columns: OutputColumns,
    /// Where keys tell all of that: how.
    key_values: Option<KeyValues>,
    /// The operator's number, if it is counted.
    number: Option<usize>,
    /// The scan's name.
    scan: ScanId,
}

/// What names an index access to others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccessName {
    /// The scan's name.
    pub scan: ScanId,
    /// The operator's number, if it is counted.
    pub number: Option<usize>,
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
        name: AccessName,
        handle: TableHandle,
        cx: &CompileContext<'_>,
    ) -> Result<Self> {
        let storage_index = super::storage_of(index, &handle)?;
        let keys = IndexKeys::new(index, cx.types)?;
        Ok(IndexAccess {
            index: storage_index,
            key_values: fetch.from_keys.then(|| KeyValues::new(index, &keys, fetch)).transpose()?,
            keys,
            bounds: bounds.iter().map(|bounds| BoundsCode::compile(bounds, cx)).collect::<Result<_>>()?,
            order,
            columns: OutputColumns::new(&table.relation, fetch)?,
            number: name.number,
            scan: name.scan,
            handle,
        })
    }
}

impl IndexAccess {
    /// A batch for rows of the index.
    fn new_batch(&self) -> Candidates {
        if self.key_values.is_some() { Candidates::with_keys() } else { Candidates::default() }
    }

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
    /// Rows looked at because the keys alone did not say whether they are seen, so far as they are not counted.
    looked_at: u64,
    position: usize,
}

/// A range of an index on the way through it, or all that the index finds.
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
            looked_at: 0,
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
        let found = self.next_row(rt, row);
        if self.looked_at > 0 {
            let looked_at = std::mem::take(&mut self.looked_at);
            if let Some(number) = self.access.number {
                rt.count(number, |actual| actual.heap_fetches += looked_at);
            }
        }
        found
    }

    fn next_row(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
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
        if self.access.order == ReadOrder::Table && (self.ranges.len() > 1 || matches!(range, KeyRange::Range(..))) {
            return self.find_all(rt).map(|()| true);
        }
        self.access.announce(range, rt)?;
        match range {
            KeyRange::Point(key) => {
                self.access.handle.table.look_up(&self.access.index, key, &mut self.point);
                if self.access.order == ReadOrder::Table {
                    self.point.sort_by_row();
                }
                self.at_point = true;
            }
            KeyRange::Range(..) => {
                let direction = match self.access.order {
                    ReadOrder::Backward => Direction::Backward,
                    ReadOrder::Keys | ReadOrder::Table => Direction::Forward,
                };
                let (from, to) = range.ends();
                let cursor = IndexCursor::new(self.access.index.clone(), from, to, direction);
                let batch = self.access.new_batch();
                self.range = Some(Box::new(RangeRead { cursor, batch, at: 0, batch_rows: FIRST_BATCH }));
            }
        }
        Ok(true)
    }

    /// Finds the rows of this range and all that follow, and brings them into the order that the table has them in.
    fn find_all(&mut self, rt: &Runtime) -> Result<()> {
        let mut batch = self.access.new_batch();
        let mut last = None;
        for range in &self.ranges[self.next_range - 1..] {
            self.access.announce(range, rt)?;
            let (from, to) = range.ends();
            let mut cursor = IndexCursor::new(self.access.index.clone(), from, to, Direction::Forward);
            while !cursor.is_at_end() {
                rt.env().check_interrupts()?;
                cursor.add_batch(LARGEST_BATCH, &mut batch);
            }
            last = Some(cursor);
        }
        self.next_range = self.ranges.len();
        batch.sort_by_row();
        self.range = last.map(|cursor| Box::new(RangeRead { cursor, batch, at: 0, batch_rows: LARGEST_BATCH }));
        Ok(())
    }

    fn next_of_point(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let last = self.next_range.checked_sub(1).and_then(|at| self.ranges.get(at));
        let Some(KeyRange::Point(key)) = last else { return Ok(false) };
        let access = &*self.access;
        let (table, snapshot, seen) = (&access.handle.table, &rt.cx().snapshot, &mut self.seen);
        if let Some(values) = &access.key_values {
            let (index, point) = (&access.index, &mut self.point);
            while let Some(id) = table.seen_of_found(index, key, point, snapshot, &mut self.looked_at)? {
                if !is_repeated(seen, id) {
                    return values.append(key, row).map(|()| true);
                }
            }
            return Ok(false);
        }
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
            if let Some(values) = &access.key_values {
                let (table, snapshot) = (&access.handle.table, &rt.cx().snapshot);
                let (index, batch) = (&access.index, &range.batch);
                if table.sees_candidate(index, batch, at, snapshot, &mut self.looked_at)?
                    && !is_repeated(&mut self.seen, batch.rows()[at])
                {
                    let key = batch.key(at).ok_or_else(|| Error::internal("a search of keys without keys"))?;
                    return values.append(key, row).map(|()| true);
                }
                continue;
            }
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
            let outcome = access.index.def().key.key(version, &mut key)?;
            if outcome == KeyOutcome::NotIndexed || !ranges.iter().any(|range| range.contains(&key)) {
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
