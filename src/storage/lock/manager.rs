//! Queues of locks that a counter cannot express, and the sleepers of transactions.
//!
//! One mutex guards them all: whoever comes here waits, or makes others wait, or takes an advisory lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use dictdb_types::{Error, Oid, Result, SqlState, TxnId};
use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard, RwLock};

use super::long_wait::Patience;
use super::relation::{HeldAdvisory, HeldRelation};
use super::wait::{Signal, WaitCell, WaitState, WaitTarget, lock_timeout};
use super::{LockMode, LockTag, RelationLock, WaitOptions, WaitPolicy};
use crate::session::SessionState;
use crate::writers::Holder;

/// All locks of a storage but those on rows.
#[derive(Default)]
pub(crate) struct LockManager {
    pub(super) queues: Mutex<Queues>,
    relations: RwLock<HashMap<LockTag, Arc<RelationLock>>>,
}

#[derive(Default)]
pub(super) struct Queues {
    pub(super) by_tag: HashMap<LockTag, Queue>,
    /// Who sleeps until a transaction ends.
    sleepers: HashMap<TxnId, Vec<Arc<WaitCell>>>,
}

/// Holders and waiters of one lock.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) relation: Option<Arc<RelationLock>>,
    /// Strong modes of relations, all modes of advisory locks; with how often each is held.
    pub(super) granted: Vec<Granted>,
    pub(super) waiting: VecDeque<Waiter>,
}

pub(super) struct Granted {
    pub(super) pid: u32,
    pub(super) mode: LockMode,
    count: u32,
}

pub(super) struct Waiter {
    pub(super) session: Arc<SessionState>,
    pub(super) mode: LockMode,
    level: Level,
    cell: Arc<WaitCell>,
}

/// What a lock lives as long as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Transaction,
    Session,
    /// The attempt to write a row: its transaction keeps the lock itself.
    Row,
}

impl LockManager {
    /// The lock of a relation, for plans to keep.
    pub(crate) fn relation(&self, database: Oid, relation: Oid) -> Arc<RelationLock> {
        let tag = LockTag::Relation { database, relation };
        if let Some(lock) = self.relations.read().get(&tag) {
            return lock.clone();
        }
        self.relations.write().entry(tag).or_insert_with(|| Arc::new(RelationLock::new(tag))).clone()
    }

    /// Locks a relation until the transaction ends. `Ok(false)` only under [`WaitPolicy::Skip`].
    pub(crate) fn lock_relation(
        &self,
        session: &Arc<SessionState>,
        lock: &Arc<RelationLock>,
        mode: LockMode,
        policy: WaitPolicy,
        options: &WaitOptions,
    ) -> Result<bool> {
        {
            let mut held = session.held.lock();
            if held.has(lock.tag(), mode) {
                return Ok(true);
            }
            if mode.is_weak() && lock.try_weak(mode) {
                held.relations.push(HeldRelation { lock: lock.clone(), mode });
                return Ok(true);
            }
        }
        self.acquire(session, lock.tag(), Some(lock), mode, Level::Transaction, policy, options)
    }

    /// Takes a lock through its queue.
    #[allow(clippy::too_many_arguments, reason = "one call per kind of lock, all of them in this module")]
    pub(super) fn acquire(
        &self,
        session: &Arc<SessionState>,
        tag: LockTag,
        relation: Option<&Arc<RelationLock>>,
        mode: LockMode,
        level: Level,
        policy: WaitPolicy,
        options: &WaitOptions,
    ) -> Result<bool> {
        let mut queues = self.queues.lock();
        let queue = queues.by_tag.entry(tag).or_default();
        if let Some(lock) = relation {
            lock.set_strong(true);
            queue.relation = Some(lock.clone());
        }
        queue.grant_waiters(tag);
        if !queue.blocks(tag, session, mode, queue.waiting.len()) {
            queue.grant(tag, session, mode, level);
            queues.tidy(tag);
            return Ok(true);
        }
        if policy != WaitPolicy::Block {
            queues.tidy(tag);
            return if policy == WaitPolicy::Skip { Ok(false) } else { Err(not_available(tag)) };
        }
        let cell = WaitCell::new();
        queue.waiting.push_back(Waiter { session: session.clone(), mode, level, cell: cell.clone() });
        self.sleep(queues, session, WaitTarget::Lock(tag, mode), cell, options).map(|()| true)
    }

