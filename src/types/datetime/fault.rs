//! What can be wrong with the text of a date or time, and PostgreSQL's report for it.

use crate::{Error, SqlState};

/// A defect found while reading; the report needs the whole text and the type's name, which only the caller knows.
#[derive(Debug)]
pub(super) enum Fault {
    /// 22007: no date or time at all.
    Format,
    /// 22008: a field is out of its range.
    Field,
    /// 22008 with a hint: the month or day is, so the field order may be another one.
    MonthOrDay,
    /// 22015: an interval field is out of its range.
    Interval,
    /// 22009: an impossible distance from UTC.
    Displacement,
    /// A report of its own.
    Other(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Other(error)
    }
}

impl Fault {
    /// The error for the user.
    #[cold]
    pub(super) fn report(self, type_name: &str, text: &str) -> Error {
        match self {
            Fault::Format => invalid_syntax(type_name, text),
            Fault::Field => out_of_range("date/time field value", text),
            Fault::MonthOrDay => {
                out_of_range("date/time field value", text).hint("Perhaps you need a different \"datestyle\" setting.")
            }
            Fault::Interval => {
                Error::new(SqlState::INTERVAL_FIELD_OVERFLOW, format!("interval field value out of range: \"{text}\""))
            }
            Fault::Displacement => Error::new(
                SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                format!("time zone displacement out of range: \"{text}\""),
            ),
            Fault::Other(error) => error,
        }
    }
}

/// 22007 for a text that is no value of the type.
#[cold]
pub(super) fn invalid_syntax(type_name: &str, text: &str) -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, format!("invalid input syntax for type {type_name}: \"{text}\""))
}

/// 22008 `<what> out of range: "<text>"`.
#[cold]
pub(super) fn out_of_range(what: &str, text: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range: \"{text}\""))
}
