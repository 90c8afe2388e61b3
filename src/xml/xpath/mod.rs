//! XPath 1.0 over a [`Document`](crate::tree::Document): lexer, parser, and an evaluator that works on sets of nodes in document
//! order. Errors are worded as libxml2 words them.
//!
//! An expression is parsed once and evaluated for any number of nodes. Parsing limits the nesting of expressions, evaluation asks
//! its caller again and again whether it may go on.

mod axis;
mod compare;
mod eval;
mod expr;
mod function;
mod lexer;
pub mod number;
mod parser;
mod path;
#[cfg(test)]
mod tests;
mod value;

pub use eval::Evaluation;
pub use expr::Expr;
pub use parser::parse;
pub use value::{Node, Value};

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The expression is wrong, in libxml2's words.
    Message(&'static str),
    /// The caller did not let it go on.
    Interrupted,
}

/// What XPath gives, or why not.
pub type Result<T> = std::result::Result<T, Error>;

pub(crate) const INVALID_EXPRESSION: Error = Error::Message("Invalid expression");
pub(crate) const INVALID_PREDICATE: Error = Error::Message("Invalid predicate");
pub(crate) const INVALID_TYPE: Error = Error::Message("Invalid type");
pub(crate) const INVALID_ARITY: Error = Error::Message("Invalid number of arguments");
pub(crate) const INVALID_SIZE: Error = Error::Message("Invalid context size");
pub(crate) const INVALID_POSITION: Error = Error::Message("Invalid context position");
pub(crate) const UNFINISHED_LITERAL: Error = Error::Message("Unfinished literal");
pub(crate) const VARIABLE_NAME_EXPECTED: Error = Error::Message("Expected $ for variable reference");
pub(crate) const UNDEFINED_VARIABLE: Error = Error::Message("Undefined variable");
pub(crate) const UNDEFINED_PREFIX: Error = Error::Message("Undefined namespace prefix");
/// libxml2 has no words for a prefix of a function that stands for nothing.
pub(crate) const UNDEFINED_FUNCTION_PREFIX: Error = Error::Message("");
pub(crate) const UNKNOWN_FUNCTION: Error = Error::Message("Unregistered function");
pub(crate) const TOO_DEEP: Error = Error::Message("Recursion limit exceeded");
