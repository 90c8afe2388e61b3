//! EXISTS asked for many rows: what makes it true is collected once, in a hash table, where that is cheaper.
//!
//! ```text
//!   … WHERE c OR EXISTS (SELECT FROM t WHERE t.k = o.k AND p)
//!   … WHERE c OR o.k = ANY (SELECT t.k FROM t WHERE p)            what would be unknown being false
//! ```
//! (PostgreSQL: `convert_EXISTS_to_ANY`. What stands alone in a condition has become a semi join before.)

use dictdb_functions::facts::Volatility;

use super::sublink::{pull_correlated, split_equality};
use super::{Builder, Layout};
use crate::columns::free_columns;
use crate::expr::{Expr, Sublink, SublinkKind};
use crate::inlining::most_volatile_in;
use crate::logical::{Column, Node as Logical};

impl Builder<'_> {
    /// An EXISTS all of whose correlation with rows of this layout is equalities, as a comparison with ANY.
    pub(super) fn hashed_exists(&mut self, link: &Sublink, layout: &Layout) -> Option<Expr> {
        let (SublinkKind::Exists, Logical::Project { input, .. }) = (&link.kind, &link.query) else { return None };
        let mut correlated = Vec::new();
        let input = pull_correlated(input, &mut correlated)?;
        if correlated.is_empty() || !free_columns(&input).is_empty() || most_volatile_in(&input) == Volatility::Volatile
        {
            return None;
        }
        let (mut left, mut tests, mut columns) = (Vec::new(), Vec::new(), Vec::new());
        for condition in &correlated {
            let (call, theirs, ours) = split_equality(condition, layout)?;
            let column = Column { id: self.new_column(), name: "key".into(), ty: ours.ty(), source: None };
            tests.push(call.function);
            left.push(theirs);
            columns.push((column, ours));
        }
        let operator = "=".into();
        let kind = SublinkKind::Compare { all: false, left, tests, operator, order: None, unknown_is_false: true };
        let query = Logical::Project { input: Box::new(input), columns };
        let unrelated = free_columns(&query).is_empty();
        unrelated.then(|| Expr::Sublink(Box::new(Sublink { kind, query, ty: link.ty, wording: None })))
    }
}
