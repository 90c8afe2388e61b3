//! Where columns are referred to, for errors that come up when the whole clause is bound.

use dictdb_types::Result;

use super::Binder;
use super::clause::Clause;
use crate::expr::{ColumnId, Expr};

/// One reference.
pub(crate) struct Reference {
    column: ColumnId,
    /// The clause it stands in.
    clause: Clause,
    /// Depth of the query level it stands in.
    depth: usize,
    position: Option<u32>,
}

impl Binder<'_> {
    /// Remembers that a column was referred to.
    pub(crate) fn note_reference(&mut self, expr: &Expr, position: Option<u32>) {
        let Expr::Column(column, _) = expr else { return };
        let (column, depth) = (*column, self.levels.len());
        let clause = self.levels.last().map(|level| level.clause).unwrap_or_default();
        self.references.push(Reference { column, clause, depth, position });
    }

    /// The references so far; what follows may be forgotten again.
    pub(crate) fn references_mark(&self) -> usize {
        self.references.len()
    }

    /// Where the first column is referred to of what was bound since.
    pub(crate) fn position_since(&self, mark: usize) -> Option<u32> {
        self.references.get(mark)?.position
    }

    /// Forgets the references in an aggregate's arguments: they need not be grouped.
    pub(crate) fn forget_references(&mut self, mark: usize) {
        self.references.truncate(mark);
    }

    /// Where a column of this level is first referred to after grouping; with `inside`, in a subquery.
    pub(crate) fn grouped_position(&self, column: ColumnId, inside: bool) -> Option<u32> {
        let depth = self.levels.len();
        let after_grouping = |reference: &&Reference| {
            use Clause::{DistinctOn, Having, OrderBy, Select, WindowOrder, WindowPartition};
            let here =
                matches!(reference.clause, Select | OrderBy | Having | DistinctOn | WindowOrder | WindowPartition);
            reference.column == column
                && if inside { reference.depth > depth } else { reference.depth == depth && here }
        };
        self.references.iter().find(after_grouping).and_then(|reference| reference.position)
    }

    /// Where a column is referred to first.
    pub(crate) fn first_position(&self, column: ColumnId) -> Option<u32> {
        self.references.iter().find(|reference| reference.column == column)?.position
    }

    /// Where columns are referred to first.
    pub(crate) fn positions(&self) -> std::collections::HashMap<ColumnId, u32> {
        let known = self.references.iter().rev().filter_map(|found| Some((found.column, found.position?)));
        known.collect()
    }

    /// Where a collected call is referred to last.
    pub(crate) fn call_position(&self, column: ColumnId) -> Option<u32> {
        self.references.iter().rev().find(|reference| reference.column == column)?.position
    }

    /// Coerces alternatives to their common type; an error stands where the alternative does that does not fit.
    pub(crate) fn unify_at(
        &mut self,
        exprs: Vec<Expr>,
        positions: &[Option<u32>],
        construct: &str,
    ) -> Result<(Vec<Expr>, dictdb_types::Type)> {
        let types: Vec<_> = exprs.iter().map(Expr::ty).collect();
        self.unify(exprs, construct).map_err(|error| {
            let misfit = (2..=types.len()).find(|count| self.common_type(&types[..*count], construct).is_err());
            error.at(misfit.and_then(|count| positions.get(count - 1).copied().flatten()))
        })
    }
}
