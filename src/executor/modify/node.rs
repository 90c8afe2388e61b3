//! The Modify operator: takes rows from its input, changes the table, gives the RETURNING rows.

use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_storage::Origin;
use dictdb_types::{Datum, Oid, Result, RowId, TxnId};

use super::conflict::{ConflictCode, ConflictUpdate};
use super::members::Members;
use super::merge::{MergeClauseCode, merge_events};
use super::recheck::Recheck;
use super::target::Target;
use crate::access::columns::returned;
use crate::eval::{Code, Scope, eval_into};
use crate::row::{Cursor, Node, Row};
use crate::runtime::Runtime;

/// Modify.
#[derive(Debug)]
pub(crate) struct Modify {
    /// Rows.
    pub input: Arc<dyn Node>,
    /// The table.
    pub target: Target,
    /// The tables that its rows are in when they are not its alone.
    pub members: Members,
    /// What happens.
    pub action: Action,
    /// RETURNING, over the full row and the input row.
    pub returning: Option<Box<[Code]>>,
    /// System columns that RETURNING names: they stand between the full row and the input row.
    pub system: Box<[i16]>,
    /// Whether it is the statement itself, whose rows are counted, rather than a CTE of it.
    pub counts: bool,
}

/// What Modify does.
#[derive(Debug)]
pub(crate) enum Action {
    /// INSERT: place in the full row of each input column.
    Insert {
        /// The places.
        places: Box<[usize]>,
        /// They are all that there are, in order.
        in_order: bool,
        /// ON CONFLICT.
        on_conflict: Option<ConflictCode>,
    },
    /// UPDATE.
    Update {
        /// Input column with the row id.
        row_id: usize,
        /// Place and input column of each new value.
        assignments: Box<[(usize, usize)]>,
        /// READ COMMITTED's second look.
        recheck: Recheck,
    },
    /// DELETE.
    Delete {
        /// Input column with the row id.
        row_id: usize,
        /// READ COMMITTED's second look.
        recheck: Recheck,
    },
    /// MERGE.
    Merge {
        /// Input column with the row id; NULL where nothing matched.
        row_id: usize,
        /// The clauses.
        clauses: Box<[MergeClauseCode]>,
        /// READ COMMITTED's second look.
        recheck: Recheck,
    },
}

/// A row that was changed: its values afterwards (before, for DELETE), where somebody wants them, and the input row.
pub(super) struct Changed {
    /// The full row; empty when neither RETURNING nor a rule asks for it.
    pub full: Row,
    /// The input row that led to it.
    pub input: Row,
    /// Where the row is.
    pub place: Place,
}

/// Where a changed row is, and what its system columns say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The table.
    pub table: Oid,
    /// The row.
    pub row: RowId,
    /// Whether it was locked before it was changed: its version is marked by the transaction from the start.
    pub locked: bool,
    /// The version that was deleted.
    pub deleted: Option<Origin>,
}

impl Place {
    /// Of a new version.
    pub fn new(table: Oid, row: RowId) -> Self {
        Place { table, row, locked: false, deleted: None }
    }

    fn origin(self, rt: &Runtime) -> Result<Origin> {
        let own = rt.cx().transaction.assign_id()?;
        let nobody = TxnId(0);
        Ok(match self.deleted {
            Some(deleted) => Origin { ended_by: own, ..deleted },
            None => Origin {
                made_by: own,
                ended_by: if self.locked { own } else { nobody },
                command: rt.cx().snapshot.command(),
            },
        })
    }
}

impl Node for Modify {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let phase = if self.target.triggers.is_some() { Phase::Before } else { Phase::Ended };
        Box::new(ModifyCursor { input: self.input.clone().open(), node: self, buffer: Row::new(), position: 0, phase })
    }
}

struct ModifyCursor {
    node: Arc<Modify>,
    input: Box<dyn Cursor>,
    buffer: Row,
    position: usize,
    phase: Phase,
}

/// Which statement triggers are still to come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    After,
    /// None, or there are none at all.
    Ended,
}

impl Modify {
    /// Handles one input row; `None`: nothing was changed.
    fn apply(&self, input: Row, rt: &Runtime) -> Result<Option<Changed>> {
        match &self.action {
            Action::Insert { places, in_order, on_conflict } => {
                self.insert((places, *in_order), on_conflict.as_ref(), input, rt)
            }
            Action::Update { row_id, assignments, recheck } => self.update(*row_id, assignments, recheck, input, rt),
            Action::Delete { row_id, recheck } => self.delete(*row_id, recheck, input, rt),
            Action::Merge { row_id, clauses, recheck } => self.merge(*row_id, clauses, recheck, input, rt),
        }
    }

    /// What statement triggers are told of it: events with the places that are set.
    fn statement_events(&self) -> Vec<(Event, Vec<usize>)> {
        match &self.action {
            Action::Insert { on_conflict, .. } => {
                let update = on_conflict.as_ref().and_then(|conflict| conflict.update.as_ref());
                let places = |update: &ConflictUpdate| update.assignments.iter().map(|(place, _)| *place).collect();
                let inserts = (Event::Insert, Vec::new());
                [inserts].into_iter().chain(update.map(|update| (Event::Update, places(update)))).collect()
            }
            Action::Update { assignments, .. } => {
                vec![(Event::Update, assignments.iter().map(|(place, _)| *place).collect())]
            }
            Action::Delete { .. } => vec![(Event::Delete, Vec::new())],
            Action::Merge { clauses, .. } => merge_events(clauses),
        }
    }

    /// Statement triggers that fire before the first row.
    fn begin(&self, rt: &Runtime) -> Result<()> {
        for (event, places) in self.statement_events() {
            rt.writer().before_statement(
                self.target.triggers.as_deref(),
                self.target.relation(),
                event,
                &self.target.with_generated(places),
            )?;
        }
        Ok(())
    }

    /// Statement triggers that fire behind the last row, in the opposite order.
    fn end(&self, rt: &Runtime) -> Result<()> {
        for (event, places) in self.statement_events().into_iter().rev() {
            rt.writer().after_statement(
                self.target.triggers.as_deref(),
                self.target.relation(),
                event,
                &self.target.with_generated(places),
            )?;
        }
        Ok(())
    }

    /// The value of an input column.
    pub(super) fn input_value(input: &Row, column: usize) -> Datum {
        input.get(column).cloned().unwrap_or(Datum::Null)
    }
}

impl Cursor for ModifyCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if self.phase == Phase::Before {
            self.node.begin(rt)?;
            self.phase = Phase::After;
        }
        while self.input.next(rt, &mut self.buffer)? {
            rt.tick(self.position)?;
            self.position += 1;
            let Some(mut changed) = self.node.apply(std::mem::take(&mut self.buffer), rt)? else { continue };
            if self.node.counts {
                rt.add_affected(1);
            }
            match &self.node.returning {
                Some(returning) => {
                    if !self.node.system.is_empty() {
                        let Place { table, row, .. } = changed.place;
                        let origin = changed.place.origin(rt)?;
                        changed.full.extend(self.node.system.iter().map(|n| returned(*n, table, row, origin)));
                    }
                    changed.full.append(&mut changed.input);
                    row.clear();
                    eval_into(returning, Scope::new(rt, &changed.full), row)?;
                    return Ok(true);
                }
                None => self.buffer = changed.input,
            }
        }
        if std::mem::replace(&mut self.phase, Phase::Ended) == Phase::After {
            self.node.end(rt)?;
        }
        Ok(false)
    }

    /// A statement changes data once. A plan that asks again gets nothing more.
    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        Ok(())
    }
}
