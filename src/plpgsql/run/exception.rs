//! Blocks with EXCEPTION: what was done is taken back, then a handler runs.

use dictdb_types::{Datum, Error, Result, Severity, SqlState};

use super::{Flow, Interpreter};
use crate::tree::{Condition, Exceptions, Handler, Statement};

impl Interpreter<'_> {
    pub(crate) fn guarded(&mut self, body: &[Statement], exceptions: &Exceptions) -> Result<Flow> {
        self.host.begin_part()?;
        let error = match self.statements(body) {
            Ok(flow) => {
                self.host.end_part(true)?;
                return Ok(flow);
            }
            Err(error) => error,
        };
        // Its place is where it happened, whatever runs now.
        let complete = self.with_whole_context(&error);
        self.host.end_part(false)?;
        let Some(handler) = exceptions.handlers.iter().find(|handler| handler.catches(&error)) else {
            return Err(error);
        };
        self.context_is_complete = false;
        let text = |text: &str| Datum::text(text);
        self.frame.values[exceptions.sqlstate] = text(error.code().as_str());
        self.frame.values[exceptions.sqlerrm] = text(error.message());
        self.caught.push(complete);
        let result = self.statements(&handler.body);
        self.caught.pop();
        result
    }

    /// The error with CONTEXT up to the outermost call.
    fn with_whole_context(&mut self, error: &Error) -> Error {
        let own = if self.context_is_complete { None } else { Some(self.site.line()) };
        let lines = self.host.outer_context();
        own.into_iter().chain(lines).fold(error.clone(), |error, line| error.context(line))
    }
}

impl Handler {
    fn catches(&self, error: &Error) -> bool {
        if error.fields().severity > Severity::Error {
            return false;
        }
        self.conditions.iter().any(|condition| condition.is(error.code()))
    }
}

impl Condition {
    fn is(self, code: SqlState) -> bool {
        match self {
            Condition::Others => !matches!(code, SqlState::QUERY_CANCELED | SqlState::ASSERT_FAILURE),
            Condition::Code(own) if own == code => true,
            Condition::Code(own) => {
                let (own, code) = (own.as_str(), code.as_str());
                own.ends_with("000") && own.get(..2) == code.get(..2)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_catches_its_codes() {
        let class = Condition::Code(SqlState::INTEGRITY_CONSTRAINT_VIOLATION);
        assert!(class.is(SqlState::UNIQUE_VIOLATION));
        assert!(!class.is(SqlState::DIVISION_BY_ZERO));
        assert!(!Condition::Code(SqlState::UNIQUE_VIOLATION).is(SqlState::FOREIGN_KEY_VIOLATION));
        assert!(!Condition::Others.is(SqlState::QUERY_CANCELED));
    }
}
