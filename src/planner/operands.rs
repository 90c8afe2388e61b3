//! The expressions of a physical operator, for analyses that look at all of them.

use crate::expr::{Expr, SortKey};
use crate::logical::MergeClause;
use crate::physical::{Action, IndexBounds, Modify, Node, Op};

/// Calls `f` with every expression of the operator itself, not of its inputs.
pub fn for_each_expr(node: &Node, f: &mut dyn FnMut(&Expr)) {
    match &node.op {
        Op::Values { rows } => rows.iter().flatten().for_each(f),
        Op::SeqScan { tids, filter, .. } => {
            let conditions = tids.iter().flat_map(|tids| tids.conditions());
            conditions.map(|condition| &condition.value).chain(filter).for_each(f);
        }
        Op::IndexScan { bounds, filter, .. } => {
            bounds.iter().for_each(|bounds| of_bounds(bounds, f));
            filter.iter().for_each(f);
        }
        Op::BitmapScan { bitmap, recheck, filter, .. } => {
            bitmap.for_each_value(f);
            f(recheck);
            filter.iter().for_each(f);
        }
        Op::RegionScan { conditions, nearest, recheck, filter, .. } => {
            conditions.iter().filter_map(|own| own.test.value()).for_each(&mut *f);
            let nearest = nearest.iter().flat_map(|nearest| [&nearest.value, &nearest.distance]);
            nearest.for_each(&mut *f);
            recheck.iter().chain(filter).for_each(f);
        }
        Op::VirtualScan { equals, filter, .. } => {
            equals.iter().for_each(|(_, value)| f(value));
            filter.iter().for_each(f);
        }
        Op::FunctionScan { calls, .. } => calls.iter().for_each(|(call, _)| f(call)),
        Op::CteScan { .. } | Op::WorkTable { .. } | Op::Distinct { .. } | Op::SetOp { .. } | Op::SortedSetOp { .. } => {
        }
        Op::Append { merged, .. } => of_keys(merged, f),
        Op::Project { exprs, .. } => exprs.iter().for_each(f),
        Op::Sample { percent, seed, .. } => {
            f(percent);
            seed.iter().for_each(f);
        }
        Op::Filter { predicate, .. } | Op::Gate { condition: predicate, .. } => f(predicate),
        Op::HashJoin { keys, residual, .. } | Op::MergeJoin { keys, residual, .. } => {
            for key in keys {
                f(&key.left);
                f(&key.right);
            }
            residual.iter().for_each(f);
        }
        Op::NestedLoop { on, .. } => on.iter().for_each(f),
        Op::IndexJoin { bounds, filter, .. } => {
            bounds.iter().for_each(|bounds| of_bounds(bounds, f));
            filter.iter().for_each(f);
        }
        Op::Apply { slots, on, .. } => {
            slots.iter().for_each(|(_, value)| f(value));
            on.iter().for_each(f);
        }
        Op::Aggregate { groups, calls, .. } => {
            groups.iter().for_each(&mut *f);
            calls.iter().for_each(|call| call.for_each_operand(f));
        }
        Op::Window { calls, run, .. } => {
            run.iter().for_each(&mut *f);
            for call in calls {
                call.args.iter().for_each(&mut *f);
                call.filter.iter().for_each(&mut *f);
                call.window.for_each_operand(f);
            }
        }
        Op::ProjectSet { calls, .. } => calls.iter().for_each(f),
        Op::Sort { keys, fetch, .. } => {
            of_keys(keys, f);
            fetch.iter().for_each(f);
        }
        Op::Limit { limit, offset, ties, .. } => {
            limit.iter().for_each(&mut *f);
            offset.iter().for_each(&mut *f);
            ties.iter().for_each(|keys| of_keys(keys, f));
        }
        Op::DistinctOn { keys, .. } => keys.iter().for_each(f),
        Op::LockRows { .. } => {}
        Op::Modify(modify) => of_modify(modify, f),
    }
}

fn of_bounds(bounds: &IndexBounds, f: &mut dyn FnMut(&Expr)) {
    bounds.values().for_each(f);
}

fn of_keys(keys: &[SortKey], f: &mut dyn FnMut(&Expr)) {
    keys.iter().for_each(|key| f(&key.expr));
}

fn of_modify(modify: &Modify, f: &mut dyn FnMut(&Expr)) {
    modify.returning.iter().flatten().for_each(&mut *f);
    modify.checks.iter().for_each(|(_, check)| f(check));
    modify.generated.iter().for_each(|(_, value)| f(value));
    match &modify.action {
        Action::Insert { on_conflict: Some(conflict), .. } => {
            if let Some(update) = &conflict.update {
                update.assignments.iter().for_each(|(_, value)| f(value));
                update.filter.iter().for_each(f);
            }
        }
        Action::Merge { clauses, .. } => clauses.iter().flat_map(MergeClause::exprs).for_each(f),
        _ => {}
    }
}
