//! Sequences: numbers that are handed out once, whatever becomes of the transaction.

use dictdb_types::{Error, Result, SqlState};
use parking_lot::Mutex;

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

/// A sequence. Every method is atomic.
#[derive(Debug)]
pub struct Sequence(Mutex<(SequenceOptions, SequenceState)>);

impl Sequence {
    /// A sequence before its first value.
    pub fn new(options: SequenceOptions) -> Self {
        let state = SequenceState { last_value: options.start, is_called: false };
        Sequence(Mutex::new((options, state)))
    }

    /// The next `count` values at once, for a session that caches: the first and how many there are, at least one.
    /// They differ by the increment. `name` is for the error.
    ///
    /// 2200H `nextval: reached maximum value of sequence "s" (9)`.
    pub fn next_values(&self, count: u64, name: &str) -> Result<(i64, u64)> {
        let (options, state) = &mut *self.0.lock();
        let first = match state.is_called {
            false => state.last_value,
            true => options.after(state.last_value, name)?,
        };
        let (mut last, mut taken) = (first, 1);
        while taken < count.max(1)
            && let Some(next) = options.step(last)
        {
            (last, taken) = (next, taken + 1);
        }
        *state = SequenceState { last_value: last, is_called: true };
        Ok((first, taken))
    }

    /// `nextval`.
    pub fn nextval(&self, name: &str) -> Result<i64> {
        self.next_values(1, name).map(|(value, _)| value)
    }

    /// `setval`. 22003 `setval: value 0 is out of bounds for sequence "s" (1..9)`.
    pub fn setval(&self, value: i64, is_called: bool, name: &str) -> Result<()> {
        let (options, state) = &mut *self.0.lock();
        if value < options.min || value > options.max {
            dictdb_types::bail!(
                NUMERIC_VALUE_OUT_OF_RANGE,
                "setval: value {value} is out of bounds for sequence \"{name}\" ({}..{})",
                options.min,
                options.max
            );
        }
        *state = SequenceState { last_value: value, is_called };
        Ok(())
    }

    /// What a SELECT from the sequence shows.
    pub fn state(&self) -> SequenceState {
        self.0.lock().1
    }

    /// Its options.
    pub fn options(&self) -> SequenceOptions {
        self.0.lock().0
    }

    /// `ALTER SEQUENCE`: new options, and a new state where `RESTART` gives one.
    pub fn alter(&self, options: SequenceOptions, state: Option<SequenceState>) {
        let mut both = self.0.lock();
        both.0 = options;
        both.1 = state.unwrap_or(both.1);
    }
}

impl SequenceOptions {
    /// The value after another one, without going round.
    fn step(&self, value: i64) -> Option<i64> {
        value.checked_add(self.increment).filter(|next| (self.min..=self.max).contains(next))
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
