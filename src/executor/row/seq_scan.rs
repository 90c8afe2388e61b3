//! Every row of a table.

use std::sync::Arc;

use dictdb_planner::physical::{TidTest, Tids};
use dictdb_types::{Datum, Result, RowId};

use super::{Cursor, Node, Row};
use crate::access::TableHandle;
use crate::access::columns::{OutputColumns, block_of_ctid, ctid_value, row_of_ctid};
use crate::eval::{Code, CompileContext, Scope, compile};
use crate::runtime::{Runtime, ScanId};

/// SeqScan.
#[derive(Debug)]
pub(crate) struct SeqScan {
    /// The table.
    pub handle: TableHandle,
    /// What is read of each row.
    pub columns: OutputColumns,
    /// The rows it reads, by their `ctid`; `None`: all.
    pub tids: Option<TidsCode>,
    /// Which rows stay.
    pub filter: Option<Code>,
    /// The scan's name.
    pub scan: ScanId,
}

/// Compiled [`Tids`].
#[derive(Debug)]
pub(crate) enum TidsCode {
    Named(Box<[Code]>),
    Range(Box<[(TidTest, Code)]>),
}

impl TidsCode {
    pub fn compile(tids: &Tids, cx: &CompileContext<'_>) -> Result<Self> {
        let conditions = tids.conditions().iter();
        Ok(match tids {
            Tids::Named(_) => {
                let named = conditions.map(|condition| compile(&condition.value, cx));
                TidsCode::Named(named.collect::<Result<_>>()?)
            }
            Tids::Range(_) => {
                let bounds = conditions.map(|condition| Ok((condition.test, compile(&condition.value, cx)?)));
                TidsCode::Range(bounds.collect::<Result<_>>()?)
            }
        })
    }
}

/// The values of `ctid` from one to another, both included.
#[derive(Clone, Copy)]
struct TidSpan {
    from: u64,
    to: u64,
}

impl TidSpan {
    /// What bounds leave.
    fn of(bounds: &[(TidTest, Code)], rt: &Runtime) -> Result<Self> {
        let mut span = TidSpan { from: 0, to: u64::MAX };
        for (test, value) in bounds {
            let Datum::Int8(value) = value.eval(Scope::new(rt, &[]))? else { return Ok(TidSpan::NOTHING) };
            let value = value as u64;
            let (from, to) = match test {
                TidTest::Less => (Some(0), value.checked_sub(1)),
                TidTest::LessEqual => (Some(0), Some(value)),
                TidTest::Greater => (value.checked_add(1), Some(u64::MAX)),
                TidTest::GreaterEqual => (Some(value), Some(u64::MAX)),
                TidTest::Equal | TidTest::EqualAny => (Some(value), Some(value)),
            };
            let (Some(from), Some(to)) = (from, to) else { return Ok(TidSpan::NOTHING) };
            span = TidSpan { from: span.from.max(from), to: span.to.min(to) };
        }
        Ok(if span.from > span.to { TidSpan::NOTHING } else { span })
    }

    /// No value: the first block is after the last one.
    const NOTHING: TidSpan = TidSpan { from: u64::MAX, to: 0 };

    fn first_block(self) -> usize {
        block_of_ctid(self.from)
    }

    fn last_block(self) -> usize {
        block_of_ctid(self.to)
    }

    fn has(self, id: RowId) -> bool {
        (self.from..=self.to).contains(&ctid_value(id))
    }
}

impl Node for SeqScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(SeqScanCursor { node: self, block: 0, span: None, values: Vec::new().into_iter(), rows: 0 })
    }
}

struct SeqScanCursor {
    node: Arc<SeqScan>,
    /// The next block.
    block: usize,
    /// Between which values of `ctid` rows are read, where conditions say so.
    span: Option<TidSpan>,
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
        if let Some(TidsCode::Named(tids)) = &self.node.clone().tids {
            return if self.block == 0 { self.read_named(tids, rt) } else { Ok(false) };
        }
        let mut begun = self.block > 0;
        if let (None, Some(TidsCode::Range(bounds))) = (&self.span, &self.node.tids) {
            let span = TidSpan::of(bounds, rt)?;
            (self.block, begun) = (span.first_block(), false);
            self.span = Some(span);
        }
        if !begun {
            rt.cx().transaction.reads_table(&handle.table)?;
        }
        let span = self.span;
        if self.block >= handle.table.block_count() || span.is_some_and(|span| self.block > span.last_block()) {
            return Ok(false);
        }
        rt.env().check_interrupts()?;
        let mut rows = 0;
        let visit = |id: RowId, version: &dictdb_storage::RowView<'_>| -> Result<bool> {
            if span.is_some_and(|span| !span.has(id)) {
                return Ok(true);
            }
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
    /// Reads the rows that `tid`s or arrays of them name, each once, in their order.
    fn read_named(&mut self, tids: &[Code], rt: &Runtime) -> Result<bool> {
        let SeqScan { handle, columns, .. } = &*self.node;
        let mut ids: Vec<RowId> = Vec::new();
        for tid in tids {
            match &tid.eval(Scope::new(rt, &[]))? {
                Datum::Array(array) => ids.extend(array.items.iter().filter_map(row_of_ctid)),
                single => ids.extend(row_of_ctid(single)),
            }
        }
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
        (self.block, self.span) = (0, None);
        self.values = Vec::new().into_iter();
        self.rows = 0;
        Ok(())
    }
}
