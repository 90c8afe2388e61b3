//! INTERSECT and EXCEPT, with and without ALL: by counting, or over rows that have equal ones together.

use std::sync::Arc;

use dictdb_types::{Datum, Oid, Result};
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

/// Set operation over sorted rows of both sides, the last column of which says which side a row is of: 0 for the left one.
#[derive(Debug)]
pub(crate) struct SortedSetOp {
    /// EXCEPT instead of INTERSECT.
    pub except: bool,
    /// Whether duplicates count.
    pub all: bool,
    /// The rows of both sides.
    pub input: Arc<dyn Node>,
    /// Base types of the result's columns.
    pub types: Box<[Oid]>,
}

impl Node for SortedSetOp {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        let group = Group { row: Row::new(), key: Vec::new(), left: 0, right: 0 };
        Box::new(SortedSetOpCursor { node: self, input, group, wanted: 0, ahead: None, ended: false })
    }
}

struct SortedSetOpCursor {
    node: Arc<SortedSetOp>,
    input: Box<dyn Cursor>,
    /// The equal rows that were read last, and how often the result has them from now on.
    group: Group,
    wanted: u64,
    /// The first row of the next ones.
    ahead: Option<Group>,
    ended: bool,
}

/// Equal rows: one of them, and how many each side has.
struct Group {
    row: Row,
    key: Vec<u8>,
    left: u64,
    right: u64,
}

impl Group {
    fn add(&mut self, other: &Group) {
        self.left += other.left;
        self.right += other.right;
    }
}

impl SortedSetOpCursor {
    /// The next row, as a group of its own.
    fn read(&mut self, rt: &Runtime) -> Result<Option<Group>> {
        let mut row = Row::new();
        if self.ended || !self.input.next(rt, &mut row)? {
            self.ended = true;
            return Ok(None);
        }
        let is_left = matches!(row.pop(), Some(Datum::Int4(0)));
        let mut key = Vec::new();
        equality_key(&row, &self.node.types, &mut key);
        Ok(Some(Group { row, key, left: u64::from(is_left), right: u64::from(!is_left) }))
    }

    /// Reads the next equal rows; `false` after the last ones.
    fn read_group(&mut self, rt: &Runtime) -> Result<bool> {
        let first = match self.ahead.take() {
            Some(ahead) => Some(ahead),
            None => self.read(rt)?,
        };
        let Some(mut group) = first else { return Ok(false) };
        while let Some(next) = self.read(rt)? {
            if next.key != group.key {
                self.ahead = Some(next);
                break;
            }
            group.add(&next);
        }
        self.group = group;
        Ok(true)
    }

    /// How often the result has the rows of the group.
    fn count(&self) -> u64 {
        let Group { left, right, .. } = self.group;
        match (self.node.except, self.node.all) {
            (false, true) => left.min(right),
            (false, false) => u64::from(left > 0 && right > 0),
            (true, true) => left.saturating_sub(right),
            (true, false) => u64::from(left > 0 && right == 0),
        }
    }
}

impl Cursor for SortedSetOpCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        while self.wanted == 0 {
            if !self.read_group(rt)? {
                return Ok(false);
            }
            self.wanted = self.count();
        }
        self.wanted -= 1;
        row.clone_from(&self.group.row);
        Ok(true)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        (self.wanted, self.ahead, self.ended) = (0, None, false);
        self.input.rescan(rt)
    }
}
