//! Every row of a table.

use std::sync::Arc;

use dictdb_types::{Result, RowId};

use super::{Cursor, Node, Row};
use crate::access::TableHandle;
use crate::access::columns::OutputColumns;
use crate::eval::{Code, Scope};
use crate::runtime::{Runtime, ScanId};

/// SeqScan.
#[derive(Debug)]
pub(crate) struct SeqScan {
    /// The table.
    pub handle: TableHandle,
    /// What is read of each row.
    pub columns: OutputColumns,
    /// Which rows stay.
    pub filter: Option<Code>,
    /// The scan's name.
    pub scan: ScanId,
}

impl Node for SeqScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(SeqScanCursor { node: self, block: 0, rows: Vec::new().into_iter() })
    }
}

struct SeqScanCursor {
    node: Arc<SeqScan>,
    /// The next block.
    block: usize,
    /// Rows of the last one.
    rows: std::vec::IntoIter<Row>,
}

impl SeqScanCursor {
    /// Reads the next block; `false`: there is none.
    fn next_block(&mut self, rt: &Runtime) -> Result<bool> {
        let SeqScan { handle, columns, scan, .. } = &*self.node;
        let mut rows = Vec::new();
        if let Some(id) = rt.fixed_row(*scan) {
            if self.block > 0 {
                return Ok(false);
            }
            self.block = 1;
            let read = handle.table.read_latest(id, &rt.cx().transaction, |version| {
                let mut row = Row::with_capacity(columns.len());
                columns.append(id, version, &mut row).map(|()| row)
            });
            rows.extend(read.map(|(_, row)| row).transpose()?);
            self.rows = rows.into_iter();
            return Ok(true);
        }
        if self.block == 0 {
            rt.cx().transaction.reads_table(&handle.table)?;
        }
        if self.block >= handle.table.block_count() {
            return Ok(false);
        }
        rt.env().check_interrupts()?;
        let visit = |id: RowId, version: &dictdb_storage::RowView<'_>| -> Result<bool> {
            let mut row = Row::with_capacity(columns.len());
            columns.append(id, version, &mut row)?;
            rows.push(row);
            Ok(true)
        };
        handle.table.for_each_in_block(self.block, &rt.cx().snapshot, visit)?;
        self.block += 1;
        self.rows = rows.into_iter();
        Ok(true)
    }
}

impl Cursor for SeqScanCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        loop {
            for next in &mut self.rows {
                *row = next;
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
        self.rows = Vec::new().into_iter();
        Ok(())
    }
}
