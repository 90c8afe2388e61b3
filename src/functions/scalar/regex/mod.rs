//! Regular expressions with PostgreSQL's syntax and PostgreSQL's choice of match.
//!
//! ```text
//!   pattern ── parse, escape ──► Node tree ──┬─► regex-automata program   where a match is   (compiled)
//!                                            └─► automaton + dissect      captures, look-around, back-references
//! ```
//!
//! PostgreSQL's engine is not a backtracking one: the whole match is the longest (or, if the first quantifier is
//! reluctant, the shortest) at the leftmost place, and captures are settled afterwards, left to right. Engines in the
//! Perl tradition disagree on `foo|foobar`, so their match is not taken over; only the place is.
//!
//! Compiled patterns are kept per thread, [`CACHED_PATTERNS`] of them, most recently used first.

mod automaton;
mod basic;
mod class;
mod compiled;
mod dissect;
mod escape;
mod fault;
pub(crate) mod functions;
mod parse;
pub(crate) mod replace;
pub(crate) mod required;
mod syntax;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;

use dictdb_types::Result;

use compiled::Compiled;
use syntax::Options;

/// Compiled patterns kept by each thread.
const CACHED_PATTERNS: usize = 64;

type Cached = (Box<str>, Options, Rc<Compiled>);

thread_local! {
    static CACHE: RefCell<Vec<Cached>> = const { RefCell::new(Vec::new()) };
}

/// The compiled form of a pattern; 2201B if it is none.
fn compile(pattern: &str, options: Options) -> Result<Rc<Compiled>> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(at) = cache.iter().position(|(p, o, _)| **p == *pattern && *o == options) {
            cache[..=at].rotate_right(1);
            return Ok(cache[0].2.clone());
        }
        let compiled = Rc::new(Compiled::new(pattern, options)?);
        cache.truncate(CACHED_PATTERNS - 1);
        cache.insert(0, (pattern.into(), options, compiled.clone()));
        Ok(compiled)
    })
}

/// `text ~ pattern`, or `~*`.
pub(crate) fn is_match(text: &str, pattern: &str, ignore_case: bool) -> Result<bool> {
    compile(pattern, Options { ignore_case, ..Options::ADVANCED })?.is_match(text)
}

/// Whether a text matches under the option letters of functions' `flags`.
pub(crate) fn is_match_with(text: &str, pattern: &str, flags: &str) -> Result<bool> {
    compile(pattern, syntax::parse_flags(flags)?.0)?.is_match(text)
}

/// `substring(text from pattern)`: the first capture if there is one, the whole match otherwise.
pub(crate) fn substring<'a>(text: &'a str, pattern: &str) -> Result<Option<&'a str>> {
    let compiled = compile(pattern, Options::ADVANCED)?;
    let Some(spans) = compiled.find_captures(text, 0)? else { return Ok(None) };
    let span = if compiled.captures() > 0 { spans[1] } else { spans[0] };
    Ok(span.map(|(start, end)| &text[start..end]))
}
