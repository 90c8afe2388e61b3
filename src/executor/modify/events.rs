//! What changes of rows leave to be done at the end of the statement, or of the transaction: foreign keys on both sides,
//! deferrable unique constraints, AFTER triggers. PostgreSQL's queue of AFTER triggers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dictdb_catalog::{Constraint, Relation, trigger};
use dictdb_types::{Error, Oid, Result, RowId, SqlState};
use parking_lot::{Mutex, MutexGuard};

use super::exclusion::ExclusionCode;
use super::foreign_key::{CheckedKeys, ForeignKeyCode};
use super::target::Target;
use super::trigger::{AfterTrigger, Happening, TableEvents};
use super::unique::UniqueCode;
use super::writer::Writer;
use crate::context::ExecContext;
use crate::engine::Engine;
use crate::row::Row;

/// Events between two looks at the interrupt flag, and between two snapshots.
const EVENTS_PER_SNAPSHOT: usize = 256;
/// Rows between two looks at the memory there is.
const ROWS_PER_LOOK: usize = 256;

/// One thing to check.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A row that refers to another table is new or refers to something else.
    Child(Arc<ForeignKeyCode>, RowId),
    /// A row that others may refer to is gone (`None`) or has another key: old values, new values.
    Parent(Arc<ForeignKeyCode>, Row, Option<Row>),
    /// A row has a key that was not checked when it was written.
    Unique(Arc<UniqueCode>, RowId),
    /// A row that another one may exclude was not checked when it was written.
    Exclusion(Arc<ExclusionCode>, RowId),
    /// An AFTER trigger is to fire.
    Trigger(Box<AfterTrigger>),
}

/// What decides whether something waits for the end of the transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deferral {
    /// `pg_constraint.oid`; zero for what is no constraint.
    pub constraint: Oid,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    pub initially_deferred: bool,
}

impl From<&Constraint> for Deferral {
    fn from(constraint: &Constraint) -> Self {
        let Constraint { oid, deferrable, initially_deferred, .. } = *constraint;
        Deferral { constraint: oid, deferrable, initially_deferred }
    }
}

/// The events of a statement.
#[derive(Debug, Default)]
pub(crate) struct Events {
    queue: Mutex<VecDeque<Event>>,
    tables: Mutex<TableEvents>,
    /// Rows written.
    written: AtomicUsize,
    /// An event was to wait for the end of the transaction where nothing may.
    refused: AtomicBool,
    /// They are those of several executions.
    pub(super) shared: bool,
}

/// The events of a statement that consists of several executions, as COPY does: nothing is checked and no AFTER trigger
/// fires before [`StatementEvents::finish`], and statement triggers fire once.
#[derive(Clone, Debug)]
pub struct StatementEvents(pub(crate) Arc<Events>);

impl Default for StatementEvents {
    fn default() -> Self {
        StatementEvents(Arc::new(Events { shared: true, ..Events::default() }))
    }
}

impl StatementEvents {
    /// Ends the statement. 23503, 23505 and what triggers raise.
    pub fn finish(&self, cx: &ExecContext, engine: &Arc<Engine>) -> Result<()> {
        {
            let mut queue = self.0.queue.lock();
            let of_statement = |event: &Event| matches!(event, Event::Trigger(trigger) if trigger.is_of_statement());
            let (last, rows): (Vec<Event>, Vec<Event>) =
                std::mem::take(&mut *queue).into_iter().partition(of_statement);
            queue.extend(rows.into_iter().chain(last));
        }
        self.0.run(cx, engine)
    }
}

impl Events {
    /// Notes what a new row has to satisfy. With the row is what transition tables show it as.
    pub fn inserted(
        &self,
        target: &Target,
        (id, captured): (RowId, trigger::Event),
        row: &Row,
        writer: &Writer<'_>,
    ) -> Result<()> {
        for exclusion in &target.exclusions {
            exclusion.written(id, self, writer)?;
        }
        let happening = Happening { event: trigger::Event::Insert, assigned: &[], old: None, new: Some(row) };
        self.happened(target, happening, false, writer)?;
        for key in &target.foreign_keys {
            if key.needs_check(row) && key.checks(writer.cx) {
                self.add(Event::Child(key.clone(), id), writer.cx);
            }
        }
        for unique in &target.deferrable {
            self.add(Event::Unique(unique.clone(), id), writer.cx);
        }
        self.capture(target, captured, None, Some(row));
        self.happened(target, happening, true, writer)
    }

