//! Tokens: what the grammar reads.

use crate::keyword::Keyword;

/// What a token is. Names say what PostgreSQL's scanner would return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// End of the text.
    End,
    /// A lexical error: the text cannot be read further.
    Broken,
    /// An unquoted word; [`Token::keyword`] tells whether it is a keyword.
    Word,
    /// `"name"`.
    QuotedName,
    /// `U&"name"`.
    UnicodeName,
    /// `'text'`.
    String,
    /// `E'text'`.
    EscapeString,
    /// `U&'text'`.
    UnicodeString,
    /// `$$text$$`.
    DollarString,
    /// `B'101'`.
    BitString,
    /// `X'1F'`.
    HexString,
    /// Digits that fit a 32-bit integer.
    Integer,
    /// Any other number.
    Float,
    /// `$1`.
    Parameter,
    /// An operator that is none of those below.
    Operator,
    Comma,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Dot,
    DotDot,
    Semicolon,
    Colon,
    TypeCast,
    ColonEqual,
    FatArrow,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Less,
    Greater,
    Equal,
    LessEqual,
    GreaterEqual,
    NotEqual,
    /// A character the grammar has no use for.
    Other,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Which keyword a [`Kind::Word`] is.
    pub(crate) keyword: Keyword,
    /// First byte.
    pub(crate) start: u32,
    /// Byte after the last.
    pub(crate) end: u32,
    /// 1-based character offset of the first byte.
    pub(crate) position: u32,
}
