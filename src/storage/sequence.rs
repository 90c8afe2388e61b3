//! Sequences: numbers that are handed out once, whatever becomes of the transaction.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use dictdb_types::{Error, Oid, Result, SqlState};
use parking_lot::Mutex;

use crate::hook::Lsn;
use crate::storage::Shared;

/// What `CREATE SEQUENCE` says, with the defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceOptions {
    /// `INCREMENT BY`; not zero.
    pub increment: i64,
    /// `MINVALUE`.
    pub min: i64,
    /// `MAXVALUE`.
    pub max: i64,
    /// `START WITH`.
    pub start: i64,
    /// `CYCLE`.
    pub cycle: bool,
}

impl Default for SequenceOptions {
    fn default() -> Self {
        SequenceOptions { increment: 1, min: 1, max: i64::MAX, start: 1, cycle: false }
    }
}

/// `last_value` and `is_called` of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceState {
    /// The value handed out last, or the first to be handed out.
    pub last_value: i64,
    /// Whether `last_value` was handed out.
    pub is_called: bool,
}

/// Values that are logged ahead, so that not every one costs a record; as many can be left out after a crash (`SEQ_LOG_VALS`).
const LOGGED_AHEAD: u64 = 32;

/// A sequence. Every method is atomic.
pub struct Sequence {
    inner: Mutex<Inner>,
    /// Who it is in which storage, once it is in one.
    place: OnceLock<(Oid, Weak<Shared>)>,
    logged: AtomicBool,
    /// End of the last record of it.
    promised: AtomicU64,
}

struct Inner {
    options: SequenceOptions,
    state: SequenceState,
    /// `last_value` after a crash, as far as the log knows: values up to it can be handed out without a record.
    covered: Option<i64>,
}

impl Sequence {
    /// A sequence before its first value.
    pub fn new(options: SequenceOptions) -> Self {
        let state = SequenceState { last_value: options.start, is_called: false };
        Sequence {
            inner: Mutex::new(Inner { options, state, covered: None }),
            place: OnceLock::new(),
            logged: AtomicBool::new(true),
            promised: AtomicU64::new(0),
        }
    }

    /// A sequence as it was.
    pub fn restored(options: SequenceOptions, state: SequenceState) -> Self {
        let sequence = Sequence::new(options);
        sequence.inner.lock().state = state;
        sequence
    }

    pub(crate) fn attach(&self, id: Oid, storage: &Arc<Shared>) {
        // A sequence is in one storage, from its creation on.
        let _ = self.place.set((id, Arc::downgrade(storage)));
    }

    /// Whether its states are logged: not those of temporary and unlogged ones.
    pub fn is_logged(&self) -> bool {
        self.logged.load(Ordering::Relaxed)
    }

    /// Says whether its states are logged; before the first value.
    pub fn set_logged(&self, logged: bool) {
        self.logged.store(logged, Ordering::Relaxed);
    }

    /// What must be on disk so that no value handed out earlier is handed out again after a crash.
    pub fn promised(&self) -> Lsn {
        Lsn(self.promised.load(Ordering::Acquire))
    }

    fn log(&self, state: SequenceState) {
        if self.is_logged()
            && let Some((id, storage)) = self.place.get()
            && let Some(storage) = storage.upgrade()
            && let Some(hook) = storage.hook.get()
        {
            self.promised.store(hook.log_sequence(*id, state).0, Ordering::Release);
        }
    }

    /// The next `count` values at once, for a session that caches: the first and how many there are, at least one.
    /// They differ by the increment. `name` is for the error.
    ///
    /// 2200H `nextval: reached maximum value of sequence "s" (9)`.
    pub fn next_values(&self, count: u64, name: &str) -> Result<(i64, u64)> {
        let Inner { options, state, covered } = &mut *self.inner.lock();
        let first = match state.is_called {
            false => state.last_value,
            true => options.after(state.last_value, name)?,
        };
        if state.is_called && (first < state.last_value) == (options.increment > 0) {
            // Round it went.
            *covered = None;
        }
        let (mut last, mut taken) = (first, 1);
        while taken < count.max(1)
            && let Some(next) = options.step(last)
        {
            (last, taken) = (next, taken + 1);
        }
        *state = SequenceState { last_value: last, is_called: true };
        if !covered.is_some_and(|covered| options.is_between(first, last, covered)) {
            let ahead = (0..LOGGED_AHEAD).try_fold(last, |value, _| match options.step(value) {
                Some(next) => Ok(next),
                None => Err(value),
            });
            let ahead = ahead.unwrap_or_else(|end| end);
            *covered = Some(ahead);
            self.log(SequenceState { last_value: ahead, is_called: true });
        }
        Ok((first, taken))
    }

    /// `nextval`.
    pub fn nextval(&self, name: &str) -> Result<i64> {
        self.next_values(1, name).map(|(value, _)| value)
    }

    /// `setval`. 22003 `setval: value 0 is out of bounds for sequence "s" (1..9)`.
    pub fn setval(&self, value: i64, is_called: bool, name: &str) -> Result<()> {
        let Inner { options, state, covered } = &mut *self.inner.lock();
        if value < options.min || value > options.max {
            dictdb_types::bail!(
                NUMERIC_VALUE_OUT_OF_RANGE,
                "setval: value {value} is out of bounds for sequence \"{name}\" ({}..{})",
                options.min,
                options.max
            );
        }
        *state = SequenceState { last_value: value, is_called };
        *covered = None;
        self.log(*state);
        Ok(())
    }

