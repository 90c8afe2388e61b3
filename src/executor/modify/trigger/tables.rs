//! What a statement knows of the tables it changes, for statement triggers and transition tables.

use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_types::Oid;

use crate::context::Transition;

/// One entry for each table and event that triggers are interested in.
#[derive(Debug, Default)]
pub(crate) struct TableEvents(Vec<TableEvent>);

#[derive(Debug)]
struct TableEvent {
    relation: Oid,
    event: Event,
    /// BEFORE STATEMENT triggers have fired.
    before_done: bool,
    /// Number of times that AFTER STATEMENT triggers were queued.
    rounds: u64,
    /// A trigger has seen the transition tables: what happens from now on is something else.
    closed: bool,
    transition: Arc<Transition>,
}

impl TableEvents {
    /// The entry of a table and event, made if there is none that is still open.
    pub fn find(&mut self, relation: Oid, event: Event) -> usize {
        let found = |known: &TableEvent| known.relation == relation && known.event == event && !known.closed;
        self.0.iter().position(found).unwrap_or_else(|| {
            let transition = Arc::default();
            self.0.push(TableEvent { relation, event, before_done: false, rounds: 0, closed: false, transition });
            self.0.len() - 1
        })
    }

    /// Whether it is for the first time that BEFORE STATEMENT triggers are to fire.
    pub fn begin(&mut self, relation: Oid, event: Event) -> bool {
        let entry = self.find(relation, event);
        !std::mem::replace(&mut self.0[entry].before_done, true)
    }

    /// The rows of an entry.
    pub fn transition(&self, entry: usize) -> Arc<Transition> {
        self.0[entry].transition.clone()
    }

    /// Likewise, for a trigger that looks at them.
    pub fn use_transition(&mut self, entry: usize) -> Arc<Transition> {
        self.0[entry].closed = true;
        self.transition(entry)
    }

    /// AFTER STATEMENT triggers are queued once more.
    pub fn next_round(&mut self, entry: usize) -> u64 {
        self.0[entry].rounds += 1;
        self.0[entry].rounds
    }

    /// Whether they were not queued again since.
    pub fn is_last_round(&self, entry: usize, round: u64) -> bool {
        self.0.get(entry).is_none_or(|known| known.rounds == round)
    }
}
