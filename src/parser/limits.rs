//! How a query string is read: what it may cost, what a backslash means, and the stack to read it with.

use dictdb_types::{Error, SqlState};

/// Bounds on one query string.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Bytes of text. PostgreSQL's own bound is the message size, 1 GB.
    pub text_bytes: usize,
    /// Rules inside rules: parentheses, subqueries, function calls, prefix operators.
    pub depth: u32,
    /// Levels of a tree, to which chains of operators and set operations add one per operator: as many as PostgreSQL's default
    /// `max_stack_depth` lets through. Whoever walks over a tree may count on it (`dictdb_session::STACK_BYTES`).
    pub levels: u32,
    /// Expression nodes in the whole query string.
    pub expressions: u32,
    /// What a backslash means in a string without prefix.
    pub strings: Strings,
    /// The database whose name may stand before a schema's (0A000 for others), which the tree leaves out; `None`: any.
    pub database: Option<&'a str>,
}

/// Strings without prefix: `standard_conforming_strings` and `escape_string_warning`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strings {
    /// A backslash is a backslash.
    #[default]
    Standard,
    /// A backslash escapes, as in `E'…'`; 22P06 as a warning where `warn` is set.
    Escaped {
        /// Whether to warn.
        warn: bool,
    },
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Limits {
            text_bytes: 1 << 30,
            depth: 10_000,
            levels: 4_000,
            expressions: 50_000_000,
            strings: Strings::Standard,
            database: None,
        }
    }
}

/// Free stack below which recursion moves to a fresh segment, in bytes.
const RED_ZONE_BYTES: usize = 512 * 1024;
/// Size of a fresh segment, in bytes.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// Runs one level of a recursion over a tree, with more stack if little is left.
pub fn with_stack<R>(level: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE_BYTES, SEGMENT_BYTES, level)
}

/// 54001, as PostgreSQL says it.
pub(crate) fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
        "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), \
         after ensuring the platform's stack depth limit is adequate.",
    )
}
