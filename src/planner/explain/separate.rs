//! Filters of scans as operators of their own, so that EXPLAIN ANALYZE can tell how many rows they let go.

use crate::physical::{Node, Op, Plan};

/// The plan with the filter of every scan above it.
pub fn separate_filters(mut plan: Plan) -> Plan {
    separate(&mut plan.root);
    plan.subplans.iter_mut().for_each(separate);
    for cte in &mut plan.ctes {
        separate(&mut cte.query);
        cte.recursive.iter_mut().for_each(|(step, _)| separate(step));
    }
    plan
}

fn separate(node: &mut Node) {
    inputs_mut(&mut node.op).into_iter().for_each(separate);
    let (Op::SeqScan { filter, .. }
    | Op::IndexScan { filter, .. }
    | Op::BitmapScan { filter, .. }
    | Op::VirtualScan { filter, .. }) = &mut node.op
    else {
        return;
    };
    if let Some(predicate) = filter.take() {
        let scan = node.clone();
        node.op = Op::Filter { input: Box::new(scan), predicate };
    }
}

fn inputs_mut(op: &mut Op) -> Vec<&mut Node> {
    match op {
        Op::Values { .. }
        | Op::SeqScan { .. }
        | Op::IndexScan { .. }
        | Op::BitmapScan { .. }
        | Op::VirtualScan { .. }
        | Op::FunctionScan { .. }
        | Op::CteScan { .. }
        | Op::WorkTable { .. } => Vec::new(),
        Op::Project { input, .. }
        | Op::Filter { input, .. }
        | Op::Gate { input, .. }
        | Op::Aggregate { input, .. }
        | Op::Window { input, .. }
        | Op::ProjectSet { input, .. }
        | Op::Sort { input, .. }
        | Op::Limit { input, .. }
        | Op::Distinct { input }
        | Op::DistinctOn { input, .. }
        | Op::LockRows { input, .. }
        | Op::Sample { input, .. }
        | Op::IndexJoin { outer: input, .. } => vec![input],
        Op::HashJoin { left, right, .. }
        | Op::NestedLoop { left, right, .. }
        | Op::Apply { left, right, .. }
        | Op::SetOp { left, right, .. } => vec![left, right],
        Op::Append { inputs, .. } => inputs.iter_mut().collect(),
        Op::Modify(modify) => vec![&mut modify.input],
    }
}