    /// Notes what a changed row has to satisfy, and who may have referred to it. With the row are the places that the
    /// statement sets.
    pub fn updated(
        &self,
        target: &Target,
        (id, assigned): (RowId, &[usize]),
        old: &Row,
        new: &Row,
        writer: &Writer<'_>,
    ) -> Result<()> {
        for exclusion in target.exclusions.iter().filter(|exclusion| exclusion.changed(old, new)) {
            exclusion.written(id, self, writer)?;
        }
        let happening = Happening { event: trigger::Event::Update, assigned, old: Some(old), new: Some(new) };
        self.happened(target, happening, false, writer)?;
        for key in &target.foreign_keys {
            if key.needs_check(new) && key.child_changed(old, new) && key.checks(writer.cx) {
                self.add(Event::Child(key.clone(), id), writer.cx);
            }
        }
        for key in &target.referenced_by {
            if key.parent_changed(old, new) && key.acts(true, writer.cx) {
                self.add(Event::Parent(key.clone(), key.parent_values(old), Some(key.parent_values(new))), writer.cx);
            }
        }
        for unique in &target.deferrable {
            if unique.changed(old, new) {
                self.add(Event::Unique(unique.clone(), id), writer.cx);
            }
        }
        self.capture(target, trigger::Event::Update, Some(old), Some(new));
        self.happened(target, happening, true, writer)
    }

    /// Notes that a row of the table `root` goes to another partition: it is deleted here, but for those who refer to that table
    /// its key was updated. 0A000 when somebody refers to a table in between.
    pub fn moved(
        &self,
        target: &Target,
        old: &Row,
        new: &Row,
        (captured, root): (trigger::Event, &Relation),
        writer: &Writer<'_>,
    ) -> Result<()> {
        let happening = Happening { event: trigger::Event::Delete, assigned: &[], old: Some(old), new: None };
        self.happened(target, happening, false, writer)?;
        for key in &target.referenced_by {
            let of_partition = key.referenced_table() == target.relation().oid;
            if !of_partition {
                key.check_root(target.relation(), root, writer)?;
            }
            let values = key.parent_values(old);
            let is_lost = match of_partition {
                true => !values.iter().any(dictdb_types::Datum::is_null),
                false => key.parent_changed(old, new),
            };
            if is_lost && key.acts(!of_partition, writer.cx) {
                let new = (!of_partition).then(|| key.parent_values(new));
                self.add(Event::Parent(key.clone(), values, new), writer.cx);
            }
        }
        self.capture(target, captured, Some(old), None);
        self.happened(target, happening, true, writer)
    }

    /// Notes who may have referred to a row that is gone.
    pub fn deleted(&self, target: &Target, old: &Row, writer: &Writer<'_>) -> Result<()> {
        let happening = Happening { event: trigger::Event::Delete, assigned: &[], old: Some(old), new: None };
        self.happened(target, happening, false, writer)?;
        for key in &target.referenced_by {
            let values = key.parent_values(old);
            if !values.iter().any(dictdb_types::Datum::is_null) && key.acts(false, writer.cx) {
                self.add(Event::Parent(key.clone(), values, None), writer.cx);
            }
        }
        self.capture(target, trigger::Event::Delete, Some(old), None);
        self.happened(target, happening, true, writer)
    }

    /// Puts an event where its time will come.
    pub(super) fn add(&self, event: Event, cx: &ExecContext) {
        if event.is_deferred(cx) {
            if cx.session.is_restricted() {
                return self.refused.store(true, Ordering::Relaxed);
            }
            cx.constraints.push(event);
        } else {
            self.queue.lock().push_back(event);
        }
    }

