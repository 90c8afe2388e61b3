//! CTEs in one execution: computed once, as far as somebody reads, and kept for all readers.
//!
//! What runs in columns is kept in columns, anything else as rows. [`crate::row::cte`] and [`crate::columnar::cte`] read both.

use std::sync::Arc;

use dictdb_types::{Error, Result};
use parking_lot::{Mutex, MutexGuard};

use crate::columnar::choose::Adaptive;
use crate::columnar::{self, Chunk};
use crate::row::{self, Row};
use crate::runtime::Runtime;

/// The compiled query of a CTE.
#[derive(Debug)]
pub(crate) enum CteQuery {
    /// Row by row at its top.
    Rows(Arc<dyn row::Node>),
    /// Whichever way suits the sizes of its tables.
    Either(Adaptive),
}

/// A CTE in one execution.
#[derive(Default)]
pub(crate) struct CteState {
    /// Opened by the first reader.
    kept: Option<Kept>,
}

/// What was computed so far, in the form in which it is computed.
enum Kept {
    Rows(Pieces<dyn row::Cursor, Row>),
    Chunks(Pieces<dyn columnar::Cursor, Chunk>),
}

struct Pieces<C: ?Sized, T> {
    pieces: Vec<T>,
    /// What computes further pieces; none when these are all.
    cursor: Option<Box<C>>,
}

impl<C: ?Sized, T> Pieces<C, T> {
    fn of(cursor: Box<C>) -> Self {
        Pieces { pieces: Vec::new(), cursor: Some(cursor) }
    }

    /// The piece at a position, computing it if nobody has wanted it so far; `None` after the last.
    fn at(&mut self, position: usize, mut compute: impl FnMut(&mut C) -> Result<Option<T>>) -> Result<Option<&T>> {
        while self.pieces.len() <= position {
            let Some(cursor) = &mut self.cursor else { return Ok(None) };
            match compute(cursor)? {
                Some(piece) => self.pieces.push(piece),
                None => self.cursor = None,
            }
        }
        Ok(self.pieces.get(position))
    }
}

impl CteState {
    fn kept(&mut self, query: &CteQuery) -> &mut Kept {
        self.kept.get_or_insert_with(|| match query {
            CteQuery::Either(both) if both.runs_in_columns() => Kept::Chunks(Pieces::of(both.columns.clone().open())),
            CteQuery::Either(Adaptive { rows, .. }) | CteQuery::Rows(rows) => {
                Kept::Rows(Pieces::of(rows.clone().open()))
            }
        })
    }

    /// Whether it is kept in columns.
    pub fn is_in_columns(&mut self, query: &CteQuery) -> bool {
        matches!(self.kept(query), Kept::Chunks(_))
    }

    /// Copies a row to `row`; `false` after the last.
    pub fn row(&mut self, query: &CteQuery, position: usize, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let Kept::Rows(rows) = self.kept(query) else { return Err(Error::internal("columns of a CTE read as rows")) };
        let found = rows.at(position, |cursor| next_row(cursor, rt))?;
        if let Some(found) = found {
            row.clear();
            row.extend_from_slice(found);
        }
        Ok(found.is_some())
    }

    /// The columns of some rows; `None` after the last.
    pub fn chunk(&mut self, query: &CteQuery, position: usize, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
        let Kept::Chunks(chunks) = self.kept(query) else {
            return Err(Error::internal("rows of a CTE read as columns"));
        };
        chunks.at(position, |cursor| next_chunk(cursor, rt)).map(|found| found.cloned())
    }

    /// Runs the query to its end: data-modifying CTEs change everything, however little is read.
    pub fn complete(&mut self, query: &CteQuery, rt: &Runtime) -> Result<()> {
        match self.kept(query) {
            Kept::Rows(rows) => rows.at(usize::MAX, |cursor| next_row(cursor, rt)).map(|_| ()),
            Kept::Chunks(chunks) => {
                let rt = rt.handle()?;
                chunks.at(usize::MAX, |cursor| next_chunk(cursor, &rt)).map(|_| ())
            }
        }
    }

    /// Forgets what was computed: outer values changed.
    pub fn reset(&mut self) {
        *self = CteState::default();
    }
}

fn next_row(cursor: &mut dyn row::Cursor, rt: &Runtime) -> Result<Option<Row>> {
    let mut row = Row::new();
    if !cursor.next(rt, &mut row)? {
        return Ok(None);
    }
    rt.charge_row(&row)?;
    Ok(Some(row))
}

fn next_chunk(cursor: &mut dyn columnar::Cursor, rt: &Arc<Runtime>) -> Result<Option<Chunk>> {
    let chunk = cursor.next(rt)?;
    if let Some(chunk) = &chunk {
        rt.charge(chunk.bytes())?;
    }
    Ok(chunk)
}

/// Enters a CTE. A CTE that reads itself other than through its working table is a broken plan.
pub(crate) fn enter(state: &Mutex<CteState>) -> Result<MutexGuard<'_, CteState>> {
    state.try_lock().ok_or_else(|| Error::internal("CTE entered while it is computed"))
}
