//! Positions as PostgreSQL reports them: 1-based character offsets in the query string.
//!
//! Spans in our trees are all on line 1, with that offset as column, so no text is needed to read them.

use rustc_hash::FxHashMap;
use sqlparser::ast::{Array, Expr, Query, Spanned};
use sqlparser::tokenizer::{Location, Span};

/// The position a span starts at; `None` for nodes that were made without text.
pub fn of_span(span: Span) -> Option<u32> {
    (span.start.line != 0).then_some(span.start.column as u32)
}

/// The span that starts and ends at these 1-based character offsets.
pub(crate) fn span(start: u32, end: u32) -> Span {
    Span::new(Location::new(1, start.into()), Location::new(1, end.into()))
}

/// Positions of nodes without a span of their own: operators, casts, subscripts, `CASE`, `IN` …
///
/// They are filed under the address of the node's first boxed operand or query, which never moves while the tree lives. A copy of
/// a tree has no entries: look positions up in the tree that was parsed.
#[derive(Clone, Debug, Default)]
pub struct Locations {
    by_operand: FxHashMap<usize, u32>,
}

impl Locations {
    /// Files the position of the node whose first boxed operand is `operand`.
    pub(crate) fn record(&mut self, operand: &Expr, position: u32) {
        self.by_operand.insert(address(operand), position);
    }

    /// Files the position of the node around a query: its parenthesis, or `EXISTS`.
    pub(crate) fn record_query(&mut self, query: &Query, position: u32) {
        self.by_operand.insert(address(query), position);
    }

    /// Files the position of a window's parenthesis for the offset of a bound of its frame.
    pub(crate) fn record_window(&mut self, offset: &Expr, position: u32) {
        self.by_operand.insert(address(offset), position);
    }

    /// The parenthesis of the window that an offset belongs to.
    pub fn window_of(&self, offset: &Expr) -> Option<u32> {
        self.by_operand.get(&address(offset)).copied()
    }

    /// The position PostgreSQL gives to errors about this node itself: the operator, the cast, the function name, the literal.
    pub fn node(&self, expr: &Expr) -> Option<u32> {
        let known = match (first_operand(expr), expr) {
            (Some(operand), _) => return self.by_operand.get(&address(operand)).copied(),
            (None, Expr::Subquery(query) | Expr::Exists { subquery: query, .. }) => {
                self.by_operand.get(&address(&**query)).copied()
            }
            (None, Expr::Prefixed { prefix, .. }) => of_span(prefix.span),
            (None, Expr::Array(Array { elem: items, .. }) | Expr::Tuple(items)) => {
                items.first().and_then(|first| self.filed(first))
            }
            (None, _) => None,
        };
        known.or_else(|| of_span(expr.span()))
    }

    /// The position filed under an expression that is not boxed but a member of a list: the first element of `ARRAY[…]` or a row, the
    /// condition after `WHEN` of a `CASE`.
    pub fn filed(&self, member: &Expr) -> Option<u32> {
        self.by_operand.get(&address(member)).copied()
    }

    /// The leftmost position of an expression (`exprLocation`), for errors about its value or type.
    pub fn leftmost(&self, expr: &Expr) -> Option<u32> {
        let mut best = self.node(expr);
        let mut expr = expr;
        while let Some(operand) = first_operand(expr) {
            let position = self.node(operand);
            best = match (best, position) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            expr = operand;
        }
        best
    }
}

fn address<T>(node: &T) -> usize {
    std::ptr::from_ref(node) as usize
}

/// The operand a node's position is filed under; nodes with a span have none.
fn first_operand(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::CompoundFieldAccess { root: e, .. }
        | Expr::IsFalse(e)
        | Expr::IsNotFalse(e)
        | Expr::IsTrue(e)
        | Expr::IsNotTrue(e)
        | Expr::IsNull(e)
        | Expr::IsNotNull(e)
        | Expr::IsUnknown(e)
        | Expr::IsNotUnknown(e)
        | Expr::IsDistinctFrom(e, _)
        | Expr::IsNotDistinctFrom(e, _)
        | Expr::InList { expr: e, .. }
        | Expr::InSubquery { expr: e, .. }
        | Expr::Between { expr: e, .. }
        | Expr::BinaryOp { left: e, .. }
        | Expr::Like { expr: e, .. }
        | Expr::ILike { expr: e, .. }
        | Expr::SimilarTo { expr: e, .. }
        | Expr::AnyOp { left: e, .. }
        | Expr::AllOp { left: e, .. }
        | Expr::UnaryOp { expr: e, .. }
        | Expr::Cast { expr: e, .. }
        | Expr::Collate { expr: e, .. } => Some(e),
        _ => None,
    }
}
