//! Statements of SQL, EXECUTE, PERFORM, CALL, and loops over rows.

use std::sync::Arc;

use dictdb_types::{Error, Result, Severity, SqlState};

use super::{Flow, Interpreter, Value, null_error};
use crate::host::{CallOutput, Direction, Executed, Opening, Params, Read};
use crate::parse::{TOO_MANY_ROWS, wants};
use crate::sql::Sql;
use crate::tree::{Dynamic, Function, Into, Loop, Place, Target};

/// Rows a loop asks for at once: few first, then more.
const FIRST_ROWS: i64 = 10;
const MORE_ROWS: i64 = 50;

/// How the cursor of a loop is opened.
const LOOP: Opening<'static> = Opening { name: None, scroll: Some(false), pinned: true, placed: false };

/// Commands that change rows.
fn modifies(command: &str) -> bool {
    matches!(command, "INSERT" | "UPDATE" | "DELETE" | "MERGE")
}

fn no_destination(command: &str) -> Error {
    let error = Error::new(SqlState::SYNTAX_ERROR, "query has no destination for result data");
    match command {
        "SELECT" => error.hint("If you want to discard the results of a SELECT, use PERFORM instead."),
        _ => error,
    }
}

fn detailed(error: Error, parameters: Option<String>) -> Error {
    match parameters {
        Some(parameters) => error.detail(format!("parameters: {parameters}")),
        None => error,
    }
}

/// Names and values as DETAIL lists them.
fn listed(parameters: Vec<(String, Option<String>)>) -> Option<String> {
    let shown = |(name, value): (String, Option<String>)| match value {
        Some(value) => format!("{name} = '{}'", value.replace('\'', "''")),
        None => format!("{name} = NULL"),
    };
    (!parameters.is_empty()).then(|| parameters.into_iter().map(shown).collect::<Vec<_>>().join(", "))
}

/// Where the value of an output parameter goes. 42601 when that is no variable, 22005 for a constant.
fn output_place(function: &Function, sql: &Sql, output: &CallOutput) -> Result<Place> {
    let parts: Vec<&str> = output.argument.iter().flatten().map(String::as_str).collect();
    let Some((variable, used)) = crate::names::find(&sql.names, &parts) else {
        let name = &output.name;
        let message =
            format!("procedure parameter \"{name}\" is an output parameter but corresponding argument is not writable");
        return Err(Error::new(SqlState::SYNTAX_ERROR, message));
    };
    let declared = &function.variables[variable];
    if declared.constant {
        let message = format!("variable \"{}\" is declared CONSTANT", declared.name);
        return Err(Error::new(SqlState::ERROR_IN_ASSIGNMENT, message));
    }
    Ok(Place { variable, field: parts.get(used).map(|part| Arc::from(*part)) })
}

