//! Structural equality of expressions: whether two of them, bound in the same query, always have the same value.

use dictdb_functions::facts;
use dictdb_types::{Datum, order};

use crate::expr::{AggregateCall, Expr, SortKey, Volatility, Window};

impl Expr {
    /// Whether two expressions are the same computation. Positions in the text do not count.
    pub fn same(&self, other: &Expr) -> bool {
        if !self.same_head(other) {
            return false;
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        collect_children(self, &mut left);
        collect_children(other, &mut right);
        left.len() == right.len() && left.iter().zip(&right).all(|(a, b)| a.same(b))
    }

    /// Whether two expressions are of one kind, whatever is below them.
    pub(crate) fn same_head(&self, other: &Expr) -> bool {
        if std::mem::discriminant(self) != std::mem::discriminant(other) || self.ty() != other.ty() {
            return false;
        }
        match (self, other) {
            (Expr::Column(a, _), Expr::Column(b, _)) => a == b,
            (Expr::Input(a, _), Expr::Input(b, _))
            | (Expr::Outer(a, _), Expr::Outer(b, _))
            | (Expr::Param(a, _), Expr::Param(b, _)) => a == b,
            (Expr::Const(a, ty), Expr::Const(b, _)) => match (a, b) {
                (Datum::Null, Datum::Null) => true,
                (Datum::Null, _) | (_, Datum::Null) => false,
                (a, b) => order::equal_as(ty.oid, a, b),
            },
            // What is in no catalog has no oid.
            (Expr::Call(a), Expr::Call(b)) => {
                a.function.oid == b.function.oid && a.function.source == b.function.source
            }
            (Expr::Collate(_, a, _), Expr::Collate(_, b, _)) => a == b,
            (Expr::IsNull(_, a), Expr::IsNull(_, b)) | (Expr::MinMax(a, ..), Expr::MinMax(b, ..)) => a == b,
            (Expr::BoolTest(_, a), Expr::BoolTest(_, b)) => a == b,
            (Expr::Distinct(f, _, a), Expr::Distinct(g, _, b)) => f.oid == g.oid && a == b,
            (Expr::NullIf(f, _), Expr::NullIf(g, _)) => f.oid == g.oid,
            (Expr::ScalarArray(a), Expr::ScalarArray(b)) => a.function.oid == b.function.oid && a.all == b.all,
            (Expr::RowCompare(a, _), Expr::RowCompare(b, _)) => a == b,
            (Expr::Array { nested: a, .. }, Expr::Array { nested: b, .. }) => a == b,
            (Expr::Field(_, a, _), Expr::Field(_, b, _)) => a == b,
            (Expr::Case(a), Expr::Case(b)) => {
                a.operand.is_some() == b.operand.is_some() && a.otherwise.is_some() == b.otherwise.is_some()
            }
            (Expr::Subscript(a), Expr::Subscript(b)) => {
                let shape = |s: &crate::expr::Subscript| -> Vec<(bool, bool)> {
                    s.indexes.iter().map(|(lower, upper)| (lower.is_some(), upper.is_some())).collect()
                };
                a.slice == b.slice && shape(a) == shape(b)
            }
            (Expr::Sublink(a), Expr::Sublink(b)) => crate::same_query::same_sublink(a, b),
            (Expr::Subplan(_) | Expr::Aggregate(_) | Expr::Window(_) | Expr::Assign(_), _) => false,
            _ => true,
        }
    }

    /// Whether evaluating it may tell of its operands by other means than its value: errors, notices.
    pub fn is_leaky(&self) -> bool {
        let leaks = |oid| !facts::proc_by_oid(oid).is_some_and(|proc| proc.leakproof);
        self.any(&mut |e| match e {
            Expr::Call(call) => leaks(call.function.oid),
            Expr::ScalarArray(array) => leaks(array.function.oid),
            Expr::Sublink(_) | Expr::ViaIo(..) => true,
            _ => false,
        })
    }

    /// Whether evaluating it twice may give two values.
    pub fn is_volatile(&self) -> bool {
        self.any(&mut |e| matches!(e, Expr::Call(call) if call.function.volatility == Volatility::Volatile))
    }
}

fn collect_children<'e>(expr: &'e Expr, out: &mut Vec<&'e Expr>) {
    expr.for_each_child(&mut |child| out.push(child));
}

/// Whether the same expressions stand in the same places.
pub(crate) fn same_all<'e>(
    a: impl ExactSizeIterator<Item = &'e Expr>,
    b: impl ExactSizeIterator<Item = &'e Expr>,
) -> bool {
    a.len() == b.len() && a.zip(b).all(|(a, b)| a.same(b))
}

/// Whether rows are ordered the same way.
pub(crate) fn same_keys(a: &[SortKey], b: &[SortKey]) -> bool {
    let same_direction = |(a, b): (&SortKey, &SortKey)| a.descending == b.descending && a.nulls_first == b.nulls_first;
    a.iter().zip(b).all(same_direction) && same_all(a.iter().map(|key| &key.expr), b.iter().map(|key| &key.expr))
}

impl Window {
    /// Whether two calls can be computed by one Window node.
    pub fn same(&self, other: &Window) -> bool {
        same_all(self.partition.iter(), other.partition.iter()) && same_keys(&self.order, &other.order)
    }
}

impl AggregateCall {
    /// Whether two calls have the same value.
    pub fn same(&self, other: &AggregateCall) -> bool {
        let filters = match (&self.filter, &other.filter) {
            (None, None) => true,
            (Some(a), Some(b)) => a.same(b),
            _ => false,
        };
        self.function.oid == other.function.oid
            && self.distinct == other.distinct
            && filters
            && same_keys(&self.order, &other.order)
            && same_all(self.args.iter(), other.args.iter())
            && !self.args.iter().any(Expr::is_volatile)
    }
}
