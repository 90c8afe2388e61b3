//! Finds what each capture matched, once the span of the whole match is known.
//!
//! PostgreSQL's rule (manual 9.7.3.5): parts that start earlier decide first, each taking the longest or shortest text
//! it can under its own preference while the rest still matches. Without back-references the automaton answers "while
//! the rest still matches" exactly and the walk never goes back; with them it tries the next length.

use dictdb_types::{Error, Result};

use super::automaton::{Automaton, StateId};
use super::fault::Fault;
use super::syntax::{Kind, Node, Preference};

/// Spans of captures by number, whole match at zero; byte offsets.
pub(super) type Spans = Vec<Option<(usize, usize)>>;

/// Steps of backtracking through back-references before the expression is called too complex.
const MAX_STEPS: u32 = 1_000_000;
/// Rounds of a repetition with back-references inside.
const MAX_ROUNDS: usize = 500;

pub(super) struct Dissection<'a> {
    pub(super) automaton: &'a Automaton,
    pub(super) text: &'a str,
    pub(super) ignore_case: bool,
    pub(super) spans: Spans,
    pub(super) steps: u32,
}

/// What remains to be matched after a node, innermost first: the tail of a concatenation in progress.
type Ends = Vec<usize>;

impl Dissection<'_> {
    /// Whether `node` matches exactly from `start` to `end`, filling in the captures inside. The automaton must have
    /// said yes already.
    pub(super) fn node(&mut self, node: &Node, start: usize, end: usize) -> Result<bool> {
        if !node.captures && !node.back_references {
            return Ok(true);
        }
        self.step()?;
        match &node.kind {
            Kind::Capture(number, inner) => {
                let before = self.spans[*number];
                self.spans[*number] = Some((start, end));
                let matched = self.node(inner, start, end)?;
                if !matched {
                    self.spans[*number] = before;
                }
                Ok(matched)
            }
            Kind::BackReference(number) => Ok(self.same_as_capture(*number, start, end)),
            Kind::Concat(items) => self.concat(items, self.automaton.fragment(node).exit, start, end),
            Kind::Alternate(branches) => self.alternate(branches, start, end),
            Kind::Repeat { node: inner, min, max } => self.repeat(node, inner, (*min, *max), start, end),
            Kind::Empty | Kind::Set(_) | Kind::Assert(_) | Kind::Look { .. } => Ok(true),
        }
    }

    /// Captures of an earlier round do not outlive the next one.
    fn forget(&mut self, node: &Node) {
        match &node.kind {
            Kind::Capture(number, inner) => {
                self.spans[*number] = None;
                self.forget(inner);
            }
            Kind::Concat(nodes) | Kind::Alternate(nodes) => nodes.iter().for_each(|node| self.forget(node)),
            Kind::Repeat { node, .. } => self.forget(node),
            _ => {}
        }
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(Error::from(Fault::TooComplex)) } else { Ok(()) }
    }

    fn same_as_capture(&self, number: usize, start: usize, end: usize) -> bool {
        let Some((from, to)) = self.spans[number] else { return false };
        let (captured, here) = (&self.text[from..to], &self.text[start..end]);
        if self.ignore_case { captured.eq_ignore_ascii_case(here) } else { captured == here }
    }

    /// Ends of a fragment in the order its node prefers.
    fn ends(&self, node: &Node, fragment: (StateId, StateId), start: usize, limit: usize) -> Ends {
        let mut ends = vec![];
        self.automaton.ends(self.text, fragment, start, limit, &mut |end| {
            ends.push(end);
            false
        });
        if node.preference != Preference::Shortest {
            ends.reverse();
        }
        ends
    }

    fn exactly(&self, fragment: (StateId, StateId), start: usize, end: usize) -> bool {
        let mut matched = false;
        self.automaton.ends(self.text, fragment, start, end, &mut |at| {
            matched = at == end;
            matched
        });
        matched
    }

    fn concat(&mut self, items: &[Node], exit: StateId, start: usize, end: usize) -> Result<bool> {
        let Some((first, rest)) = items.split_first() else { return Ok(start == end) };
        if rest.is_empty() {
            return self.node(first, start, end);
        }
        let here = self.automaton.fragment(first);
        let after = here.exit;
        for middle in self.ends(first, (here.entry, after), start, end) {
            if !self.exactly((after, exit), middle, end) {
                continue;
            }
            let saved = self.spans.clone();
            if self.node(first, start, middle)? && self.concat(rest, exit, middle, end)? {
                return Ok(true);
            }
            self.spans = saved;
        }
        Ok(false)
    }

    fn alternate(&mut self, branches: &[Node], start: usize, end: usize) -> Result<bool> {
        for branch in branches {
            let fragment = self.automaton.fragment(branch);
            if !self.exactly((fragment.entry, fragment.exit), start, end) {
                continue;
            }
            let saved = self.spans.clone();
            if self.node(branch, start, end)? {
                return Ok(true);
            }
            self.spans = saved;
        }
        Ok(false)
    }

    /// Rounds of a repetition from `start` to `end`; no round is empty unless the minimum needs it.
    fn repeat(
        &mut self,
        node: &Node,
        inner: &Node,
        (min, max): (u32, Option<u32>),
        start: usize,
        end: usize,
    ) -> Result<bool> {
        if start == end {
            return match max {
                Some(0) => Ok(true),
                _ if min == 0 && inner.back_references => Ok(true),
                _ => self.empty_round(inner, min, start),
            };
        }
        if inner.back_references {
            return self.round_trying(node, inner, (min, max), 0, (start, end));
        }
        let (mut at, mut round) = (start, 0);
        while at < end {
            match self.next_round(node, inner, min, round, (at, end)) {
                Some(next) => {
                    self.forget(inner);
                    self.node(inner, at, next)?;
                    at = next;
                    round += 1;
                }
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// A repetition that matches nothing still has its captures match nothing, where its body can be empty.
    fn empty_round(&mut self, inner: &Node, min: u32, at: usize) -> Result<bool> {
        let fragment = self.automaton.fragment(inner);
        if self.exactly((fragment.entry, fragment.exit), at, at) {
            return self.node(inner, at, at);
        }
        Ok(min == 0)
    }

    /// The end of one round that leaves the rest matching.
    fn next_round(
        &self,
        node: &Node,
        inner: &Node,
        min: u32,
        round: usize,
        (at, end): (usize, usize),
    ) -> Option<usize> {
        let body = self.automaton.fragment(inner);
        let mut ends = self.ends(inner, (body.entry, body.exit), at, end);
        ends.retain(|next| *next > at || round < min as usize);
        ends.into_iter().find(|next| self.rest_of_rounds(node, round + 1, *next, end))
    }

    fn rest_of_rounds(&self, node: &Node, round: usize, at: usize, end: usize) -> bool {
        let fragment = self.automaton.fragment(node);
        let from = fragment.rounds[round.min(fragment.rounds.len() - 1)];
        self.exactly((from, fragment.exit), at, end)
    }

    fn round_trying(
        &mut self,
        node: &Node,
        inner: &Node,
        bounds: (u32, Option<u32>),
        round: usize,
        (at, end): (usize, usize),
    ) -> Result<bool> {
        self.step()?;
        if round > MAX_ROUNDS {
            return Err(Fault::TooComplex.into());
        }
        let enough = round >= bounds.0 as usize;
        if at == end && enough {
            return Ok(true);
        }
        if bounds.1.is_some_and(|max| round >= max as usize) {
            return Ok(false);
        }
        let body = self.automaton.fragment(inner);
        for next in self.ends(inner, (body.entry, body.exit), at, end) {
            if (next == at && enough) || !self.rest_of_rounds(node, round + 1, next, end) {
                continue;
            }
            let saved = self.spans.clone();
            self.forget(inner);
            if self.node(inner, at, next)? && self.round_trying(node, inner, bounds, round + 1, (next, end))? {
                return Ok(true);
            }
            self.spans = saved;
        }
        Ok(false)
    }
}