    /// Queues for a row: of all who want it, one waits for its writer. The lock is the caller's until
    /// [`LockManager::leave_row`].
    pub(crate) fn queue_for_row(&self, session: &Arc<SessionState>, tag: LockTag, options: &WaitOptions) -> Result<()> {
        self.acquire(session, tag, None, LockMode::Exclusive, Level::Row, WaitPolicy::Block, options).map(drop)
    }

    /// Lets the next in the queue for a row come forward.
    pub(crate) fn leave_row(&self, session: &SessionState, tag: LockTag) {
        self.release(tag, session.pid, LockMode::Exclusive);
    }

    /// Waits until a transaction has ended or given up part of its changes.
    pub(crate) fn wait_for(&self, session: &Arc<SessionState>, holder: Holder, options: &WaitOptions) -> Result<()> {
        let writers = &session.shared.writers;
        let cell = WaitCell::new();
        let mut queues = self.queues.lock();
        writers.add_sleeper(holder);
        queues.sleepers.entry(holder.id()).or_default().push(cell.clone());
        let result = match writers.is_pending(holder) {
            true => self.sleep(queues, session, WaitTarget::Transaction(holder), cell.clone(), options),
            false => {
                drop(queues);
                Ok(())
            }
        };
        writers.remove_sleeper(holder);
        let mut queues = self.queues.lock();
        if let Some(cells) = queues.sleepers.get_mut(&holder.id()) {
            cells.retain(|other| !Arc::ptr_eq(other, &cell));
            if cells.is_empty() {
                queues.sleepers.remove(&holder.id());
            }
        }
        result
    }

    /// Wakes those who wait for a transaction.
    pub(crate) fn wake(&self, id: TxnId) {
        if let Some(cells) = self.queues.lock().sleepers.get(&id) {
            cells.iter().for_each(|cell| cell.wake(Signal::Look));
        }
    }

    /// Sleeps until the target is reached, the time is up, the session is interrupted or a deadlock is found.
    pub(super) fn sleep(
        &self,
        mut queues: MutexGuard<'_, Queues>,
        session: &Arc<SessionState>,
        target: WaitTarget,
        cell: Arc<WaitCell>,
        options: &WaitOptions,
    ) -> Result<()> {
        let deadline = options.timeout.map(|timeout| Instant::now() + timeout);
        let mut patience = Patience::of(options);
        *session.waiting.lock() = Some(WaitState { target: target.clone() });
        session.interrupt.attach(&cell);
        let mut result = queues.check_deadlock(session);
        drop(queues);
        let mut wait = || {
            while result.is_ok() && !self.reached(session, &target, &cell) {
                result = session.interrupt.check();
                if result.is_ok() && deadline.is_some_and(|at| at <= Instant::now()) {
                    result = Err(lock_timeout());
                }
                if result.is_ok() {
                    cell.sleep(patience.earlier(deadline));
                    if !self.reached(session, &target, &cell) {
                        result = self.queues.lock().check_deadlock(session);
                    }
                    if result.is_ok() && !self.reached(session, &target, &cell) {
                        patience.goes_on(self, session, &target);
                    }
                }
            }
            if result.is_ok() {
                patience.ends_well(self, session, &target);
            }
        };
        match session.shared.blocking.get() {
            Some(blocking) => blocking.block(&mut wait),
            None => wait(),
        }
        session.interrupt.detach();
        let mut queues = self.queues.lock();
        *session.waiting.lock() = None;
        if let (WaitTarget::Lock(tag, _), false) = (&target, cell.is_granted()) {
            queues.leave(*tag, &cell);
            return result;
        }
        match target {
            // Granted in the last moment: the lock is held, whatever else happened.
            WaitTarget::Lock(..) => Ok(()),
            WaitTarget::Transaction(_) | WaitTarget::Session(_) => result,
        }
    }

