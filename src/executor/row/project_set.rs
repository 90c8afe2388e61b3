//! Set-returning functions in a select list.

use std::sync::Arc;

use dictdb_types::{Datum, Result};

use super::{Cursor, Node, Row};
use crate::eval::Scope;
use crate::runtime::Runtime;
use crate::set_call::{SetCall, SetRows};

/// ProjectSet: all calls in lockstep, shorter ones padded with NULL.
#[derive(Debug)]
pub(crate) struct ProjectSet {
    /// Input.
    pub input: Arc<dyn Node>,
    /// The calls over the input row.
    pub calls: Box<[SetCall]>,
}

impl Node for ProjectSet {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(ProjectSetCursor { node: self, input, current: Row::new(), running: Vec::new(), position: 0 })
    }
}

struct ProjectSetCursor {
    node: Arc<ProjectSet>,
    input: Box<dyn Cursor>,
    current: Row,
    /// The calls for the current row; empty before the first.
    running: Vec<SetRows>,
    position: usize,
}

impl Cursor for ProjectSetCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        loop {
            rt.tick(self.position)?;
            self.position += 1;
            row.clear();
            row.extend_from_slice(&self.current);
            if lockstep(self.running.iter_mut(), row)? {
                return Ok(true);
            }
            if !self.input.next(rt, &mut self.current)? {
                return Ok(false);
            }
            let scope = Scope::new(rt, &self.current);
            self.running = self.node.calls.iter().map(|call| call.start(scope)).collect::<Result<_>>()?;
        }
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.running.clear();
        self.input.rescan(rt)
    }
}

/// Appends the next value of each call, NULL for those at their end; `false` when all are.
pub(super) fn lockstep<'a>(running: impl Iterator<Item = &'a mut SetRows>, row: &mut Row) -> Result<bool> {
    let mut any = false;
    for call in running {
        let value = call.next()?;
        any |= value.is_some();
        row.push(value.unwrap_or(Datum::Null));
    }
    Ok(any)
}
