//! `CREATE RULE`.

use sqlparser::ast::{Ident, ObjectName};

use super::SourceExpr;
use crate::statement::Statement;

/// `CREATE RULE`.
#[derive(Clone, Debug)]
pub struct CreateRule {
    /// Name.
    pub name: Ident,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `ON`.
    pub event: RuleEvent,
    /// The table or view.
    pub table: ObjectName,
    /// `WHERE`.
    pub condition: Option<SourceExpr>,
    /// `INSTEAD` rather than `ALSO`.
    pub instead: bool,
    /// The statements; none is `NOTHING`.
    pub actions: Vec<Statement>,
    /// The text of the last of them.
    pub last_text: String,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleEvent {
    /// `SELECT`.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
}
