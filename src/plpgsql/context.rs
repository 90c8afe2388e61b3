//! Where a running function stands, for CONTEXT of errors and notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A call that is running.
#[derive(Debug)]
pub struct CallSite {
    /// The function as `regprocedure` shows it, or `inline_code_block`.
    signature: Arc<str>,
    place: AtomicU64,
}

/// Where a call is: line, kind of place and words in one number, because every statement sets it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u64);

const AT: u64 = 0;
const DURING: u64 = 1;
const OUTSIDE: u64 = 2;

/// What places are called.
const WORDS: [&str; 39] = [
    "",
    "during function entry",
    "during function exit",
    "while casting return value to function's return type",
    "during statement block local variable initialization",
    "statement block",
    "assignment",
    "IF",
    "CASE",
    "LOOP",
    "WHILE",
    "FOR with integer loop variable",
    "FOR over SELECT rows",
    "FOR over EXECUTE statement",
    "FOR over cursor",
    "FOREACH over array",
    "EXIT",
    "CONTINUE",
    "RETURN",
    "RETURN NEXT",
    "RETURN QUERY",
    "RAISE",
    "ASSERT",
    "SQL statement",
    "EXECUTE",
    "GET STACKED DIAGNOSTICS",
    "GET DIAGNOSTICS",
    "OPEN",
    "FETCH",
    "MOVE",
    "CLOSE",
    "PERFORM",
    "CALL",
    "DO",
    "COMMIT",
    "ROLLBACK",
    "NULL",
    "while storing call arguments into local variables",
    "during initialization of execution state",
];

impl Place {
    fn of(kind: u64, line: u32, words: &str) -> Place {
        debug_assert!(WORDS.contains(&words), "{words} is no place");
        let words = WORDS.iter().position(|known| *known == words).unwrap_or(0) as u64;
        Place(kind << 48 | words << 32 | u64::from(line))
    }

    /// At a statement: line and kind.
    pub(crate) fn statement(line: u32, name: &str) -> Place {
        Place::of(AT, line, name)
    }

    /// At a line doing something that is no statement of its own.
    pub(crate) fn during(line: u32, what: &str) -> Place {
        Place::of(DURING, line, what)
    }

    /// Outside of statements.
    pub(crate) fn outside(what: &str) -> Place {
        Place::of(OUTSIDE, 0, what)
    }
}

impl CallSite {
    pub(crate) fn new(signature: &Arc<str>) -> Self {
        let place = AtomicU64::new(Place::outside("during function entry").0);
        CallSite { signature: signature.clone(), place }
    }

    /// The call begins.
    pub(crate) fn enter(&self) {
        self.at(Place::outside("during function entry"));
    }

    #[inline]
    pub(crate) fn at(&self, place: Place) {
        self.place.store(place.0, Ordering::Relaxed);
    }

    /// Where the call is.
    #[inline]
    pub(crate) fn place(&self) -> Place {
        Place(self.place.load(Ordering::Relaxed))
    }

    /// The line of CONTEXT.
    pub fn line(&self) -> String {
        let signature = &self.signature;
        let place = self.place.load(Ordering::Relaxed);
        let (kind, line) = (place >> 48, place as u32);
        let words = WORDS[(place >> 32 & 0xffff) as usize];
        match kind {
            AT => format!("PL/pgSQL function {signature} line {line} at {words}"),
            DURING => format!("PL/pgSQL function {signature} line {line} {words}"),
            _ => format!("PL/pgSQL function {signature} {words}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_was_written() {
        let site = CallSite::new(&Arc::from("f()"));
        assert_eq!(site.line(), "PL/pgSQL function f() during function entry");
        site.at(Place::statement(70_000, "FOREACH over array"));
        assert_eq!(site.line(), "PL/pgSQL function f() line 70000 at FOREACH over array");
        site.at(Place::during(3, "during statement block local variable initialization"));
        assert_eq!(site.line(), "PL/pgSQL function f() line 3 during statement block local variable initialization");
    }
}
