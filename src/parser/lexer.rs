//! Text to tokens, as PostgreSQL's `scan.l` cuts it.
//!
//! Strings and names keep their raw text: [`crate::literal`] decodes them when the grammar takes them. A lexical error
//! becomes the last token, and is reported when the grammar arrives there, because PostgreSQL reads lazily too.

use dictdb_types::{Error, Result, SqlState};

use crate::keyword::Keyword;
use crate::scan;
use crate::token::{Kind, Token};
use crate::{Limits, Strings};

/// Longest name and operator, in bytes (`NAMEDATALEN` - 1).
pub(crate) const NAME_BYTES: usize = 63;

/// The tokens of a text; the last one is [`Kind::End`] or [`Kind::Broken`].
pub(crate) struct Lexed {
    /// The tokens.
    pub(crate) tokens: Vec<Token>,
    /// The error behind [`Kind::Broken`].
    pub(crate) error: Option<Error>,
}

/// Cuts a whole text into tokens. 54000 when it is longer than `limits` allow.
pub(crate) fn tokenize(sql: &str, limits: &Limits) -> Result<Lexed> {
    if sql.len() > limits.text_bytes || u32::try_from(sql.len()).is_err() {
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "query string is too long")
            .detail(format!("The limit is {} bytes.", limits.text_bytes)));
    }
    let mut lexer = Lexer {
        text: sql.as_bytes(),
        ascii: sql.is_ascii(),
        escaped: limits.strings != Strings::Standard,
        tokens: Vec::with_capacity(sql.len() / 4 + 2),
        counted: 0,
        continuations: 0,
    };
    let error = lexer.run().err();
    Ok(Lexed { tokens: lexer.tokens, error })
}

