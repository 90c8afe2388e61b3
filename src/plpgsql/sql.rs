//! An expression or statement of SQL inside a function.

use std::any::Any;
use std::sync::Arc;

use dictdb_types::Error;
use parking_lot::Mutex;

use crate::names::{Names, Used};

/// What a piece of SQL is, as CONTEXT names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlKind {
    /// An expression: evaluated as `SELECT expression`.
    Expression,
    /// The right side of an assignment.
    Assignment,
    /// An assignment to a part of a variable: evaluated as `SELECT target, expression`.
    PartAssignment,
    /// A statement.
    Statement,
}

/// A piece of SQL with the names that are visible where it stands.
pub struct Sql {
    /// The whole text, as errors show it: of an assignment with its target.
    pub shown: Arc<str>,
    /// Where in `shown` the expression or statement begins, in bytes.
    pub offset: usize,
    /// What it is.
    pub kind: SqlKind,
    /// Its number in the function.
    pub number: usize,
    pub(crate) names: Names,
    pub(crate) used: Used,
    /// What the host keeps with it: its plan.
    pub plan: Mutex<Option<Arc<dyn Any + Send + Sync>>>,
}

/// `SELECT ` in front of an expression.
const SELECT: &str = "SELECT ";

impl Sql {
    pub(crate) fn new(kind: SqlKind, shown: Arc<str>, offset: usize, names: &Names, number: usize) -> Sql {
        let offset = offset.min(shown.len());
        Sql { shown, offset, kind, number, names: names.clone(), used: Used::default(), plan: Mutex::default() }
    }

    /// The statement to parse.
    pub fn statement(&self) -> String {
        let own = &self.shown[self.offset..];
        match self.kind {
            SqlKind::Statement => own.to_owned(),
            SqlKind::Expression | SqlKind::Assignment => format!("{SELECT}{own}"),
            SqlKind::PartAssignment => {
                // As long as what it stands for, so that positions stay right.
                let target = self.shown[..self.offset].trim_end().trim_end_matches(['=', ':']);
                let between = self.offset - target.len() - 1;
                match many_names(target) {
                    // An expression may begin with three names at most.
                    Some(end) => {
                        let between = between.saturating_sub(1);
                        let (front, rest) = target.split_at(end);
                        format!("{}({front}){rest},{}{own}", SELECT.trim_end(), " ".repeat(between))
                    }
                    None => format!("{SELECT}{target},{}{own}", " ".repeat(between)),
                }
            }
        }
    }

    /// The character position in [`Sql::shown`] of a position in [`Sql::statement`].
    pub fn position(&self, position: u32) -> u32 {
        let before = match self.kind {
            SqlKind::PartAssignment => 0,
            _ => self.shown[..self.offset].chars().count() as u32,
        };
        let prefix = if self.kind == SqlKind::Statement { 0 } else { SELECT.len() as u32 };
        (position + before).saturating_sub(prefix).max(1)
    }

    /// The line of CONTEXT for an error that has no position.
    pub fn context(&self) -> String {
        context_line(self.kind, &self.shown)
    }

    /// An error of planning or executing it: its position counts in the text, or the text is named.
    pub fn locate(&self, mut error: Error) -> Error {
        match error.fields_mut().position.take() {
            Some(position) => {
                error.fields_mut().internal = Some((self.position(position), self.shown.to_string()));
                error
            }
            None => error.context(self.context()),
        }
    }
}

/// Where the third of more than three names at the front of a target ends.
fn many_names(target: &str) -> Option<usize> {
    let mut quoted = false;
    let mut dots = Vec::new();
    for (at, c) in target.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => dots.push(at),
            '[' if !quoted => break,
            _ => {}
        }
    }
    dots.get(2).copied()
}

/// `SQL statement "…"` and its like.
pub(crate) fn context_line(kind: SqlKind, text: &str) -> String {
    let noun = match kind {
        SqlKind::Expression => "SQL expression",
        SqlKind::Assignment | SqlKind::PartAssignment => "PL/pgSQL assignment",
        SqlKind::Statement => "SQL statement",
    };
    format!("{noun} \"{text}\"")
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.shown)
    }
}
