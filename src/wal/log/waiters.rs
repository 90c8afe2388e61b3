//! Those who wait until the log is durable up to a position. There is no queue in front of the disk: whoever finds nobody
//! writing is the leader, writes and syncs everything that was appended, tells those whose position that covers, and wakes one of
//! the rest to lead next.
//!
//! A commit that is alone so costs a write and an fdatasync and no switch to another thread and back; commits that arrive during an
//! fdatasync share the next one, which begins when as many wait as are on their way, or when the one before is over. A leader first gives way once if the last one was somebody else: tasks that are ready to
//! run get their turn, and their commits into the batch. What would keep a leader's thread for long is left to the writer thread
//! ([`Shared::is_quick`]).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::Shared;
use crate::{LogError, Lsn};

/// A task that waits.
struct Sleeper {
    ticket: u64,
    lsn: Lsn,
    waker: Waker,
}

#[derive(Default)]
struct Sleepers {
    all: Vec<Sleeper>,
    tickets: u64,
}

/// The tasks that wait.
#[derive(Default)]
pub(super) struct Waiters(Mutex<Sleepers>);

impl Waiters {
    /// Wakes everybody up to a position. Returns the newest position that others wait for.
    pub(super) fn wake(&self, durable: Lsn) -> Option<Lsn> {
        let mut sleepers = self.0.lock();
        let ready: Vec<_> = sleepers.all.extract_if(.., |sleeper| sleeper.lsn <= durable).collect();
        let rest = sleepers.all.iter().map(|sleeper| sleeper.lsn).max();
        drop(sleepers);
        ready.into_iter().for_each(|sleeper| sleeper.waker.wake());
        rest
    }

    /// Wakes the one who waits for the newest position.
    pub(super) fn wake_one(&self) {
        let mut sleepers = self.0.lock();
        let newest = (0..sleepers.all.len()).max_by_key(|place| sleepers.all[*place].lsn);
        let sleeper = newest.map(|place| sleepers.all.swap_remove(place));
        drop(sleepers);
        if let Some(sleeper) = sleeper {
            sleeper.waker.wake();
        }
    }

    /// Whether the holder of a ticket was waiting still, which it is not any more.
    fn leave(&self, ticket: u64) -> bool {
        let mut sleepers = self.0.lock();
        let place = sleepers.all.iter().position(|sleeper| sleeper.ticket == ticket);
        place.map(|place| sleepers.all.swap_remove(place)).is_some()
    }
}

/// Resolves when the log is durable up to a position, or has stopped before.
pub struct Durable {
    shared: Arc<Shared>,
    lsn: Lsn,
    /// Who waits.
    who: u64,
    has_given_way: bool,
    ticket: Option<u64>,
}

impl Durable {
    pub(super) fn new(shared: Arc<Shared>, lsn: Lsn) -> Self {
        Durable { shared, lsn, who: 0, has_given_way: false, ticket: None }
    }

    /// Says who waits, by a number of its own: who commits again, with nobody else in between, need not give way to others.
    #[must_use]
    pub fn of(mut self, who: u64) -> Self {
        self.who = who;
        self
    }

    /// Blocks the thread instead.
    pub fn block(self) -> Result<(), LogError> {
        loop {
            if let Some(result) = self.shared.outcome(self.lsn) {
                return result;
            }
            // A failure stops the log, which is the outcome.
            let _ = self.shared.flush();
        }
    }

    /// Whether others commit too, and should have the chance to do so before this one leads.
    fn gives_way(&mut self) -> bool {
        !std::mem::replace(&mut self.has_given_way, true) && self.shared.leader.load(Ordering::Relaxed) != self.who
    }

    /// Writes what was appended, if a writer is free.
    fn lead(&self) -> Option<Result<(), LogError>> {
        let mut writer = self.shared.writers.iter().find_map(|writer| writer.try_lock())?;
        self.shared.leader.store(self.who, Ordering::Relaxed);
        let _ = writer.flush(&self.shared);
        drop(writer);
        self.shared.relieve();
        self.shared.outcome(self.lsn)
    }

    /// Has the task woken when the position is durable or somebody has to lead; false if it is to look again at once.
    fn sleep(&mut self, waker: &Waker) -> bool {
        let mut sleepers = self.shared.waiters.0.lock();
        if self.shared.outcome(self.lsn).is_some() {
            return false;
        }
        match sleepers.all.iter_mut().find(|sleeper| Some(sleeper.ticket) == self.ticket) {
            Some(sleeper) => sleeper.waker.clone_from(waker),
            None => {
                sleepers.tickets += 1;
                let ticket = sleepers.tickets;
                sleepers.all.push(Sleeper { ticket, lsn: self.lsn, waker: waker.clone() });
                self.ticket = Some(ticket);
            }
        }
        drop(sleepers);
        // A leader looks for sleepers after it has let go of the writer: either it sees this one, or this one sees that it is gone.
        match self.shared.is_quick() {
            true => self.shared.is_writing(),
            false => {
                self.shared.request(self.lsn);
                true
            }
        }
    }
}

impl Future for Durable {
    type Output = Result<(), LogError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(result) = self.shared.outcome(self.lsn) {
            return Poll::Ready(result);
        }
        if self.shared.is_quick() && self.shared.may_lead() {
            if self.gives_way() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(result) = self.lead() {
                return Poll::Ready(result);
            }
        }
        if !self.sleep(cx.waker()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Durable {
    /// Who was woken to lead and does not come to it: somebody else has to.
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket
            && !self.shared.waiters.leave(ticket)
            && self.shared.outcome(self.lsn).is_none()
        {
            self.shared.relieve();
        }
    }
}
