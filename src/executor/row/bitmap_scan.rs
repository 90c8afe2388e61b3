//! Rows of a set that searches of indexes make, in the order of their ids.

use std::sync::Arc;

use dictdb_storage::RowSet;
use dictdb_types::{Result, RowId};

use super::{Cursor, Node, Row};
use crate::access::TableHandle;
use crate::access::bitmap::BitmapCode;
use crate::access::columns::OutputColumns;
use crate::eval::{Code, Scope};
use crate::runtime::{Runtime, ScanId};

/// BitmapScan.
#[derive(Debug)]
pub(crate) struct BitmapScan {
    /// The table.
    pub handle: TableHandle,
    /// The searches.
    pub bitmap: BitmapCode,
    /// What is read of each row.
    pub columns: OutputColumns,
    /// What the set was made by: it may have more rows than satisfy that.
    pub recheck: Code,
    /// Which rows stay.
    pub filter: Option<Code>,
    /// The scan's name.
    pub scan: ScanId,
}

impl Node for BitmapScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(BitmapScanCursor { node: self, found: None, block: 0, rows: Vec::new().into_iter() })
    }
}

struct BitmapScanCursor {
    node: Arc<BitmapScan>,
    /// The set, once it has been searched for.
    found: Option<RowSet>,
    /// The next of its blocks.
    block: usize,
    /// Rows of the last one that are still to come.
    rows: std::vec::IntoIter<RowId>,
}

impl BitmapScanCursor {
    /// The next row of the set.
    fn next_id(&mut self, rt: &Runtime) -> Result<Option<RowId>> {
        if let Some(row) = self.rows.next() {
            return Ok(Some(row));
        }
        let found = match &self.found {
            Some(found) => found,
            None => self.found.insert(self.node.bitmap.rows(rt, &self.node.handle)?),
        };
        rt.env().check_interrupts()?;
        let mut rows = Vec::new();
        found.block_rows(self.block, &mut rows);
        self.block += 1;
        self.rows = rows.into_iter();
        Ok(self.rows.next())
    }

    /// The columns of the next row that is there; `false`: there is none.
    fn next_row(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let node = self.node.clone();
        let table = &node.handle.table;
        if let Some(fixed) = rt.fixed_row(node.scan) {
            let Some(id) = fixed.filter(|_| self.block == 0) else { return Ok(false) };
            self.block = 1;
            let read = table.read_latest(id, &rt.cx().transaction, |version| {
                node.columns.append(id, version, &rt.cx().transaction, row)
            });
            return read.map_or(Ok(false), |(_, appended)| appended.map(|()| true));
        }
        while let Some(id) = self.next_id(rt)? {
            let read = table
                .read(id, &rt.cx().snapshot, |version| node.columns.append(id, version, &rt.cx().transaction, row));
            if read.transpose()?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Cursor for BitmapScanCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        loop {
            row.clear();
            if !self.next_row(rt, row)? {
                return Ok(false);
            }
            let scope = Scope::new(rt, row);
            let filter = self.node.filter.as_ref();
            if self.node.recheck.is_true(scope)? && filter.map_or(Ok(true), |filter| filter.is_true(scope))? {
                return Ok(true);
            }
        }
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.found = None;
        self.block = 0;
        self.rows = Vec::new().into_iter();
        Ok(())
    }
}
