//! What a plan's tables and subqueries are called: PostgreSQL makes aliases unique over the whole plan (`t`, `t_1`), and
//! numbers subqueries and their parameters as it comes to plan them.

use std::collections::{HashMap, HashSet};

use dictdb_types::Oid;

use crate::expr::{Expr, SublinkKind, Subplan};
use crate::operands::for_each_expr;
use crate::physical::{Action, Appended, Modify, Node, Op, Part, Plan};

/// Names that hold for one plan.
pub(super) struct Naming {
    /// What the table, function or CTE of a node is called, by the node's address.
    aliases: HashMap<*const Node, String>,
    /// `n` in `SubPlan n`, by the subquery's number.
    numbers: Vec<usize>,
    /// `n` in `$n`, likewise.
    parameters: Vec<usize>,
}

impl Naming {
    /// The names in a plan without the members that are removed from it.
    pub fn of(plan: &Plan, removed: &HashSet<*const Node>) -> Self {
        let count = plan.subplans.len();
        let mut numbering = Numbering {
            plan,
            order: Vec::new(),
            numbers: vec![0; count],
            parameters: vec![0; count],
            next: 1,
            parameter: 0,
        };
        numbering.part(Part::Statement);
        let mut aliases =
            Aliases { removed, named: HashMap::new(), given: HashMap::new(), divided: Vec::new(), changed: None };
        aliases.of_part(&plan.root);
        for part in &numbering.order {
            part_roots(plan, *part).into_iter().for_each(|root| aliases.of_part(root));
        }
        let Aliases { named: mut aliases, divided, .. } = aliases;
        aliases.retain(|node, _| !divided.contains(node));
        Naming { aliases, numbers: numbering.numbers, parameters: numbering.parameters }
    }

    /// What a node's own table is called.
    pub fn alias(&self, node: &Node) -> &str {
        self.aliases.get(&std::ptr::from_ref(node)).map_or("?", String::as_str)
    }

    /// Whether a node's own table is called something.
    pub fn has_alias(&self, node: &Node) -> bool {
        self.aliases.contains_key(&std::ptr::from_ref(node))
    }

    /// `InitPlan 1 (returns $0)`, `SubPlan 2`.
    pub fn title(&self, subplan: &Subplan) -> String {
        let number = self.number(subplan);
        match is_init(subplan) {
            true => format!("InitPlan {number} (returns {})", self.value(subplan)),
            false => format!("SubPlan {number}"),
        }
    }

    pub fn number(&self, subplan: &Subplan) -> usize {
        self.numbers.get(subplan.plan).copied().unwrap_or_default()
    }

    /// A subquery in an expression: one that runs before the rows is a parameter, one that is kept is hashed.
    pub fn value(&self, subplan: &Subplan) -> String {
        let number = self.number(subplan);
        if is_init(subplan) {
            return format!("${}", self.parameters.get(subplan.plan).copied().unwrap_or_default());
        }
        format!("({}SubPlan {number})", if is_hashed(subplan) { "hashed " } else { "" })
    }
}

/// Whether a subquery is run once, before the rows are.
pub(crate) fn is_init(subplan: &Subplan) -> bool {
    subplan.args.is_empty() && matches!(subplan.kind, SublinkKind::Scalar | SublinkKind::Exists | SublinkKind::Array)
}

/// Whether rows are looked up in the answer of a subquery: `IN`.
pub(super) fn is_hashed(subplan: &Subplan) -> bool {
    let SublinkKind::Compare { all, operator, .. } = &subplan.kind else { return false };
    subplan.args.is_empty() && !*all && &**operator == "="
}

/// The nodes at the top of a part.
fn part_roots(plan: &Plan, part: Part) -> Vec<&Node> {
    match part {
        Part::Statement => vec![&plan.root],
        Part::Subplan(number) => plan.subplans.get(number).into_iter().collect(),
        Part::Cte(number) => plan.ctes.get(number).map_or_else(Vec::new, |cte| {
            let step = cte.recursive.as_ref().map(|(step, _)| step);
            std::iter::once(&cte.query).chain(step).collect()
        }),
    }
}

/// The order in which PostgreSQL plans subqueries: CTEs first, then as expressions come, inner ones before outer ones.
struct Numbering<'p> {
    plan: &'p Plan,
    order: Vec<Part>,
    numbers: Vec<usize>,
    parameters: Vec<usize>,
    next: usize,
    parameter: usize,
}

impl Numbering<'_> {
    fn part(&mut self, part: Part) {
        let plan = self.plan;
        for (number, cte) in plan.ctes.iter().enumerate().filter(|(_, cte)| cte.part == part) {
            // A working table is a parameter too.
            self.parameter += usize::from(cte.recursive.is_some());
            self.part(Part::Cte(number));
            self.order.push(Part::Cte(number));
            self.next += 1;
            self.parameter += 1;
        }
        for root in part_roots(plan, part) {
            root.for_each(&mut |node| {
                for_each_expr(node, &mut |expr| expr.visit(&mut |e| self.expression(e)));
            });
        }
    }

    fn expression(&mut self, expr: &Expr) {
        let Expr::Subplan(subplan) = expr else { return };
        if self.numbers.get(subplan.plan) != Some(&0) {
            return;
        }
        self.part(Part::Subplan(subplan.plan));
        self.order.push(Part::Subplan(subplan.plan));
        self.parameter += subplan.args.len();
        self.numbers[subplan.plan] = self.next;
        self.parameters[subplan.plan] = self.parameter;
        self.next += 1;
        self.parameter += match &subplan.kind {
            SublinkKind::Compare { left, .. } => left.len(),
            _ if is_init(subplan) => 1,
            _ => 0,
        };
    }
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Among what the statement names.
    Own,
    /// It reads a member of a table.
    Member,
    /// It is in a join of partitions.
    Partition,
}

