//! Full-text search values: `tsvector` (a document's lexemes with their places) and `tsquery` (a condition on them).
//!
//! Both lie in byte-string datums in PostgreSQL's binary wire format, big endian:
//!
//! ```text
//!   tsvector   count (4), then by lexeme: text, 00, number of positions (2), positions (2: weight << 14 | position)
//!   tsquery    count (4), then in prefix order, right operand first:
//!              01 weights (1) prefix (1) text 00          a lexeme
//!              02 operator (1: not, and, or, phrase)      of a phrase also the distance (2)
//! ```

mod order;
mod parse;
mod query;
mod vector;

use crate::{Error, Severity, SqlState};

pub use order::{compare, compare_nodes, write_key};
pub use parse::{ParsedQuery, parse_query, parse_vector};
pub use query::{Malformed, Operator, Query, Term};
pub use vector::{Lexeme, Position, Vector};

/// Longest lexeme in bytes.
pub const MAX_LEXEME_BYTES: usize = (1 << 11) - 1;
/// Largest position; what lies beyond is put there.
pub const MAX_POSITION: u16 = (1 << 14) - 1;
/// Most positions of a lexeme.
pub const MAX_POSITIONS: usize = 256;
/// Most bytes of all lexemes and positions together.
pub const MAX_VECTOR_BYTES: usize = (1 << 20) - 1;

/// The notice about a query without any operand.
pub fn no_lexemes(text: &str) -> Error {
    let message = format!("text-search query doesn't contain lexemes: \"{text}\"");
    Error::with_severity(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message)
}

/// Appends a word in quotes, with quotes and backslashes doubled.
fn write_quoted(word: &str, out: &mut String) {
    out.push('\'');
    for c in word.chars() {
        if matches!(c, '\'' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
}

/// Text up to a zero byte, and what follows it.
fn split_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

fn split_u16(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*head), rest))
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*head), rest))
}
