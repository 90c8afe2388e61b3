//! Equi-joins of inputs that are sorted by their keys: one way through both.

use std::cmp::Ordering;
use std::sync::Arc;

use dictdb_types::Result;

use super::hash_join::{Key, write_key};
use super::join::{Candidates, JoinCursor, JoinSpec};
use super::{Cursor, Node, Row};
use crate::eval::Scope;
use crate::runtime::Runtime;

/// Merge join: inner, left, semi or anti.
#[derive(Debug)]
pub(crate) struct MergeJoin {
    /// The join; its residual is what the keys do not say.
    pub spec: JoinSpec,
    /// Right input.
    pub right: Arc<dyn Node>,
    /// The keys.
    pub keys: Box<[Key]>,
}

impl AsRef<JoinSpec> for MergeJoin {
    fn as_ref(&self) -> &JoinSpec {
        &self.spec
    }
}

impl Node for MergeJoin {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let candidates = Run {
            right: self.right.clone().open(),
            node: self.clone(),
            next: Row::new(),
            next_key: Vec::new(),
            state: State::Before,
            rows: Vec::new(),
            key: Vec::new(),
            wanted: Vec::new(),
            position: 0,
        };
        JoinCursor::open(self, candidates)
    }
}

/// Where the right input is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before its first row.
    Before,
    /// The next row is there.
    Within,
    /// At its end.
    After,
}

/// The right rows of one key.
struct Run {
    node: Arc<MergeJoin>,
    right: Box<dyn Cursor>,
    /// The row behind the run, and its key.
    next: Row,
    next_key: Vec<u8>,
    state: State,
    /// The rows of the last key that was found.
    rows: Vec<Row>,
    key: Vec<u8>,
    /// The key of the left row.
    wanted: Vec<u8>,
    /// The next row of the run; all are done where the left row has another key.
    position: usize,
}

impl Run {
    /// Reads the next right row that can match anything.
    fn advance(&mut self, rt: &Runtime) -> Result<()> {
        loop {
            if !self.right.next(rt, &mut self.next)? {
                self.state = State::After;
                return Ok(());
            }
            let scope = Scope::new(rt, &self.next);
            if write_key(&self.node.keys, |key| &key.right, scope, &mut self.next_key)? {
                self.state = State::Within;
                return Ok(());
            }
        }
    }

    /// Takes the right rows of the wanted key into the run.
    fn collect(&mut self, rt: &Runtime) -> Result<()> {
        self.rows.clear();
        self.key.clone_from(&self.wanted);
        if self.state == State::Before {
            self.advance(rt)?;
        }
        while self.state == State::Within {
            match self.next_key.cmp(&self.wanted) {
                Ordering::Less => {}
                Ordering::Equal => {
                    let row = std::mem::take(&mut self.next);
                    rt.charge(size_of_val(&*row))?;
                    self.rows.push(row);
                }
                Ordering::Greater => break,
            }
            self.advance(rt)?;
        }
        Ok(())
    }
}

impl Candidates for Run {
    fn seek(&mut self, rt: &Runtime, left: &Row) -> Result<()> {
        self.position = usize::MAX;
        if write_key(&self.node.keys, |key| &key.left, Scope::new(rt, left), &mut self.wanted)? {
            if self.state == State::Before || self.key != self.wanted {
                self.collect(rt)?;
            }
            self.position = 0;
        }
        Ok(())
    }

    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let Some(next) = self.rows.get(self.position) else { return Ok(false) };
        rt.tick(self.position)?;
        self.position += 1;
        row.extend_from_slice(next);
        Ok(true)
    }

    fn ends_soon(&mut self, _: &Runtime) -> Result<bool> {
        Ok(self.rows.len().saturating_sub(self.position) <= 1)
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.state = State::Before;
        self.rows.clear();
        self.key.clear();
        self.right.rescan(rt)
    }
}