    /// What is known of the tables that change.
    pub(super) fn tables(&self) -> MutexGuard<'_, TableEvents> {
        self.tables.lock()
    }

    /// Puts an event back in the queue of this statement.
    pub fn requeue(&self, events: Vec<Event>) {
        self.queue.lock().extend(events);
    }

    /// Counts a row that is about to be written. True for the first one, and now and then.
    pub(super) fn is_time_to_look(&self) -> bool {
        self.written.fetch_add(1, Ordering::Relaxed).is_multiple_of(ROWS_PER_LOOK)
    }

    /// Works off the queue, which may grow meanwhile: cascades change rows. 23503, 23505 and what cascades raise;
    /// 42501 for what waits where nothing may.
    pub fn run(&self, cx: &ExecContext, engine: &Arc<Engine>) -> Result<()> {
        if self.refused.load(Ordering::Relaxed) {
            let message = "cannot fire deferred trigger within security-restricted operation";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        if self.queue.lock().is_empty() {
            return Ok(());
        }
        let mut checked = CheckedKeys::default();
        loop {
            cx.env.check_interrupts()?;
            let snapshot = cx.transaction.snapshot()?;
            let writer = Writer { cx, snapshot: &snapshot, engine, events: self, rt: None };
            for _ in 0..EVENTS_PER_SNAPSHOT {
                let Some(event) = self.queue.lock().pop_front() else { return Ok(()) };
                if event.run(&writer, &mut checked)? {
                    // It changed rows, which the next event has to see.
                    break;
                }
            }
        }
    }
}

impl Event {
    /// When it happens.
    pub fn deferral(&self) -> Deferral {
        match self {
            Event::Child(key, _) | Event::Parent(key, ..) => Deferral::from(&*key.constraint),
            Event::Unique(unique, _) => Deferral::from(&*unique.constraint),
            Event::Exclusion(exclusion, _) => Deferral::from(&*exclusion.constraint),
            Event::Trigger(trigger) => trigger.deferral(),
        }
    }

    /// The table that it is about.
    pub fn relation(&self) -> Oid {
        match self {
            Event::Child(key, _) => key.child_table(),
            Event::Parent(key, ..) => key.parent_table(),
            Event::Unique(unique, _) => unique.table(),
            Event::Exclusion(exclusion, _) => exclusion.table(),
            Event::Trigger(trigger) => trigger.relation(),
        }
    }

    fn is_deferred(&self, cx: &ExecContext) -> bool {
        let deferrable = match self {
            Event::Parent(key, _, new) => key.is_deferrable_action(new.is_some()),
            Event::Child(..) | Event::Unique(..) | Event::Exclusion(..) | Event::Trigger(_) => true,
        };
        deferrable && cx.constraints.is_deferred(self.deferral())
    }

    /// Whether the table or constraint that it is about has been dropped since.
    pub(super) fn is_gone(&self, cx: &ExecContext) -> bool {
        let Some(relation) = cx.catalog.relation(self.relation()) else { return true };
        match self {
            Event::Child(key, _) => !relation.constraints.iter().any(|own| own.oid == key.constraint.oid),
            Event::Parent(key, ..) => cx.catalog.relation(key.child_table()).is_none(),
            Event::Unique(..) | Event::Exclusion(..) | Event::Trigger(_) => false,
        }
    }

    /// Checks or acts. Returns whether rows were changed.
    fn run(&self, writer: &Writer<'_>, checked: &mut CheckedKeys) -> Result<bool> {
        match self {
            Event::Child(key, row) => key.check_child(*row, writer, checked).map(|()| false),
            Event::Parent(key, old, new) => key.parent_gone(old, new.as_ref(), writer),
            Event::Unique(unique, row) => unique.check(*row, writer).map(|()| false),
            Event::Exclusion(exclusion, row) => exclusion.check(*row, writer).map(|()| false),
            Event::Trigger(trigger) => trigger.fire(writer).map(|()| true),
        }
    }
}
