//! Waiting in tests: for a state, never for a time. A slow machine makes a test slow, and nothing else.

use std::time::{Duration, Instant};

/// Longest wait for anything: what takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// How often a state is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Looks until there is something to see, and returns it.
///
/// # Panics
/// When it does not come while there is patience.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} does not come");
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Looks until something is as it should be.
///
/// # Panics
/// When it is not while there is patience.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}

/// Checks what holds only for a while, such as that a row is there which will expire: `check` is told how long the while is, and
/// returns when it began and what is wrong. Found wrong after its end says nothing, so the check is made again with twice the time.
///
/// # Panics
/// When something is wrong in time, or no time is long enough.
pub fn while_it_lasts(first: Duration, mut check: impl FnMut(Duration) -> (Instant, Result<(), String>)) {
    let mut lasts = first;
    while lasts < PATIENCE {
        let (begun, found) = check(lasts);
        match found {
            Ok(()) => return,
            Err(wrong) if begun.elapsed() < lasts => panic!("{wrong}"),
            Err(_) => lasts *= 2,
        }
    }
    panic!("{lasts:?} are not enough");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_comes_too_late_is_made_again() {
        let mut tries = Vec::new();
        while_it_lasts(Duration::from_nanos(1), |lasts| {
            tries.push(lasts.as_nanos());
            (Instant::now(), if tries.len() < 3 { Err("late".to_owned()) } else { Ok(()) })
        });
        assert_eq!(tries, [1, 2, 4]);
    }

    #[test]
    #[should_panic = "wrong"]
    fn what_is_wrong_in_time_is_wrong() {
        while_it_lasts(Duration::from_secs(60), |_| (Instant::now(), Err("wrong".to_owned())));
    }
}
