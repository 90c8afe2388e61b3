//! Functions in FROM: one, or several side by side, WITH ORDINALITY.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Result};

use super::project_set::lockstep;
use super::{Cursor, Node, Row};
use crate::eval::Scope;
use crate::runtime::Runtime;
use crate::set_call::{SetCall, SetRows};

/// FunctionScan.
#[derive(Debug)]
pub(crate) struct FunctionScan {
    /// The calls, each with the number of columns its composite result is spread over.
    pub calls: Box<[(SetCall, Option<usize>)]>,
    /// Whether the number of the row follows.
    pub ordinality: bool,
}

impl Node for FunctionScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(FunctionScanCursor { node: self, running: None, values: Row::new(), count: 0 })
    }
}

struct FunctionScanCursor {
    node: Arc<FunctionScan>,
    running: Option<Vec<SetRows>>,
    values: Row,
    count: i64,
}

impl Cursor for FunctionScanCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let running = match &mut self.running {
            Some(running) => running,
            None => {
                let scope = Scope::new(rt, &[]);
                let started = self.node.calls.iter().map(|(call, _)| call.start(scope)).collect::<Result<_>>()?;
                self.running.insert(started)
            }
        };
        rt.tick(self.count as usize)?;
        self.values.clear();
        if !lockstep(running, &mut self.values)? {
            return Ok(false);
        }
        self.count += 1;
        row.clear();
        for (value, (_, spread)) in self.values.drain(..).zip(&self.node.calls) {
            match spread {
                Some(columns) => spread_record(value, *columns, row)?,
                None => row.push(value),
            }
        }
        if self.node.ordinality {
            row.push(Datum::Int8(self.count));
        }
        Ok(true)
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.running = None;
        self.count = 0;
        Ok(())
    }
}

/// Appends the fields of a composite; NULLs for NULL.
fn spread_record(value: Datum, columns: usize, row: &mut Row) -> Result<()> {
    match value {
        Datum::Record(record) => {
            row.extend(record.fields.iter().take(columns).cloned());
            row.extend(std::iter::repeat_n(Datum::Null, columns.saturating_sub(record.fields.len())));
            Ok(())
        }
        Datum::Null => {
            row.extend(std::iter::repeat_n(Datum::Null, columns));
            Ok(())
        }
        other => Err(Error::internal(format!("{other:?} where a composite was planned"))),
    }
}
