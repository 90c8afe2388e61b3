//! What can be wrong with a pattern, in PostgreSQL's words.

use dictdb_types::{Error, SqlState};

/// What can be wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    CollatingElement,
    CharacterClass,
    Escape,
    BackReference,
    Brackets,
    Parentheses,
    Braces,
    RepetitionCount,
    Range,
    Quantifier,
    EmbeddedOption,
    TooComplex,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        let text = match fault {
            Fault::CollatingElement => "invalid collating element",
            Fault::CharacterClass => "invalid character class",
            Fault::Escape => "invalid escape \\ sequence",
            Fault::BackReference => "invalid backreference number",
            Fault::Brackets => "brackets [] not balanced",
            Fault::Parentheses => "parentheses () not balanced",
            Fault::Braces => "braces {} not balanced",
            Fault::RepetitionCount => "invalid repetition count(s)",
            Fault::Range => "invalid character range",
            Fault::Quantifier => "quantifier operand invalid",
            Fault::EmbeddedOption => "invalid embedded option",
            Fault::TooComplex => "regular expression is too complex",
        };
        Error::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("invalid regular expression: {text}"))
    }
}
