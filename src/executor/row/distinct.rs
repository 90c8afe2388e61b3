//! DISTINCT over all columns, and DISTINCT ON over sorted input.

use std::sync::Arc;

use dictdb_types::{Oid, Result};
use hashbrown::HashSet;

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope, eval_into};
use crate::keys::equality_key;
use crate::runtime::Runtime;

/// Distinct rows, in the order in which they first appear.
#[derive(Debug)]
pub(crate) struct Distinct {
    /// Input.
    pub input: Arc<dyn Node>,
    /// Base types of the columns.
    pub types: Box<[Oid]>,
}

impl Node for Distinct {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(DistinctCursor { node: self, input, seen: HashSet::new(), key: Vec::new() })
    }
}

struct DistinctCursor {
    node: Arc<Distinct>,
    input: Box<dyn Cursor>,
    seen: HashSet<Box<[u8]>>,
    key: Vec<u8>,
}

impl Cursor for DistinctCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        while self.input.next(rt, row)? {
            equality_key(row, &self.node.types, &mut self.key);
            if !self.seen.contains(&*self.key) {
                rt.charge(self.key.len() + size_of::<Box<[u8]>>())?;
                self.seen.insert(self.key.as_slice().into());
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.seen.clear();
        self.input.rescan(rt)
    }
}

/// The first row of each run of rows with equal keys.
#[derive(Debug)]
pub(crate) struct DistinctOn {
    /// Input, sorted by the keys.
    pub input: Arc<dyn Node>,
    /// The keys.
    pub keys: Box<[Code]>,
    /// Their base types.
    pub types: Box<[Oid]>,
}

impl Node for DistinctOn {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let input = self.input.clone().open();
        Box::new(DistinctOnCursor { node: self, input, last: None, values: Row::new(), key: Vec::new() })
    }
}

struct DistinctOnCursor {
    node: Arc<DistinctOn>,
    input: Box<dyn Cursor>,
    last: Option<Vec<u8>>,
    values: Row,
    key: Vec<u8>,
}

impl Cursor for DistinctOnCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        while self.input.next(rt, row)? {
            self.values.clear();
            eval_into(&self.node.keys, Scope::new(rt, row), &mut self.values)?;
            equality_key(&self.values, &self.node.types, &mut self.key);
            if self.last.as_ref() != Some(&self.key) {
                std::mem::swap(self.last.get_or_insert_default(), &mut self.key);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.last = None;
        self.input.rescan(rt)
    }
}
