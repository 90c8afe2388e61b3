//! Statements of SQL, EXECUTE, PERFORM, CALL, and loops over rows.

use std::sync::Arc;

use dictdb_types::{Error, Result, SqlState};

use super::{Flow, Interpreter, Value, null_error};
use crate::host::{Direction, Executed, Params};
use crate::sql::Sql;
use crate::tree::{Dynamic, Into, Loop, Target};

/// Rows a loop asks for at once: few first, then more.
const FIRST_ROWS: i64 = 10;
const MORE_ROWS: i64 = 50;

/// Commands that change rows.
fn modifies(command: &str) -> bool {
    matches!(command, "INSERT" | "UPDATE" | "DELETE" | "MERGE")
}

impl Interpreter<'_> {
    pub(crate) fn sql_statement(&mut self, sql: &Sql, into: Option<&Into>) -> Result<()> {
        let limit = match into {
            None => usize::MAX,
            // A second row decides whether there are too many.
            Some(_) => 2,
        };
        let executed = self.host.execute(sql, &self.frame, self.function, limit)?;
        let sets_found = executed.command == "SELECT" || modifies(&executed.command);
        let mut processed = executed.processed;
        match into {
            Some(into) => {
                let strict = into.strict || modifies(&executed.command);
                processed = processed.min(if strict { u64::MAX } else { 1 });
                self.row_count = processed;
                if sets_found {
                    self.set_found(processed > 0);
                }
                self.store_into(into, executed, strict)
            }
            None => {
                self.row_count = processed;
                if sets_found {
                    self.set_found(processed > 0);
                }
                match executed.columns {
                    Some(_) => Err(Error::new(SqlState::SYNTAX_ERROR, "query has no destination for result data")
                        .hint("If you want to discard the results of a SELECT, use PERFORM instead.")),
                    None => Ok(()),
                }
            }
        }
    }

    /// The row of a statement into its target. P0002, P0003, 42601.
    fn store_into(&mut self, into: &Into, executed: Executed, strict: bool) -> Result<()> {
        let Some(columns) = executed.columns else {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "INTO used with a command that cannot return data"));
        };
        let mut rows = executed.rows.into_iter();
        let first = rows.next();
        if first.is_none() && into.strict {
            return Err(Error::new(SqlState::NO_DATA_FOUND, "query returned no rows"));
        }
        if strict && rows.next().is_some() {
            return Err(Error::new(SqlState::TOO_MANY_ROWS, "query returned more than one row")
                .hint("Make sure the query returns a single row, or use LIMIT 1."));
        }
        self.assign_target(&into.target, Some(&columns), first)
    }

    /// The text of EXECUTE and the values of USING. 22004.
    pub(crate) fn dynamic(&mut self, dynamic: &Dynamic) -> Result<(String, Params)> {
        let value = self.evaluate(&dynamic.text)?;
        let Some(text) = self.text_of(&value)? else {
            return Err(null_error("query string argument of EXECUTE is null"));
        };
        let mut params = Params::new();
        for sql in &dynamic.params {
            let value = self.evaluate(sql)?;
            params.push((value.datum, value.ty));
        }
        Ok((text, params))
    }

    pub(crate) fn execute_statement(&mut self, dynamic: &Dynamic, into: Option<&Into>) -> Result<()> {
        let (text, params) = self.dynamic(dynamic)?;
        let limit = if into.is_some() { 2 } else { usize::MAX };
        let executed = self.host.execute_text(&text, params, limit)?;
        self.row_count = executed.processed;
        match into {
            None => Ok(()),
            Some(into) => {
                let strict = into.strict;
                self.row_count = if strict { executed.processed } else { executed.processed.min(1) };
                self.store_into(into, executed, strict)
            }
        }
    }

    pub(crate) fn perform(&mut self, sql: &Sql) -> Result<()> {
        let executed = self.host.execute(sql, &self.frame, self.function, usize::MAX)?;
        self.row_count = executed.processed;
        self.set_found(executed.processed > 0);
        Ok(())
    }

    /// CALL, whose output parameters come back into variables, and DO.
    pub(crate) fn call_statement(&mut self, sql: &Sql, is_call: bool) -> Result<()> {
        if !is_call {
            return self.host.execute(sql, &self.frame, self.function, usize::MAX).map(drop);
        }
        let Some((executed, arguments)) = self.host.execute_call(sql, &self.frame, self.function)? else {
            return Ok(());
        };
        let Some(columns) = executed.columns else { return Ok(()) };
        let row = executed.rows.into_iter().next().unwrap_or_default();
        for ((value, column), argument) in row.into_iter().zip(columns.iter()).zip(arguments) {
            let names: Vec<String> = argument.unwrap_or_default().split('.').map(str::to_owned).collect();
            let parts: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = crate::names::find(&sql.names, &parts);
            let Some((variable, used)) = found else {
                let message = format!(
                    "procedure parameter \"{}\" is an output parameter but corresponding argument is not writable",
                    column.name
                );
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            };
            let steps = parts[used..].iter().map(|part| crate::tree::Step::Field(Arc::from(*part))).collect();
            let place = crate::tree::Place { variable, steps };
            self.assign(&place, Value { datum: value, ty: column.ty, fields: None })?;
        }
        Ok(())
    }

    pub(crate) fn for_query(&mut self, target: &Target, query: &Sql, body: &Loop) -> Result<Flow> {
        let cursor = self.host.open(None, query, &self.frame, self.function, Some(false))?;
        self.loop_rows(&cursor, target, body, true)
    }

    pub(crate) fn for_execute(&mut self, target: &Target, dynamic: &Dynamic, body: &Loop) -> Result<Flow> {
        let (text, params) = self.dynamic(dynamic)?;
        let cursor = self.host.open_text(None, &text, params, Some(false))?;
        self.loop_rows(&cursor, target, body, true)
    }

    /// Runs a loop over the rows of a cursor, which is closed at the end.
    pub(crate) fn loop_rows(&mut self, cursor: &str, target: &Target, body: &Loop, prefetch: bool) -> Result<Flow> {
        let mut found = false;
        let mut wanted = if prefetch { FIRST_ROWS } else { 1 };
        let outcome = loop {
            let executed = self.host.fetch(cursor, Direction::Forward(wanted), true)?;
            let at_end = (executed.rows.len() as i64) < wanted;
            if executed.rows.is_empty() && !found {
                self.assign_target(target, executed.columns.as_ref(), None)?;
            }
            let mut left = None;
            for row in executed.rows {
                found = true;
                self.assign_target(target, executed.columns.as_ref(), Some(row))?;
                if let Some(flow) = self.run_body(body)? {
                    left = Some(flow);
                    break;
                }
            }
            if let Some(flow) = left {
                break flow;
            }
            if at_end {
                break Flow::Next;
            }
            wanted = if prefetch { MORE_ROWS } else { 1 };
        };
        self.host.close(cursor)?;
        self.set_found(found);
        Ok(outcome)
    }
}
