//! Random interleavings of transactions against a model that keeps every version of everything.
//!
//! The model is a list of committed states and, per transaction, its own writes on top of the state it began with. It
//! knows nothing of blocks, undo or indexes. One thread runs all transactions, so that every outcome is determined.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Bed, VALUE};
use crate::index::model::Random;
use crate::*;
use dictdb_types::{Datum, RowId};

const IDS: usize = 12;
const TRANSACTIONS: usize = 5;

pub(super) type State = BTreeMap<i32, i32>;

/// A transaction and what it should see.
struct Actor {
    transaction: Transaction,
    /// Own changes since the beginning: `None` is a delete.
    writes: BTreeMap<i32, Option<i32>>,
    /// The state a REPEATABLE READ transaction sees below its writes.
    base: Option<State>,
    savepoints: Vec<(SavepointId, BTreeMap<i32, Option<i32>>)>,
}

pub(super) struct World {
    pub(super) bed: Bed,
    pub(super) committed: State,
    actors: Vec<Option<Actor>>,
    /// Snapshots held open, as cursors do, with what they must go on to show.
    held: Vec<(Arc<Snapshot>, State)>,
    random: Random,
}

impl Actor {
    fn over(&self, state: &State) -> State {
        let mut state = state.clone();
        for (id, value) in &self.writes {
            match value {
                Some(value) => state.insert(*id, *value),
                None => state.remove(id),
            };
        }
        state
    }

    fn sees(&self, committed: &State) -> State {
        self.over(self.base.as_ref().unwrap_or(committed))
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let bed = Bed::with_kind(if seed.is_multiple_of(2) { IndexKind::Ordered } else { IndexKind::Hash });
        World::of(bed, State::new(), seed)
    }

    /// Goes on from a state that the table is in.
    pub(super) fn of(bed: Bed, committed: State, seed: u64) -> Self {
        World {
            bed,
            committed,
            actors: (0..TRANSACTIONS).map(|_| None).collect(),
            held: Vec::new(),
            random: Random::new(seed),
        }
    }

    /// Who else has an uncommitted change of this id.
    fn writer_of(&self, id: i32, except: usize) -> Option<&Actor> {
        let others = self.actors.iter().enumerate().filter(|(at, _)| *at != except);
        others.filter_map(|(_, actor)| actor.as_ref()).find(|actor| actor.touches(id))
    }

    pub(super) fn step(&mut self) {
        let at = self.random.below(TRANSACTIONS);
        let Some(mut actor) = self.actors[at].take() else {
            self.actors[at] = Some(self.begin());
            return;
        };
        match self.random.below(100) {
            0..=59 => self.write(at, &mut actor),
            60..=69 => self.check(&actor),
            70..=76 => {
                let savepoint = actor.transaction.savepoint();
                actor.savepoints.push((savepoint, actor.writes.clone()));
            }
            77..=82 => self.rollback_to(&mut actor),
            83..=85 => {
                let snapshot = Arc::new(self.bed.storage.begin().snapshot().unwrap());
                self.held.push((snapshot, self.committed.clone()));
            }
            86..=88 => {
                self.bed.storage.vacuum();
            }
            89..=94 => {
                self.committed = actor.over(&self.committed);
                actor.transaction.commit().unwrap();
                return;
            }
            _ => {
                actor.transaction.rollback();
                return;
            }
        }
        self.actors[at] = Some(actor);
    }

    fn begin(&mut self) -> Actor {
        let repeatable = self.random.below(2) == 0;
        let isolation = if repeatable { Isolation::RepeatableRead } else { Isolation::ReadCommitted };
        let transaction = self.bed.storage.begin_isolated(isolation);
        let _first = transaction.snapshot().unwrap();
        let base = repeatable.then(|| self.committed.clone());
        Actor { transaction, writes: BTreeMap::new(), base, savepoints: Vec::new() }
    }

    fn rollback_to(&mut self, actor: &mut Actor) {
        if actor.savepoints.is_empty() {
            return;
        }
        let at = self.random.below(actor.savepoints.len());
        if self.random.below(4) == 0 {
            actor.transaction.release(actor.savepoints[at].0).unwrap();
            actor.savepoints.truncate(at);
        } else {
            actor.transaction.rollback_to(actor.savepoints[at].0).unwrap();
            actor.savepoints.truncate(at + 1);
            actor.writes = actor.savepoints[at].1.clone();
        }
        self.check(actor);
    }

    fn check(&mut self, actor: &Actor) {
        let expected = actor.sees(&self.committed);
        assert_eq!(self.bed.rows(&actor.transaction), expected.clone().into_iter().collect::<Vec<_>>());
        let snapshot = actor.transaction.snapshot().unwrap();
        for id in 0..IDS as i32 {
            let found = self.bed.find_at(&snapshot, id).map(|(_, value)| value);
            assert_eq!(found, expected.get(&id).copied(), "id {id}");
        }
    }

