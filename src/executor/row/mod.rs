//! Plans run a row at a time: the point path of key look-ups and small statements, and whatever works on rows by nature
//! (DML, Apply, recursion).
//!
//! Every operator of [`dictdb_planner::physical`] exists here; those worth it exist in [`crate::columnar`] too. An operator has
//! two halves: the compiled [`Node`], shared by all executions of a statement, and the [`Cursor`] of one execution.
//!
//! ```text
//!   Node (Arc, immutable) ──open()──► Cursor ──next(rt, &mut row)──► row, row, …, end
//!                                        └───rescan(rt)──► from the start, with new outer values
//! ```
//! A row is a vector that the caller lends, so that a chain of operators fills one allocation again and again.

pub(crate) mod aggregate;
pub(crate) mod append;
pub(crate) mod apply;
pub(crate) mod bitmap_scan;
pub(crate) mod counting;
pub(crate) mod cte;
pub(crate) mod distinct;
pub(crate) mod filter;
pub(crate) mod function_scan;
pub(crate) mod gate;
pub(crate) mod group;
pub(crate) mod hash_join;
pub(crate) mod hash_order;
pub(crate) mod incremental_sort;
pub(crate) mod index_join;
pub(crate) mod index_scan;
pub(crate) mod join;
pub(crate) mod limit;
pub(crate) mod lock_rows;
pub(crate) mod merge_append;
pub(crate) mod merge_join;
pub(crate) mod nested_loop;
pub(crate) mod project;
pub(crate) mod project_set;
pub(crate) mod quicksort;
pub(crate) mod recursive;
pub(crate) mod region_scan;
pub(crate) mod sample;
pub(crate) mod seq_scan;
pub(crate) mod set_op;
pub(crate) mod sort;
pub(crate) mod values;
pub(crate) mod virtual_scan;
pub(crate) mod window;

use std::sync::Arc;

use dictdb_types::{Datum, Result};

use crate::runtime::Runtime;

/// One row: the values of an operator's columns in order.
pub type Row = Vec<Datum>;

/// The compiled half of an operator.
pub(crate) trait Node: Send + Sync + std::fmt::Debug {
    /// Begins an execution.
    fn open(self: Arc<Self>) -> Box<dyn Cursor>;
}

/// The running half of an operator.
pub(crate) trait Cursor: Send {
    /// Replaces `row` by the next row; `false`: there is none, and `row` is unspecified. Not called again after the
    /// end, except after a rescan.
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool>;

    /// Starts again. Outer slots may have changed.
    fn rescan(&mut self, rt: &Runtime) -> Result<()>;
}

/// Runs a cursor to its end.
pub(crate) fn drain(cursor: &mut dyn Cursor, rt: &Runtime) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut row = Row::new();
    while cursor.next(rt, &mut row)? {
        rt.charge_row(&row)?;
        rows.push(std::mem::take(&mut row));
    }
    Ok(rows)
}
