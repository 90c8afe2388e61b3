//! Which WebSockets there are: how many may be, what they have sent and received, and how all of them end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

/// Everything that is counted of WebSockets, for the `websocket_*` metrics.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Open now.
    pub active: usize,
    /// Messages sent, pings aside.
    pub sent: u64,
    /// Messages received, pings aside.
    pub received: u64,
    /// WebSockets that ended otherwise than by the client's or the server's good-bye.
    pub errors: u64,
}

#[derive(Debug)]
struct Book {
    active: AtomicUsize,
    sent: AtomicU64,
    received: AtomicU64,
    errors: AtomicU64,
    closing: watch::Sender<bool>,
    /// Somebody has left.
    left: Notify,
}

/// The WebSockets of a server.
#[derive(Clone, Debug)]
pub(crate) struct Census(Arc<Book>);

impl Default for Census {
    fn default() -> Self {
        Census(Arc::new(Book {
            active: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            closing: watch::Sender::new(false),
            left: Notify::new(),
        }))
    }
}

impl Census {
    /// A place for one more; `None` when there are `limit` already.
    pub(crate) fn enter(&self, limit: usize) -> Option<Member> {
        let more = |active: usize| (active < limit).then_some(active + 1);
        self.0.active.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Member { book: self.0.clone(), closing: self.0.closing.subscribe() })
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            active: self.active(),
            sent: self.0.sent.load(Ordering::Relaxed),
            received: self.0.received.load(Ordering::Relaxed),
            errors: self.0.errors.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn active(&self) -> usize {
        self.0.active.load(Ordering::Acquire)
    }

    /// Has all of them end, and waits until they have, for a while. How many have not.
    pub(crate) async fn close(&self, limit: Duration) -> usize {
        self.0.closing.send_replace(true);
        let all_left = async {
            loop {
                let left = self.0.left.notified();
                if self.active() == 0 {
                    return;
                }
                left.await;
            }
        };
        let _ = tokio::time::timeout(limit, all_left).await;
        self.active()
    }
}

/// One WebSocket's place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Member {
    book: Arc<Book>,
    closing: watch::Receiver<bool>,
}

impl Member {
    /// Returns when it has to end.
    pub(crate) async fn closing(&mut self) {
        // The sender lives as long as the book.
        let _ = self.closing.wait_for(|closing| *closing).await;
    }

    pub(crate) fn sent(&self) {
        self.book.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn received(&self) {
        self.book.received.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.book.errors.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.book.active.fetch_sub(1, Ordering::AcqRel);
        self.book.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let census = Census::default();
        let one = census.enter(1).unwrap();
        assert!(census.enter(1).is_none());
        one.sent();
        drop(one);
        assert!(census.enter(1).is_some());
        assert_eq!((census.active(), census.counts().sent), (0, 1));
    }
}
