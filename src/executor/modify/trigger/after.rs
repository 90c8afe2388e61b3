//! AFTER triggers: queued with the images of the row, fired at the end of the statement or transaction.

use std::sync::Arc;

use dictdb_catalog::trigger::{Event, Timing};
use dictdb_types::Result;

use super::super::events::{self, Deferral, Events};
use super::super::target::Target;
use super::super::writer::Writer;
use super::{Happening, TriggerCode, Triggers};
use crate::row::Row;

/// A trigger that is to fire.
#[derive(Clone, Debug)]
pub(crate) struct AfterTrigger {
    code: Arc<TriggerCode>,
    event: Event,
    old: Option<Row>,
    new: Option<Row>,
    /// Where what is known of the statement's table is, for transition tables.
    table: Option<usize>,
    /// Of a statement trigger: the round it was queued in. Only the last one fires.
    round: Option<u64>,
}

/// PostgreSQL fires triggers by name, and those that check foreign keys are called so.
const CONSTRAINT_TRIGGERS: &str = "RI_ConstraintTrigger";

impl Events {
    /// Notes what happened to a row for AFTER ROW triggers, those whose names come before constraints or those after.
    pub(in super::super) fn happened(
        &self,
        target: &Target,
        happening: Happening<'_>,
        after_constraints: bool,
        writer: &Writer<'_>,
    ) -> Result<()> {
        let Some(triggers) = &target.triggers else { return Ok(()) };
        for code in triggers.of(Timing::After, true, happening.event) {
            if (&*code.trigger.name >= CONSTRAINT_TRIGGERS) != after_constraints || !code.fires(happening, writer)? {
                continue;
            }
            let table = code.wants_transition().then(|| self.table(target, happening.event));
            let event = AfterTrigger {
                code: code.clone(),
                event: happening.event,
                old: happening.old.cloned(),
                new: happening.new.cloned(),
                table,
                round: None,
            };
            self.add(events::Event::Trigger(Box::new(event)), writer.cx);
        }
        Ok(())
    }

    /// The place of what is known of this event of a table.
    fn table(&self, target: &Target, event: Event) -> usize {
        self.tables().find(target.relation().oid, event)
    }

    /// Queues AFTER STATEMENT triggers. Those that were queued before for the same table and event do not fire.
    pub(super) fn queue_statement(
        &self,
        triggers: &Triggers,
        relation: dictdb_types::Oid,
        happening: Happening<'_>,
        writer: &Writer<'_>,
    ) -> Result<()> {
        let table = self.tables().find(relation, happening.event);
        let round = self.tables().next_round(table);
        if self.shared && round > 1 {
            return Ok(());
        }
        for code in triggers.of(Timing::After, false, happening.event) {
            if code.fires(happening, writer)? {
                let event = AfterTrigger {
                    code: code.clone(),
                    event: happening.event,
                    old: None,
                    new: None,
                    table: Some(table),
                    round: Some(round),
                };
                self.add(events::Event::Trigger(Box::new(event)), writer.cx);
            }
        }
        Ok(())
    }
}

impl TriggerCode {
    fn wants_transition(&self) -> bool {
        self.trigger.old_table.is_some() || self.trigger.new_table.is_some()
    }
}

impl AfterTrigger {
    /// When it fires.
    pub fn deferral(&self) -> Deferral {
        let trigger = &self.code.trigger;
        Deferral {
            constraint: trigger.constraint,
            deferrable: trigger.deferrable,
            initially_deferred: trigger.initially_deferred,
        }
    }

    /// The relation it is on.
    pub fn relation(&self) -> dictdb_types::Oid {
        self.code.relation.oid
    }

    /// Whether it is a statement trigger.
    pub fn is_of_statement(&self) -> bool {
        self.round.is_some()
    }

    /// Fires it.
    pub fn fire(&self, writer: &Writer<'_>) -> Result<()> {
        let transition = match self.table {
            Some(table) => {
                let mut tables = writer.events.tables();
                if !writer.events.shared && self.round.is_some_and(|round| !tables.is_last_round(table, round)) {
                    return Ok(());
                }
                self.code.wants_transition().then(|| tables.use_transition(table))
            }
            None => None,
        };
        let happening = Happening { event: self.event, assigned: &[], old: self.old.as_ref(), new: self.new.as_ref() };
        self.code.call(happening, transition.as_ref(), writer.cx).map(drop)
    }
}
