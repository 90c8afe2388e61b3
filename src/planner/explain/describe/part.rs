//! Parts of a plan that run by themselves: subqueries of expressions and CTEs.

use super::label::{Label, Prefix};
use super::*;
use crate::explain::naming;
use crate::physical::Part;

impl Describer<'_> {
    /// A part from its top: the subqueries that run before it and the CTEs it defines come first.
    pub(super) fn part(&mut self, part: Part, root: &Node) -> (ExplainNode, Labels) {
        let around = std::mem::take(&mut self.before);
        let (mut shown, labels) = self.node(root);
        let before = std::mem::replace(&mut self.before, around);
        shown.children.splice(0..0, before);
        self.define(part, &mut shown);
        (shown, labels)
    }

    /// Shows the CTEs that a part defines.
    fn define(&mut self, part: Part, shown: &mut ExplainNode) {
        let plan = self.plan;
        let own = plan.ctes.iter().enumerate().filter(|(_, cte)| cte.part == part);
        let ctes: Vec<Child> = own.map(|(at, _)| self.cte(at)).collect();
        shown.children.splice(0..0, ctes);
    }

    fn cte(&mut self, at: usize) -> Child {
        let plan = self.plan;
        let cte = &plan.ctes[at];
        let title = Some(format!("CTE {}", dictdb_types::quote_identifier(&cte.name)));
        let Some((step, _)) = &cte.recursive else {
            let (node, _) = self.part(Part::Cte(at), &cte.query);
            return Child { relationship: "InitPlan", subplan: title, number: 0, node };
        };
        let mut union = ExplainNode::default();
        kind(&mut union, "Recursive Union");
        self.estimates(&cte.query, &mut union);
        union.actual = None;
        let around = std::mem::take(&mut self.before);
        let (query, _) = self.node(&cte.query);
        let (step, _) = self.node(step);
        union.children.append(&mut self.before);
        self.before = around;
        union.children.push(child("Outer", query));
        union.children.push(child("Inner", step));
        self.define(Part::Cte(at), &mut union);
        Child { relationship: "InitPlan", subplan: title, number: 0, node: union }
    }

    /// Shows the subqueries of an expression below the node it belongs to, or in front of the part.
    pub(super) fn subplans_of(&mut self, expr: &Expr, labels: &[Label], shown: &mut ExplainNode) {
        let mut found: Vec<&Subplan> = Vec::new();
        expr.visit(&mut |e| {
            if let Expr::Subplan(subplan) = e {
                found.push(subplan);
            }
        });
        for subplan in found {
            let plan = self.plan;
            let (Some(node), Some(done)) = (plan.subplans.get(subplan.plan), self.shown.get_mut(subplan.plan)) else {
                continue;
            };
            if std::mem::replace(done, true) {
                continue;
            }
            for (slot, value) in &subplan.args {
                self.bind_slot(*slot, value, labels);
            }
            let (mut below, _) = self.part(Part::Subplan(subplan.plan), node);
            let (title, number) = (Some(self.naming.title(subplan)), self.naming.number(subplan));
            if naming::is_init(subplan) {
                self.before.push(Child { relationship: "InitPlan", subplan: title, number, node: below });
                continue;
            }
            if subplan.args.is_empty() && !naming::is_hashed(subplan) {
                // Its rows are kept to be compared with.
                below = self.wrapper("Materialize", node, below);
            }
            shown.children.push(Child { relationship: "SubPlan", subplan: title, number, node: below });
        }
    }

    /// The subqueries of all expressions of a node.
    pub(super) fn subplans_in(&mut self, node: &Node, labels: &[Label], shown: &mut ExplainNode) {
        let mut exprs = Vec::new();
        crate::operands::for_each_expr(node, &mut |expr| {
            if expr.any(&mut |e| matches!(e, Expr::Subplan(_))) {
                exprs.push(expr.clone());
            }
        });
        exprs.iter().for_each(|expr| self.subplans_of(expr, labels, shown));
    }

    /// What a slot holds: an expression over the row that is current outside, named in full.
    pub(super) fn bind_slot(&mut self, slot: usize, value: &Expr, labels: &[Label]) {
        let text = self.parameter(value, labels);
        self.slots.insert(slot, text);
    }

    /// A value that comes from another table's row.
    pub(super) fn parameter(&self, value: &Expr, labels: &[Label]) -> String {
        let text = self.text(value, labels, Prefix::Yes);
        let plain = matches!(value, Expr::Input(..) | Expr::Const(..)) || self.is_parameter(value);
        if plain { text } else { format!("({text})") }
    }
}
