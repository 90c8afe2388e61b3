//! Joins: groups of them in the cheapest order, and those that have none to choose.

use dictdb_catalog::{ConstraintKind, RelationKind};
use dictdb_types::{Error, Result};

use super::cost::{self, Cost, first_rows};
use super::index::BitmapMatch;
use super::join_graph::{Graph, Input, Inputs};
use super::join_order::{InputCost, Probe, Search, Tree, distinct_key};
use super::order::{Wanted, key_column, satisfied, within};
use super::{Builder, Built, Layout, Outer};
use crate::expr::Expr;
use crate::logical::{JoinKind, Node as Logical, Scan};
use crate::physical::{Node, Op};

/// The inputs of a group: plans that are built already, and tables, of which an index may be searched.
type Plans = Vec<Option<Built>>;

impl Builder<'_> {
    pub(crate) fn build_join(&mut self, node: &Logical, wanted: &Wanted, outer: &Outer) -> Result<Built> {
        if let Some(built) = self.build_by_partitions(node, wanted, outer)? {
            return Ok(built);
        }
        if let Some(graph) = Graph::of(node) {
            return self.build_group(&graph, wanted, outer);
        }
        let Logical::Join { kind, left, right, on, lateral } = node else {
            return Err(Error::internal("not a join"));
        };
        let mut conditions = Vec::new();
        if let Some(on) = on.clone() {
            on.into_conjuncts(&mut conditions);
        }
        if *lateral {
            let built = self.build_wanted(left, wanted, outer)?;
            return self.build_apply(*kind, built, right, conditions, outer);
        }
        let built = self.build(left, outer)?;
        self.join_with(*kind, built, right, conditions, &Wanted::all(), outer)
    }

    /// A group of joins, in the cheapest order for what is wanted. Small tables cost next to nothing in any order: then that is
    /// taken which PostgreSQL would take for what it guesses of them, so that rows come in the order that programs know.
    fn build_group(&mut self, graph: &Graph<'_>, wanted: &Wanted, outer: &Outer) -> Result<Built> {
        let guess = self.is_guessing || graph.inputs.iter().all(|input| self.is_guessed(input));
        let around = std::mem::replace(&mut self.is_guessing, guess);
        let built = self.build_ordered(graph, wanted, outer);
        self.is_guessing = around;
        built
    }

    /// Whether an input is a table of which PostgreSQL would know nothing, with conditions or without, or a working table.
    fn is_guessed(&self, input: &Input<'_>) -> bool {
        let is_joined = matches!(input.kind, JoinKind::Inner | JoinKind::Left);
        is_joined
            && match input.node {
                Logical::Filter { input, .. } if matches!(**input, Logical::CteScan { .. }) => self.is_recursing(input),
                Logical::CteScan { .. } => self.is_recursing(input.node),
                table => scan_of(table).is_some_and(|(scan, _)| !self.guesses.knows(scan.relation.storage)),
            }
    }

    fn is_recursing(&self, node: &Logical) -> bool {
        let Logical::CteScan { cte, .. } = node else { return false };
        self.cte_numbers.get(cte).is_some_and(|entry| entry.recursing)
    }

    fn build_ordered(&mut self, graph: &Graph<'_>, wanted: &Wanted, outer: &Outer) -> Result<Built> {
        let kept = self.estimator().all(&graph.late);
        let wanted = wanted.before_filter(kept);
        let mut plans = self.build_inputs(graph, outer)?;
        if graph.inputs.len() > 2 {
            self.estimate_laterals(graph)?;
        }
        let costs = self.input_costs(graph, &plans, None);
        let (leader, wanted) = match centre(graph) {
            Some(centre) if wanted.order.is_empty() => (Some(centre), Wanted { as_read: true, ..wanted }),
            _ => (self.leader(graph, &wanted), wanted),
        };
        let tree = match leader {
            Some(leader) => {
                let costs = self.input_costs(graph, &plans, Some((leader, &wanted)));
                Search::new(self, graph, &costs, &wanted, Some(leader)).run()
            }
            None => None,
        };
        let (tree, wish) = match tree {
            Some(tree) => (tree, wanted.clone()),
            None => {
                let wish = wanted.unordered();
                let tree = Search::new(self, graph, &costs, &wish, None).run();
                (tree.ok_or_else(|| Error::internal("no order of joins was found"))?, wish)
            }
        };
        let (built, _) = self.build_tree(graph, &tree, &mut plans, &wish, outer)?;
        self.filter_with_queries(built, graph.late.clone(), outer)
    }

    /// Plans of inputs that are not tables.
    fn build_inputs(&mut self, graph: &Graph<'_>, outer: &Outer) -> Result<Plans> {
        let mut plans = Vec::with_capacity(graph.inputs.len());
        for input in &graph.inputs {
            plans.push(match scan_of(input.node) {
                Some(_) => None,
                // Built when that is there which it refers to.
                None if input.lateral => None,
                None => {
                    let built = self.build(input.node, outer)?;
                    Some(self.filter_over(built, input.filters.clone(), outer)?)
                }
            });
        }
        Ok(plans)
    }

    fn input_costs(&self, graph: &Graph<'_>, plans: &Plans, leader: Option<(usize, &Wanted)>) -> Vec<InputCost> {
        let costs = graph.inputs.iter().zip(plans).enumerate().map(|(at, (input, plan))| {
            if let Some(built) = plan {
                let (rows, nominal) = (built.node.rows, self.nominal_rows_of(input.node));
                let probes = self.probes_of_members(graph, at);
                return InputCost { rows, nominal, cost: built.node.cost, probes };
            }
            if input.lateral {
                let (rows, cost) = self.lateral_cost(input.node);
                return InputCost { rows, nominal: rows, cost, probes: Vec::new() };
            }
            let Some((scan, mut filters)) = scan_of(input.node) else {
                return InputCost { rows: 1.0, nominal: 1.0, cost: (0.0, 0.0), probes: Vec::new() };
            };
            filters.extend(input.filters.iter().cloned());
            let wish = match leader {
                Some((leader, wanted)) if leader == at => wanted.clone(),
                _ => Wanted::all(),
            };
            let access = self.choose_access(scan, &filters, &wish);
            let nominal = (self.nominal_rows(scan) * self.estimator().all(&filters)).max(1.0);
            InputCost { rows: access.rows, nominal, cost: access.cost, probes: self.probes(graph, at, scan, &filters) }
        });
        costs.collect()
    }

    /// How the members of a table can be searched with values of each other input.
    fn probes_of_members(&self, graph: &Graph<'_>, at: usize) -> Vec<Probe> {
        let Some((scan, filters)) = table_of(graph.inputs[at].node) else { return Vec::new() };
        let others = graph.inputs.iter().enumerate().filter(|(other, _)| *other != at);
        let probes = others.filter_map(|(other, input)| {
            let conjuncts = joining(graph, at, &filters, 1 << other)?;
            let available: Layout = input.ids.iter().copied().collect();
            let (search, fetched) = self.search_of_members(scan, &conjuncts, &available)?;
            Some(Probe { requires: 1 << other, fetched, search })
        });
        probes.collect()
    }

    /// How an input can be searched with values of others.
    fn probes(&self, graph: &Graph<'_>, at: usize, scan: &Scan, filters: &[Expr]) -> Vec<Probe> {
        let Some(conjuncts) = joining(graph, at, filters, graph.all()) else { return Vec::new() };
        let others = graph.inputs.iter().enumerate().filter(|(other, _)| *other != at);
        let available: Layout = others.flat_map(|(_, other)| other.ids.iter().copied()).collect();
        let searches = |conjuncts: &[Expr]| {
            let found = self.matching_indexes(scan, conjuncts, &[], &available).into_iter();
            let probes = found.map(|found| {
                let requires = graph.mask_of(found.bounds.iter().flat_map(|bounds| bounds.values()));
                let search = cost::INDEX_SEARCH * found.bounds.len() as f64;
                Probe { requires, fetched: found.rows, search }
            });
            probes.filter(|probe| probe.requires != 0).collect::<Vec<Probe>>()
        };
        let mut probes = searches(&conjuncts);
        // The first columns of an index can be searched for before all the others are there.
        let several = probes.iter().map(|probe| probe.requires).filter(|requires| requires.count_ones() > 1);
        let several = several.fold(0, |all, requires| all | requires);
        for other in (0..graph.inputs.len()).filter(|other| several >> other & 1 == 1) {
            probes.extend(joining(graph, at, filters, 1 << other).into_iter().flat_map(|some| searches(&some)));
        }
        let sets = self.matching_bitmap(scan, &conjuncts, &available).and_then(|found| {
            let mut requires = 0;
            found.bitmap.for_each_value(&mut |value| requires |= graph.mask_of([value]));
            let search = set_search(&found);
            (requires != 0).then_some(Probe { requires, fetched: found.rows, search })
        });
        probes.extend(sets);
        probes
    }

    /// The input whose index gives the beginning of the order wanted.
    fn leader(&self, graph: &Graph<'_>, wanted: &Wanted) -> Option<usize> {
        let first = key_column(wanted.order.first()?)?;
        let at = graph.inputs.iter().position(|input| !input.is_special() && input.ids.contains(&first))?;
        let (scan, filters) = scan_of(graph.inputs[at].node)?;
        let own: Vec<_> = graph.inputs[at].ids.iter().copied().collect();
        let order = within(wanted.order.clone(), &own);
        let found = self.matching_indexes(scan, &filters, &order, &Layout::new());
        found.iter().any(|found| satisfied(&found.order, &order[..1]) == 1).then_some(at)
    }

    /// Builds what the search found. Returns the inputs in it.
    fn build_tree(
        &mut self,
        graph: &Graph<'_>,
        tree: &Tree,
        plans: &mut Plans,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<(Built, Inputs)> {
        match tree {
            Tree::Input(at) => Ok((self.build_input(graph, *at, plans, wanted, outer)?, 1 << at)),
            Tree::Distinct(at) => Ok((self.build_distinct_input(graph, *at, plans, outer)?, 1 << at)),
            Tree::Join(left, right) => {
                let (built, done) = self.build_tree(graph, left, plans, wanted, outer)?;
                let built = self.sorted_early(built, wanted, outer)?;
                let turned = matches!(**left, Tree::Distinct(_));
                let Tree::Input(at) = **right else {
                    let (right, others) = self.build_tree(graph, right, plans, &Wanted::all(), outer)?;
                    let conditions = self.conditions(graph, done, others, turned);
                    let built = self.hash_or_loop(JoinKind::Inner, built, right, conditions, wanted, outer)?;
                    return Ok((built, done | others));
                };
                let built = self.join_input(graph, built, done, at, turned, plans, wanted, outer)?;
                Ok((built, done | 1 << at))
            }
        }
    }

    /// When the first rows of an order are wanted, sorts by the keys that are there before the next join: what that has to
    /// be done for is then a run of rows that are equal by more keys, and so less of it is done in vain.
    fn sorted_early(&mut self, built: Built, wanted: &Wanted, outer: &Outer) -> Result<Built> {
        let columns = wanted.order.iter().take_while(|key| key_column(key).is_some()).cloned();
        let keys = within(columns.collect(), &built.layout);
        let presorted = satisfied(&built.order, &keys);
        if wanted.rows.is_none() || !self.methods.incremental_sort || presorted == 0 || presorted == keys.len() {
            return Ok(built);
        }
        self.sorted(built, &keys, wanted.rows, None, outer)
    }

    #[allow(clippy::too_many_arguments, reason = "the state of the walk over the tree")]
    fn join_input(
        &mut self,
        graph: &Graph<'_>,
        left: Built,
        done: Inputs,
        at: usize,
        turned: bool,
        plans: &mut Plans,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let input = &graph.inputs[at];
        let between = self.conditions(graph, done, 1 << at, turned);
        let (conditions, above) = match input.is_special() {
            false => (between, Vec::new()),
            true => (input.on.clone(), between),
        };
        if input.lateral {
            let built = self.build_apply(input.kind, left, input.node, conditions, outer)?;
            return self.filter_over(built, above, outer);
        }
        let built = match plans[at].take() {
            Some(right) if self.searches_members(input.kind, &left, (&node_of(input), &right), &conditions, wanted) => {
                self.build_apply(input.kind, left, &filtered(&node_of(input), &conditions), Vec::new(), outer)?
            }
            Some(right) => self.hash_or_loop(input.kind, left, right, conditions, wanted, outer)?,
            None => {
                let node = node_of(input);
                self.join_with(input.kind, left, &node, conditions, wanted, outer)?
            }
        };
        self.filter_over(built, above, outer)
    }

    /// The conditions of a join of two sets; of a semi join turned round its own.
    fn conditions(&self, graph: &Graph<'_>, left: Inputs, right: Inputs, turned: bool) -> Vec<Expr> {
        let mut conditions: Vec<Expr> =
            graph.between(left, right).into_iter().map(|condition| condition.expr.clone()).collect();
        if turned {
            conditions.extend(graph.inputs[left.trailing_zeros() as usize].on.iter().cloned());
        }
        conditions
    }

    fn build_input(
        &mut self,
        graph: &Graph<'_>,
        at: usize,
        plans: &mut Plans,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        if let Some(built) = plans[at].take() {
            return Ok(built);
        }
        let node = filtered(graph.inputs[at].node, &graph.inputs[at].filters);
        self.build_wanted(&node, wanted, outer)
    }

    /// The inner side of a semi join with each combination of its key columns once.
    fn build_distinct_input(
        &mut self,
        graph: &Graph<'_>,
        at: usize,
        plans: &mut Plans,
        outer: &Outer,
    ) -> Result<Built> {
        let input = &graph.inputs[at];
        let built = self.build_input(graph, at, plans, &Wanted::all(), outer)?;
        let keys: Vec<Expr> = input.on.iter().filter_map(|expr| distinct_key(expr, &input.ids)).collect();
        let mut exprs = Vec::new();
        let (mut layout, mut names) = (Layout::new(), Vec::new());
        for key in &keys {
            let Expr::Column(id, ty) = key else { continue };
            let Some(position) = built.layout.iter().position(|own| own == id) else { continue };
            if !layout.contains(id) {
                exprs.push(Expr::Input(position, *ty));
                layout.push(*id);
                names.push(built.node.names[position].clone());
            }
        }
        let estimator = self.estimator();
        let distinct: f64 = keys.iter().map(|key| estimator.distinct(key, built.node.rows)).product();
        let rows = distinct.min(built.node.rows).max(1.0);
        let total = built.node.cost.1 + built.node.rows * cost::GROUP_ROW;
        let input = super::project(built.node, exprs, names);
        let (columns, names) = (input.columns.clone(), input.names.clone());
        let op = Op::Distinct { input: Box::new(input), hashed: None };
        let node = Node { op, columns, names, rows, cost: (total, total + rows * cost::ROW) };
        Ok(Built { node, layout, order: Vec::new() })
    }

    /// The cost of a join that reads both sides once: by hash, or each row with each.
    pub(crate) fn join_cost(
        &self,
        (left_rows, left): (f64, Cost),
        (right_rows, right): (f64, Cost),
        out: f64,
        keyed: bool,
        ordered: bool,
    ) -> Cost {
        let loops = {
            let disabled = if self.methods.nestloop { 0.0 } else { cost::DISABLED };
            let work = left_rows * right_rows * cost::LOOP_PAIR + out * cost::JOIN_ROW;
            (disabled + left.0 + right.1, disabled + left.1 + right.1 + work)
        };
        if !keyed {
            return loops;
        }
        let disabled = if self.methods.hashjoin { 0.0 } else { cost::DISABLED };
        // The smaller side is built, except where the order of the left side has to be kept.
        let (build, probe) =
            if ordered { (right_rows, left_rows) } else { (left_rows.min(right_rows), left_rows.max(right_rows)) };
        let slow = if ordered { 2.0 } else { 1.0 };
        let built = build * cost::HASH_BUILD * slow;
        let work = probe * cost::HASH_PROBE * slow + out * cost::JOIN_ROW;
        let start = disabled + left.0 + right.1 + built;
        let hash = (start, start + (left.1 - left.0) + work);
        if hash.1 <= loops.1 { hash } else { loops }
    }

    /// The cost of searching an input once for each row of what is there.
    pub(super) fn best_probe(&self, input: &InputCost, have: Inputs, rows: f64, left: Cost, out: f64) -> Option<Cost> {
        let usable = input.probes.iter().filter(|probe| probe.requires & !have == 0);
        let costs = usable.map(|probe| self.probe_cost(rows, left, (probe.search, probe.fetched), out));
        costs.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The cost of searches for each of some rows, each search costing `search` and fetching so many rows.
    pub(crate) fn probe_cost(&self, rows: f64, left: Cost, (search, fetched): (f64, f64), out: f64) -> Cost {
        let disabled = if self.methods.nestloop && self.methods.indexscan { 0.0 } else { cost::DISABLED };
        let per_row = cost::ROW + search + fetched * cost::INDEX_ROW;
        let start = disabled + left.0;
        (start, start + (left.1 - left.0) + rows * per_row + out * cost::ROW)
    }

    /// Whether searching the right side for each left row is cheaper than reading it once.
    pub(super) fn prefers(&self, one: Cost, other: Cost, rows: f64, wanted: &Wanted) -> bool {
        first_rows(one, rows, wanted.rows) <= first_rows(other, rows, wanted.rows)
    }
}

/// Among system catalogs, the one that the others only tell more about, each found by its key. Its rows stay in their order:
/// PostgreSQL, which searches the others by index, gives the columns of a table in theirs, and programs count on it.
fn centre(graph: &Graph<'_>) -> Option<usize> {
    let inner = |at: &usize| !graph.inputs[*at].is_special();
    let catalogs = (0..graph.inputs.len()).filter(inner).map(|at| Some((at, system_catalog(graph.inputs[at].node)?)));
    let catalogs = catalogs.collect::<Option<Vec<_>>>()?;
    let is_key = |scan: &Scan, id| {
        let attnum = scan.columns.iter().find(|(column, _)| column.id == id).map(|(_, attnum)| *attnum);
        let key = scan.relation.primary_key().map(|key| &key.kind);
        matches!(key, Some(ConstraintKind::Primary { columns, .. }) if columns.len() == 1 && attnum == Some(columns[0]))
    };
    let equated = || graph.conditions.iter().filter_map(|condition| condition.equates);
    let mut centres = catalogs
        .into_iter()
        .filter(|(_, scan)| !equated().any(|(one, other)| is_key(scan, one) || is_key(scan, other)))
        .map(|(at, _)| at);
    let first = centres.next()?;
    centres.next().is_none().then_some(first)
}

/// The scan of a system catalog, with filters or without.
fn system_catalog(node: &Logical) -> Option<&Scan> {
    match node {
        Logical::Scan(scan) => matches!(scan.relation.kind, RelationKind::Virtual).then_some(scan),
        Logical::Filter { input, .. } => system_catalog(input),
        _ => None,
    }
}

/// An input with the conditions on it.
fn node_of(input: &Input<'_>) -> Logical {
    filtered(input.node, &input.filters)
}

/// The conditions that an input is joined to others by, after those on it alone; `None` if there are no others.
fn joining(graph: &Graph<'_>, at: usize, filters: &[Expr], others: Inputs) -> Option<Vec<Expr>> {
    let input = &graph.inputs[at];
    let mut conjuncts = filters.to_vec();
    let is_there = |inputs: Inputs| inputs & !(others | 1 << at) == 0;
    if !input.is_special() {
        let joining = graph.conditions.iter().filter(|condition| condition.inputs >> at & 1 == 1);
        conjuncts
            .extend(joining.filter(|condition| is_there(condition.inputs)).map(|condition| condition.expr.clone()));
    }
    conjuncts.extend(input.on.iter().filter(|on| is_there(graph.mask_of([*on]))).cloned());
    (conjuncts.len() > filters.len()).then_some(conjuncts)
}

/// The cost of finding a set of rows once more, without that of reading them.
pub(super) fn set_search(found: &BitmapMatch) -> f64 {
    cost::RESCAN + found.searches * cost::INDEX_SEARCH
}

/// A node with further conditions on it.
pub(super) fn filtered(node: &Logical, filters: &[Expr]) -> Logical {
    match Expr::conjunction(filters.to_vec()) {
        None => node.clone(),
        Some(more) => match node {
            Logical::Filter { input, predicate } => {
                let predicate = Expr::And(vec![predicate.clone(), more]);
                Logical::Filter { input: input.clone(), predicate }
            }
            other => Logical::Filter { input: Box::new(other.clone()), predicate: more },
        },
    }
}

/// A stored table with its filters, of which an index can be searched. Conditions with correlated queries are none of them.
pub(super) fn scan_of(node: &Logical) -> Option<(&Scan, Vec<Expr>)> {
    table_of(node).filter(|(scan, _)| scan.members.is_empty())
}

/// The same, or a table with children.
pub(super) fn table_of(node: &Logical) -> Option<(&Scan, Vec<Expr>)> {
    let (scan, filters) = match node {
        Logical::Scan(scan) => (scan, Vec::new()),
        Logical::Filter { input, predicate } => match &**input {
            Logical::Scan(scan) => {
                let mut conjuncts = Vec::new();
                predicate.clone().into_conjuncts(&mut conjuncts);
                (scan, conjuncts)
            }
            _ => return None,
        },
        _ => return None,
    };
    let stored = match scan.members.is_empty() {
        true => scan.relation.is_stored(),
        false => scan.members.iter().all(|member| member.is_stored()),
    };
    (stored && !filters.iter().any(super::sublink::has_correlated_query)).then_some((scan, filters))
}
