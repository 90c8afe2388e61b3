//! What changes of rows leave to be done at the end of the statement, or of the transaction: foreign keys on both sides
//! and deferrable unique constraints. PostgreSQL's queue of AFTER triggers, for the constraints only.

use std::collections::VecDeque;
use std::sync::Arc;

use dictdb_catalog::Constraint;
use dictdb_types::{Result, RowId};
use parking_lot::Mutex;

use super::foreign_key::{CheckedKeys, ForeignKeyCode};
use super::target::Target;
use super::unique::UniqueCode;
use super::writer::Writer;
use crate::context::ExecContext;
use crate::engine::Engine;
use crate::row::Row;

/// Events between two looks at the interrupt flag, and between two snapshots.
const EVENTS_PER_SNAPSHOT: usize = 256;

/// One thing to check.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A row that refers to another table is new or refers to something else.
    Child(Arc<ForeignKeyCode>, RowId),
    /// A row that others may refer to is gone (`None`) or has another key: old values, new values.
    Parent(Arc<ForeignKeyCode>, Row, Option<Row>),
    /// A row has a key that was not checked when it was written.
    Unique(Arc<UniqueCode>, RowId),
}

/// The events of a statement.
#[derive(Debug, Default)]
pub(crate) struct Events(Mutex<VecDeque<Event>>);

impl Events {
    /// Notes what a new row has to satisfy.
    pub fn inserted(&self, target: &Target, id: RowId, row: &Row, writer: &Writer<'_>) -> Result<()> {
        for key in &target.foreign_keys {
            if key.needs_check(row) {
                self.add(Event::Child(key.clone(), id), writer.cx);
            }
        }
        for unique in &target.deferrable {
            self.add(Event::Unique(unique.clone(), id), writer.cx);
        }
        Ok(())
    }

    /// Notes what a changed row has to satisfy, and who may have referred to it.
    pub fn updated(&self, target: &Target, id: RowId, old: &Row, new: &Row, writer: &Writer<'_>) -> Result<()> {
        for key in &target.foreign_keys {
            if key.needs_check(new) && key.child_changed(old, new) {
                self.add(Event::Child(key.clone(), id), writer.cx);
            }
        }
        for key in &target.referenced_by {
            if key.parent_changed(old, new) {
                self.add(Event::Parent(key.clone(), key.parent_values(old), Some(key.parent_values(new))), writer.cx);
            }
        }
        for unique in &target.deferrable {
            if unique.changed(old, new) {
                self.add(Event::Unique(unique.clone(), id), writer.cx);
            }
        }
        Ok(())
    }

    /// Notes who may have referred to a row that is gone.
    pub fn deleted(&self, target: &Target, old: &Row, writer: &Writer<'_>) -> Result<()> {
        for key in &target.referenced_by {
            let values = key.parent_values(old);
            if !values.iter().any(dictdb_types::Datum::is_null) {
                self.add(Event::Parent(key.clone(), values, None), writer.cx);
            }
        }
        Ok(())
    }

    fn add(&self, event: Event, cx: &ExecContext) {
        if event.is_deferred(cx) {
            cx.constraints.push(event);
        } else {
            self.0.lock().push_back(event);
        }
    }

    /// Puts an event back in the queue of this statement.
    pub fn requeue(&self, events: Vec<Event>) {
        self.0.lock().extend(events);
    }

    /// Works off the queue, which may grow meanwhile: cascades change rows. 23503, 23505 and what cascades raise.
    pub fn run(&self, cx: &ExecContext, engine: &Arc<Engine>) -> Result<()> {
        if self.0.lock().is_empty() {
            return Ok(());
        }
        let mut checked = CheckedKeys::default();
        loop {
            cx.env.check_interrupts()?;
            let snapshot = cx.transaction.snapshot()?;
            let writer = Writer { cx, snapshot: &snapshot, engine, events: self, rt: None };
            for _ in 0..EVENTS_PER_SNAPSHOT {
                let Some(event) = self.0.lock().pop_front() else { return Ok(()) };
                if event.run(&writer, &mut checked)? {
                    // It changed rows, which the next event has to see.
                    break;
                }
            }
        }
    }
}

impl Event {
    /// The constraint to check.
    pub fn constraint(&self) -> &Constraint {
        match self {
            Event::Child(key, _) | Event::Parent(key, ..) => &key.constraint,
            Event::Unique(unique, _) => &unique.constraint,
        }
    }

    fn is_deferred(&self, cx: &ExecContext) -> bool {
        let deferrable = match self {
            Event::Parent(key, _, new) => key.is_deferrable_action(new.is_some()),
            Event::Child(..) | Event::Unique(..) => true,
        };
        deferrable && cx.constraints.is_deferred(self.constraint())
    }

    /// Checks or acts. Returns whether rows were changed.
    fn run(&self, writer: &Writer<'_>, checked: &mut CheckedKeys) -> Result<bool> {
        match self {
            Event::Child(key, row) => key.check_child(*row, writer, checked).map(|()| false),
            Event::Parent(key, old, new) => key.parent_gone(old, new.as_ref(), writer),
            Event::Unique(unique, row) => unique.check(*row, writer).map(|()| false),
        }
    }
}
