//! Pieces of SQL: where they end, and whether they are well formed.

use std::sync::Arc;

use dictdb_parser::{LexemeKind, Limits};
use dictdb_types::{Error, Result, SqlState};

use super::Parser;
use crate::sql::{Sql, SqlKind};

impl Parser<'_> {
    /// Whether the next token is one of these words or symbols.
    fn at_terminator(&self, terminators: &[&str]) -> bool {
        let token = self.peek();
        match &token.kind {
            LexemeKind::Word(word) => terminators.contains(&word.as_str()),
            LexemeKind::Symbol => terminators.contains(&self.raw(token)),
            _ => false,
        }
    }

    /// Skips to one of these words or symbols outside of parentheses; the range of the text before it, without blanks.
    pub(super) fn skip_to(&mut self, terminators: &[&str], expected: &str, noun: &str) -> Result<(usize, usize)> {
        let start = self.peek().start;
        let mut end = start;
        let mut depth = 0;
        loop {
            if depth == 0 && self.at_terminator(terminators) {
                break;
            }
            let token = self.peek();
            if token.kind == LexemeKind::End || self.is_symbol(";") {
                if depth != 0 {
                    return Err(self.near("mismatched parentheses"));
                }
                if token.kind == LexemeKind::End {
                    return Err(self.unexpected());
                }
                let message = format!("missing \"{}\" at end of {noun}", expected.to_uppercase());
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            match self.raw(token) {
                "(" | "[" if token.kind == LexemeKind::Symbol => depth += 1,
                ")" | "]" if token.kind == LexemeKind::Symbol => {
                    depth -= 1;
                    if depth < 0 {
                        return Err(self.near("mismatched parentheses"));
                    }
                }
                _ => {}
            }
            end = token.end;
            self.advance();
        }
        Ok((start, end))
    }

    /// An expression that ends before one of these words or symbols, which is not taken.
    pub(super) fn expression(&mut self, terminators: &[&str]) -> Result<Sql> {
        let expected = terminators[0];
        let (start, end) = self.skip_to(terminators, expected, "SQL expression")?;
        if start == end {
            return Err(self.near("missing expression"));
        }
        self.sql(SqlKind::Expression, start, start, end)
    }

    /// An expression and the word or symbol after it.
    pub(super) fn expression_then(&mut self, terminator: &str) -> Result<Sql> {
        let sql = self.expression(&[terminator])?;
        self.advance();
        Ok(sql)
    }

    /// The next piece of the function.
    pub(super) fn piece(&mut self, kind: SqlKind, shown: Arc<str>, offset: usize) -> Sql {
        self.pieces += 1;
        Sql::new(kind, shown, offset, &self.names, self.pieces - 1)
    }

    /// A piece of SQL between two bytes; `from` is where its shown text begins.
    pub(super) fn sql(&mut self, kind: SqlKind, from: usize, start: usize, end: usize) -> Result<Sql> {
        let shown: Arc<str> = Arc::from(self.source[from..end].trim_end());
        let sql = self.piece(kind, shown, start - from);
        self.check(&sql, from)?;
        Ok(sql)
    }

    /// Likewise with another text than the source's, of the same length.
    pub(super) fn sql_of(&mut self, kind: SqlKind, text: &str, from: usize) -> Result<Sql> {
        let sql = self.piece(kind, Arc::from(text.trim_end()), 0);
        self.check(&sql, from)?;
        Ok(sql)
    }

    /// Reports a syntax error where it stands in the function's text.
    fn check(&self, sql: &Sql, from: usize) -> Result<()> {
        let statement = sql.statement();
        let parsed = dictdb_parser::parse(&statement, &Limits::default());
        let mut error = match parsed {
            Ok(statements) if statements.len() == 1 || sql.kind == SqlKind::Statement => return Ok(()),
            Ok(_) => Error::new(SqlState::SYNTAX_ERROR, "syntax error"),
            Err(error) => error,
        };
        let before = self.source[..from].chars().count() as u32;
        let position =
            error.fields_mut().position.take().map_or(before + 1, |position| before + sql.position(position));
        error.fields_mut().internal = Some((position, self.source.to_string()));
        Err(error)
    }
}
