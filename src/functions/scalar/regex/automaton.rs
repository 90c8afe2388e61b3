//! A non-deterministic automaton over the tree, simulated with a set of states.
//!
//! Every node of the tree is a fragment of it: a state to enter and a state to leave by. Simulating from one state
//! until another is how [`super::dissect`] asks where a node can end, and whether a rest matches exactly. Look-around
//! is a condition simulated where it stands; a back-reference is approximated by any text.

use std::sync::Arc;

use super::class::CharSet;
use super::fault::Fault;
use super::syntax::{Assertion, Kind, Node};

/// Most states of one expression.
const MAX_STATES: usize = 200_000;

pub(super) type StateId = usize;

enum State {
    Jump(StateId),
    Split(StateId, StateId),
    Set(Arc<CharSet>, StateId),
    Assert(Assertion, StateId),
    Look { ahead: bool, negated: bool, entry: StateId, exit: StateId, next: StateId },
    End,
}

/// Where a node begins and ends. For a repetition, `rounds[k]` is where its `k`-th round may begin; the last entry
/// serves all later rounds.
#[derive(Clone, Default)]
pub(super) struct Fragment {
    pub(super) entry: StateId,
    pub(super) exit: StateId,
    pub(super) rounds: Vec<StateId>,
}

pub(super) struct Automaton {
    states: Vec<State>,
    fragments: Vec<Fragment>,
}

impl Automaton {
    pub(super) fn new(root: &Node, nodes: usize) -> Result<Automaton, Fault> {
        let mut automaton = Automaton { states: vec![State::End], fragments: vec![Fragment::default(); nodes] };
        automaton.build(root, 0)?;
        Ok(automaton)
    }

    pub(super) fn fragment(&self, node: &Node) -> &Fragment {
        &self.fragments[node.id]
    }

    fn push(&mut self, state: State) -> Result<StateId, Fault> {
        if self.states.len() >= MAX_STATES {
            return Err(Fault::TooComplex);
        }
        self.states.push(state);
        Ok(self.states.len() - 1)
    }

    /// Adds the states of `node`, leading to `exit`; the state to enter by.
    fn build(&mut self, node: &Node, exit: StateId) -> Result<StateId, Fault> {
        let mut rounds = vec![];
        let entry = match &node.kind {
            Kind::Empty => self.push(State::Jump(exit))?,
            Kind::Set(set) => self.push(State::Set(set.clone(), exit))?,
            Kind::Assert(assertion) => self.push(State::Assert(*assertion, exit))?,
            Kind::Capture(_, inner) => self.build(inner, exit)?,
            Kind::BackReference(_) => self.build_any_text(exit)?,
            Kind::Look { ahead, negated, node } => {
                let end = self.push(State::End)?;
                let entry = self.build(node, end)?;
                self.push(State::Look { ahead: *ahead, negated: *negated, entry, exit: end, next: exit })?
            }
            Kind::Concat(items) => items.iter().rev().try_fold(exit, |exit, item| self.build(item, exit))?,
            Kind::Alternate(branches) => {
                let mut entry = None;
                for branch in branches.iter().rev() {
                    let this = self.build(branch, exit)?;
                    entry = Some(match entry {
                        Some(other) => self.push(State::Split(this, other))?,
                        None => this,
                    });
                }
                entry.unwrap_or(exit)
            }
            Kind::Repeat { node: inner, min, max } => {
                rounds = self.build_rounds(inner, *min, *max, exit)?;
                rounds[0]
            }
        };
        self.fragments[node.id] = Fragment { entry, exit, rounds };
        Ok(entry)
    }

    fn build_any_text(&mut self, exit: StateId) -> Result<StateId, Fault> {
        let split = self.push(State::End)?;
        let any = self.push(State::Set(Arc::new(CharSet::all()), split))?;
        self.states[split] = State::Split(any, exit);
        Ok(split)
    }

    fn build_rounds(&mut self, inner: &Node, min: u32, max: Option<u32>, exit: StateId) -> Result<Vec<StateId>, Fault> {
        let last = match max {
            Some(_) => self.push(State::Jump(exit))?,
            None => {
                let split = self.push(State::End)?;
                let again = self.build(inner, split)?;
                self.states[split] = State::Split(again, exit);
                split
            }
        };
        let mut rounds = vec![last];
        for round in (0..max.unwrap_or(min)).rev() {
            let next = rounds[rounds.len() - 1];
            let mut entry = self.build(inner, next)?;
            if round >= min {
                entry = self.push(State::Split(entry, exit))?;
            }
            rounds.push(entry);
        }
        rounds.reverse();
        Ok(rounds)
    }

