//! Every row of a table.

use std::sync::Arc;

use dictdb_types::{Datum, Result, RowId};

use super::{Cursor, Node, Row};
use crate::access::TableHandle;
use crate::access::columns::{OutputColumns, row_of_ctid};
use crate::eval::{Code, Scope};
use crate::runtime::{Runtime, ScanId};

/// SeqScan.
#[derive(Debug)]
pub(crate) struct SeqScan {
    /// The table.
    pub handle: TableHandle,
    /// What is read of each row.
    pub columns: OutputColumns,
    /// The rows it reads, by their `ctid`; `None`: all.
    pub tids: Option<Code>,
    /// Which rows stay.
    pub filter: Option<Code>,
    /// The scan's name.
    pub scan: ScanId,
}

impl Node for SeqScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(SeqScanCursor { node: self, block: 0, values: Vec::new().into_iter(), rows: 0 })
    }
}

struct SeqScanCursor {
    node: Arc<SeqScan>,
    /// The next block.
    block: usize,
    /// Values of the rows of the last one that are still to come, row by row, and how many those are.
    values: std::vec::IntoIter<Datum>,
    rows: usize,
}

impl SeqScanCursor {
    /// Reads the next block; `false`: there is none.
    fn next_block(&mut self, rt: &Runtime) -> Result<bool> {
        let SeqScan { handle, columns, scan, .. } = &*self.node;
        let mut values = Row::new();
        if let Some(fixed) = rt.fixed_row(*scan) {
            let Some(id) = fixed.filter(|_| self.block == 0) else { return Ok(false) };
            self.block = 1;
            let transaction = &rt.cx().transaction;
            let read = handle
                .table
                .read_latest(id, transaction, |version| columns.append(id, version, transaction, &mut values));
            self.rows = usize::from(read.is_some());
            read.map(|(_, appended)| appended).transpose()?;
            self.values = values.into_iter();
            return Ok(true);
        }
        if let Some(tids) = &self.node.clone().tids {
            return if self.block == 0 { self.read_named(tids, rt) } else { Ok(false) };
        }
        if self.block == 0 {
            rt.cx().transaction.reads_table(&handle.table)?;
        }
        if self.block >= handle.table.block_count() {
            return Ok(false);
        }
        rt.env().check_interrupts()?;
        let mut rows = 0;
        let visit = |id: RowId, version: &dictdb_storage::RowView<'_>| -> Result<bool> {
            rows += 1;
            columns.append(id, version, &rt.cx().transaction, &mut values).map(|()| true)
        };
        handle.table.for_each_in_block(self.block, &rt.cx().snapshot, visit)?;
        self.block += 1;
        self.rows = rows;
        self.values = values.into_iter();
        Ok(true)
    }
}

impl SeqScanCursor {
    /// Reads the rows that a `tid` or an array of them names, each once, in their order.
    fn read_named(&mut self, tids: &Code, rt: &Runtime) -> Result<bool> {
        let SeqScan { handle, columns, .. } = &*self.node;
        let named = tids.eval(Scope::new(rt, &[]))?;
        let mut ids: Vec<RowId> = match &named {
            Datum::Array(array) => array.items.iter().filter_map(row_of_ctid).collect(),
            single => row_of_ctid(single).into_iter().collect(),
        };
        ids.sort_unstable();
        ids.dedup();
        rt.cx().transaction.reads_table(&handle.table)?;
        let mut values = Row::new();
        self.block = 1;
        self.rows = 0;
        let cx = rt.cx();
        for id in ids {
            let read = handle
                .table
                .read(id, &cx.snapshot, |version| columns.append(id, version, &cx.transaction, &mut values));
            self.rows += usize::from(read.transpose()?.is_some());
        }
        self.values = values.into_iter();
        Ok(true)
    }
}

impl Cursor for SeqScanCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        loop {
            while self.rows > 0 {
                self.rows -= 1;
                row.clear();
                row.extend(self.values.by_ref().take(self.node.columns.len()));
                match &self.node.filter {
                    Some(filter) if !filter.is_true(Scope::new(rt, row))? => {}
                    _ => return Ok(true),
                }
            }
            if !self.next_block(rt)? {
                return Ok(false);
            }
        }
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.block = 0;
        self.values = Vec::new().into_iter();
        self.rows = 0;
        Ok(())
    }
}