    fn reached(&self, session: &SessionState, target: &WaitTarget, cell: &WaitCell) -> bool {
        match target {
            WaitTarget::Transaction(holder) => !session.shared.writers.is_pending(*holder),
            WaitTarget::Lock(..) => cell.is_granted(),
            WaitTarget::Session(transaction) => !session.goes_on(transaction),
        }
    }

    /// Releases the lock that the transaction took last, if it is this one.
    pub(crate) fn unlock_relation(&self, session: &Arc<SessionState>, lock: &RelationLock, mode: LockMode) {
        let queued = {
            let mut held = session.held.lock();
            let (relations, advisory) = held.mark();
            let is_last = held.relations.last().is_some_and(|last| last.mode == mode && last.lock.tag() == lock.tag());
            if is_last { held.give_back((relations - 1, advisory)) } else { Default::default() }
        };
        queued.into_iter().for_each(|(tag, mode)| self.release(tag, session.pid, mode));
    }

    /// The transaction has ended: releases its locks and wakes those who wait for its end.
    pub(crate) fn end_transaction(&self, session: &Arc<SessionState>) {
        let (queued, watchers) = {
            let mut held = session.held.lock();
            held.ended += 1;
            (held.give_back((0, 0)), std::mem::take(&mut held.watchers))
        };
        queued.into_iter().for_each(|(tag, mode)| self.release(tag, session.pid, mode));
        watchers.iter().for_each(|cell| cell.wake(Signal::Look));
    }

    /// Releases the transaction's locks taken after a mark.
    pub(crate) fn release_after(&self, session: &Arc<SessionState>, mark: (usize, usize)) {
        let queued = session.held.lock().give_back(mark);
        queued.into_iter().for_each(|(tag, mode)| self.release(tag, session.pid, mode));
    }

    /// The transaction goes on as another session's, with its locks. Who waits for its end looks again.
    pub(crate) fn hand_over(&self, from: &Arc<SessionState>, to: &Arc<SessionState>) {
        let mut queues = self.queues.lock();
        let mut held = from.held.lock();
        let (relations, advisory) = (std::mem::take(&mut held.relations), std::mem::take(&mut held.advisory));
        let queued = relations.iter().filter(|held| !held.mode.is_weak()).map(|held| (held.lock.tag(), held.mode));
        for (tag, mode) in queued.chain(advisory.iter().copied()) {
            if let Some(queue) = queues.by_tag.get_mut(&tag) {
                queue.regrant(mode, from.pid, to.pid);
            }
        }
        held.ended += 1;
        let watchers = std::mem::take(&mut held.watchers);
        drop(held);
        let mut held = to.held.lock();
        (held.relations, held.advisory) = (relations, advisory);
        drop(held);
        drop(queues);
        watchers.iter().for_each(|cell| cell.wake(Signal::Look));
    }

    /// Releases everything of a session that ends.
    pub(crate) fn release_session(&self, session: &Arc<SessionState>) {
        self.release_after(session, (0, 0));
        let locks = std::mem::take(&mut session.held.lock().session_advisory);
        for HeldAdvisory { tag, mode, session: count } in locks {
            (0..count).for_each(|_| self.release(tag, session.pid, mode));
        }
    }

    /// Takes one grant back and lets waiters in.
    pub(super) fn release(&self, tag: LockTag, pid: u32, mode: LockMode) {
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.by_tag.get_mut(&tag) {
            if let Some(at) = queue.granted.iter().position(|g| g.pid == pid && g.mode == mode) {
                queue.granted[at].count -= 1;
                if queue.granted[at].count == 0 {
                    queue.granted.swap_remove(at);
                }
            }
            queue.grant_waiters(tag);
        }
        queues.tidy(tag);
    }
}

impl Queues {
    /// Drops a queue that nobody needs and gives weak modes their fast path back.
    fn tidy(&mut self, tag: LockTag) {
        if self.by_tag.get(&tag).is_some_and(|queue| queue.granted.is_empty() && queue.waiting.is_empty())
            && let Some(Queue { relation: Some(lock), .. }) = self.by_tag.remove(&tag)
        {
            lock.set_strong(false);
        }
    }

