//! Window calls, and conditions on them that end a partition.

use dictdb_functions::facts;
use dictdb_types::{Oid, Result};

use super::{Builder, Built, Layout, Outer};
use crate::bind::builtin_function;
use crate::condition::{commuted, comparison};
use crate::expr::{Call, Expr, FrameBound, FrameExclude, FrameUnit, WindowCall};
use crate::logical::{Column, Node as Logical};
use crate::physical::Op;

/// `count(any)` and `count(*)`.
const COUNTS: [Oid; 2] = [Oid(2147), Oid(2803)];

/// How the values of a call go on from row to row of a partition.
#[derive(Clone, Copy, Default)]
struct Course {
    /// They never fall.
    rises: bool,
    /// They never rise.
    falls: bool,
}

impl Course {
    fn of(call: &WindowCall) -> Self {
        if !call.aggregate {
            let rises = matches!(&*call.function.source, "window_row_number" | "window_rank" | "window_dense_rank");
            return Course { rises, falls: false };
        }
        let frame = &call.window.frame;
        if !COUNTS.contains(&call.function.oid) || frame.exclude != FrameExclude::NoOthers {
            return Course::default();
        }
        // Without an order all rows are peers.
        let same = call.window.order.is_empty() && frame.unit != FrameUnit::Rows;
        Course {
            rises: same || matches!(frame.start, FrameBound::UnboundedPreceding),
            falls: same || matches!(frame.end, FrameBound::UnboundedFollowing),
        }
    }
}

impl Builder<'_> {
    /// Calls over one window. Of each partition only the rows come for which all of `run` holds: the first ones.
    pub(crate) fn build_window(
        &mut self,
        input: &Logical,
        calls: &[(Column, WindowCall)],
        run: &[Expr],
        outer: &Outer,
    ) -> Result<Built> {
        let built = self.build(input, outer)?;
        let mut bound = Vec::with_capacity(calls.len());
        for (_, call) in calls {
            let mut expr = Expr::Window(Box::new(call.clone()));
            expr = self.expr(&expr, &built.layout, outer)?;
            if let Expr::Window(call) = expr {
                bound.push(*call);
            }
        }
        let layout: Layout = calls.iter().map(|(column, _)| column.id).collect();
        let condition = Expr::conjunction(run.to_vec());
        let condition = condition.map(|condition| self.expr(&condition, &layout, outer)).transpose()?;
        let kept = self.estimator().all(run);
        let columns = calls.iter().map(|(column, _)| column);
        let mut built = self.extended(built, columns, |input| Op::Window { input, calls: bound, run: condition })?;
        built.node.rows = (built.node.rows * kept).max(1.0);
        Ok(built)
    }

    /// The conditions on window calls that hold for the first rows of each partition and for none behind them, and what is left to
    /// ask of each row.
    pub(crate) fn run_conditions(
        &self,
        calls: &[(Column, WindowCall)],
        conjuncts: Vec<Expr>,
    ) -> (Vec<Expr>, Vec<Expr>) {
        let (mut run, mut rest) = (Vec::new(), Vec::new());
        for conjunct in conjuncts {
            match self.run_condition(calls, &conjunct) {
                Some(Run::Same) => run.push(conjunct),
                Some(Run::Weaker(condition)) => {
                    run.push(condition);
                    rest.push(conjunct);
                }
                None => rest.push(conjunct),
            }
        }
        (run, rest)
    }

    fn run_condition(&self, calls: &[(Column, WindowCall)], conjunct: &Expr) -> Option<Run> {
        let (operator, left, right) = comparison(conjunct)?;
        let call_of = |expr: &Expr| match expr {
            Expr::Column(id, _) => calls.iter().find(|(column, _)| column.id == *id).map(|(_, call)| call),
            _ => None,
        };
        let (call, value, towards) = match (call_of(left), call_of(right)) {
            (Some(call), None) => (call, right, operator),
            (None, Some(call)) => (call, left, commuted(operator)),
            _ => return None,
        };
        if value.is_volatile() || value.any(&mut |e| matches!(e, Expr::Column(..) | Expr::Sublink(_))) {
            return None;
        }
        let course = Course::of(call);
        match towards {
            "<" | "<=" => course.rises.then_some(Run::Same),
            ">" | ">=" => course.falls.then_some(Run::Same),
            "=" if course.rises && course.falls => Some(Run::Same),
            // Before the rows with the value there are those on one side of it.
            "=" if course.rises => self.weakened(conjunct, if call_of(left).is_some() { "<=" } else { ">=" }),
            "=" if course.falls => self.weakened(conjunct, if call_of(left).is_some() { ">=" } else { "<=" }),
            _ => None,
        }
    }

    /// A comparison of the same values by another operator.
    fn weakened(&self, conjunct: &Expr, operator: &'static str) -> Option<Run> {
        let Expr::Call(call) = conjunct else { return None };
        let [left, right] = call.args.as_slice() else { return None };
        let types = (left.ty().oid, right.ty().oid);
        let found = facts::operators_named(operator).find(|found| (found.left, found.right) == types)?;
        let function = builtin_function(facts::proc_by_oid(found.code)?, self.cx.registry);
        let call = Call { function, operator: Some(operator.into()), ..(**call).clone() };
        Some(Run::Weaker(Expr::Call(Box::new(call))))
    }
}

/// What a condition on a window call is good for.
enum Run {
    /// It ends partitions.
    Same,
    /// Another one, which follows from it, does.
    Weaker(Expr),
}
