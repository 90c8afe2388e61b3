//! Loops: LOOP, WHILE, FOR in its forms, FOREACH.

use std::sync::Arc;

use dictdb_parser::{Lexeme, LexemeKind};
use dictdb_types::{Result, SqlState, Type, oids};

use super::Parser;
use crate::names::{LabelKind, with_label};
use crate::sql::SqlKind;
use crate::tree::{CursorArgs, Kind, Loop, Target};

impl Parser<'_> {
    /// The body of a loop after LOOP, up to `END LOOP [label];`.
    pub(super) fn loop_body(&mut self, label: Option<Arc<str>>) -> Result<Loop> {
        let body = self.statements()?;
        self.expect_word("end")?;
        self.expect_word("loop")?;
        self.end_label(label.as_ref())?;
        self.expect_symbol(";")?;
        Ok(Loop { label: self.label_number(label), body })
    }

    /// Runs a rule inside a loop.
    pub(super) fn in_loop<T>(
        &mut self,
        label: &Option<Arc<str>>,
        rule: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = self.names.clone();
        self.names = with_label(&outer, label.clone(), LabelKind::Loop);
        let result = rule(self);
        self.names = outer;
        result
    }

    pub(super) fn loop_statement(&mut self, label: Option<Arc<str>>) -> Result<Kind> {
        self.in_loop(&label.clone(), |parser| parser.loop_body(label).map(Kind::Loop))
    }

    pub(super) fn while_statement(&mut self, label: Option<Arc<str>>) -> Result<Kind> {
        self.in_loop(&label.clone(), |parser| {
            let condition = parser.expression_then("loop")?;
            Ok(Kind::While { condition, body: parser.loop_body(label)? })
        })
    }

    pub(super) fn for_statement(&mut self, label: Option<Arc<str>>) -> Result<Kind> {
        self.in_loop(&label.clone(), |parser| parser.for_inside(label))
    }

    fn for_inside(&mut self, label: Option<Arc<str>>) -> Result<Kind> {
        let line = self.line();
        let first = self.peek().clone();
        if Self::name_of(&first).is_none() {
            return Err(self.unexpected());
        }
        let targets_start = self.at;
        // The targets are read again once the kind of loop is known.
        let simple = super::is_name(&first) && self.word_at(1, "in");
        while !self.is_word("in") {
            if self.is_end() || self.is_symbol(";") {
                return Err(self.unexpected());
            }
            self.advance();
        }
        self.advance();
        if self.is_word("execute") {
            self.advance();
            let dynamic = self.dynamic(&["loop"])?;
            self.expect_word("loop")?;
            let target = self.loop_target(targets_start, &first)?;
            return Ok(Kind::ForExecute { target, dynamic, body: self.loop_body(label)? });
        }
        if let Some((cursor, args)) = self.loop_cursor()? {
            let Some(name) = Self::name_of(&first).filter(|_| simple) else {
                let message = "cursor FOR loop must have only one target variable";
                return Err(self.error_at(SqlState::SYNTAX_ERROR, message, first.position));
            };
            let row = self.new_variable(name, Type::new(oids::RECORD), line);
            self.visible(name, row);
            return Ok(Kind::ForCursor { row, cursor, args, body: self.loop_body(label)? });
        }
        let at_reverse = self.peek().position;
        let reverse = self.eat_word("reverse");
        let (start, end) = self.skip_to(&["..", "loop"], "loop", "SQL expression")?;
        if self.eat_symbol("..") {
            return self.for_range(&first, simple, reverse, (start, end), label);
        }
        if reverse {
            let message = "cannot specify REVERSE in query FOR loop";
            return Err(self.error_at(SqlState::SYNTAX_ERROR, message, at_reverse));
        }
        let query = self.sql(SqlKind::Statement, start, start, end)?;
        self.expect_word("loop")?;
        let target = self.loop_target(targets_start, &first)?;
        Ok(Kind::ForQuery { target, query, body: self.loop_body(label)? })
    }

    fn for_range(
        &mut self,
        first_token: &Lexeme,
        simple: bool,
        reverse: bool,
        (start, end): (usize, usize),
        label: Option<Arc<str>>,
    ) -> Result<Kind> {
        if start == end {
            return Err(self.near("missing expression"));
        }
        let first = self.sql(SqlKind::Expression, start, start, end)?;
        let last = self.expression(&["loop", "by"])?;
        let step = match self.eat_word("by") {
            true => Some(self.expression(&["loop"])?),
            false => None,
        };
        self.expect_word("loop")?;
        let Some(name) = Self::name_of(first_token).filter(|_| simple) else {
            let written = Self::name_of(first_token).unwrap_or_default();
            let message = match crate::names::find(&self.names, &[written]) {
                None => format!("\"{written}\" is not a known variable"),
                Some(_) => "integer FOR loop must have only one target variable".to_owned(),
            };
            return Err(self.error_at(SqlState::SYNTAX_ERROR, message, first_token.position));
        };
        let variable = self.new_variable(name, Type::new(oids::INT4), self.line_of(first_token));
        self.visible(name, variable);
        Ok(Kind::ForRange { variable, reverse, first, last, step, body: self.loop_body(label)? })
    }

    /// The target of a loop over rows: read where it stands, before IN.
    fn loop_target(&mut self, at: usize, first: &Lexeme) -> Result<Target> {
        let here = std::mem::replace(&mut self.at, at);
        let target = self.target();
        let complete = self.is_word("in");
        self.at = here;
        match target {
            Ok(target) if complete => Ok(target),
            _ => {
                let message = "loop variable of loop over rows must be a record variable or list of scalar variables";
                Err(self.error_at(SqlState::SYNTAX_ERROR, message, first.position))
            }
        }
    }

    /// A bound cursor after IN, with its arguments and LOOP.
    fn loop_cursor(&mut self) -> Result<Option<(usize, CursorArgs)>> {
        let token = self.peek().clone();
        let Some(name) = Self::name_of(&token) else { return Ok(None) };
        let Some((variable, 1)) = crate::names::find(&self.names, &[name]) else { return Ok(None) };
        if self.variables[variable].ty.oid != oids::REFCURSOR {
            return Ok(None);
        }
        if !self.symbol_at(1, "(") && !self.word_at(1, "loop") {
            return Ok(None);
        }
        if self.variables[variable].cursor.is_none() {
            let message = "cursor FOR loop must use a bound cursor variable";
            return Err(self.error_at(SqlState::SYNTAX_ERROR, message, token.position));
        }
        self.advance();
        let args = self.cursor_args(variable)?;
        self.expect_word("loop")?;
        Ok(Some((variable, args)))
    }

    pub(super) fn foreach_statement(&mut self, label: Option<Arc<str>>) -> Result<Kind> {
        self.in_loop(&label.clone(), |parser| {
            let target = parser.foreach_target()?;
            let slice = match parser.eat_word("slice") {
                true => {
                    let token = parser.peek().clone();
                    let number = parser.raw(&token).parse();
                    let (LexemeKind::Integer, Ok(number)) = (&token.kind, number) else {
                        return Err(parser.unexpected());
                    };
                    parser.advance();
                    number
                }
                false => 0,
            };
            parser.expect_word("in")?;
            parser.expect_word("array")?;
            let array = parser.expression_then("loop")?;
            Ok(Kind::Foreach { target, slice, array, body: parser.loop_body(label)? })
        })
    }

    fn foreach_target(&mut self) -> Result<Target> {
        let token = self.peek().clone();
        if super::is_name(&token)
            && Self::name_of(&token).is_some_and(|name| crate::names::find(&self.names, &[name]).is_none())
            && !self.symbol_at(1, ".")
        {
            let message = "loop variable of FOREACH must be a known variable or list of variables";
            return Err(self.error(SqlState::SYNTAX_ERROR, message));
        }
        self.target()
    }
}
