//! Finding a cycle among waiting sessions.
//!
//! Edges are computed from the locks as they are, so there are no stale ones. A session waits for one thing at a
//! time; every cycle is closed by the last wait added, which is when the check runs. It runs again now and then
//! for holders that joined later.

use std::sync::Arc;

use dictdb_types::{Error, Result, SqlState};

use super::manager::Queues;
use super::wait::WaitTarget;
use super::{LockMode, LockTag};
use crate::session::SessionState;

/// How often waiters change places before a cycle counts as one that does not end.
const MAX_TURNS: usize = 100;

/// One step of a cycle: who waits, for what, because of whom.
struct Step {
    waiter: u32,
    target: WaitTarget,
    blocker: u32,
}

impl Queues {
    /// 40P01 if the session's wait closes a cycle that nobody can be let past.
    pub(super) fn check_deadlock(&mut self, session: &Arc<SessionState>) -> Result<()> {
        for attempt in 0.. {
            let Some(cycle) = self.cycle(session) else { break };
            // Whoever waits longest is let past first; the last step is the oldest wait.
            if attempt == MAX_TURNS || !cycle.iter().rev().any(|step| self.let_past(step, session)) {
                return Err(deadlock(&cycle));
            }
        }
        Ok(())
    }

    /// The cycle that a session's wait is part of.
    fn cycle(&self, session: &Arc<SessionState>) -> Option<Vec<Step>> {
        let (mut path, mut visited) = (Vec::new(), Vec::new());
        self.search(session, session.pid, &mut path, &mut visited).then_some(path)
    }

    /// Puts a waiter in front of another that it only stands behind, if the session's cycle ends by that. (PostgreSQL's soft
    /// edges: `DeadLockCheck`.)
    fn let_past(&mut self, step: &Step, session: &Arc<SessionState>) -> bool {
        let WaitTarget::Lock(tag, mode) = step.target else { return false };
        let Some(queue) = self.by_tag.get_mut(&tag) else { return false };
        let place = |pid: u32| queue.waiting.iter().position(|waiter| waiter.session.pid == pid);
        let (Some(from), Some(to)) = (place(step.waiter), place(step.blocker)) else { return false };
        if to > from || queue.granted.iter().any(|granted| granted.pid == step.blocker && granted.mode.conflicts(mode))
        {
            return false;
        }
        let Some(waiter) = queue.waiting.remove(from) else { return false };
        queue.waiting.insert(to, waiter);
        if self.cycle(session).is_none_or(|cycle| !cycle.iter().any(|other| other.is(step))) {
            if let Some(queue) = self.by_tag.get_mut(&tag) {
                queue.grant_waiters(tag);
            }
            return true;
        }
        if let Some(queue) = self.by_tag.get_mut(&tag)
            && let Some(waiter) = queue.waiting.remove(to)
        {
            queue.waiting.insert(from, waiter);
        }
        false
    }

    /// Depth-first search for `goal`; `path` is the way to the session.
    fn search(&self, session: &Arc<SessionState>, goal: u32, path: &mut Vec<Step>, visited: &mut Vec<u32>) -> bool {
        let Some(target) = session.waiting.lock().as_ref().map(|wait| wait.target.clone()) else { return false };
        visited.push(session.pid);
        for blocker in self.blockers(session, &target) {
            path.push(Step { waiter: session.pid, target: target.clone(), blocker });
            if blocker == goal {
                return true;
            }
            if !visited.contains(&blocker)
                && let Some(next) = session.shared.sessions.get(blocker)
                && self.search(&next, goal, path, visited)
            {
                return true;
            }
            path.pop();
        }
        false
    }

    /// The sessions a waiting one waits for.
    pub(super) fn blockers(&self, session: &Arc<SessionState>, target: &WaitTarget) -> Vec<u32> {
        match target {
            WaitTarget::Transaction(holder) => {
                let writers = &session.shared.writers;
                let pid = writers.session(*holder);
                if writers.is_pending(*holder) { vec![pid] } else { vec![] }
            }
            WaitTarget::Lock(tag, mode) => self.lock_blockers(session, *tag, *mode),
            WaitTarget::Session(transaction) if session.goes_on(transaction) => vec![transaction.pid],
            WaitTarget::Session(_) => vec![],
        }
    }

    fn lock_blockers(&self, session: &Arc<SessionState>, tag: LockTag, mode: LockMode) -> Vec<u32> {
        let Some(queue) = self.by_tag.get(&tag) else { return vec![] };
        if !queue.waiting.iter().any(|waiter| waiter.session.pid == session.pid) {
            // Granted, and only about to wake up.
            return vec![];
        }
        let granted = queue.granted.iter().filter(|g| g.mode.conflicts(mode)).map(|g| g.pid);
        let mut pids: Vec<u32> = granted.collect();
        if queue.relation.is_some() {
            let holds = |other: &Arc<SessionState>| {
                let modes = other.held.lock().modes(tag);
                LockMode::ALL.iter().any(|weak| modes & weak.bit() != 0 && weak.conflicts(mode))
            };
            pids.extend(session.shared.sessions.all().iter().filter(|other| holds(other)).map(|other| other.pid));
        }
        let ahead = queue.waiting.iter().take_while(|waiter| waiter.session.pid != session.pid);
        pids.extend(ahead.filter(|waiter| waiter.mode.conflicts(mode)).map(|waiter| waiter.session.pid));
        pids.retain(|pid| *pid != session.pid);
        pids.dedup();
        pids
    }
}

impl Step {
    /// Whether it is the same waiter behind the same blocker.
    fn is(&self, other: &Step) -> bool {
        self.waiter == other.waiter && self.blocker == other.blocker
    }
}

fn deadlock(cycle: &[Step]) -> Error {
    let line = |step: &Step| {
        let (mode, on) = step.target.lock();
        format!("Process {} waits for {} on {on}; blocked by process {}.", step.waiter, mode.name(), step.blocker)
    };
    Error::new(SqlState::T_R_DEADLOCK_DETECTED, "deadlock detected")
        .detail(cycle.iter().map(line).collect::<Vec<_>>().join("\n"))
        .hint("See server log for query details.")
}
