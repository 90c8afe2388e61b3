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
            let start_of_argument = self.peek().position;
            let mut place = position;
            if super::is_name(self.peek()) && self.symbol_at(1, ":=") {
                let argument = self.name()?;
                let Some(found) = query.args.iter().position(|(own, _)| *own == argument) else {
                    let message = format!("cursor \"{name}\" has no argument named \"{argument}\"");
                    return Err(self.error_at(SqlState::SYNTAX_ERROR, message, start_of_argument));
                };
                place = found;
                self.advance();
            }
            if values[place].is_some() {
                let argument = &query.args[place].0;
                let message =
                    format!("value for parameter \"{argument}\" of cursor \"{name}\" specified more than once");
                return Err(self.error_at(SqlState::SYNTAX_ERROR, message, start_of_argument));
            }
            let (start, end) = self.skip_to(&[",", ")"], ")", "SQL expression")?;
            if start == end {
                return Err(self.near("missing expression"));
            }
            values[place] = Some(self.sql(SqlKind::Expression, start, start, end)?);
            position += 1;
            let more = self.is_symbol(",");
            if more && position == values.len() {
                let message = format!("too many arguments for cursor \"{name}\"");
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            if !more && position < values.len() {
                let message = format!("not enough arguments for cursor \"{name}\"");
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            if !self.eat_symbol(",") {
                break;
            }
        }
        let given: Vec<Sql> = values.into_iter().flatten().collect();
        self.expect_symbol(")")?;
        Ok(CursorArgs::Values(given))
    }

    /// FETCH and MOVE.
    pub(super) fn fetch_statement(&mut self, is_fetch: bool) -> Result<Kind> {
        let start = self.before().position;
        let (count, several) = self.fetch_count()?;
        let cursor = self.cursor_variable()?;
        let target = match is_fetch {
            true => {
                self.expect_word("into")?;
                Some(self.target()?)
            }
            false => None,
        };
        self.expect_symbol(";")?;
        if is_fetch && several {
            let message = "FETCH statement cannot return multiple rows";
            return Err(self.error_at(SqlState::FEATURE_NOT_SUPPORTED, message, start));
        }
        Ok(Kind::Fetch { cursor, count, target })
    }

    /// Direction and distance, and whether they may lead to more than one row.
    fn fetch_count(&mut self) -> Result<(FetchCount, bool)> {
        let one = FetchCount::Fixed(Direction::Forward(1));
        let word = match &self.peek().kind {
            LexemeKind::Word(word) => word.clone(),
            _ => String::new(),
        };
        let fixed = match word.as_str() {
            "next" => Direction::Forward(1),
            "prior" => Direction::Backward(1),
            "first" => Direction::Absolute(1),
            "last" => Direction::Absolute(-1),
            "all" => Direction::Forward(i64::MAX),
            "absolute" | "relative" => {
                self.advance();
                let word = if word == "absolute" { FetchWord::Absolute } else { FetchWord::Relative };
                return Ok((self.counted_fetch(word)?, false));
            }
            "forward" | "backward" => {
                self.advance();
                return self.directed_fetch(word == "forward");
            }
            "from" | "in" => {
                self.advance();
                return Ok((one, false));
            }
            _ if self.at_variable() => return Ok((one, false)),
            _ => return Ok((self.counted_fetch(FetchWord::Forward)?, true)),
        };
        self.advance();
        if !self.eat_word("from") && !self.eat_word("in") {
            return Err(self.near("expected FROM or IN"));
        }
        Ok((FetchCount::Fixed(fixed), word == "all"))
    }

    /// What follows FORWARD or BACKWARD.
    fn directed_fetch(&mut self, forward: bool) -> Result<(FetchCount, bool)> {
        let fixed =
            |count| FetchCount::Fixed(if forward { Direction::Forward(count) } else { Direction::Backward(count) });
        if self.eat_word("from") || self.eat_word("in") {
            return Ok((fixed(1), false));
        }
        if self.eat_word("all") {
            if !self.eat_word("from") && !self.eat_word("in") {
                return Err(self.near("expected FROM or IN"));
            }
            return Ok((fixed(i64::MAX), true));
        }
        let word = if forward { FetchWord::Forward } else { FetchWord::Backward };
        Ok((self.counted_fetch(word)?, true))
    }

    fn counted_fetch(&mut self, word: FetchWord) -> Result<FetchCount> {
        let count = self.expression(&["from", "in"])?;
        self.advance();
        Ok(FetchCount::Computed(word, count))
    }

    fn at_variable(&self) -> bool {
        Self::name_of(self.peek()).is_some_and(|name| find(&self.names, &[name]).is_some())
    }

    pub(super) fn close_statement(&mut self) -> Result<Kind> {
        let cursor = self.cursor_variable()?;
        self.expect_symbol(";")?;
        Ok(Kind::Close { cursor })
    }
}
