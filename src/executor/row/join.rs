//! What all joins share: the kinds, and the loop over left rows and their candidates.
//!
//! The ways to find candidates are [`super::nested_loop`], [`super::hash_join`], [`super::merge_join`], [`super::apply`] and
//! [`super::index_join`].

use std::sync::Arc;

use dictdb_planner::logical::JoinKind;
use dictdb_types::{Datum, Result};

use super::{Cursor, Node, Row};
use crate::eval::{Code, Scope};
use crate::runtime::Runtime;

/// What a join is besides its way of finding candidates.
#[derive(Debug)]
pub(crate) struct JoinSpec {
    /// The kind.
    pub kind: JoinKind,
    /// Left input.
    pub left: Arc<dyn Node>,
    /// Number of right columns.
    pub right_columns: usize,
    /// Condition over left columns, then right ones, that candidates still have to pass.
    pub residual: Option<Code>,
}

/// Finds the right rows that may match a left row.
pub(crate) trait Candidates: Send {
    /// Turns to a new left row.
    fn seek(&mut self, rt: &Runtime, left: &Row) -> Result<()>;

    /// Appends the columns of the next candidate to `row`.
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool>;

    /// Whether at most one more candidate comes for the left row.
    fn ends_soon(&mut self, _rt: &Runtime) -> Result<bool> {
        Ok(false)
    }

    /// The last candidate matched; RIGHT and FULL joins remember it.
    fn matched(&mut self) {}

    /// Appends the columns of the next right row that nothing matched.
    fn next_unmatched(&mut self, _rt: &Runtime, _row: &mut Row) -> Result<bool> {
        Ok(false)
    }

    /// Starts again.
    fn rescan(&mut self, rt: &Runtime) -> Result<()>;
}

/// The loop.
pub(crate) struct JoinCursor<N, C> {
    node: Arc<N>,
    left: Box<dyn Cursor>,
    candidates: C,
    left_row: Row,
    left_columns: usize,
    /// The left row went out with its last candidate.
    is_spent: bool,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The next left row is wanted.
    NextLeft,
    /// Inside the candidates of a left row; whether one matched.
    Candidates { matched: bool },
    /// All left rows are done: right rows without a match.
    Unmatched,
}

impl<N: AsRef<JoinSpec> + Send + Sync + 'static, C: Candidates + 'static> JoinCursor<N, C> {
    /// A join about to start.
    pub fn open(node: Arc<N>, candidates: C) -> Box<dyn Cursor> {
        let left = (*node).as_ref().left.clone().open();
        Box::new(JoinCursor {
            node,
            left,
            candidates,
            left_row: Row::new(),
            left_columns: 0,
            is_spent: false,
            phase: Phase::NextLeft,
        })
    }

    fn advance_left(&mut self, rt: &Runtime) -> Result<Phase> {
        if !self.left.next(rt, &mut self.left_row)? {
            return Ok(Phase::Unmatched);
        }
        self.is_spent = false;
        self.candidates.seek(rt, &self.left_row)?;
        Ok(Phase::Candidates { matched: false })
    }

