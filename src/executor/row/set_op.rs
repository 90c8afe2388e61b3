//! INTERSECT and EXCEPT, with and without ALL.

use std::sync::Arc;

use dictdb_types::{Oid, Result};
use hashbrown::HashMap;

use super::{Cursor, Node, Row};
use crate::keys::equality_key;
use crate::runtime::Runtime;

/// Set operation by counting equal rows of the right side.
#[derive(Debug)]
pub(crate) struct SetOp {
    /// EXCEPT instead of INTERSECT.
    pub except: bool,
    /// Whether duplicates count.
    pub all: bool,
    /// Left input, whose rows are the result.
    pub left: Arc<dyn Node>,
    /// Right input.
    pub right: Arc<dyn Node>,
    /// Base types of the columns.
    pub types: Box<[Oid]>,
}

impl Node for SetOp {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let (left, right) = (self.left.clone().open(), self.right.clone().open());
        Box::new(SetOpCursor { node: self, left, right, counts: None, key: Vec::new() })
    }
}

struct SetOpCursor {
    node: Arc<SetOp>,
    left: Box<dyn Cursor>,
    right: Box<dyn Cursor>,
    counts: Option<HashMap<Box<[u8]>, Count>>,
    key: Vec<u8>,
}

/// What is known of a key.
#[derive(Clone, Copy, Default)]
struct Count {
    /// Right rows that no left row was paired with.
    right: u64,
    /// Whether the result has it already.
    returned: bool,
}

impl SetOpCursor {
    fn load(&mut self, rt: &Runtime) -> Result<()> {
        let mut counts: HashMap<Box<[u8]>, Count> = HashMap::new();
        let mut row = Row::new();
        while self.right.next(rt, &mut row)? {
            equality_key(&row, &self.node.types, &mut self.key);
            if !counts.contains_key(&*self.key) {
                rt.charge(self.key.len() + size_of::<(Box<[u8]>, Count)>())?;
            }
            counts.entry_ref(self.key.as_slice()).or_default().right += 1;
        }
        self.counts = Some(counts);
        Ok(())
    }

    fn keep(&mut self, rt: &Runtime, row: &Row) -> Result<bool> {
        let (except, all) = (self.node.except, self.node.all);
        equality_key(row, &self.node.types, &mut self.key);
        let Some(counts) = &mut self.counts else { return Ok(false) };
        let Some(count) = counts.get_mut(&*self.key) else {
            if except && !all {
                rt.charge(self.key.len() + size_of::<(Box<[u8]>, Count)>())?;
                counts.insert(self.key.as_slice().into(), Count { right: 0, returned: true });
            }
            return Ok(except);
        };
        if all {
            let paired = count.right > 0;
            count.right = count.right.saturating_sub(1);
            return Ok(paired != except);
        }
        Ok(!except && count.right > 0 && !std::mem::replace(&mut count.returned, true))
    }
}

impl Cursor for SetOpCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if self.counts.is_none() {
            self.load(rt)?;
        }
        while self.left.next(rt, row)? {
            if self.keep(rt, row)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.counts = None;
        self.left.rescan(rt)?;
        self.right.rescan(rt)
    }
}
