//! What one query level collects while its clauses are bound.

use std::sync::Arc;

use dictdb_types::Error;

use super::clause::Clause;
use super::missing::RangeEntry;
use super::names::Names;
use crate::expr::{AggregateCall, Expr, Window, WindowCall};
use crate::logical::Column;

/// One SELECT (or data-modifying statement) being bound.
#[derive(Default)]
pub(crate) struct Level {
    /// Names that expressions may use: the FROM clause as far as it is bound.
    pub names: Names,
    /// Everything its FROM clause has named so far, visible or not: what errors suggest.
    pub entries: Vec<RangeEntry>,
    /// The clause being bound.
    pub clause: Clause,
    /// Aggregates met so far; each stands as a column in the expressions.
    pub aggregates: Vec<(Column, AggregateCall)>,
    /// `GROUPING(…)` calls met so far.
    pub groupings: Vec<(Column, Vec<(Expr, Option<u32>)>)>,
    /// Window calls met so far.
    pub windows: Vec<(Column, WindowCall)>,
    /// Set-returning calls of the select list met so far.
    pub sets: Vec<(Column, Expr)>,
    /// Where set-returning calls of the function in FROM stand that is being bound.
    pub from_sets: Vec<Option<u32>>,
    /// Whether its FROM clause names the recursive query whose recursive term it is.
    pub recursive_reference: bool,
    /// `WINDOW name AS (…)`.
    pub named_windows: Vec<(Arc<str>, Window)>,
    /// The first error of a window's definition, which counts when nothing else of the SELECT is wrong
    /// (`transformWindowDefinitions` comes last).
    pub window_error: Option<Error>,
}