    /// The next candidate that passes the condition, joined to the left row in `row`, where that stands alone if there is
    /// none and none was found before.
    fn next_match(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if self.is_spent {
            return Ok(false);
        }
        let spec = (*self.node).as_ref();
        if self.candidates.ends_soon(rt)? {
            self.is_spent = true;
            std::mem::swap(row, &mut self.left_row);
        } else {
            row.clear();
            row.reserve(self.left_row.len() + spec.right_columns);
            row.extend_from_slice(&self.left_row);
        }
        self.left_columns = row.len();
        while self.candidates.next(rt, row)? {
            match &spec.residual {
                Some(residual) if !residual.is_true(Scope::new(rt, row))? => row.truncate(self.left_columns),
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// What the candidates give for the current left row.
    fn step(&mut self, rt: &Runtime, row: &mut Row, matched: bool) -> Result<bool> {
        let (kind, right_columns) = ((*self.node).as_ref().kind, (*self.node).as_ref().right_columns);
        if self.next_match(rt, row)? {
            self.candidates.matched();
            return Ok(match kind {
                JoinKind::Semi => {
                    self.phase = Phase::NextLeft;
                    row.truncate(self.left_columns);
                    true
                }
                JoinKind::Anti => {
                    self.phase = Phase::NextLeft;
                    false
                }
                JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                    self.phase = Phase::Candidates { matched: true };
                    true
                }
            });
        }
        self.phase = Phase::NextLeft;
        if matched {
            return Ok(false);
        }
        Ok(match kind {
            JoinKind::Left | JoinKind::Full => {
                row.extend(std::iter::repeat_n(Datum::Null, right_columns));
                true
            }
            JoinKind::Anti => true,
            JoinKind::Inner | JoinKind::Right | JoinKind::Semi => false,
        })
    }

    fn unmatched(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let spec = (*self.node).as_ref();
        if !matches!(spec.kind, JoinKind::Right | JoinKind::Full) {
            return Ok(false);
        }
        row.clear();
        self.candidates.next_unmatched(rt, row)
    }
}

impl<N: AsRef<JoinSpec> + Send + Sync + 'static, C: Candidates + 'static> Cursor for JoinCursor<N, C> {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        loop {
            match self.phase {
                Phase::NextLeft => self.phase = self.advance_left(rt)?,
                Phase::Candidates { matched } => {
                    if self.step(rt, row, matched)? {
                        return Ok(true);
                    }
                }
                Phase::Unmatched => return self.unmatched(rt, row),
            }
        }
    }

    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.phase = Phase::NextLeft;
        self.left.rescan(rt)?;
        self.candidates.rescan(rt)
    }
}

/// Right rows kept in memory, with a mark on those that matched.
pub(crate) struct RightRows {
    cursor: Box<dyn Cursor>,
    left_columns: usize,
    rows: Option<Vec<Row>>,
    matched: Vec<bool>,
    /// The last candidate.
    current: usize,
    /// Where the search for rows without a match stands.
    unmatched: usize,
}

impl RightRows {
    /// The right input, not read so far; `left_columns` are NULL in unmatched rows.
    pub fn new(right: &Arc<dyn Node>, left_columns: usize) -> Self {
        let cursor = right.clone().open();
        RightRows { cursor, left_columns, rows: None, matched: Vec::new(), current: 0, unmatched: 0 }
    }

    /// The rows; read on first use, when `true` comes with them.
    pub fn load(&mut self, rt: &Runtime) -> Result<(&[Row], bool)> {
        let fresh = self.rows.is_none();
        if fresh {
            let rows = super::drain(&mut *self.cursor, rt)?;
            self.matched = vec![false; rows.len()];
            self.rows = Some(rows);
        }
        Ok((self.rows.as_deref().unwrap_or_default(), fresh))
    }

    /// Appends a row as candidate.
    pub fn append(&mut self, index: usize, row: &mut Row) -> bool {
        match self.rows.as_ref().and_then(|rows| rows.get(index)) {
            Some(right) => {
                self.current = index;
                row.extend_from_slice(right);
                true
            }
            None => false,
        }
    }

    /// Marks the last candidate.
    pub fn mark(&mut self) {
        if let Some(mark) = self.matched.get_mut(self.current) {
            *mark = true;
        }
    }

    /// Appends the next row without a mark, after NULLs for the left side.
    pub fn next_unmatched(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        self.load(rt)?;
        while let Some(matched) = self.matched.get(self.unmatched) {
            let index = self.unmatched;
            self.unmatched += 1;
            if !matched {
                row.extend(std::iter::repeat_n(Datum::Null, self.left_columns));
                return Ok(self.append(index, row));
            }
        }
        Ok(false)
    }

    /// Forgets the rows: outer values may have changed.
    pub fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.rows = None;
        self.unmatched = 0;
        self.cursor.rescan(rt)
    }
}
