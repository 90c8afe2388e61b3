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
    node.children_mut().into_iter().for_each(separate);
    let (Op::SeqScan { filter, .. }
    | Op::IndexScan { filter, .. }
    | Op::BitmapScan { filter, .. }
    | Op::RegionScan { filter, .. }
    | Op::VirtualScan { filter, .. }) = &mut node.op
    else {
        return;
    };
    if let Some(predicate) = filter.take() {
        let scan = node.clone();
        node.op = Op::Filter { input: Box::new(scan), predicate };
    }
}
