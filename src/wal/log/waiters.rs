//! Those who wait until the log is durable up to a position: tasks by their wakers, threads by a condition variable.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use super::Shared;
use crate::{LogError, Lsn};

/// Sleepers.
#[derive(Default)]
pub(super) struct Waiters {
    tasks: Mutex<Vec<(Lsn, Waker)>>,
    threads: Condvar,
}

impl Waiters {
    /// Wakes everybody up to a position.
    pub(super) fn wake(&self, durable: Lsn) {
        let mut ready = Vec::new();
        let mut tasks = self.tasks.lock();
        let mut at = 0;
        while at < tasks.len() {
            match tasks[at].0 <= durable {
                true => ready.push(tasks.swap_remove(at).1),
                false => at += 1,
            }
        }
        drop(tasks);
        self.threads.notify_all();
        ready.into_iter().for_each(Waker::wake);
    }
}

/// Resolves when the log is durable up to a position, or has stopped before.
pub struct Durable {
    shared: Arc<Shared>,
    lsn: Lsn,
}

impl Durable {
    pub(super) fn new(shared: Arc<Shared>, lsn: Lsn) -> Self {
        Durable { shared, lsn }
    }

    /// Blocks the thread instead.
    pub fn block(self) -> Result<(), LogError> {
        if let Some(result) = self.shared.outcome(self.lsn) {
            return result;
        }
        self.shared.request(self.lsn);
        let mut guard = self.shared.waiters.tasks.lock();
        loop {
            if let Some(result) = self.shared.outcome(self.lsn) {
                return result;
            }
            self.shared.waiters.threads.wait(&mut guard);
        }
    }
}

impl Future for Durable {
    type Output = Result<(), LogError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(result) = self.shared.outcome(self.lsn) {
            return Poll::Ready(result);
        }
        let mut tasks = self.shared.waiters.tasks.lock();
        // Looked at again under the lock that the writer takes after it has said what is durable.
        if let Some(result) = self.shared.outcome(self.lsn) {
            return Poll::Ready(result);
        }
        tasks.retain(|(_, waker)| !waker.will_wake(cx.waker()));
        tasks.push((self.lsn, cx.waker().clone()));
        drop(tasks);
        self.shared.request(self.lsn);
        Poll::Pending
    }
}
