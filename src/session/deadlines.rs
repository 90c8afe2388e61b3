//! Ends statements whose time is over, and wakes connections that waited long enough.
//!
//! A thread of its own: a statement may keep the thread it runs on busy, and with it every task that was spawned there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::attention::Attention;
use crate::backends::Backend;

/// Deadlines of statements and waits.
#[derive(Default)]
pub struct Deadlines {
    state: Mutex<State>,
    changed: Condvar,
}

/// A deadline, and a number that tells equal ones apart.
type Key = (Instant, u64);

/// What happens when time is over.
enum Action {
    /// The running statement of a session ends.
    TimeOut(Arc<Backend>),
    /// A connection is woken.
    Ring(Arc<Attention>),
}

#[derive(Default)]
struct State {
    pending: BTreeMap<Key, Action>,
    last_number: u64,
    started: bool,
    /// Until when the thread sleeps; `None` is for ever.
    asleep_until: Option<Instant>,
}

/// A deadline that is forgotten when this is dropped.
pub struct Deadline {
    deadlines: Arc<Deadlines>,
    key: Key,
}

impl Deadline {
    /// Whether it is over.
    pub fn has_passed(&self) -> bool {
        self.key.0 <= Instant::now()
    }
}

impl Deadlines {
    /// Times the running statement of `backend` out after `limit`, unless the result is dropped before.
    pub(crate) fn set(self: &Arc<Self>, limit: Duration, backend: &Arc<Backend>) -> Deadline {
        self.add(limit, Action::TimeOut(backend.clone()))
    }

    /// Rings a bell after `limit`, unless the result is dropped before.
    pub fn ring(self: &Arc<Self>, limit: Duration, attention: &Arc<Attention>) -> Deadline {
        self.add(limit, Action::Ring(attention.clone()))
    }

    fn add(self: &Arc<Self>, limit: Duration, action: Action) -> Deadline {
        let mut state = self.state.lock();
        state.last_number += 1;
        let key = (Instant::now() + limit, state.last_number);
        state.pending.insert(key, action);
        if !std::mem::replace(&mut state.started, true) {
            self.start();
        } else if state.asleep_until.is_none_or(|until| key.0 < until) {
            // A thread that wakes too early, because its deadline was dropped, costs less than waking it for every one.
            state.asleep_until = Some(key.0);
            self.changed.notify_one();
        }
        Deadline { deadlines: self.clone(), key }
    }

    fn start(self: &Arc<Self>) {
        let deadlines = self.clone();
        let started = std::thread::Builder::new().name("deadlines".to_owned()).spawn(move || deadlines.run());
        if let Err(error) = started {
            tracing::error!("timeouts do not work: no thread: {error}");
        }
    }

    fn run(&self) {
        let mut state = self.state.lock();
        loop {
            let first = state.pending.first_key_value().map(|(key, _)| key.0);
            match first {
                Some(at) if at <= Instant::now() => match state.pending.pop_first() {
                    Some((_, Action::TimeOut(backend))) => backend.interrupts.time_out(),
                    Some((_, Action::Ring(attention))) => attention.ring(),
                    None => {}
                },
                Some(at) => {
                    state.asleep_until = first;
                    self.changed.wait_until(&mut state, at);
                }
                None => {
                    state.asleep_until = None;
                    self.changed.wait(&mut state);
                }
            }
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.deadlines.state.lock().pending.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn bells_ring_in_order_of_their_time_unless_forgotten() {
        let deadlines = Arc::<Deadlines>::default();
        let bells: [Arc<Attention>; 2] = std::array::from_fn(|_| Arc::default());
        let mut cx = Context::from_waker(Waker::noop());
        let late = deadlines.ring(Duration::from_secs(3600), &bells[0]);
        let mut time = Duration::from_millis(20);
        let silent = loop {
            let (begun, bell) = (Instant::now(), Arc::default());
            drop(deadlines.ring(time, &bell));
            // Where this takes longer than the time, it may have been over.
            if begun.elapsed() < time {
                break bell;
            }
            time *= 2;
        };
        let soon = deadlines.ring(time * 2, &bells[1]);
        let begun = Instant::now();
        while bells[1].poll(&mut cx).is_pending() {
            assert!(begun.elapsed() < Duration::from_secs(600));
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(soon.has_passed() && !late.has_passed());
        assert!(bells[0].poll(&mut cx).is_pending() && silent.poll(&mut cx).is_pending());
    }
}
