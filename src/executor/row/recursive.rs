//! Recursive CTEs: the working table and the union that fills it round after round.

use std::sync::Arc;

use dictdb_types::{Oid, Result};
use hashbrown::HashSet;

use super::{Cursor, Node, Row};
use crate::keys::equality_key;
use crate::runtime::Runtime;
use crate::slots::Slots;

/// The query of a recursive CTE.
#[derive(Debug)]
pub(crate) struct RecursiveUnion {
    /// Its number, which names the working table.
    pub cte: usize,
    /// The non-recursive term.
    pub start: Arc<dyn Node>,
    /// The recursive term.
    pub step: Arc<dyn Node>,
    /// Base types of the columns, when duplicates are left out (UNION).
    pub distinct: Option<Box<[Oid]>>,
    /// What is computed from the working table and kept, though not in this round any more.
    pub dependents: Slots,
}

impl Node for RecursiveUnion {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.start.clone().open();
        Box::new(RecursiveCursor {
            node: self,
            input,
            recursive: false,
            next_round: Vec::new(),
            seen: HashSet::new(),
            key: Vec::new(),
        })
    }
}

struct RecursiveCursor {
    node: Arc<RecursiveUnion>,
    /// The start, then the step again and again.
    input: Box<dyn Cursor>,
    recursive: bool,
    /// Rows found in this round.
    next_round: Vec<Row>,
    seen: HashSet<Box<[u8]>>,
    key: Vec<u8>,
}

impl RecursiveCursor {
    /// Whether a row counts: it does not when UNION has seen it.
    fn is_new(&mut self, rt: &Runtime, row: &Row) -> Result<bool> {
        let Some(types) = &self.node.distinct else { return Ok(true) };
        equality_key(row, types, &mut self.key);
        if self.seen.contains(&*self.key) {
            return Ok(false);
        }
        rt.charge(self.key.len() + size_of::<Box<[u8]>>())?;
        self.seen.insert(self.key.as_slice().into());
        Ok(true)
    }

    /// Hands what was found to the next round; `false`: nothing was.
    fn begin_round(&mut self, rt: &Runtime) -> Result<bool> {
        if self.next_round.is_empty() {
            return Ok(false);
        }
        rt.set_work_table(self.node.cte, std::mem::take(&mut self.next_round));
        self.node.dependents.changed(rt);
        if self.recursive {
            self.input.rescan(rt)?;
        } else {
            self.recursive = true;
            self.input = self.node.step.clone().open();
        }
        Ok(true)
    }
}

impl Cursor for RecursiveCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        loop {
            rt.env().check_interrupts()?;
            while self.input.next(rt, row)? {
                if self.is_new(rt, row)? {
                    self.next_round.push(row.clone());
                    return Ok(true);
                }
            }
            if !self.begin_round(rt)? {
                return Ok(false);
            }
        }
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.input = self.node.start.clone().open();
        self.recursive = false;
        self.next_round.clear();
        self.seen.clear();
        Ok(())
    }
}

/// Reads the rows of the last round.
#[derive(Debug)]
pub(crate) struct WorkTable {
    /// Number of the CTE.
    pub cte: usize,
}

impl Node for WorkTable {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(WorkTableCursor { cte: self.cte, rows: None, position: 0 })
    }
}

struct WorkTableCursor {
    cte: usize,
    rows: Option<Arc<Vec<Row>>>,
    position: usize,
}

impl Cursor for WorkTableCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let rows = self.rows.get_or_insert_with(|| rt.work_table(self.cte));
        let Some(next) = rows.get(self.position) else { return Ok(false) };
        self.position += 1;
        row.clear();
        row.extend_from_slice(next);
        Ok(true)
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.rows = None;
        self.position = 0;
        Ok(())
    }
}
