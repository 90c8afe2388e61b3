//! How a query string is read: what it may cost, and what a backslash means.

use dictdb_types::{Error, SqlState};

/// Bounds on one query string.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Bytes of text. PostgreSQL's own bound is the message size, 1 GB.
    pub text_bytes: usize,
    /// Rules inside rules: parentheses, subqueries, function calls, prefix operators.
    pub depth: u32,
    /// Levels of a tree, to which chains of operators and set operations add one per operator: as many as PostgreSQL's default
    /// `max_stack_depth` lets through. Whoever walks over a tree may count on it (`dictdb_types::stack::STACK_BYTES`).
    pub levels: u32,
    /// Expression nodes in the whole query string.
    pub expressions: u32,
    /// What a backslash means in a string without prefix.
    pub strings: Strings,
    /// Whether parentheses around the beginning of a chain of AND or OR mean nothing, as in what clients send. Texts that are kept nest
    /// what was nested.
    pub flattens: bool,
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
            depth: 20_000,
            levels: 4_000,
            expressions: 50_000_000,
            strings: Strings::Standard,
            flattens: false,
            database: None,
        }
    }
}

/// 54001, as PostgreSQL says it.
pub(crate) fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
        "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), \
         after ensuring the platform's stack depth limit is adequate.",
    )
}