struct Lexer<'a> {
    text: &'a [u8],
    ascii: bool,
    /// Whether a backslash escapes in strings without prefix.
    escaped: bool,
    tokens: Vec<Token>,
    /// How far UTF-8 continuation bytes have been counted, and how many there were.
    counted: usize,
    continuations: usize,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<()> {
        let mut at = 0;
        loop {
            at = match scan::blank(self.text, at) {
                Ok(at) => at,
                Err(comment) => return Err(self.broken("unterminated /* comment", comment, self.text.len())),
            };
            if at >= self.text.len() {
                self.push(Kind::End, at, at);
                return Ok(());
            }
            at = self.token(at)?;
        }
    }

    /// Reads one token and returns its end.
    fn token(&mut self, at: usize) -> Result<usize> {
        let next = self.byte(at + 1);
        match self.byte(at) {
            b'\'' => {
                let kind = if self.escaped { Kind::EscapeString } else { Kind::String };
                self.string(kind, at, at, self.escaped, "unterminated quoted string")
            }
            b'e' | b'E' if next == b'\'' => {
                self.string(Kind::EscapeString, at, at + 1, true, "unterminated quoted string")
            }
            b'b' | b'B' if next == b'\'' => {
                self.string(Kind::BitString, at, at + 1, false, "unterminated bit string literal")
            }
            b'x' | b'X' if next == b'\'' => {
                self.string(Kind::HexString, at, at + 1, false, "unterminated hexadecimal string literal")
            }
            b'n' | b'N' if next == b'\'' => {
                self.push(Kind::Word, at, at + 1);
                if let Some(token) = self.tokens.last_mut() {
                    token.keyword = Keyword::Nchar;
                }
                Ok(at + 1)
            }
            b'u' | b'U' if next == b'&' && self.byte(at + 2) == b'\'' && self.escaped => Err(self.unsafe_unicode(at)),
            b'u' | b'U' if next == b'&' && self.byte(at + 2) == b'\'' => {
                self.string(Kind::UnicodeString, at, at + 2, false, "unterminated quoted string")
            }
            b'u' | b'U' if next == b'&' && self.byte(at + 2) == b'"' => self.name(Kind::UnicodeName, at, at + 2),
            b'"' => self.name(Kind::QuotedName, at, at),
            b if scan::is_name_start(b) => Ok(self.word(at)),
            b if b.is_ascii_digit() => self.number(at),
            b'.' if next.is_ascii_digit() => self.number(at),
            b'$' => self.dollar(at),
            _ => self.symbol(at),
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn word(&mut self, at: usize) -> usize {
        let end = scan::name(self.text, at);
        let keyword = Keyword::of(&self.text[at..end]);
        self.push(Kind::Word, at, end);
        if let Some(token) = self.tokens.last_mut() {
            token.keyword = keyword;
        }
        end
    }

    fn string(&mut self, kind: Kind, at: usize, quote: usize, escapes: bool, message: &str) -> Result<usize> {
        match scan::string(self.text, quote, escapes) {
            Some(end) => Ok(self.push(kind, at, end)),
            None => Err(self.broken(message, at, self.text.len())),
        }
    }

    fn name(&mut self, kind: Kind, at: usize, quote: usize) -> Result<usize> {
        match scan::quoted(self.text, quote, b'"') {
            Some(end) if end == quote + 2 => Err(self.broken("zero-length delimited identifier", at, end)),
            Some(end) => Ok(self.push(kind, at, end)),
            None => Err(self.broken("unterminated quoted identifier", at, self.text.len())),
        }
    }

    fn number(&mut self, at: usize) -> Result<usize> {
        let number = scan::number(self.text, at);
        if number.junk {
            return Err(self.broken("trailing junk after numeric literal", at, number.end));
        }
        let small = number.integer
            && self.text[at..number.end]
                .iter()
                .try_fold(0i32, |value, digit| value.checked_mul(10)?.checked_add(i32::from(digit - b'0')))
                .is_some();
        Ok(self.push(if small { Kind::Integer } else { Kind::Float }, at, number.end))
    }

    /// A parameter, a dollar-quoted string, or a lone dollar sign.
    fn dollar(&mut self, at: usize) -> Result<usize> {
        if self.byte(at + 1).is_ascii_digit() {
            let mut end = at + 1;
            while self.byte(end).is_ascii_digit() {
                end += 1;
            }
            if scan::is_name_start(self.byte(end)) {
                return Err(self.broken("trailing junk after parameter", at, scan::name(self.text, end)));
            }
            return Ok(self.push(Kind::Parameter, at, end));
        }
        match scan::dollar_tag(self.text, at) {
            Some(tag_end) => match scan::dollar_string(self.text, at, tag_end) {
                Some(end) => Ok(self.push(Kind::DollarString, at, end)),
                None => Err(self.broken("unterminated dollar-quoted string", at, self.text.len())),
            },
            None => Ok(self.push(Kind::Other, at, at + 1)),
        }
    }

    fn symbol(&mut self, at: usize) -> Result<usize> {
        let two = [self.byte(at), self.byte(at + 1)];
        let kind = match &two {
            b"::" => Kind::TypeCast,
            b":=" => Kind::ColonEqual,
            b".." => Kind::DotDot,
            _ => return self.single_or_operator(at),
        };
        Ok(self.push(kind, at, at + 2))
    }

    fn single_or_operator(&mut self, at: usize) -> Result<usize> {
        let kind = match self.byte(at) {
            b',' => Kind::Comma,
            b'(' => Kind::LeftParen,
            b')' => Kind::RightParen,
            b'[' => Kind::LeftBracket,
            b']' => Kind::RightBracket,
            b'.' => Kind::Dot,
            b';' => Kind::Semicolon,
            b':' => Kind::Colon,
            b if scan::is_operator(b) => {
                let end = scan::operator(self.text, at);
                if end - at > NAME_BYTES {
                    return Err(self.broken("operator too long", at, end));
                }
                return Ok(self.push(operator_kind(&self.text[at..end]), at, end));
            }
            _ => Kind::Other,
        };
        Ok(self.push(kind, at, at + 1))
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) -> usize {
        let position = self.position(start);
        self.tokens.push(Token { kind, keyword: Keyword::Unkeyed, start: start as u32, end: end as u32, position });
        end
    }

    /// 1-based character offset; calls must come with rising offsets.
    fn position(&mut self, start: usize) -> u32 {
        if !self.ascii {
            let new = &self.text[self.counted..start];
            self.continuations += new.iter().filter(|b| (**b & 0xc0) == 0x80).count();
            self.counted = start;
        }
        (start - self.continuations + 1) as u32
    }

    /// 0A000: where a backslash escapes, it cannot also start a Unicode escape.
    fn unsafe_unicode(&mut self, at: usize) -> Error {
        self.push(Kind::Broken, at, at + 3);
        let position = self.tokens.last().map(|token| token.position);
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, "unsafe use of string constant with Unicode escapes")
            .detail("String constants with Unicode escapes cannot be used when standard_conforming_strings is off.")
            .at(position)
    }

    /// Ends the token stream with an error that quotes `start..end`.
    fn broken(&mut self, message: &str, start: usize, end: usize) -> Error {
        self.push(Kind::Broken, start, end);
        let position = self.tokens.last().map(|token| token.position);
        let near = String::from_utf8_lossy(&self.text[start..end]);
        Error::new(SqlState::SYNTAX_ERROR, format!("{message} at or near \"{near}\"")).at(position)
    }
}

fn operator_kind(text: &[u8]) -> Kind {
    match text {
        b"+" => Kind::Plus,
        b"-" => Kind::Minus,
        b"*" => Kind::Star,
        b"/" => Kind::Slash,
        b"%" => Kind::Percent,
        b"^" => Kind::Caret,
        b"<" => Kind::Less,
        b">" => Kind::Greater,
        b"=" => Kind::Equal,
        b"<=" => Kind::LessEqual,
        b">=" => Kind::GreaterEqual,
        b"<>" | b"!=" => Kind::NotEqual,
        b"=>" => Kind::FatArrow,
        _ => Kind::Operator,
    }
}