    /// What a SELECT from the sequence shows.
    pub fn state(&self) -> SequenceState {
        self.inner.lock().state
    }

    /// What it is after a crash.
    pub fn logged_state(&self) -> SequenceState {
        let inner = self.inner.lock();
        match inner.covered {
            Some(last_value) => SequenceState { last_value, is_called: true },
            None => inner.state,
        }
    }

    /// Its options.
    pub fn options(&self) -> SequenceOptions {
        self.inner.lock().options
    }

    /// `ALTER SEQUENCE`: new options, and a new state where `RESTART` gives one.
    pub fn alter(&self, options: SequenceOptions, state: Option<SequenceState>) {
        let mut inner = self.inner.lock();
        inner.options = options;
        inner.state = state.unwrap_or(inner.state);
        inner.covered = None;
        self.log(inner.state);
    }
}

impl std::fmt::Debug for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inner = self.inner.lock();
        write!(f, "{:?} {:?}", inner.options, inner.state)
    }
}

impl SequenceOptions {
    /// The value after another one, without going round.
    fn step(&self, value: i64) -> Option<i64> {
        value.checked_add(self.increment).filter(|next| (self.min..=self.max).contains(next))
    }

    /// Whether values handed out are on the way to a value that is not passed yet.
    fn is_between(&self, first: i64, last: i64, end: i64) -> bool {
        if self.increment > 0 { first <= last && last <= end } else { first >= last && last >= end }
    }

    /// The value after another one, going round if the sequence cycles.
    fn after(&self, value: i64, name: &str) -> Result<i64> {
        match (self.step(value), self.cycle, self.increment > 0) {
            (Some(next), ..) => Ok(next),
            (None, true, true) => Ok(self.min),
            (None, true, false) => Ok(self.max),
            (None, false, up) => {
                let (end, limit) = if up { ("maximum", self.max) } else { ("minimum", self.min) };
                let message = format!("nextval: reached {end} value of sequence \"{name}\" ({limit})");
                Err(Error::new(SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(increment: i64, cycle: bool) -> Sequence {
        let start = if increment > 0 { 1 } else { 3 };
        Sequence::new(SequenceOptions { increment, min: 1, max: 3, start, cycle })
    }

    #[test]
    fn counts_to_its_limit() {
        let up = small(1, false);
        assert_eq!((up.nextval("s").unwrap(), up.nextval("s").unwrap(), up.nextval("s").unwrap()), (1, 2, 3));
        let error = up.nextval("s").unwrap_err();
        assert_eq!(error.code().as_str(), "2200H");
        assert_eq!(error.message(), "nextval: reached maximum value of sequence \"s\" (3)");
        let down = small(-2, false);
        assert_eq!((down.nextval("s").unwrap(), down.nextval("s").unwrap()), (3, 1));
        assert_eq!(down.nextval("s").unwrap_err().message(), "nextval: reached minimum value of sequence \"s\" (1)");
    }

    #[test]
    fn cycles() {
        let up = small(2, true);
        assert_eq!((1..=4).map(|_| up.nextval("s").unwrap()).collect::<Vec<_>>(), [1, 3, 1, 3]);
        let down = small(-2, true);
        assert_eq!((1..=4).map(|_| down.nextval("s").unwrap()).collect::<Vec<_>>(), [3, 1, 3, 1]);
    }

    #[test]
    fn hands_out_blocks_up_to_the_limit() {
        let up = small(1, false);
        assert_eq!(up.next_values(2, "s").unwrap(), (1, 2));
        assert_eq!(up.next_values(2, "s").unwrap(), (3, 1));
        assert!(up.next_values(2, "s").is_err());
    }

    #[test]
    fn states_are_logged_ahead() {
        let up = Sequence::new(SequenceOptions::default());
        assert_eq!(up.logged_state(), SequenceState { last_value: 1, is_called: false });
        up.nextval("s").unwrap();
        assert_eq!(up.logged_state(), SequenceState { last_value: 33, is_called: true });
        (0..32).for_each(|_| drop(up.nextval("s")));
        assert_eq!(up.logged_state().last_value, 33);
        up.nextval("s").unwrap();
        assert_eq!(up.logged_state().last_value, 66);
        up.setval(5, false, "s").unwrap();
        assert_eq!(up.logged_state(), SequenceState { last_value: 5, is_called: false });
        let cycle = small(1, true);
        (0..4).for_each(|_| drop(cycle.nextval("s")));
        assert_eq!((cycle.state().last_value, cycle.logged_state().last_value), (1, 3));
    }

    #[test]
    fn setval_checks_bounds() {
        let up = small(1, false);
        up.setval(2, true, "s").unwrap();
        assert_eq!(up.nextval("s").unwrap(), 3);
        up.setval(2, false, "s").unwrap();
        assert_eq!(up.nextval("s").unwrap(), 2);
        let error = up.setval(4, true, "s").unwrap_err();
        assert_eq!(error.code().as_str(), "22003");
        assert_eq!(error.message(), "setval: value 4 is out of bounds for sequence \"s\" (1..3)");
    }
}