    /// Calls `found` with every end, ascending, of a match that starts at `start`, begins in `entry`, leaves by `exit`
    /// and stays before `limit`, until `found` says stop. Positions are byte offsets.
    pub(super) fn ends(
        &self,
        text: &str,
        (entry, exit): (StateId, StateId),
        start: usize,
        limit: usize,
        found: &mut dyn FnMut(usize) -> bool,
    ) {
        let mut here = Threads::new(self.states.len());
        let mut next = Threads::new(self.states.len());
        self.follow(text, entry, exit, start, &mut here);
        let mut at = start;
        loop {
            if here.contains(exit) && found(at) {
                return;
            }
            let Some(c) = text[at..limit].chars().next() else { return };
            let after = at + c.len_utf8();
            next.clear();
            for &id in &here.dense {
                if let State::Set(set, to) = &self.states[id]
                    && id != exit
                    && set.contains(c)
                {
                    self.follow(text, *to, exit, after, &mut next);
                }
            }
            if next.dense.is_empty() {
                return;
            }
            std::mem::swap(&mut here, &mut next);
            at = after;
        }
    }

    /// Adds `state` and all that is reachable from it without reading a character.
    fn follow(&self, text: &str, state: StateId, exit: StateId, at: usize, threads: &mut Threads) {
        let mut stack = vec![state];
        while let Some(id) = stack.pop() {
            if !threads.insert(id) || id == exit {
                continue;
            }
            match &self.states[id] {
                State::Jump(next) => stack.push(*next),
                State::Split(a, b) => stack.extend([*b, *a]),
                State::Assert(assertion, next) if assertion.holds(text, at) => stack.push(*next),
                State::Look { ahead, negated, entry, exit, next } => {
                    if self.look(text, *ahead, (*entry, *exit), at) != *negated {
                        stack.push(*next);
                    }
                }
                State::Set(..) | State::Assert(..) | State::End => {}
            }
        }
    }

    fn look(&self, text: &str, ahead: bool, fragment: (StateId, StateId), at: usize) -> bool {
        let mut holds = false;
        if ahead {
            self.ends(text, fragment, at, text.len(), &mut |_| {
                holds = true;
                true
            });
            return holds;
        }
        for start in (0..=at).rev().filter(|start| text.is_char_boundary(*start)) {
            self.ends(text, fragment, start, at, &mut |end| {
                holds |= end == at;
                holds
            });
            if holds {
                return true;
            }
        }
        false
    }
}

/// A set of states that remembers the order of insertion.
struct Threads {
    dense: Vec<StateId>,
    sparse: Vec<u32>,
}

impl Threads {
    fn new(states: usize) -> Self {
        Threads { dense: vec![], sparse: vec![u32::MAX; states] }
    }

    fn contains(&self, id: StateId) -> bool {
        self.dense.get(self.sparse[id] as usize) == Some(&id)
    }

    fn insert(&mut self, id: StateId) -> bool {
        let new = !self.contains(id);
        if new {
            self.sparse[id] = self.dense.len() as u32;
            self.dense.push(id);
        }
        new
    }

    fn clear(&mut self) {
        self.dense.clear();
    }
}

impl Assertion {
    /// Whether the condition holds at a byte offset.
    pub(super) fn holds(self, text: &str, at: usize) -> bool {
        let before = text[..at].bytes().next_back();
        let after = text[at..].bytes().next();
        let word = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        match self {
            Assertion::TextStart => before.is_none(),
            Assertion::TextEnd => after.is_none(),
            Assertion::LineStart => before.is_none_or(|b| b == b'\n'),
            Assertion::LineEnd => after.is_none_or(|b| b == b'\n'),
            Assertion::WordStart => !word(before) && word(after),
            Assertion::WordEnd => word(before) && !word(after),
            Assertion::WordEdge => word(before) != word(after),
            Assertion::NotWordEdge => word(before) == word(after),
        }
    }
}