impl Interpreter<'_> {
    pub(crate) fn sql_statement(&mut self, sql: &Sql, into: Option<&Into>) -> Result<()> {
        // A second row decides whether there are too many.
        let read = if into.is_some() { Read::Two } else { Read::All };
        let executed = self.host.execute(sql, &self.frame, self.function, read)?;
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
                let parameters = |interpreter: &mut Self| interpreter.named_parameters(sql);
                self.store_into(into, executed, strict, true, parameters)
            }
            None => {
                self.row_count = processed;
                if sets_found {
                    self.set_found(processed > 0);
                }
                match executed.columns {
                    Some(_) => Err(no_destination(&executed.command)),
                    None => Ok(()),
                }
            }
        }
    }

    /// The row of a statement into its target. P0002, P0003, 42601.
    fn store_into(
        &mut self,
        into: &Into,
        executed: Executed,
        strict: bool,
        hint: bool,
        parameters: impl FnOnce(&mut Self) -> Result<Option<String>>,
    ) -> Result<()> {
        let Some(columns) = executed.columns else {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "INTO used with a command that cannot return data"));
        };
        let mut rows = executed.rows.into_iter();
        let first = rows.next();
        if first.is_none() && into.strict {
            let error = Error::new(SqlState::NO_DATA_FOUND, "query returned no rows");
            return Err(detailed(error, parameters(self)?));
        }
        if rows.next().is_some() {
            self.too_many_rows(strict, hint, parameters)?;
        }
        self.assign_target(&into.target, Some(&columns), first)
    }

    /// P0003, or a warning where `plpgsql.extra_warnings` wants it.
    fn too_many_rows(
        &mut self,
        strict: bool,
        hint: bool,
        parameters: impl FnOnce(&mut Self) -> Result<Option<String>>,
    ) -> Result<()> {
        let error = || {
            let error = Error::new(SqlState::TOO_MANY_ROWS, "query returned more than one row");
            if hint { error.hint("Make sure the query returns a single row, or use LIMIT 1.") } else { error }
        };
        if strict {
            return Err(detailed(error(), parameters(self)?));
        }
        match hint {
            true => self.extra_check(TOO_MANY_ROWS, |_| error()),
            false => Ok(()),
        }
    }

    /// Reports something that only some want to know.
    pub(crate) fn extra_check(&mut self, check: &str, report: impl FnOnce(&str) -> Error) -> Result<()> {
        if wants(&self.host.setting("plpgsql.extra_errors"), check) {
            return Err(report("extra_errors"));
        }
        if wants(&self.host.setting("plpgsql.extra_warnings"), check) {
            let mut warning = report("extra_warnings");
            warning.fields_mut().severity = Severity::Warning;
            self.report(warning);
        }
        Ok(())
    }

    /// The parameters of a statement for DETAIL, if it is to tell them.
    fn named_parameters(&mut self, sql: &Sql) -> Result<Option<String>> {
        if !self.function.print_strict_params {
            return Ok(None);
        }
        let used: Vec<usize> = sql.used.lock().iter().copied().collect();
        let mut shown = Vec::new();
        for variable in used {
            let declared = &self.function.variables[variable];
            let value = Value { datum: self.frame.values[variable].clone(), ty: declared.ty, fields: None };
            shown.push((declared.name.to_string(), self.text_of(&value)?));
        }
        Ok(listed(shown))
    }

    fn numbered_parameters(&mut self, params: &Params) -> Result<Option<String>> {
        if !self.function.print_strict_params {
            return Ok(None);
        }
        let mut shown = Vec::new();
        for (index, (datum, ty)) in params.iter().enumerate() {
            let value = Value { datum: datum.clone(), ty: *ty, fields: None };
            shown.push((format!("${}", index + 1), self.text_of(&value)?));
        }
        Ok(listed(shown))
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
        let read = if into.is_some() { Read::Two } else { Read::All };
        let executed = self.host.execute_text(&text, params.clone(), read)?;
        self.row_count = executed.processed;
        match into {
            None => Ok(()),
            Some(into) => {
                let strict = into.strict;
                self.row_count = if strict { executed.processed } else { executed.processed.min(1) };
                let parameters = |interpreter: &mut Self| interpreter.numbered_parameters(&params);
                self.store_into(into, executed, strict, false, parameters)
            }
        }
    }

    pub(crate) fn perform(&mut self, sql: &Sql) -> Result<()> {
        let executed = self.host.execute(sql, &self.frame, self.function, Read::All)?;
        self.row_count = executed.processed;
        self.set_found(executed.processed > 0);
        Ok(())
    }

    /// CALL, whose output parameters come back into variables, and DO.
    pub(crate) fn call_statement(&mut self, sql: &Sql, is_call: bool) -> Result<()> {
        if !is_call {
            return self.host.execute(sql, &self.frame, self.function, Read::All).map(drop);
        }
        let (function, mut places) = (self.function, Vec::new());
        let mut check = |outputs: &[CallOutput]| {
            places = outputs.iter().map(|output| output_place(function, sql, output)).collect::<Result<_>>()?;
            Ok(())
        };
        let Some(executed) = self.host.execute_call(sql, &self.frame, function, &mut check)? else { return Ok(()) };
        let Some(columns) = executed.columns else { return Ok(()) };
        let row = executed.rows.into_iter().next().unwrap_or_default();
        for ((value, column), place) in row.into_iter().zip(columns.iter()).zip(&places) {
            self.assign(place, Value { datum: value, ty: column.ty, fields: None })?;
        }
        Ok(())
    }

    pub(crate) fn for_query(&mut self, target: &Target, query: &Sql, body: &Loop) -> Result<Flow> {
        let cursor = self.host.open(LOOP, query, &self.frame, self.function)?;
        self.loop_rows(&cursor, target, body, true)
    }

    pub(crate) fn for_execute(&mut self, target: &Target, dynamic: &Dynamic, body: &Loop) -> Result<Flow> {
        let (text, params) = self.dynamic(dynamic)?;
        let cursor = self.host.open_text(LOOP, &text, params)?;
        self.loop_rows(&cursor, target, body, true)
    }

    /// Runs a loop over the rows of a cursor, which is closed at the end.
    pub(crate) fn loop_rows(&mut self, cursor: &str, target: &Target, body: &Loop, prefetch: bool) -> Result<Flow> {
        let mut found = false;
        let outcome = self.rows_of_loop(cursor, target, body, prefetch, &mut found);
        match outcome {
            Ok(flow) => {
                self.host.close(cursor)?;
                self.set_found(found);
                Ok(flow)
            }
            // A cursor that outlives the transaction would outlive the failed call too.
            Err(error) => {
                let _gone_already = self.host.close(cursor);
                Err(error)
            }
        }
    }

    fn rows_of_loop(
        &mut self,
        cursor: &str,
        target: &Target,
        body: &Loop,
        prefetch: bool,
        found: &mut bool,
    ) -> Result<Flow> {
        // Where the transaction may end between two rows, none is read ahead.
        let prefetch = prefetch && !self.host.is_nonatomic();
        let mut wanted = if prefetch { FIRST_ROWS } else { 1 };
        loop {
            let executed = self.host.fetch(cursor, Direction::Forward(wanted), true)?;
            let at_end = (executed.rows.len() as i64) < wanted;
            if executed.rows.is_empty() && !*found {
                self.assign_target(target, executed.columns.as_ref(), None)?;
            }
            for row in executed.rows {
                *found = true;
                self.assign_target(target, executed.columns.as_ref(), Some(row))?;
                if let Some(flow) = self.run_body(body)? {
                    return Ok(flow);
                }
            }
            if at_end {
                return Ok(Flow::Next);
            }
            wanted = if prefetch { MORE_ROWS } else { 1 };
        }
    }
}
