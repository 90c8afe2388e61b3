//! Texts of expressions that the catalog keeps (defaults, checks, policies), bound as parts of a statement.
//!
//! They are texts of their own: names in them were settled when they were made, so nothing that the statement at hand calls by
//! the same name may come between. Views and rules, which are whole statements, have binders of their own.

use dictdb_parser::Locations;
use dictdb_types::Result;

use super::level::Level;
use super::{BindContext, Binder};
use crate::expr::Expr;

impl<'a> Binder<'a> {
    /// A binder for a kept text alone.
    pub(crate) fn of_stored_text(cx: BindContext<'a>, locations: &'a Locations) -> Self {
        let mut binder = Binder::new(cx.for_stored_texts(), locations, &[], false);
        binder.reads_stored = true;
        binder
    }

    /// Binds a kept text over the names of a level.
    pub(crate) fn bind_stored(&mut self, text: &str, level: Level) -> Result<Expr> {
        let tree = dictdb_parser::parse_expression(text)?;
        self.in_stored_text(level, |binder| binder.bind_expr(&tree))
    }

    /// Runs `f` with the names of a level and no others: not the statement's tables and WITH queries, nor the variables around it,
    /// nor what its search path leads to.
    pub(crate) fn in_stored_text<T>(&mut self, level: Level, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let own = self.cx.for_stored_texts();
        let cx = std::mem::replace(&mut self.cx, own);
        let levels = std::mem::replace(&mut self.levels, vec![level]);
        let ctes = std::mem::take(&mut self.ctes);
        let (recorder, variables, view) = (self.recorder.take(), self.variables.take(), self.target_view.take());
        let reads_stored = std::mem::replace(&mut self.reads_stored, true);
        let result = f(self);
        self.reads_stored = reads_stored;
        (self.recorder, self.variables, self.target_view) = (recorder, variables, view);
        (self.ctes, self.levels, self.cx) = (ctes, levels, cx);
        result
    }
}