    fn write(&mut self, at: usize, actor: &mut Actor) {
        let (id, value) = (self.random.below(IDS) as i32, self.random.below(1000) as i32);
        let visible = actor.sees(&self.committed);
        match (visible.contains_key(&id), self.random.below(4)) {
            (false, _) => self.insert(at, actor, id, value),
            (true, 0) => self.change(at, actor, id, None, None),
            (true, 1) => {
                let new = self.random.below(IDS) as i32;
                if visible.contains_key(&new) && !actor.over(&self.committed).contains_key(&new) {
                    // Deleted since by somebody else: as in PostgreSQL the id is free, and the old row still seen.
                    return;
                }
                self.change(at, actor, id, Some(visible[&id]), Some(new));
            }
            (true, _) => self.change(at, actor, id, Some(value), None),
        }
    }

    fn insert(&mut self, at: usize, actor: &mut Actor, id: i32, value: i32) {
        let outcome = self.bed.try_insert(&actor.transaction, id, value);
        let busy = self.writer_of(id, at).is_some();
        let taken = actor.over(&self.committed).contains_key(&id);
        match outcome {
            Inserted::Done(_) => {
                assert!(!busy && !taken, "inserted {id}");
                actor.writes.insert(id, Some(value));
            }
            Inserted::Busy(_) => assert!(busy, "waits for {id}"),
            Inserted::Conflict(_) => assert!(taken, "conflict on {id}"),
        }
    }

    /// Updates or deletes (`value` is `None`) a row that is visible; `new` moves it to another id.
    fn change(&mut self, at: usize, actor: &mut Actor, id: i32, value: Option<i32>, new: Option<i32>) {
        let snapshot = actor.transaction.snapshot().unwrap();
        let (row, _) = self.bed.find_at(&snapshot, id).expect("a visible row is found");
        let outcome = self.apply(actor, &snapshot, row, value, new);
        let busy = self.writer_of(id, at).is_some();
        let stale = actor
            .base
            .as_ref()
            .is_some_and(|base| !actor.writes.contains_key(&id) && base.get(&id) != self.committed.get(&id));
        match outcome {
            Written::Done => {
                assert!(!busy, "changed {id}");
                actor.writes.insert(id, value.filter(|_| new.is_none_or(|new| new == id)));
                if let Some(new) = new {
                    actor.writes.insert(new, value);
                }
            }
            // A stale snapshot's row may have moved to an id that somebody is writing.
            Written::Busy(_) => {
                assert!(busy || stale || new.is_some_and(|new| self.writer_of(new, at).is_some()), "waits");
            }
            Written::Conflict(_) => {
                let taken = new.is_some_and(|new| actor.over(&self.committed).contains_key(&new));
                assert!(taken, "conflict on {new:?}");
            }
            // The row of that id may have been replaced by an equal one: that is a change too.
            Written::Changed | Written::Deleted => assert!(actor.base.is_some(), "changed {stale}"),
            Written::SelfModified { .. } => panic!("a new command"),
        }
    }

    fn apply(&self, actor: &Actor, snapshot: &Snapshot, row: RowId, value: Option<i32>, new: Option<i32>) -> Written {
        let Some(value) = value else { return self.bed.table.delete(&actor.transaction, snapshot, row, None).unwrap() };
        let mut changes = vec![(VALUE, Datum::Int4(value))];
        changes.extend(new.map(|new| (super::ID, Datum::Int4(new))));
        self.bed.table.update(&actor.transaction, snapshot, row, None, &changes).unwrap()
    }

    pub(super) fn check_held(&mut self) {
        for (snapshot, state) in &self.held {
            assert_eq!(self.bed.rows_at(snapshot), state.clone().into_iter().collect::<Vec<_>>());
        }
        if self.held.len() > 3 {
            self.held.remove(0);
        }
    }
}

impl Actor {
    fn touches(&self, id: i32) -> bool {
        self.writes.contains_key(&id)
    }
}

#[test]
fn random_interleavings() {
    for seed in 1..=40 {
        let mut world = World::new(seed);
        for step in 0..1200 {
            world.step();
            if step % 40 == 0 {
                world.check_held();
            }
        }
        world.actors.clear();
        world.held.clear();
        world.bed.storage.vacuum();
        let last = world.bed.storage.begin();
        assert_eq!(world.bed.rows(&last), world.committed.clone().into_iter().collect::<Vec<_>>());
        assert_eq!(world.bed.index.entries(), world.committed.len(), "no entry is left behind");
        assert_eq!(world.bed.table.stats().live_rows, world.committed.len());
        assert_eq!(world.bed.storage.garbage(), 0);
    }
}
