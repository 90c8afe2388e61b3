//! Rows found by an index, in its order.

use std::sync::Arc;

use dictdb_types::Result;

use super::{Cursor, Node, Row};
use crate::access::search::{IndexAccess, Search};
use crate::eval::{Code, Scope};
use crate::runtime::Runtime;

/// IndexScan.
#[derive(Debug)]
pub(crate) struct IndexScan {
    /// The searches.
    pub access: Arc<IndexAccess>,
    /// Which rows stay.
    pub filter: Option<Code>,
}

impl Node for IndexScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(IndexScanCursor { search: Search::new(self.access.clone()), node: self, started: false })
    }
}

struct IndexScanCursor {
    node: Arc<IndexScan>,
    search: Search,
    started: bool,
}

impl Cursor for IndexScanCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if !self.started {
            self.started = true;
            self.search.start(Scope::new(rt, &[]))?;
        }
        loop {
            row.clear();
            if !self.search.next(rt, row)? {
                return Ok(false);
            }
            match &self.node.filter {
                Some(filter) if !filter.is_true(Scope::new(rt, row))? => {}
                _ => return Ok(true),
            }
        }
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.started = false;
        Ok(())
    }
}
