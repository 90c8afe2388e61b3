//! Aggregation.

use dictdb_types::{Result, Type, oids};

use super::{Builder, Built, CPU_OPERATOR, CPU_TUPLE, Layout, Outer};
use crate::logical::Aggregate;
use crate::physical::{Node, Op};

impl Builder<'_> {
    pub(crate) fn build_aggregate(&mut self, aggregate: &Aggregate, outer: &Outer) -> Result<Built> {
        let input = self.build(&aggregate.input, outer)?;
        let groups = self.exprs(aggregate.groups.iter().map(|(_, expr)| expr), &input.layout, outer)?;
        let calls = aggregate
            .calls
            .iter()
            .map(|(_, call)| self.aggregate_call(call, &input.layout, outer))
            .collect::<Result<Vec<_>>>()?;
        let outputs = || {
            let groups = aggregate.groups.iter().map(|(column, _)| column);
            let calls = aggregate.calls.iter().map(|(column, _)| column);
            groups.chain(calls).chain(aggregate.groupings.iter().map(|(column, _)| column))
        };
        let layout: Layout = outputs().map(|column| column.id).collect();
        let mut columns: Vec<Type> = outputs().map(|column| column.ty).collect();
        let first = layout.len() - aggregate.groupings.len();
        columns[first..].fill(Type::new(oids::INT4));
        let names = outputs().map(|column| column.name.clone()).collect();
        let input_rows = input.node.rows;
        let rows = if groups.is_empty() { 1.0 } else { (input_rows / 10.0).max(1.0) };
        let work = input_rows * CPU_OPERATOR * (groups.len() + calls.len()) as f64;
        let cost = (input.node.cost.1 + work, input.node.cost.1 + work + rows * CPU_TUPLE);
        let op = Op::Aggregate {
            input: Box::new(input.node),
            groups,
            sets: aggregate.sets.clone(),
            calls,
            groupings: aggregate.groupings.iter().map(|(_, positions)| positions.clone()).collect(),
        };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout })
    }
}
