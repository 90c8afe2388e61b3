//! What lateral inputs of a group of joins cost, which is known only once they are built: they are built on trial, as if all that
//! they refer to were there.

use dictdb_types::Result;

use super::cost::Cost;
use super::join_graph::Graph;
use super::{Builder, Outer};
use crate::columns::free_columns;
use crate::expr::ColumnId;
use crate::logical::Node as Logical;

impl Builder<'_> {
    /// Finds out what the lateral inputs of a group cost for one row. Each is built on trial once, however often the plan around it
    /// is.
    pub(super) fn estimate_laterals(&mut self, graph: &Graph<'_>) -> Result<()> {
        for input in graph.inputs.iter().filter(|input| input.lateral) {
            let Some(key) = key(input.node) else { continue };
            if !self.lateral_costs.contains_key(&key) {
                let cost = self.try_out(input.node)?;
                self.lateral_costs.insert(key, cost);
            }
        }
        Ok(())
    }

    /// Rows and cost of a lateral input; nothing where they do not matter.
    pub(super) fn lateral_cost(&self, node: &Logical) -> (f64, Cost) {
        key(node).and_then(|key| self.lateral_costs.get(&key).copied()).unwrap_or((1.0, (0.0, 0.0)))
    }

    fn try_out(&mut self, node: &Logical) -> Result<(f64, Cost)> {
        let (subplans, ctes, slots) = (self.subplans.len(), self.ctes.len(), self.outer_slots);
        let outer: Outer = free_columns(node).into_iter().map(|id| (id, self.new_slot())).collect();
        let built = self.build(node, &outer)?;
        self.subplans.truncate(subplans);
        self.ctes.truncate(ctes);
        self.outer_slots = slots;
        Ok((built.node.rows, built.node.cost))
    }
}

/// A column that only this input makes.
fn key(node: &Logical) -> Option<ColumnId> {
    node.columns().first().map(|column| column.id)
}
