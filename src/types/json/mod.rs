//! JSON: the text form of `json` and `jsonb`, with PostgreSQL's error details.
//!
//! `json` keeps its text, which is only checked; `jsonb` becomes a [`Jsonb`] tree. One parser serves both, through
//! the trait `Build` of the parser.

mod lexer;
mod parser;
mod tree;
mod write;

pub(crate) use parser::too_deep;
pub use parser::{MAX_DEPTH, check, parse};
pub use tree::Jsonb;
pub use write::write_string;

#[cfg(test)]
mod tests;
