//! LATERAL, and what cannot be decorrelated: the right side runs anew for each left row.

use std::sync::Arc;

use dictdb_types::Result;

use super::join::{Candidates, JoinCursor, JoinSpec};
use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope};
use crate::runtime::Runtime;
use crate::slots::Slots;

/// Apply.
#[derive(Debug)]
pub(crate) struct Apply {
    /// The join.
    pub spec: JoinSpec,
    /// Right input, reading the slots.
    pub right: Arc<dyn Node>,
    /// Slots and their values over the left row.
    pub values: Box<[(usize, Code)]>,
    /// What else depends on the slots.
    pub slots: Slots,
}

impl AsRef<JoinSpec> for Apply {
    fn as_ref(&self) -> &JoinSpec {
        &self.spec
    }
}

impl Node for Apply {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let candidates = SubplanRows { node: self.clone(), right: None, buffer: Row::new() };
        JoinCursor::open(self, candidates)
    }
}

struct SubplanRows {
    node: Arc<Apply>,
    /// Opened at the first left row.
    right: Option<Box<dyn Cursor>>,
    buffer: Row,
}

impl Candidates for SubplanRows {
    fn seek(&mut self, rt: &Runtime, left: &Row) -> Result<()> {
        rt.env().check_interrupts()?;
        for (slot, code) in &self.node.values {
            rt.set_outer(*slot, code.eval(Scope::new(rt, left))?);
        }
        self.node.slots.changed(rt);
        match &mut self.right {
            Some(right) => right.rescan(rt),
            None => {
                self.right = Some(self.node.right.clone().open());
                Ok(())
            }
        }
    }

    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let Some(right) = &mut self.right else { return Ok(false) };
        if !right.next(rt, &mut self.buffer)? {
            return Ok(false);
        }
        row.append(&mut self.buffer);
        Ok(true)
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        // The next seek rescans the right side.
        Ok(())
    }
}
