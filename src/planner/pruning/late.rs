//! What parameters, subqueries and the values of other rows say about the partitions of a scan, when it is run.

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_types::Datum;

use super::{Pruning, Tables};
use crate::BindContext;
use crate::columns::expr_columns;
use crate::expr::{Expr, Volatility};

/// From when on a value stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It is the same for the whole statement and costs nothing to find out.
    Start,
    /// A subquery that is run once gives it.
    Query,
    /// The current row of a join or of an outer query does.
    Row,
}

/// Partitions that values may rule out when a plan is run.
#[derive(Debug)]
pub struct LatePruning {
    tables: Arc<Tables>,
    /// The conditions on the columns that it is divided by; `Param(i)` stands for the value of that number.
    conjuncts: Vec<Expr>,
    values: Vec<(Expr, Moment)>,
    members: Vec<Arc<Relation>>,
}

impl LatePruning {
    /// For the members of a scan that are read if nothing is known; `None` if no condition on the columns that it is divided by
    /// has a value in it that comes later. Columns of other rows are slots already.
    pub(crate) fn of(tables: Arc<Tables>, conjuncts: &[Expr], members: Vec<Arc<Relation>>) -> Option<LatePruning> {
        let keys = tables.key_columns();
        let mut values = Vec::new();
        let mut kept = Vec::new();
        for conjunct in conjuncts {
            let mut used = BTreeSet::new();
            expr_columns(conjunct, &mut used);
            if used.is_disjoint(&keys) || moment(conjunct).is_some() {
                continue;
            }
            let mut conjunct = conjunct.clone();
            take_values(&mut conjunct, &mut values);
            kept.push(conjunct);
        }
        (!values.is_empty()).then_some(LatePruning { tables, conjuncts: kept, values, members })
    }

    /// The values that decide, and from when on each is known.
    pub fn values(&self) -> &[(Expr, Moment)] {
        &self.values
    }

    /// Which of the members may have rows that satisfy the conditions, by these values as far as they are known.
    pub fn kept(&self, values: &[Option<Datum>], cx: BindContext<'_>) -> Vec<bool> {
        let mut conjuncts = self.conjuncts.clone();
        for conjunct in &mut conjuncts {
            conjunct.rewrite(&mut |e| {
                if let Expr::Param(index, ty) = e
                    && let Some(Some(value)) = values.get(*index)
                {
                    *e = Expr::Const(value.clone(), *ty);
                }
            });
        }
        let pruning = Pruning::of(&self.tables, &conjuncts, cx);
        self.members.iter().map(|member| pruning.keeps(member)).collect()
    }
}

/// Replaces the largest expressions that are about no row of the scan by their numbers.
fn take_values(expr: &mut Expr, values: &mut Vec<(Expr, Moment)>) {
    if let Some(moment) = moment(expr) {
        if !matches!(expr, Expr::Const(..)) {
            let ty = expr.ty();
            let value = std::mem::replace(expr, Expr::Param(values.len(), ty));
            values.push((value, moment));
        }
        return;
    }
    expr.for_each_child_mut(&mut |child| take_values(child, values));
}

/// When the value of an expression is known that is about no row of the scan; `None` for any other.
fn moment(expr: &Expr) -> Option<Moment> {
    let mut moment = Moment::Start;
    let is_other = expr.any(&mut |e| match e {
        Expr::Outer(..) => {
            moment = Moment::Row;
            false
        }
        Expr::Subplan(subplan) => {
            moment = moment.max(Moment::Query);
            !subplan.args.is_empty()
        }
        Expr::Call(call) => call.function.volatility == Volatility::Volatile || call.function.returns_set,
        Expr::Column(..) | Expr::Input(..) | Expr::Sublink(_) | Expr::TestValue(_) => true,
        Expr::Aggregate(_) | Expr::Window(_) | Expr::Grouping(_) => true,
        _ => false,
    });
    (!is_other).then_some(moment)
}
