//! What depends on outer slots: cached subqueries and CTEs that have to be forgotten when an Apply or a subplan sets
//! its slots to new values, or recursion its working table.

use std::collections::HashSet;

use dictdb_planner::expr::Expr;
use dictdb_planner::operands::for_each_expr;
use dictdb_planner::physical::{Node, Op, Plan};

use crate::runtime::Runtime;

/// What stands for the working table of a CTE among the slots: recursion fills it anew in every round.
pub(crate) fn work_table(cte: usize) -> usize {
    usize::MAX - cte
}

/// The dependents of some slots.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    ctes: Box<[usize]>,
    subplans: Box<[usize]>,
}

impl Slots {
    /// Forgets what was computed from older values.
    pub fn changed(&self, rt: &Runtime) {
        self.ctes.iter().for_each(|cte| rt.reset_cte(*cte));
        self.subplans.iter().for_each(|subplan| rt.reset_subplan(*subplan));
    }
}

/// Which slots every CTE and every subplan of a plan reads from outside, directly or through others. A slot that is set
/// and read within a CTE is its own affair: setting it must not discard the CTE that is being computed.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    ctes: Vec<HashSet<usize>>,
    subplans: Vec<HashSet<usize>>,
}

impl Dependencies {
    /// Analyses a plan. Without slots there is nothing to find.
    pub fn of(plan: &Plan) -> Self {
        let mut found = Dependencies::default();
        let recursive = plan.ctes.iter().any(|cte| cte.recursive.is_some());
        if plan.outer_slots == 0 && !(recursive && plan.ctes.len() + plan.subplans.len() > 1) {
            return found;
        }
        let mut walk = Walk { plan, ctes: vec![None; plan.ctes.len()], subplans: vec![None; plan.subplans.len()] };
        found.ctes = (0..plan.ctes.len()).map(|cte| walk.cte(cte)).collect();
        found.subplans = (0..plan.subplans.len()).map(|subplan| walk.subplan(subplan)).collect();
        found
    }

    /// The dependents of slots, besides the subplan that sets them.
    pub fn on(&self, slots: impl Iterator<Item = usize>, setter: Option<usize>) -> Slots {
        let slots: HashSet<usize> = slots.collect();
        let dependents = |reads: &[HashSet<usize>]| -> Vec<usize> {
            let found = reads.iter().enumerate().filter(|(_, reads)| !reads.is_disjoint(&slots));
            found.map(|(index, _)| index).collect()
        };
        let subplans = dependents(&self.subplans).into_iter().filter(|subplan| Some(*subplan) != setter);
        Slots { ctes: dependents(&self.ctes).into(), subplans: subplans.collect() }
    }
}

struct Walk<'a> {
    plan: &'a Plan,
    ctes: Vec<Option<HashSet<usize>>>,
    subplans: Vec<Option<HashSet<usize>>>,
}

impl Walk<'_> {
    fn cte(&mut self, index: usize) -> HashSet<usize> {
        if let Some(Some(known)) = self.ctes.get(index) {
            return known.clone();
        }
        let Some(cte) = self.plan.ctes.get(index) else { return HashSet::new() };
        let mut reads = HashSet::new();
        self.ctes[index] = Some(HashSet::new());
        self.node(&cte.query, &mut reads);
        if let Some((step, _)) = &cte.recursive {
            self.node(step, &mut reads);
        }
        reads.remove(&work_table(index));
        self.ctes[index] = Some(reads.clone());
        reads
    }

    fn subplan(&mut self, index: usize) -> HashSet<usize> {
        if let Some(Some(known)) = self.subplans.get(index) {
            return known.clone();
        }
        let Some(subplan) = self.plan.subplans.get(index) else { return HashSet::new() };
        let mut reads = HashSet::new();
        self.subplans[index] = Some(HashSet::new());
        self.node(subplan, &mut reads);
        self.subplans[index] = Some(reads.clone());
        reads
    }

    fn node(&mut self, node: &Node, reads: &mut HashSet<usize>) {
        if let Op::CteScan { cte, .. } | Op::WorkTable { cte, .. } = &node.op {
            reads.extend(self.cte(*cte));
        }
        if let Op::WorkTable { cte, .. } = &node.op {
            reads.insert(work_table(*cte));
        }
        let mut subplans = Vec::new();
        for_each_expr(node, &mut |expr| {
            expr.visit(&mut |expr| match expr {
                Expr::Outer(slot, _) => {
                    reads.insert(*slot);
                }
                Expr::Subplan(subplan) => subplans.push((subplan.plan, slots_of(&subplan.args))),
                _ => {}
            });
        });
        for (subplan, set) in subplans {
            reads.extend(self.subplan(subplan).difference(&set));
        }
        let mut below = HashSet::new();
        for child in node.children() {
            self.node(child, &mut below);
        }
        let set = match &node.op {
            Op::Apply { slots, .. } => slots_of(slots),
            _ => HashSet::new(),
        };
        reads.extend(below.difference(&set));
    }
}

/// The slots that a list of slots and values sets.
fn slots_of(values: &[(usize, Expr)]) -> HashSet<usize> {
    values.iter().map(|(slot, _)| *slot).collect()
}
