//! What waits for a listener: a queue that somebody who must not wait fills and that never holds more than so many bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Bytes that may wait for one listener.
const MAX_BYTES: usize = 16 << 20;
/// What an item costs besides what it says of itself.
const ITEM_BYTES: usize = 64;

/// Why nothing more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The listener is slower than what it listens to.
    Behind,
    /// What it listened to is no more.
    Gone(&'static str),
    /// What came could not be told.
    Failed(String),
}

#[derive(Debug, Default)]
struct Level {
    bytes: AtomicUsize,
    is_behind: AtomicBool,
    gone: Mutex<Option<&'static str>>,
}

/// The end that is filled.
pub(crate) struct Sink<T> {
    sender: UnboundedSender<(T, usize)>,
    level: Arc<Level>,
}

/// The end that is emptied.
pub(crate) struct Stream<T> {
    receiver: UnboundedReceiver<(T, usize)>,
    level: Arc<Level>,
}

/// A queue.
pub(crate) fn queue<T>() -> (Sink<T>, Stream<T>) {
    let (sender, receiver) = unbounded_channel();
    let level = Arc::<Level>::default();
    (Sink { sender, level: level.clone() }, Stream { receiver, level })
}

impl<T> Sink<T> {
    /// Puts something in; `false` when it does not fit or nobody listens any more: the sink is of no use then.
    pub(crate) fn offer(&self, item: T, bytes: usize) -> bool {
        let bytes = bytes.saturating_add(ITEM_BYTES);
        if self.level.bytes.load(Ordering::Acquire).saturating_add(bytes) > MAX_BYTES {
            self.cut();
            return false;
        }
        self.level.bytes.fetch_add(bytes, Ordering::AcqRel);
        self.sender.send((item, bytes)).is_ok()
    }

    /// The listener has missed something.
    pub(crate) fn cut(&self) {
        self.level.is_behind.store(true, Ordering::Release);
    }

    /// What is listened to is no more.
    pub(crate) fn end(self, reason: &'static str) {
        *self.level.gone.lock() = Some(reason);
    }
}

impl<T> Stream<T> {
    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// The next item. Whoever is behind hears of that at once and of what waited no more.
    pub(crate) async fn next(&mut self) -> Result<T, End> {
        let received = self.receiver.recv().await;
        if self.level.is_behind.load(Ordering::Acquire) {
            return Err(End::Behind);
        }
        match received {
            Some((item, bytes)) => {
                self.level.bytes.fetch_sub(bytes, Ordering::AcqRel);
                Ok(item)
            }
            None => Err(End::Gone(self.level.gone.lock().unwrap_or("the server is shutting down"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now<T>(future: impl Future<Output = T>) -> T {
        futures::executor::block_on(future)
    }

    #[test]
    fn what_fits_comes_out_in_order_and_then_the_reason() {
        let (sink, mut stream) = queue();
        assert!(stream.is_empty());
        assert!(sink.offer(1, 10) && sink.offer(2, 10));
        assert!(!stream.is_empty());
        sink.end("dropped");
        assert_eq!((now(stream.next()), now(stream.next())), (Ok(1), Ok(2)));
        assert_eq!(now(stream.next()), Err(End::Gone("dropped")));
    }

    #[test]
    fn who_is_slow_is_cut_off() {
        let (sink, mut stream) = queue();
        assert!(sink.offer(1, MAX_BYTES - 1000));
        assert_eq!(now(stream.next()), Ok(1));
        assert!(sink.offer(2, MAX_BYTES - 1000));
        assert!(!sink.offer(3, 1000));
        assert_eq!(now(stream.next()), Err(End::Behind));
    }
}
