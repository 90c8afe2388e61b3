//! System catalogs, whose rows the session makes.

use std::sync::Arc;

use dictdb_types::{Oid, Result};

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope};
use crate::runtime::Runtime;

/// VirtualScan.
#[derive(Debug)]
pub(crate) struct VirtualScan {
    /// The relation.
    pub relation: Oid,
    /// Attnums wanted.
    pub columns: Box<[i16]>,
    /// What the producer may use to make fewer rows.
    pub equals: Box<[(i16, Code)]>,
    /// Which rows stay.
    pub filter: Option<Code>,
}

impl Node for VirtualScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(VirtualScanCursor { node: self, rows: None })
    }
}

struct VirtualScanCursor {
    node: Arc<VirtualScan>,
    rows: Option<std::vec::IntoIter<Row>>,
}

impl VirtualScanCursor {
    fn produce(&self, rt: &Runtime) -> Result<Vec<Row>> {
        let scope = Scope::new(rt, &[]);
        let equals = self.node.equals.iter().map(|(attnum, code)| Ok((*attnum, code.eval(scope)?)));
        let equals = equals.collect::<Result<Vec<_>>>()?;
        if equals.iter().any(|(_, value)| value.is_null()) {
            return Ok(Vec::new());
        }
        rt.cx().session.rows(self.node.relation, &equals, &self.node.columns)
    }
}

impl Cursor for VirtualScanCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if self.rows.is_none() {
            self.rows = Some(self.produce(rt)?.into_iter());
        }
        let Some(rows) = &mut self.rows else { return Ok(false) };
        for next in rows {
            *row = next;
            match &self.node.filter {
                Some(filter) if !filter.is_true(Scope::new(rt, row))? => {}
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.rows = None;
        Ok(())
    }
}