    /// Takes a waiter that gave up out of the queue; those behind it may now pass.
    fn leave(&mut self, tag: LockTag, cell: &Arc<WaitCell>) {
        if let Some(queue) = self.by_tag.get_mut(&tag) {
            queue.waiting.retain(|waiter| !Arc::ptr_eq(&waiter.cell, cell));
            queue.grant_waiters(tag);
        }
        self.tidy(tag);
    }
}

impl Queue {
    /// Whether a request must wait: for what is granted, or for one of the first `ahead` waiters.
    fn blocks(&self, tag: LockTag, session: &Arc<SessionState>, mode: LockMode, ahead: usize) -> bool {
        let own = session.held.lock().modes(tag);
        let granted = self.granted.iter().any(|g| g.pid != session.pid && g.mode.conflicts(mode));
        let weak = self.relation.as_ref().is_some_and(|lock| {
            let others = |weak: LockMode| lock.weak_count(weak) - u64::from(own & weak.bit() != 0);
            LockMode::ALL.iter().any(|weak| weak.is_weak() && weak.conflicts(mode) && others(*weak) > 0)
        });
        // Waiting behind somebody who waits for a lock of mine would never end.
        let waits_for_me =
            |waiter: &Waiter| LockMode::ALL.iter().any(|m| own & m.bit() != 0 && m.conflicts(waiter.mode));
        let queued =
            self.waiting.iter().take(ahead).any(|waiter| {
                waiter.session.pid != session.pid && waiter.mode.conflicts(mode) && !waits_for_me(waiter)
            });
        granted || weak || queued
    }

    fn grant(&mut self, tag: LockTag, session: &Arc<SessionState>, mode: LockMode, level: Level) {
        match &self.relation {
            Some(lock) if mode.is_weak() => lock.add_weak(mode),
            _ => match self.granted.iter_mut().find(|g| g.pid == session.pid && g.mode == mode) {
                Some(granted) => granted.count += 1,
                None => self.granted.push(Granted { pid: session.pid, mode, count: 1 }),
            },
        }
        let mut held = session.held.lock();
        match (&self.relation, level) {
            (Some(lock), _) => held.relations.push(HeldRelation { lock: lock.clone(), mode }),
            (None, Level::Transaction) => held.advisory.push((tag, mode)),
            (None, Level::Session) => held.add_session_advisory(tag, mode),
            (None, Level::Row) => {}
        }
    }

    /// Enters one grant of a session for another one.
    fn regrant(&mut self, mode: LockMode, from: u32, to: u32) {
        if let Some(at) = self.granted.iter().position(|granted| granted.pid == from && granted.mode == mode) {
            self.granted[at].count -= 1;
            if self.granted[at].count == 0 {
                self.granted.swap_remove(at);
            }
            match self.granted.iter_mut().find(|granted| granted.pid == to && granted.mode == mode) {
                Some(granted) => granted.count += 1,
                None => self.granted.push(Granted { pid: to, mode, count: 1 }),
            }
        }
    }

    /// Grants what can be granted, in order.
    pub(super) fn grant_waiters(&mut self, tag: LockTag) {
        let mut at = 0;
        while at < self.waiting.len() {
            let (session, mode) = (self.waiting[at].session.clone(), self.waiting[at].mode);
            if self.blocks(tag, &session, mode, at) {
                at += 1;
            } else if let Some(waiter) = self.waiting.remove(at) {
                self.grant(tag, &session, mode, waiter.level);
                waiter.cell.wake(Signal::Granted);
            }
        }
    }
}

fn not_available(tag: LockTag) -> Error {
    let message = match tag {
        LockTag::Relation { relation, .. } => format!("could not obtain lock on relation {relation}"),
        LockTag::Advisory { .. } => "could not obtain advisory lock".into(),
        LockTag::Tuple { .. } => "could not obtain lock on row".into(),
    };
    Error::new(SqlState::LOCK_NOT_AVAILABLE, message)
}
