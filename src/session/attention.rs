//! The bell of a connection: whoever has something for a session that waits for its client rings it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

/// One bell, for one connection's task.
#[derive(Debug, Default)]
pub struct Attention {
    rung: AtomicBool,
    waker: AtomicWaker,
}

impl Attention {
    /// Wakes the connection, now or when it next waits.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Ready once for all calls since it was ready last.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Who rings after the waker is in place wakes the task; who rang before is seen here.
        self.waker.register(cx.waker());
        if self.rung.load(Ordering::Acquire) && self.rung.swap(false, Ordering::AcqRel) {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_heard_once_even_if_nobody_waited() {
        let attention = Attention::default();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(attention.poll(&mut cx).is_pending());
        attention.ring();
        attention.ring();
        assert!(attention.poll(&mut cx).is_ready());
        assert!(attention.poll(&mut cx).is_pending());
    }
}
