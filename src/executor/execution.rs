//! A running statement as its caller sees it: rows on demand, then the count of changed rows.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use dictdb_types::Result;

use crate::context::ExecContext;
use crate::prepared::Prepared;
use crate::row::{Cursor, Row};
use crate::runtime::Runtime;

/// Rows of a batch of the row engine.
const BATCH_ROWS: usize = 256;

/// A part of a result. The types of the columns are [`Prepared::columns`].
#[derive(Debug)]
pub enum Batch {
    /// Rows.
    Rows(Vec<Row>),
    /// Columns, laid out as [`dictdb_types::Physical`] says.
    Columns(RecordBatch),
}

/// A running statement. Dropping it ends it; its effects stay as far as it has come.
///
/// It computes on the thread that asks. Waits for locks and rows go through storage's `Blocking` seam.
pub struct Execution {
    runtime: Arc<Runtime>,
    state: State,
}

enum State {
    Rows(Box<dyn Cursor>),
    Done,
}

/// Begins a statement. The relation locks are the caller's: [`Prepared::lock_relations`].
pub fn execute(prepared: &Arc<Prepared>, cx: ExecContext) -> Result<Execution> {
    let runtime = Runtime::new(prepared.clone(), cx);
    let cursor = prepared.open_root();
    Ok(Execution { runtime, state: State::Rows(cursor) })
}

impl Execution {
    /// The next rows; `None` at the end, when all effects of the statement have happened and its constraints hold.
    pub async fn next(&mut self) -> Result<Option<Batch>> {
        let mut rows = Vec::new();
        while rows.len() < BATCH_ROWS {
            let mut row = Row::new();
            if !self.next_row(&mut row)? {
                break;
            }
            rows.push(row);
        }
        Ok((!rows.is_empty()).then_some(Batch::Rows(rows)))
    }

    /// Replaces `row` by the next row; `false` at the end. The way for short statements: no task switch, no batch.
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool> {
        let State::Rows(cursor) = &mut self.state else { return Ok(false) };
        match cursor.next(&self.runtime, row) {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.state = State::Done;
                self.runtime.finish().map(|()| false)
            }
            Err(error) => {
                self.state = State::Done;
                Err(error)
            }
        }
    }

    /// The plan that is run.
    pub fn prepared(&self) -> &Arc<Prepared> {
        self.runtime.prepared()
    }

    /// The same statement from its beginning, over the same snapshot.
    pub fn restarted(&self) -> Result<Execution> {
        execute(self.prepared(), self.runtime.cx().clone())
    }

    /// What the operators of a plan prepared for counting have done, by their numbers in the plan.
    pub fn actual(&self) -> Vec<dictdb_planner::explain::Actual> {
        self.runtime.actual()
    }

    /// Rows that the statement has inserted, updated or deleted.
    pub fn affected(&self) -> u64 {
        self.runtime.affected()
    }
}
