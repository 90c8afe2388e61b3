//! Tokens for readers of other languages over PostgreSQL's lexical rules, such as PL/pgSQL.

use dictdb_types::{Error, Result};

use crate::limits::Limits;
use crate::token::Kind;
use crate::{lexer, literal};

/// What a lexeme is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LexemeKind {
    /// An unquoted word, folded to lower case.
    Word(String),
    /// A quoted name.
    Name(String),
    /// A string literal.
    String(String),
    /// Digits that fit an integer.
    Integer,
    /// Any other number.
    Number,
    /// `$1`.
    Parameter,
    /// An operator or a punctuation mark, as it is written.
    Symbol,
    /// The end of the text.
    End,
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub struct Lexeme {
    /// What it is.
    pub kind: LexemeKind,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// 1-based character offset of the first byte.
    pub position: u32,
}

/// Cuts a text into lexemes; the last is [`LexemeKind::End`]. The second value is the error at which the text could not be
/// read further, if there is one: it is to be reported when the reader arrives there.
pub fn lexemes(text: &str) -> Result<(Vec<Lexeme>, Option<Error>)> {
    let lexed = lexer::tokenize(text, &Limits::default())?;
    let mut found = Vec::with_capacity(lexed.tokens.len());
    for token in &lexed.tokens {
        let (start, end) = (token.start as usize, token.end as usize);
        let raw = text.get(start..end).unwrap_or("");
        let kind = match token.kind {
            Kind::End | Kind::Broken => LexemeKind::End,
            Kind::Word => LexemeKind::Word(raw.to_ascii_lowercase()),
            Kind::QuotedName => LexemeKind::Name(literal::name(raw)),
            Kind::UnicodeName => LexemeKind::Name(literal::unicode(raw, '\\', token.position)?),
            Kind::String => LexemeKind::String(literal::plain(raw)),
            Kind::EscapeString => LexemeKind::String(literal::escape(raw, token.position)?),
            Kind::UnicodeString => LexemeKind::String(literal::unicode(raw, '\\', token.position)?),
            Kind::DollarString => LexemeKind::String(literal::dollar(raw).to_owned()),
            Kind::Integer => LexemeKind::Integer,
            Kind::Float => LexemeKind::Number,
            Kind::Parameter => LexemeKind::Parameter,
            _ => LexemeKind::Symbol,
        };
        found.push(Lexeme { kind, start, end, position: token.position });
    }
    Ok((found, lexed.error))
}
