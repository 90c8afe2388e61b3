//! The error every layer speaks: PostgreSQL's error fields behind one pointer, so that a `Result` stays small.
//!
//! Where a caller must branch it compares [`Error::code`]; texts are PostgreSQL's own wherever it has one.

use std::fmt;
use std::panic::Location;

use crate::SqlState;

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How grave a report is, in PostgreSQL's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// `DEBUG1`.
    Debug,
    /// `LOG`.
    Log,
    /// `INFO`.
    Info,
    /// `NOTICE`.
    Notice,
    /// `WARNING`.
    Warning,
    /// `ERROR`: the statement ends.
    Error,
    /// `FATAL`: the session ends.
    Fatal,
    /// `PANIC`: the server ends.
    Panic,
}

impl Severity {
    /// The word sent to clients.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Debug => "DEBUG",
            Severity::Log => "LOG",
            Severity::Info => "INFO",
            Severity::Notice => "NOTICE",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
            Severity::Panic => "PANIC",
        }
    }
}

/// An error or notice with the fields of PostgreSQL's ErrorResponse.
#[derive(Clone)]
pub struct Error(Box<Fields>);

/// The fields of a report. All but the first three are optional.
#[derive(Clone, Debug)]
pub struct Fields {
    /// `S`.
    pub severity: Severity,
    /// `C`.
    pub code: SqlState,
    /// `M`: lower case, no full stop.
    pub message: String,
    /// `D`: whole sentences.
    pub detail: Option<String>,
    /// `H`: whole sentences.
    pub hint: Option<String>,
    /// `P`: 1-based character position in the statement the client sent.
    pub position: Option<u32>,
    /// `p` and `q`: position in a statement the server made itself, and its text.
    pub internal: Option<(u32, String)>,
    /// `W`: one line per level of call.
    pub context: Option<String>,
    /// `s`.
    pub schema: Option<String>,
    /// `t`.
    pub table: Option<String>,
    /// `c`.
    pub column: Option<String>,
    /// `d`.
    pub datatype: Option<String>,
    /// `n`.
    pub constraint: Option<String>,
    /// `F` and `L`: where in our source it was made.
    pub source: &'static Location<'static>,
    /// `R`: the routine that reports it in PostgreSQL, where clients tell errors apart by that.
    pub routine: Option<&'static str>,
}

macro_rules! with_text {
    ($($(#[$doc:meta])* $method:ident => $field:ident),* $(,)?) => {
        $($(#[$doc])* #[must_use] pub fn $method(mut self, text: impl Into<String>) -> Self {
            self.0.$field = Some(text.into());
            self
        })*
    };
}

impl Error {
    /// An `ERROR` with this SQLSTATE and message.
    #[track_caller]
    pub fn new(code: SqlState, message: impl Into<String>) -> Self {
        Self::with_severity(Severity::Error, code, message)
    }

    /// A report of any severity.
    #[track_caller]
    pub fn with_severity(severity: Severity, code: SqlState, message: impl Into<String>) -> Self {
        Error(Box::new(Fields {
            severity,
            code,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            internal: None,
            context: None,
            schema: None,
            table: None,
            column: None,
            datatype: None,
            constraint: None,
            source: Location::caller(),
            routine: None,
        }))
    }

    /// 0A000: what PostgreSQL has and DictDB has not. `feature` completes "… is not supported".
    #[track_caller]
    pub fn unsupported(feature: impl fmt::Display) -> Self {
        Self::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{feature} is not supported"))
    }

    /// XX000: a broken invariant that still ends only the statement.
    #[track_caller]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(SqlState::INTERNAL_ERROR, message)
    }

    with_text! {
        /// Adds `D`.
        detail => detail,
        /// Adds `H`.
        hint => hint,
        /// Adds `s`.
        schema => schema,
        /// Adds `t`.
        table => table,
        /// Adds `c`.
        column => column,
        /// Adds `d`.
        datatype => datatype,
        /// Adds `n`.
        constraint => constraint,
    }

    /// Sets the 1-based character position, unless an inner layer knew a better one.
    #[must_use]
    pub fn at(mut self, position: Option<u32>) -> Self {
        if self.0.position.is_none() {
            self.0.position = position;
        }
        self
    }

    /// Sets `R`.
    #[must_use]
    pub fn routine(mut self, name: &'static str) -> Self {
        self.0.routine = Some(name);
        self
    }

    /// Appends a line to `W`.
    #[must_use]
    pub fn context(mut self, line: impl AsRef<str>) -> Self {
        let context = self.0.context.get_or_insert_with(String::new);
        if !context.is_empty() {
            context.push('\n');
        }
        context.push_str(line.as_ref());
        self
    }

    /// The SQLSTATE, for callers that branch.
    pub fn code(&self) -> SqlState {
        self.0.code
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Every field, to report or to change.
    pub fn fields(&self) -> &Fields {
        &self.0
    }

    /// Every field, to change.
    pub fn fields_mut(&mut self) -> &mut Fields {
        &mut self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.severity.as_str(), self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

/// `return Err(Error::new(code, format!(…)))`.
#[macro_export]
macro_rules! bail {
    ($code:ident, $($arg:tt)*) => {
        return Err($crate::Error::new($crate::SqlState::$code, format!($($arg)*)))
    };
}
