//! What the parser hands out: statements with their place in the text.

use std::ops::{Deref, Range};

use dictdb_types::Error;
use sqlparser::ast;

use crate::utility::Utility;
use crate::{Locations, Strings};

/// One statement of a query string.
#[derive(Debug)]
pub struct ParsedStatement {
    /// The statement.
    pub statement: Statement,
    /// Where it stands in the query string, in bytes; no semicolon, no white space around.
    pub text: Range<usize>,
    /// Positions of nodes that carry none themselves.
    pub locations: Locations,
    /// What to tell the client about the text itself, such as names that were cut.
    pub notices: Vec<Error>,
    /// How strings without prefix were read.
    pub strings: Strings,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `SELECT`, `VALUES`, `TABLE`, `INSERT`, `UPDATE`, `DELETE`, `MERGE`, with or without `WITH`.
    Sql(Tree<ast::Statement>),
    /// Everything else.
    Utility(Tree<Utility>),
}

/// A syntax tree that may be deeper than the stack of the thread that copies or drops it.
#[derive(Debug)]
pub struct Tree<T> {
    /// `None` only while it is dropped.
    node: Option<Box<T>>,
    depth: u32,
}

/// Depth up to which any thread's stack is deep enough.
const SHALLOW: u32 = 200;
/// Stack that dropping one level takes, with room to spare, in bytes.
const DROP_BYTES: usize = 2 * 1024;
/// Stack that copying one level takes, with room to spare, in bytes.
const CLONE_BYTES: usize = 16 * 1024;

impl<T> Tree<T> {
    /// Takes a tree with this many levels into care.
    pub(crate) fn new(node: T, depth: u32) -> Self {
        Tree { node: Some(Box::new(node)), depth }
    }

    /// A tree made of parts of this one, a few levels deeper at most.
    #[must_use]
    pub fn rebuilt<U>(&self, node: U) -> Tree<U> {
        const ADDED: u32 = 8;
        Tree::new(node, self.depth + ADDED)
    }

    /// Levels of the tree.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    fn with_room<R>(depth: u32, level_bytes: usize, work: impl FnOnce() -> R) -> R {
        if depth <= SHALLOW { work() } else { stacker::grow(depth as usize * level_bytes, work) }
    }
}

impl<T> Drop for Tree<T> {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            Self::with_room(self.depth, DROP_BYTES, || drop(node));
        }
    }
}

impl<T: Clone> Clone for Tree<T> {
    fn clone(&self) -> Self {
        let node = Self::with_room(self.depth, CLONE_BYTES, || self.node.clone());
        Tree { node, depth: self.depth }
    }
}

impl<T> Deref for Tree<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.node {
            Some(node) => node,
            None => unreachable!("a tree is emptied only when it is dropped"),
        }
    }
}
