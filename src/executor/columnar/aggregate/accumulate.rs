//! Aggregates of many groups at once, and which implementation serves which call.

use std::sync::Arc;

use arrow::array::ArrayRef;
use dictdb_planner::expr::AggregateCall;
use dictdb_types::{Physical, Result, oids};

use super::super::key::KeyForm;
use super::super::vector::{self, Vector, VectorContext};
use super::count::Count;
use super::distinct::DistinctCode;
use super::extreme;
use super::general::{General, GeneralCode};
use super::numeric;
use super::sorted::{Sorted, SortedCode};
use super::sum;
use super::truth::Truths;
use crate::aggregate::AggregateCode;
use crate::runtime::Runtime;

/// One aggregate of all groups.
pub(crate) trait Accumulate: Send {
    /// Adds a batch: argument columns, the group of each row, the number of groups so far.
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, rt: &Runtime) -> Result<()>;

    /// The results, one per group.
    fn finish(&mut self, count: usize, rt: &Arc<Runtime>) -> Result<ArrayRef>;

    /// Bytes held, for the memory budget.
    fn bytes(&self) -> usize;
}

/// A compiled call.
#[derive(Debug)]
pub(crate) struct CallCode {
    /// Arguments: for the general case followed by ORDER BY keys and direct arguments.
    pub args: Box<[Vector]>,
    /// FILTER.
    pub filter: Option<Vector>,
    kind: Kind,
    /// DISTINCT, where the kind does not see to it itself.
    distinct: Option<DistinctCode>,
}

#[derive(Debug)]
enum Kind {
    Count,
    Sum(sum::Sum),
    Extreme(extreme::Extreme),
    NumericSum { average: bool },
    NumericExtreme { greatest: bool },
    Truths { all: bool },
    General(Arc<GeneralCode>),
    Sorted(Arc<SortedCode>),
}

impl CallCode {
    /// Compiles a call, of one of several groups or not. 0A000 for an aggregate without implementation.
    pub fn compile(call: &AggregateCall, grouped: bool, cx: &VectorContext<'_>) -> Result<Self> {
        let filter = vector::compile_predicate(call.filter.as_ref(), cx)?;
        if call.order.is_empty() && !call.within_group {
            let layouts: Vec<Physical> = call.args.iter().map(|arg| cx.eval.types.physical(arg.ty().oid)).collect();
            let kind = special(call, &layouts, cx).filter(|kind| !call.distinct || !kind.depends_on_order(&layouts));
            if let Some(kind) = kind {
                let needs_distinct = call.distinct && !matches!(kind, Kind::Extreme(_));
                let distinct = call.args.first().filter(|_| needs_distinct).zip(layouts.first());
                let distinct = distinct.map(|(arg, layout)| DistinctCode {
                    form: KeyForm::of(arg.ty(), cx.eval.types),
                    layout: *layout,
                    grouped,
                });
                return Ok(CallCode { args: vector::compile_all(&call.args, cx)?, filter, kind, distinct });
            }
        }
        let code = AggregateCode::compile(call, cx.eval)?;
        let order = call.order.iter().map(|key| &key.expr);
        let args = vector::compile_all(call.args.iter().chain(order), cx)?;
        let layouts = call.args.iter().chain(call.order.iter().map(|key| &key.expr));
        let layouts = layouts.map(|arg| cx.eval.types.physical(arg.ty().oid)).collect();
        let result = cx.eval.types.physical(call.ty.oid);
        let sorts = code.only_sorts();
        let general = GeneralCode { code, layouts, args: call.args.len(), within_group: call.within_group, result };
        let kind = match sorts {
            true => Kind::Sorted(Arc::new(SortedCode::of(call, general, cx.eval.types))),
            false => Kind::General(Arc::new(general)),
        };
        Ok(CallCode { args, filter, kind, distinct: None })
    }

    /// The state of no group.
    pub fn start(&self) -> Result<Box<dyn Accumulate>> {
        let all: Box<dyn Accumulate> = match &self.kind {
            Kind::Count => Box::new(Count::default()),
            Kind::Sum(sum) => sum.start(),
            Kind::Extreme(extreme) => extreme.start(),
            Kind::NumericSum { average } => Box::new(numeric::Sum::new(*average)),
            Kind::NumericExtreme { greatest } => Box::new(numeric::Extreme::new(*greatest)),
            Kind::Truths { all } => Box::new(Truths::new(*all)),
            Kind::General(code) => Box::new(General::new(code.clone())),
            Kind::Sorted(code) => Box::new(Sorted::new(code.clone())),
        };
        match self.distinct {
            None => Ok(all),
            Some(distinct) => Ok(Box::new(distinct.start(all)?)),
        }
    }
}

impl Kind {
    /// Whether another order of its input may change the result: sums of floats are rounded at each step, and which of
    /// equal numerics is the first of them shows in the scale.
    fn depends_on_order(&self, layouts: &[Physical]) -> bool {
        match self {
            Kind::Sum(_) => layouts.iter().any(|layout| matches!(layout, Physical::Float4 | Physical::Float8)),
            Kind::NumericSum { .. } | Kind::NumericExtreme { .. } => true,
            Kind::Count | Kind::Extreme(_) | Kind::Truths { .. } | Kind::General(_) | Kind::Sorted(_) => false,
        }
    }
}

/// The aggregates that have columns of machine words as states.
fn special(call: &AggregateCall, layouts: &[Physical], cx: &VectorContext<'_>) -> Option<Kind> {
    if call.function.aggregate.is_some() {
        return None;
    }
    let oid = call.args.first().map(|arg| cx.eval.types.base_type(arg.ty()).oid);
    let numeric = oid == Some(oids::NUMERIC);
    match (&*call.function.name, layouts) {
        ("sum", [_]) if numeric => Some(Kind::NumericSum { average: false }),
        ("avg", [_]) if numeric => Some(Kind::NumericSum { average: true }),
        ("max", [_]) if numeric => Some(Kind::NumericExtreme { greatest: true }),
        ("min", [_]) if numeric => Some(Kind::NumericExtreme { greatest: false }),
        ("bool_and" | "every", [Physical::Bool]) => Some(Kind::Truths { all: true }),
        ("bool_or", [Physical::Bool]) => Some(Kind::Truths { all: false }),
        ("count", [] | [_]) => Some(Kind::Count),
        ("sum", [layout]) => sum::Sum::of_sum(*layout, oid?).map(Kind::Sum),
        ("avg", [layout]) => sum::Sum::of_avg(*layout).map(Kind::Sum),
        ("max", [layout]) => extreme::Extreme::of(true, *layout, oid?).map(Kind::Extreme),
        ("min", [layout]) => extreme::Extreme::of(false, *layout, oid?).map(Kind::Extreme),
        _ => None,
    }
}
