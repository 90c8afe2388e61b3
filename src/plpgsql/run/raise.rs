//! RAISE and ASSERT.

use dictdb_types::{Error, Result, Severity, SqlState};

use super::{Interpreter, null_error};
use crate::sql::Sql;
use crate::tree::{Raise, RaiseOption};

impl Interpreter<'_> {
    pub(crate) fn raise(&mut self, raise: &Raise) -> Result<()> {
        if raise.format.is_none() && raise.condition.is_none() && raise.options.is_empty() {
            return Err(self.raise_again());
        }
        let mut named: Option<String> = None;
        let mut code = match &raise.condition {
            Some(name) => condition_code(name),
            None => None,
        };
        let mut message = match &raise.format {
            Some(format) => Some(self.format(format, &raise.args)?),
            None => raise.condition.as_ref().map(|name| name.to_string()),
        };
        let blank = Error::with_severity(raise.level, SqlState::SUCCESSFUL_COMPLETION, "");
        let mut report = blank.routine("exec_stmt_raise");
        let mut given: Vec<RaiseOption> = Vec::new();
        for (option, sql) in &raise.options {
            let value = self.evaluate(sql)?;
            let Some(text) = self.text_of(&value)? else {
                return Err(null_error("RAISE statement option cannot be null"));
            };
            let taken = given.contains(option)
                || *option == RaiseOption::Message && raise.format.is_some()
                || *option == RaiseOption::Errcode && raise.condition.is_some();
            if taken {
                return Err(already(*option));
            }
            given.push(*option);
            let fields = report.fields_mut();
            match option {
                RaiseOption::Message => message = Some(text),
                RaiseOption::Errcode => {
                    code = Some(named_code(&text)?).filter(|code| *code != SqlState::SUCCESSFUL_COMPLETION);
                    named = Some(text);
                }
                RaiseOption::Detail => fields.detail = Some(text),
                RaiseOption::Hint => fields.hint = Some(text),
                RaiseOption::Column => fields.column = Some(text),
                RaiseOption::Constraint => fields.constraint = Some(text),
                RaiseOption::Datatype => fields.datatype = Some(text),
                RaiseOption::Table => fields.table = Some(text),
                RaiseOption::Schema => fields.schema = Some(text),
            }
        }
        let is_error = raise.level >= Severity::Error;
        let code = code.unwrap_or(match raise.level {
            Severity::Warning => SqlState::WARNING,
            _ if is_error => SqlState::RAISE_EXCEPTION,
            _ => SqlState::SUCCESSFUL_COMPLETION,
        });
        report.fields_mut().code = code;
        report.fields_mut().message = message.or(named).unwrap_or_else(|| code.as_str().to_owned());
        if is_error {
            return Err(report);
        }
        self.report(report);
        Ok(())
    }

    /// Sends a notice or warning with its CONTEXT.
    pub(crate) fn report(&mut self, report: Error) {
        let lines = self.host.outer_context();
        let own = self.site.line();
        let report = [own].into_iter().chain(lines).fold(report, |report, line| report.context(line));
        self.host.notice(report);
    }

    /// RAISE alone: the error that is being handled, as it was.
    fn raise_again(&mut self) -> Error {
        match self.caught.last() {
            Some(error) => {
                let mut error = error.clone();
                // What comes after the line of this call is added again on the way out.
                let outer = self.host.outer_context().join("\n");
                if let Some(context) = &mut error.fields_mut().context
                    && let Some(own) = context.strip_suffix(&outer)
                {
                    *context = own.trim_end_matches('\n').to_owned();
                }
                self.context_is_complete = true;
                error
            }
            None => Error::new(
                SqlState::STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER,
                "RAISE without parameters cannot be used outside an exception handler",
            ),
        }
    }

    /// The format with its places filled; NULL is `<NULL>`.
    fn format(&mut self, format: &str, args: &[Sql]) -> Result<String> {
        let mut text = String::with_capacity(format.len());
        let mut args = args.iter();
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                text.push(c);
            } else if chars.peek() == Some(&'%') {
                chars.next();
                text.push('%');
            } else if let Some(sql) = args.next() {
                let value = self.evaluate(sql)?;
                text.push_str(self.text_of(&value)?.as_deref().unwrap_or("<NULL>"));
            }
        }
        Ok(text)
    }

    pub(crate) fn assert(&mut self, condition: &Sql, message: Option<&Sql>) -> Result<()> {
        if self.host.setting("plpgsql.check_asserts") == "off" || self.condition(condition)? {
            return Ok(());
        }
        let text = match message {
            Some(message) => {
                let value = self.evaluate(message)?;
                self.text_of(&value)?
            }
            None => None,
        };
        Err(Error::new(SqlState::ASSERT_FAILURE, text.unwrap_or_else(|| "assertion failed".to_owned())))
    }
}

/// The code of a condition name, or the code itself.
fn condition_code(name: &str) -> Option<SqlState> {
    SqlState::by_condition_name(name).next().or_else(|| SqlState::parse(name))
}

/// 42704 for a name that is none.
fn named_code(text: &str) -> Result<SqlState> {
    SqlState::parse(text)
        .or_else(|| SqlState::of_error_condition(text).next())
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized exception condition \"{text}\"")))
}

fn already(option: RaiseOption) -> Error {
    let name = match option {
        RaiseOption::Message => "MESSAGE",
        RaiseOption::Errcode => "ERRCODE",
        RaiseOption::Detail => "DETAIL",
        RaiseOption::Hint => "HINT",
        RaiseOption::Column => "COLUMN",
        RaiseOption::Constraint => "CONSTRAINT",
        RaiseOption::Datatype => "DATATYPE",
        RaiseOption::Table => "TABLE",
        RaiseOption::Schema => "SCHEMA",
    };
    Error::new(SqlState::SYNTAX_ERROR, format!("RAISE option already specified: {name}"))
}
