//! CTEs: computed once per execution, as far as somebody reads, and kept for all readers.

use std::sync::Arc;

use dictdb_types::{Error, Result};
use parking_lot::{Mutex, MutexGuard};

use super::{Cursor, Node, Row};
use crate::runtime::Runtime;

/// A CTE in one execution.
#[derive(Default)]
pub(crate) struct CteState {
    rows: Vec<Row>,
    /// Opened by the first reader.
    cursor: Option<Box<dyn Cursor>>,
    done: bool,
}

impl CteState {
    /// Copies a row to `row`, computing it if nobody has wanted it so far.
    fn read(&mut self, query: &Arc<dyn Node>, position: usize, rt: &Runtime, row: &mut Row) -> Result<bool> {
        while self.rows.len() <= position {
            if !self.advance(query, rt)? {
                return Ok(false);
            }
        }
        row.clear();
        row.extend_from_slice(&self.rows[position]);
        Ok(true)
    }

    fn advance(&mut self, query: &Arc<dyn Node>, rt: &Runtime) -> Result<bool> {
        if self.done {
            return Ok(false);
        }
        let cursor = self.cursor.get_or_insert_with(|| query.clone().open());
        let mut row = Row::new();
        if cursor.next(rt, &mut row)? {
            rt.charge_row(&row)?;
            self.rows.push(row);
            return Ok(true);
        }
        self.done = true;
        self.cursor = None;
        Ok(false)
    }

    /// Runs the query to its end: data-modifying CTEs change everything, however little is read.
    pub fn complete(&mut self, query: &Arc<dyn Node>, rt: &Runtime) -> Result<()> {
        while self.advance(query, rt)? {}
        Ok(())
    }

    /// Forgets what was computed: outer values changed.
    pub fn reset(&mut self) {
        *self = CteState::default();
    }
}

/// Enters a CTE. A CTE that reads itself other than through its working table is a broken plan.
pub(crate) fn enter(state: &Mutex<CteState>) -> Result<MutexGuard<'_, CteState>> {
    state.try_lock().ok_or_else(|| Error::internal("CTE entered while it is computed"))
}

/// Reads a CTE.
#[derive(Debug)]
pub(crate) struct CteScan {
    /// Its number.
    pub cte: usize,
}

impl Node for CteScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(CteCursor { cte: self.cte, position: 0 })
    }
}

struct CteCursor {
    cte: usize,
    position: usize,
}

impl Cursor for CteCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let (query, state) = rt.cte(self.cte)?;
        rt.tick(self.position)?;
        let found = enter(state)?.read(query, self.position, rt, row)?;
        self.position += usize::from(found);
        Ok(found)
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.position = 0;
        Ok(())
    }
}
