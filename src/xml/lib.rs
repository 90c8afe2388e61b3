//! XML by itself: reading, writing, and finding things in it.
//!
//! ```text
//!   text ── parse ──► Document (an arena in document order) ── xpath ──► nodes, strings, numbers
//!                │                                             serialize ──► text
//!                └──► Problems, worded as PostgreSQL's users know them from libxml2
//! ```
//!
//! Layer 0. Knows nothing of SQL types: `types` asks it whether a text is well-formed, `functions` builds PostgreSQL's XML
//! functions over it. It has a parser of its own because the parsers at hand either do not check well-formedness or word and
//! place their errors differently; what PostgreSQL answers about a bad document is part of what clients see.
//!
//! Invariants: no recursion over a document or over an entity's text without a limit; nothing outside of the text is read;
//! a node's number is its place in document order.

mod chars;
pub mod declaration;
mod entity;
pub mod escape;
pub mod names;
pub mod parse;
pub mod problem;
mod serialize;
pub mod tree;
mod uri;
pub mod xpath;

pub use serialize::serialize;
