//! Statement triggers: BEFORE fire before the first row is changed, AFTER are queued behind the last.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_catalog::trigger::{Event, Timing};
use dictdb_types::Result;

use super::super::events::Events;
use super::super::writer::Writer;
use super::{Happening, Triggers};
use crate::context::ExecContext;
use crate::engine::Engine;

impl Writer<'_> {
    /// Fires BEFORE STATEMENT triggers of a relation, unless the statement has already.
    pub fn before_statement(
        &self,
        triggers: Option<&Triggers>,
        relation: &Relation,
        event: Event,
        assigned: &[usize],
    ) -> Result<()> {
        let Some(triggers) = triggers.filter(|triggers| triggers.has(Timing::Before, false, event)) else {
            return Ok(());
        };
        if !self.events.tables().begin(relation.oid, event) {
            return Ok(());
        }
        let happening = Happening { event, assigned, old: None, new: None };
        for code in triggers.of(Timing::Before, false, event) {
            if code.fires(happening, self)? {
                code.call(happening, None, self.cx)?;
            }
        }
        Ok(())
    }

    /// Queues AFTER STATEMENT triggers of a relation.
    pub fn after_statement(
        &self,
        triggers: Option<&Triggers>,
        relation: &Relation,
        event: Event,
        assigned: &[usize],
    ) -> Result<()> {
        match triggers {
            Some(triggers) if triggers.has(Timing::After, false, event) => {
                let happening = Happening { event, assigned, old: None, new: None };
                self.events.queue_statement(triggers, relation.oid, happening, self)
            }
            _ => Ok(()),
        }
    }
}

/// Fires the TRUNCATE triggers of some tables.
pub(crate) fn fire_truncate(
    tables: &[Arc<Relation>],
    timing: Timing,
    cx: &ExecContext,
    engine: &Arc<Engine>,
) -> Result<()> {
    let events = Events::default();
    let writer = Writer { cx, snapshot: &cx.snapshot, engine, events: &events, rt: None };
    let happening = Happening { event: Event::Truncate, assigned: &[], old: None, new: None };
    for relation in tables {
        let Some(triggers) = Triggers::of_relation(relation, &cx.catalog)? else { continue };
        for code in triggers.of(timing, false, Event::Truncate) {
            if code.fires(happening, &writer)? {
                code.call(happening, None, cx)?;
            }
        }
    }
    Ok(())
}
