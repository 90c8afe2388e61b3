//! Deferred constraints of a transaction, and what SET CONSTRAINTS said of them.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_types::{Oid, Result};
use parking_lot::Mutex;

use super::events::{Deferral, Event, Events};
use crate::context::ExecContext;
use crate::engine::Engine;

/// Checks of a transaction that wait for its end. The session makes one per transaction, calls
/// [`ConstraintQueue::check`] before it commits, and keeps a [`QueuePosition`] with each savepoint.
#[derive(Debug, Default)]
pub struct ConstraintQueue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What waits, in the order in which it came, each with its number.
    events: Vec<(u64, Event)>,
    /// Number of the next event.
    next: u64,
    /// What SET CONSTRAINTS has worked off: it waits again when a savepoint before that is returned to.
    worked: Vec<(u64, Event)>,
    modes: Modes,
}

/// What SET CONSTRAINTS set: for one constraint, for all, or nothing.
#[derive(Clone, Debug, Default)]
struct Modes {
    all: Option<bool>,
    by_constraint: HashMap<Oid, bool>,
}

/// A moment of the queue, for a savepoint.
#[derive(Clone, Debug, Default)]
pub struct QueuePosition {
    next: u64,
    worked: usize,
    modes: Modes,
}

impl ConstraintQueue {
    pub(super) fn push(&self, event: Event) {
        let mut state = self.0.lock();
        let number = state.next;
        state.next += 1;
        state.events.push((number, event));
    }

    /// Whether a constraint is to be checked at the end of the transaction only.
    pub(super) fn is_deferred(&self, what: Deferral) -> bool {
        if !what.deferrable {
            return false;
        }
        let state = self.0.lock();
        let set = state.modes.by_constraint.get(&what.constraint).copied().or(state.modes.all);
        set.unwrap_or(what.initially_deferred)
    }

    /// Whether anything was ever put into it or set: otherwise it can serve the next transaction.
    pub fn is_touched(&mut self) -> bool {
        let state = self.0.get_mut();
        state.next > 0 || state.modes.all.is_some() || !state.modes.by_constraint.is_empty()
    }

    /// Whether something about a table waits.
    pub fn concerns(&self, relation: Oid) -> bool {
        self.0.lock().events.iter().any(|(_, event)| event.relation() == relation)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.lock().events.is_empty()
    }

    /// Checks everything that waits; called at COMMIT, in the transaction. 23503, 23505.
    pub fn check(&self, cx: &ExecContext, engine: &Arc<Engine>) -> Result<()> {
        self.run(cx, engine, false, |_| true)
    }

    /// `SET CONSTRAINTS { ALL | … } { DEFERRED | IMMEDIATE }`; no names are ALL. What becomes immediate is checked at
    /// once.
    pub fn set(
        &self,
        constraints: Option<&[Oid]>,
        deferred: bool,
        cx: &ExecContext,
        engine: &Arc<Engine>,
    ) -> Result<()> {
        {
            let modes = &mut self.0.lock().modes;
            match constraints {
                None => *modes = Modes { all: Some(deferred), by_constraint: HashMap::new() },
                Some(oids) => modes.by_constraint.extend(oids.iter().map(|oid| (*oid, deferred))),
            }
        }
        if deferred {
            return Ok(());
        }
        self.run(cx, engine, true, |event| constraints.is_none_or(|oids| oids.contains(&event.deferral().constraint)))
    }

    /// Works off what is due; with `remember` it can be made to wait again.
    fn run(&self, cx: &ExecContext, engine: &Arc<Engine>, remember: bool, due: impl Fn(&Event) -> bool) -> Result<()> {
        // Cascades of deferred events may defer others.
        loop {
            let events: Vec<(u64, Event)> = {
                let mut state = self.0.lock();
                let (now, later) = std::mem::take(&mut state.events).into_iter().partition(|(_, event)| due(event));
                state.events = later;
                if remember {
                    state.worked.extend(Vec::clone(&now));
                }
                now
            };
            if events.is_empty() {
                return Ok(());
            }
            let events = events.into_iter().filter(|(_, event)| !event.is_gone(cx));
            let queue = Events::default();
            queue.requeue(events.map(|(_, event)| event).collect());
            queue.run(cx, engine)?;
        }
    }

    /// Where the queue stands.
    pub fn position(&self) -> QueuePosition {
        let state = self.0.lock();
        QueuePosition { next: state.next, worked: state.worked.len(), modes: state.modes.clone() }
    }

    /// Forgets what came after a savepoint; what was worked off since waits again.
    pub fn rollback_to(&self, position: &QueuePosition) {
        let mut state = self.0.lock();
        let before = position.worked.min(state.worked.len());
        let again = state.worked.split_off(before);
        state.events.extend(again);
        state.events.retain(|(number, _)| *number < position.next);
        state.events.sort_by_key(|(number, _)| *number);
        state.modes = position.modes.clone();
    }
}
