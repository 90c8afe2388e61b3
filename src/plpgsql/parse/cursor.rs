//! OPEN, FETCH, MOVE, CLOSE, and the arguments of bound cursors.

use dictdb_parser::LexemeKind;
use dictdb_types::{Result, SqlState, oids};

use super::Parser;
use crate::host::Direction;
use crate::names::find;
use crate::sql::{Sql, SqlKind};
use crate::tree::{CursorArgs, FetchCount, FetchWord, Kind};

impl Parser<'_> {
    /// A variable of type refcursor.
    fn cursor_variable(&mut self) -> Result<usize> {
        let token = self.peek().clone();
        let Some(name) = Self::name_of(&token) else { return Err(self.unexpected()) };
        let mut names = vec![name.to_owned()];
        if self.symbol_at(1, ".")
            && let Some(second) = Self::name_of(self.nth(2))
        {
            names.push(second.to_owned());
        }
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let Some((variable, used)) = find(&self.names, &parts) else {
            let message = format!("\"{name}\" is not a known variable");
            return Err(self.error(SqlState::SYNTAX_ERROR, message));
        };
        if self.variables[variable].row.is_some() {
            return Err(self.error(SqlState::DATATYPE_MISMATCH, "cursor variable must be a simple variable"));
        }
        if self.variables[variable].ty.oid != oids::REFCURSOR {
            let message = format!("variable \"{name}\" must be of type cursor or refcursor");
            return Err(self.error(SqlState::DATATYPE_MISMATCH, message));
        }
        (0..used * 2 - 1).for_each(|_| self.advance());
        Ok(variable)
    }

    pub(super) fn open_statement(&mut self) -> Result<Kind> {
        let cursor = self.cursor_variable()?;
        if self.variables[cursor].cursor.is_some() {
            let args = self.cursor_args(cursor)?;
            self.expect_symbol(";")?;
            return Ok(Kind::OpenBound { cursor, args });
        }
        let scroll = self.scroll_option()?;
        self.expect_word("for")?;
        if self.eat_word("execute") {
            let dynamic = self.dynamic(&[";"])?;
            self.expect_symbol(";")?;
            return Ok(Kind::OpenExecute { cursor, scroll, dynamic });
        }
        let query = self.statement_sql()?;
        Ok(Kind::OpenQuery { cursor, scroll, query })
    }

    /// The arguments of a bound cursor in parentheses, by position or by name.
    pub(super) fn cursor_args(&mut self, cursor: usize) -> Result<CursorArgs> {
        let Some(query) = self.variables[cursor].cursor.clone() else { return Ok(CursorArgs::None) };
        let name = self.variables[cursor].name.clone();
        if query.args.is_empty() {
            if self.is_symbol("(") {
                let message = format!("cursor \"{name}\" has no arguments");
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            return Ok(CursorArgs::None);
        }
        if !self.is_symbol("(") {
            let message = format!("cursor \"{name}\" has arguments");
            return Err(self.error(SqlState::SYNTAX_ERROR, message));
        }
        self.advance();
        let mut values: Vec<Option<Sql>> = query.args.iter().map(|_| None).collect();
        let mut position = 0;
        loop {
            let mut place = position;
            if super::is_name(self.peek()) && (self.symbol_at(1, ":=") || self.symbol_at(1, "=>")) {
                let argument = self.name()?;
                let Some(found) = query.args.iter().position(|(own, _)| *own == argument) else {
                    let message = format!("cursor \"{name}\" has no argument named \"{argument}\"");
                    return Err(self.error(SqlState::SYNTAX_ERROR, message));
                };
                place = found;
                self.advance();
            }
            if place >= values.len() {
                let message = format!("too many arguments for cursor \"{name}\"");
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            let (start, end) = self.skip_to(&[",", ")"], ")", "SQL expression")?;
            if start == end {
                return Err(self.near("missing expression"));
            }
            if values[place].is_some() {
                let argument = &query.args[place].0;
                let message =
                    format!("value for parameter \"{argument}\" of cursor \"{name}\" is specified more than once");
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            values[place] = Some(self.sql(SqlKind::Expression, start, start, end)?);
            position += 1;
            if !self.eat_symbol(",") {
                break;
            }
        }
        let given: Vec<Sql> = values.into_iter().flatten().collect();
        if given.len() < query.args.len() {
            let message = format!("not enough arguments for cursor \"{name}\"");
            return Err(self.error(SqlState::SYNTAX_ERROR, message));
        }
        self.expect_symbol(")")?;
        Ok(CursorArgs::Values(given))
    }

    /// FETCH and MOVE.
    pub(super) fn fetch_statement(&mut self, is_fetch: bool) -> Result<Kind> {
        let count = self.fetch_count(is_fetch)?;
        let cursor = self.cursor_variable()?;
        let target = match is_fetch {
            true => {
                self.expect_word("into")?;
                Some(self.target()?)
            }
            false => None,
        };
        self.expect_symbol(";")?;
        Ok(Kind::Fetch { cursor, count, target })
    }

    fn fetch_count(&mut self, is_fetch: bool) -> Result<FetchCount> {
        let fixed = |parser: &mut Self, direction| {
            parser.advance();
            parser.skip_from_or_in()?;
            Ok(FetchCount::Fixed(direction))
        };
        let LexemeKind::Word(word) = self.peek().kind.clone() else {
            return self.counted_fetch();
        };
        match word.as_str() {
            "next" => fixed(self, Direction::Forward(1)),
            "prior" => fixed(self, Direction::Backward(1)),
            "first" => fixed(self, Direction::Absolute(1)),
            "last" => fixed(self, Direction::Absolute(-1)),
            "absolute" | "relative" => {
                self.advance();
                let word = if word == "absolute" { FetchWord::Absolute } else { FetchWord::Relative };
                let count = self.expression(&["from", "in"])?;
                self.skip_from_or_in()?;
                Ok(FetchCount::Computed(word, count))
            }
            "all" if !is_fetch => fixed(self, Direction::Forward(i64::MAX)),
            "forward" | "backward" => {
                self.advance();
                let forward = word == "forward";
                let one = if forward { Direction::Forward(1) } else { Direction::Backward(1) };
                let all = if forward { Direction::Forward(i64::MAX) } else { Direction::Backward(i64::MAX) };
                if self.is_word("from") || self.is_word("in") {
                    self.advance();
                    return Ok(FetchCount::Fixed(one));
                }
                if self.is_word("all") && !is_fetch {
                    return fixed(self, all);
                }
                if Self::name_of(self.peek()).is_some_and(|name| find(&self.names, &[name]).is_some()) {
                    return Ok(FetchCount::Fixed(one));
                }
                let word = if forward { FetchWord::Forward } else { FetchWord::Backward };
                let count = self.expression(&["from", "in"])?;
                self.skip_from_or_in()?;
                Ok(FetchCount::Computed(word, count))
            }
            "from" | "in" => {
                self.advance();
                Ok(FetchCount::Fixed(Direction::Forward(1)))
            }
            _ => Ok(FetchCount::Fixed(Direction::Forward(1))),
        }
    }

    fn counted_fetch(&mut self) -> Result<FetchCount> {
        let count = self.expression(&["from", "in"])?;
        self.skip_from_or_in()?;
        Ok(FetchCount::Computed(FetchWord::Forward, count))
    }

    fn skip_from_or_in(&mut self) -> Result<()> {
        if self.eat_word("from") || self.eat_word("in") { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn close_statement(&mut self) -> Result<Kind> {
        let cursor = self.cursor_variable()?;
        self.expect_symbol(";")?;
        Ok(Kind::Close { cursor })
    }
}
