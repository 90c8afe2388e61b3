//! For each outer row, the rows that an index has under values of that row.

use std::sync::Arc;

use dictdb_types::Result;

use super::join::{Candidates, JoinCursor, JoinSpec};
use super::{Cursor, Node, Row};
use crate::access::search::{IndexAccess, Search};
use crate::eval::Scope;
use crate::runtime::Runtime;

/// IndexJoin. The bounds are over the outer row, the residual over both.
#[derive(Debug)]
pub(crate) struct IndexJoin {
    /// The join.
    pub spec: JoinSpec,
    /// The search of the inner side.
    pub access: Arc<IndexAccess>,
}

impl AsRef<JoinSpec> for IndexJoin {
    fn as_ref(&self) -> &JoinSpec {
        &self.spec
    }
}

impl Node for IndexJoin {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let candidates = Found { search: Search::new(self.access.clone()) };
        JoinCursor::open(self, candidates)
    }
}

struct Found {
    search: Search,
}

impl Candidates for Found {
    fn seek(&mut self, rt: &Runtime, left: &Row) -> Result<()> {
        self.search.start(Scope::new(rt, left))
    }

    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        self.search.next(rt, row)
    }

    fn ends_soon(&mut self, rt: &Runtime) -> Result<bool> {
        self.search.ends_soon(rt)
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        Ok(())
    }
}
