//! OPEN, FETCH, MOVE, CLOSE, and loops over bound cursors.

use std::sync::Arc;

use dictdb_types::{Datum, Result, Type, oids};

use super::{Flow, Interpreter, null_error};
use crate::host::{Direction, Opening};
use crate::sql::Sql;
use crate::tree::{CursorArgs, Dynamic, FetchCount, FetchWord, Loop, Target};

impl Interpreter<'_> {
    /// The name that a cursor variable holds.
    fn cursor_name(&self, cursor: usize) -> Option<Arc<str>> {
        match &self.frame.values[cursor] {
            Datum::Text(name) => Some(name.clone()),
            _ => None,
        }
    }

    /// The name of an open cursor. 22004.
    fn open_cursor(&self, cursor: usize) -> Result<Arc<str>> {
        self.cursor_name(cursor).ok_or_else(|| {
            let name = &self.function.variables[cursor].name;
            null_error(format!("cursor variable \"{name}\" is null"))
        })
    }

    /// A cursor variable without a value gets the name of what was opened. 22005.
    fn opened(&mut self, cursor: usize, name: Arc<str>) -> Result<()> {
        let declared = &self.function.variables[cursor];
        if declared.constant && self.frame.values[cursor].is_null() {
            let message = format!("variable \"{}\" is declared CONSTANT", declared.name);
            return Err(dictdb_types::Error::new(dictdb_types::SqlState::ERROR_IN_ASSIGNMENT, message));
        }
        self.set(cursor, Datum::Text(name))
    }

    fn evaluate_cursor_args(&mut self, cursor: usize, args: &CursorArgs) -> Result<()> {
        let (CursorArgs::Values(values), Some(query)) = (args, &self.function.variables[cursor].cursor) else {
            return Ok(());
        };
        for ((_, variable), sql) in query.args.clone().iter().zip(values) {
            let value = self.evaluate_as(sql, self.function.variables[*variable].ty)?;
            self.frame.values[*variable] = value;
        }
        Ok(())
    }

    fn open_bound_query(&mut self, cursor: usize, args: &CursorArgs, pinned: bool) -> Result<Arc<str>> {
        let name = self.cursor_name(cursor);
        self.evaluate_cursor_args(cursor, args)?;
        let Some(query) = self.function.variables[cursor].cursor.clone() else {
            return Err(dictdb_types::Error::internal("a bound cursor without a query"));
        };
        let how = Opening { name: name.as_deref(), scroll: query.scroll, pinned, placed: true };
        let opened = self.host.open(how, &query.sql, &self.frame, self.function)?;
        if name.is_none() {
            self.opened(cursor, opened.clone())?;
        }
        Ok(opened)
    }

    pub(crate) fn open_bound(&mut self, cursor: usize, args: &CursorArgs) -> Result<()> {
        self.open_bound_query(cursor, args, false).map(drop)
    }

    pub(crate) fn open_query(&mut self, cursor: usize, scroll: Option<bool>, query: &Sql) -> Result<()> {
        let name = self.cursor_name(cursor);
        let how = Opening { name: name.as_deref(), scroll, pinned: false, placed: true };
        let opened = self.host.open(how, query, &self.frame, self.function)?;
        self.opened(cursor, opened)
    }

    pub(crate) fn open_execute(&mut self, cursor: usize, scroll: Option<bool>, dynamic: &Dynamic) -> Result<()> {
        let name = self.cursor_name(cursor);
        let (text, params) = self.dynamic(dynamic)?;
        let how = Opening { name: name.as_deref(), scroll, pinned: false, placed: true };
        let opened = self.host.open_text(how, &text, params)?;
        self.opened(cursor, opened)
    }

    pub(crate) fn fetch(&mut self, cursor: usize, count: &FetchCount, target: Option<&Target>) -> Result<()> {
        let name = self.open_cursor(cursor)?;
        let direction = self.direction(count)?;
        let executed = self.host.fetch(&name, direction, target.is_some())?;
        self.row_count = executed.processed;
        self.set_found(executed.processed > 0);
        match target {
            Some(target) => {
                let row = executed.rows.into_iter().next();
                self.assign_target(target, executed.columns.as_ref(), row)
            }
            None => Ok(()),
        }
    }

    fn direction(&mut self, count: &FetchCount) -> Result<Direction> {
        let (word, sql) = match count {
            FetchCount::Fixed(direction) => return Ok(*direction),
            FetchCount::Computed(word, sql) => (word, sql),
        };
        let Datum::Int4(number) = self.evaluate_as(sql, Type::new(oids::INT4))? else {
            return Err(null_error("relative or absolute cursor position is null"));
        };
        let number = i64::from(number);
        Ok(match word {
            FetchWord::Absolute => Direction::Absolute(number),
            FetchWord::Relative => Direction::Relative(number),
            FetchWord::Forward => Direction::Forward(number),
            FetchWord::Backward => Direction::Backward(number),
        })
    }

    pub(crate) fn close(&mut self, cursor: usize) -> Result<()> {
        let name = self.open_cursor(cursor)?;
        self.host.close(&name)
    }

    pub(crate) fn for_cursor(&mut self, row: usize, cursor: usize, args: &CursorArgs, body: &Loop) -> Result<Flow> {
        let unnamed = self.cursor_name(cursor).is_none();
        let name = self.open_bound_query(cursor, args, true)?;
        let flow = self.loop_rows(&name, &Target::Row(row), body, false)?;
        if unnamed {
            self.frame.values[cursor] = Datum::Null;
        }
        Ok(flow)
    }
}