/// Aliases, made unique as they come: those of a part's own FROM, then those of children of its tables.
struct Aliases<'r> {
    removed: &'r HashSet<*const Node>,
    named: HashMap<*const Node, String>,
    /// Names given, with how often each was asked for again.
    given: HashMap<String, usize>,
    /// Partitions in joins of partitions that are divided themselves.
    divided: Vec<*const Node>,
    /// The table that is changed, by its oid and alias, and its name: the scan of it is no entry of its own.
    changed: Option<(Oid, String, String)>,
}

impl Aliases<'_> {
    fn of_part(&mut self, root: &Node) {
        let mut children = Vec::new();
        self.changed = None;
        self.of_node(root, Place::Own, &mut children);
        children.into_iter().for_each(|(node, alias)| self.give(node, alias));
    }

    fn of_node<'n>(&mut self, node: &'n Node, place: Place, children: &mut Vec<(&'n Node, &'n str)>) {
        if self.removed.contains(&std::ptr::from_ref(node)) {
            return;
        }
        let mut below = place;
        match own_alias(node) {
            Some(alias) if self.is_changed(node, alias) => {
                if let Some((_, _, name)) = self.changed.take() {
                    self.named.insert(std::ptr::from_ref(node), name);
                }
            }
            // A partition that is divided itself: its name is taken, but columns are those of its first member.
            Some(alias) if place == Place::Partition && matches!(node.op, Op::Append { .. }) => {
                self.divided.push(node);
                children.push((node, alias));
            }
            Some(alias) if place != Place::Own => children.push((node, alias)),
            Some(alias) => self.give(node, alias),
            None => {}
        }
        match &node.op {
            Op::Modify(modify) => {
                below = Place::Own;
                self.changed = changed_scan(modify)
                    .map(|(table, alias)| (table, alias, self.named[&std::ptr::from_ref(node)].clone()));
            }
            Op::Append { of: Appended::Queries | Appended::Sides, .. } => below = Place::Own,
            Op::Append { of: Appended::Members { .. }, .. } => below = Place::Member,
            Op::Append { of: Appended::Partitions { tables, .. }, .. } => {
                below = Place::Partition;
                tables.iter().for_each(|table| {
                    self.given.entry(table.to_string()).or_insert(0);
                });
            }
            Op::Project { .. } | Op::Filter { .. } | Op::Gate { .. } | Op::Sample { .. } => {}
            _ if place == Place::Partition => {}
            _ => below = Place::Own,
        }
        node.children().into_iter().for_each(|input| self.of_node(input, below, children));
    }

    /// Whether a node reads the rows that are changed.
    fn is_changed(&self, node: &Node, alias: &str) -> bool {
        let Some((table, changed, _)) = &self.changed else { return false };
        changed == alias
            && match &node.op {
                Op::SeqScan { table: own, fetch, .. }
                | Op::IndexScan { table: own, fetch, .. }
                | Op::BitmapScan { table: own, fetch, .. }
                | Op::RegionScan { table: own, fetch, .. }
                | Op::IndexJoin { table: own, fetch, .. } => fetch.row_id && own.relation.oid == *table,
                Op::Append { .. } => *table == Oid::INVALID,
                _ => false,
            }
    }

    fn give(&mut self, node: &Node, alias: &str) {
        let name = match self.given.get(alias) {
            None => alias.to_owned(),
            Some(again) => {
                let mut number = again + 1;
                while self.given.contains_key(&format!("{alias}_{number}")) {
                    number += 1;
                }
                self.given.insert(alias.to_owned(), number);
                format!("{alias}_{number}")
            }
        };
        self.given.insert(name.clone(), 0);
        self.named.insert(std::ptr::from_ref(node), name);
    }
}

/// What reads the rows that a change is about: the table, or the members of one that has some.
fn changed_scan(modify: &Modify) -> Option<(Oid, String)> {
    let table = match (&modify.action, modify.members.is_empty()) {
        (Action::Insert { .. }, _) => return None,
        (Action::Instead { .. }, _) if modify.table.relation.view().is_some() => return None,
        (_, true) => modify.table.relation.oid,
        (_, false) => Oid::INVALID,
    };
    Some((table, modify.table.alias.to_string()))
}

/// The alias of what a node itself reads or changes.
fn own_alias(node: &Node) -> Option<&str> {
    match &node.op {
        Op::SeqScan { table, .. }
        | Op::IndexScan { table, .. }
        | Op::BitmapScan { table, .. }
        | Op::RegionScan { table, .. }
        | Op::VirtualScan { table, .. }
        | Op::IndexJoin { table, .. } => Some(&table.alias),
        Op::FunctionScan { alias, .. } | Op::CteScan { alias, .. } | Op::WorkTable { alias, .. } => Some(alias),
        Op::Append { of: Appended::Members { alias, .. }, .. } => Some(alias),
        Op::Values { rows } => (rows.len() > 1).then_some(VALUES),
        Op::Modify(modify) => Some(&modify.table.alias),
        _ => None,
    }
}

/// What rows of constants are called.
pub(super) const VALUES: &str = "*VALUES*";
