//! Ends statements whose time is over.
//!
//! A thread of its own: a statement may keep the thread it runs on busy, and with it every task that was spawned there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::backends::Backend;

/// Deadlines of running statements.
#[derive(Default)]
pub struct Deadlines {
    state: Mutex<State>,
    changed: Condvar,
}

/// A deadline, and a number that tells equal ones apart.
type Key = (Instant, u64);

#[derive(Default)]
struct State {
    pending: BTreeMap<Key, Arc<Backend>>,
    last_number: u64,
    started: bool,
}

/// A deadline that is forgotten when this is dropped.
pub(crate) struct Deadline {
    deadlines: Arc<Deadlines>,
    key: Key,
}

impl Deadlines {
    /// Times the running statement of `backend` out after `limit`, unless the result is dropped before.
    pub(crate) fn set(self: &Arc<Self>, limit: Duration, backend: &Arc<Backend>) -> Deadline {
        let mut state = self.state.lock();
        state.last_number += 1;
        let key = (Instant::now() + limit, state.last_number);
        state.pending.insert(key, backend.clone());
        let is_first = state.pending.first_key_value().is_some_and(|(first, _)| *first == key);
        if !std::mem::replace(&mut state.started, true) {
            self.start();
        } else if is_first {
            self.changed.notify_one();
        }
        Deadline { deadlines: self.clone(), key }
    }

    fn start(self: &Arc<Self>) {
        let deadlines = self.clone();
        let started = std::thread::Builder::new().name("deadlines".to_owned()).spawn(move || deadlines.run());
        if let Err(error) = started {
            tracing::error!("statement_timeout does not work: no thread: {error}");
        }
    }

    fn run(&self) {
        let mut state = self.state.lock();
        loop {
            match state.pending.first_key_value().map(|(key, _)| key.0) {
                None => self.changed.wait(&mut state),
                Some(first) if first > Instant::now() => {
                    self.changed.wait_until(&mut state, first);
                }
                Some(_) => {
                    if let Some((_, backend)) = state.pending.pop_first() {
                        backend.interrupts.time_out();
                    }
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
