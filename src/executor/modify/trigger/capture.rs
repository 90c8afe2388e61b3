//! Which rows of a table the transition tables of a statement show, and as whose: those of the table that the statement
//! names, which is not the partition or the inheritance child that has them.

use dictdb_catalog::Catalog;
use dictdb_catalog::trigger::Event;
use dictdb_types::Oid;

use super::super::events::Events;
use super::super::target::Target;
use crate::row::Row;

/// What the transition tables of a relation want of every row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capture {
    /// The relation whose triggers have the transition tables.
    relation: Oid,
    /// Events whose old rows they show, as [`Event::bit`]s.
    old: u8,
    /// Likewise of new rows.
    new: u8,
}

impl Capture {
    /// What the triggers of a relation want; `None` where none has a transition table, which is the usual case.
    pub fn of_relation(relation: Oid, catalog: &Catalog) -> Option<Self> {
        if !catalog.has_triggers() {
            return None;
        }
        let mut capture = Capture { relation, old: 0, new: 0 };
        for trigger in catalog.triggers_of(relation) {
            capture.old |= trigger.old_table.as_ref().map_or(0, |_| trigger.events);
            capture.new |= trigger.new_table.as_ref().map_or(0, |_| trigger.events);
        }
        (capture.old | capture.new != 0).then_some(capture)
    }

    /// Whether it wants rows that such an event happens to.
    pub fn wants(self, event: Event) -> bool {
        (self.old | self.new) & event.bit() != 0
    }
}

impl Events {
    /// Puts the rows of an event into the transition tables that want them.
    pub(in super::super) fn capture(&self, target: &Target, event: Event, old: Option<&Row>, new: Option<&Row>) {
        let Some(capture) = target.capture.filter(|capture| capture.wants(event)) else { return };
        let old = old.filter(|_| capture.old & event.bit() != 0);
        let new = new.filter(|_| capture.new & event.bit() != 0);
        if old.is_none() && new.is_none() {
            return;
        }
        let transition = {
            let mut tables = self.tables();
            let table = tables.find(capture.relation, event);
            tables.transition(table)
        };
        if let Some(row) = old {
            transition.old.lock().push(target.as_named(row));
        }
        if let Some(row) = new {
            transition.new.lock().push(target.as_named(row));
        }
    }
}
