//! Tokens: choices, and the errors when none fits.

use std::sync::Arc;

use dictdb_parser::{Lexeme, LexemeKind};
use dictdb_types::{Error, Result, SqlState};

use super::Parser;

/// Words that are no names.
const RESERVED: [&str; 23] = [
    "all", "begin", "by", "case", "declare", "else", "end", "execute", "for", "foreach", "from", "if", "in", "into",
    "loop", "not", "null", "or", "strict", "then", "to", "using", "when",
];

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word) || word == "while"
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> &Lexeme {
        self.nth(0)
    }

    pub(super) fn nth(&self, ahead: usize) -> &Lexeme {
        let last = self.tokens.len() - 1;
        &self.tokens[(self.at + ahead).min(last)]
    }

    /// The token taken last.
    pub(super) fn before(&self) -> &Lexeme {
        &self.tokens[self.at.saturating_sub(1)]
    }

    pub(super) fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    pub(super) fn is_end(&self) -> bool {
        self.peek().kind == LexemeKind::End
    }

    /// The text of a token as written.
    pub(super) fn raw(&self, token: &Lexeme) -> &str {
        self.source.get(token.start..token.end).unwrap_or("")
    }

    /// The line a token stands on.
    pub(super) fn line_of(&self, token: &Lexeme) -> u32 {
        1 + self.source.as_bytes()[..token.start].iter().filter(|byte| **byte == b'\n').count() as u32
    }

    pub(super) fn line(&self) -> u32 {
        self.line_of(self.peek())
    }

    /// Whether the token at a distance is this word, unquoted.
    pub(super) fn word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(&self.nth(ahead).kind, LexemeKind::Word(own) if own == word)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.word_at(0, word)
    }

    pub(super) fn is_any_word(&self, words: &[&str]) -> bool {
        matches!(&self.peek().kind, LexemeKind::Word(own) if words.contains(&own.as_str()))
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn symbol_at(&self, ahead: usize, symbol: &str) -> bool {
        let token = self.nth(ahead);
        token.kind == LexemeKind::Symbol && self.raw(token) == symbol
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.symbol_at(0, symbol)
    }

    pub(super) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Result<()> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The name that comes next; reserved words are none.
    pub(super) fn name(&mut self) -> Result<Arc<str>> {
        let name = match &self.peek().kind {
            LexemeKind::Word(word) if !is_reserved(word) => Arc::from(word.as_str()),
            LexemeKind::Name(name) => Arc::from(name.as_str()),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(name)
    }

    /// The text of the word that comes next, which is not taken.
    pub(super) fn word_text(&self) -> Result<String> {
        match &self.peek().kind {
            LexemeKind::Word(word) => Ok(word.clone()),
            _ => Err(self.unexpected()),
        }
    }

    /// The name or word that a token is.
    pub(super) fn name_of(token: &Lexeme) -> Option<&str> {
        match &token.kind {
            LexemeKind::Word(word) => Some(word),
            LexemeKind::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn unexpected(&self) -> Error {
        self.near("syntax error")
    }

    /// 42601 with a message that ends in the next token's text.
    pub(super) fn near(&self, message: &str) -> Error {
        let token = self.peek();
        if token.kind == LexemeKind::End
            && let Some(broken) = &self.broken
        {
            let mut error = broken.clone();
            let position = error.fields_mut().position.take().unwrap_or(token.position);
            error.fields_mut().internal = Some((position, self.source.to_string()));
            return error;
        }
        let message = match token.kind {
            LexemeKind::End => format!("{message} at end of input"),
            _ => format!("{message} at or near \"{}\"", self.raw(token)),
        };
        self.error_at(SqlState::SYNTAX_ERROR, message, token.position)
    }

    /// An error at a position of the text.
    pub(super) fn error_at(&self, code: SqlState, message: impl Into<String>, position: u32) -> Error {
        let mut error = Error::new(code, message);
        error.fields_mut().internal = Some((position, self.source.to_string()));
        error
    }

    /// An error at the next token.
    pub(super) fn error(&self, code: SqlState, message: impl Into<String>) -> Error {
        self.error_at(code, message, self.peek().position)
    }

    /// An error that points nowhere: CONTEXT tells where the compiler was.
    pub(super) fn unplaced(&self, code: SqlState, message: impl Into<String>) -> Error {
        Error::new(code, message).context(self.compilation_context())
    }

    /// A label in double angle brackets.
    pub(super) fn label(&mut self) -> Result<Option<Arc<str>>> {
        if !self.eat_symbol("<<") {
            return Ok(None);
        }
        let label = match Self::name_of(self.peek()) {
            Some(name) => Arc::from(name),
            None => return Err(self.unexpected()),
        };
        self.advance();
        self.expect_symbol(">>")?;
        Ok(Some(label))
    }

    /// The label that may stand after END; it must be the one that stood before the block.
    pub(super) fn end_label(&mut self, label: Option<&Arc<str>>) -> Result<()> {
        let Some(written) = Self::name_of(self.peek()).map(str::to_owned).filter(|_| super::is_name(self.peek()))
        else {
            return Ok(());
        };
        match label {
            None => {
                let message = format!("end label \"{written}\" specified for unlabeled block");
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            Some(label) if **label != *written => {
                let message = format!("end label \"{written}\" differs from block's label \"{label}\"");
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            Some(_) => {}
        }
        self.advance();
        Ok(())
    }
}
