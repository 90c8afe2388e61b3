//! GROUP BY over input that has the rows of a group together: one group at a time, in the order of the input.

use std::sync::Arc;

use dictdb_types::{Oid, Result};

use super::{Cursor, Node, Row};
use crate::aggregate::{AggregateCode, AggregateState};
use crate::eval::{Code, Scope, eval_into};
use crate::keys::equality_key;
use crate::runtime::Runtime;

/// Grouping of sorted input.
#[derive(Debug)]
pub(crate) struct Group {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Grouping expressions.
    pub groups: Box<[Code]>,
    /// Their base types.
    pub types: Box<[Oid]>,
    /// The aggregates.
    pub calls: Box<[AggregateCode]>,
}

impl Node for Group {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(GroupCursor { node: self, input, ahead: None, position: 0 })
    }
}

struct GroupCursor {
    node: Arc<Group>,
    input: Box<dyn Cursor>,
    /// The first row of the next group, read already.
    ahead: Option<Ahead>,
    position: usize,
}

struct Ahead {
    row: Row,
    values: Row,
    key: Vec<u8>,
}

impl GroupCursor {
    fn read(&mut self, rt: &Runtime) -> Result<Option<Ahead>> {
        let mut row = Row::new();
        if !self.input.next(rt, &mut row)? {
            return Ok(None);
        }
        rt.tick(self.position)?;
        self.position = self.position.wrapping_add(1);
        let (mut values, mut key) = (Row::new(), Vec::new());
        eval_into(&self.node.groups, Scope::new(rt, &row), &mut values)?;
        equality_key(&values, &self.node.types, &mut key);
        Ok(Some(Ahead { row, values, key }))
    }

    fn update(&self, states: &mut [AggregateState], row: &Row, rt: &Runtime) -> Result<()> {
        let mut args = Row::new();
        for (code, state) in self.node.calls.iter().zip(states) {
            state.update(code, Scope::new(rt, row), &mut args)?;
        }
        Ok(())
    }
}

impl Cursor for GroupCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let first = match self.ahead.take() {
            Some(ahead) => Some(ahead),
            None => self.read(rt)?,
        };
        let Some(first) = first else { return Ok(false) };
        let mut states: Vec<AggregateState> = self.node.calls.iter().map(AggregateCode::start).collect();
        self.update(&mut states, &first.row, rt)?;
        while let Some(next) = self.read(rt)? {
            if next.key != first.key {
                self.ahead = Some(next);
                break;
            }
            self.update(&mut states, &next.row, rt)?;
        }
        *row = first.values;
        for (code, state) in self.node.calls.iter().zip(&mut states) {
            row.push(state.finish(code, rt)?);
        }
        Ok(true)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.ahead = None;
        self.input.rescan(rt)
    }
}
