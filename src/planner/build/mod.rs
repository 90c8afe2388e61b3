//! The physical plan from the logical one: positions for columns, algorithms for operators.
//!
//! Every `build` function returns a physical node together with its [`Layout`]: which logical column stands where. An
//! expression is translated against the layout of its input; what the layout lacks comes from outside through a slot.

mod aggregate;
mod cost;
mod exists;
mod expr;
mod index;
mod join;
mod join_graph;
mod join_method;
mod join_order;
mod lateral;
mod members;
mod merge_join;
mod modify;
mod nominal;
mod order;
mod partitionwise;
mod query;
mod referential;
mod replica_identity;
mod scan;
mod set_op;
mod sort;
mod sublink;
mod tid;
mod window;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_types::{Error, Oid, Result, Type};

use crate::BindContext;
use crate::estimate::{CostConstants, Estimator, Methods, Origins, Statistics};
use crate::expr::{ColumnId, Expr, SortKey};
use crate::logical::{Column, CteId, Node as Logical};
use crate::physical::{Cte, Node, Op, Part, Plan, TableLock};
use cost::Cost;
use nominal::Nominal;
use order::Wanted;

/// Which logical column stands at which position.
pub(crate) type Layout = Vec<ColumnId>;

/// A physical node, its layout, and the order of its rows as far as it is known.
pub(crate) struct Built {
    pub node: Node,
    pub layout: Layout,
    pub order: Vec<SortKey>,
}

/// Slots that provide columns from outer queries.
pub(crate) type Outer = BTreeMap<ColumnId, usize>;

/// Makes one physical plan.
pub(crate) struct Builder<'a> {
    cx: BindContext<'a>,
    catalog: &'a Arc<Catalog>,
    statistics: &'a dyn Statistics,
    /// What PostgreSQL would know instead, and whether that counts.
    guesses: Nominal<'a>,
    is_guessing: bool,
    methods: Methods,
    constants: CostConstants,
    origins: Origins,
    subplans: Vec<Option<Node>>,
    ctes: Vec<Option<Cte>>,
    cte_numbers: HashMap<CteId, CteEntry>,
    outer_slots: usize,
    /// The part of the plan that is being built.
    part: Part,
    /// Children of tables that are read in their place.
    ranges: usize,
    /// Columns made while building.
    made_columns: u32,
    /// Rows and cost of lateral inputs, by their first columns.
    lateral_costs: HashMap<ColumnId, (f64, Cost)>,
    locks: BTreeMap<Oid, TableLock>,
    /// The tables that the plan itself reads or changes.
    opened: BTreeSet<Oid>,
    modifies: bool,
    writes: bool,
}

/// What is known of a CTE while plans that read it are built.
#[derive(Clone)]
struct CteEntry {
    number: usize,
    rows: f64,
    /// Rows that PostgreSQL would expect.
    nominal: f64,
    /// Positions of the logical columns in the CTE's result.
    recursing: bool,
}

/// The physical plan of a statement; the result's columns are `columns`, in order.
pub(crate) fn plan(
    logical: &Logical,
    columns: &[Column],
    cx: BindContext<'_>,
    statistics: &dyn Statistics,
) -> Result<Plan> {
    let mut builder = Builder {
        cx,
        catalog: cx.catalog,
        statistics,
        guesses: Nominal(statistics),
        is_guessing: false,
        methods: statistics.methods(),
        constants: statistics.cost_constants(),
        origins: Origins::of(logical, cx, statistics),
        subplans: Vec::new(),
        ctes: Vec::new(),
        cte_numbers: HashMap::new(),
        outer_slots: 0,
        part: Part::Statement,
        ranges: 0,
        made_columns: 0,
        lateral_costs: HashMap::new(),
        locks: BTreeMap::new(),
        opened: BTreeSet::new(),
        modifies: false,
        writes: false,
    };
    let built = builder.build(logical, &Outer::new())?;
    let root = builder.arrange(built, columns)?;
    Ok(Plan {
        root,
        subplans: whole(builder.subplans)?,
        ctes: whole(builder.ctes)?,
        ranges: builder.ranges,
        outer_slots: builder.outer_slots,
        locks: builder.locks.into_iter().collect(),
        opened: builder.opened.into_iter().collect(),
        modifies: builder.modifies,
        writes: builder.writes,
    })
}

fn whole<T>(parts: Vec<Option<T>>) -> Result<Vec<T>> {
    parts.into_iter().map(|part| part.ok_or_else(|| Error::internal("a part of a plan was never built"))).collect()
}

impl Builder<'_> {
    /// The cheapest plan for all rows of a node.
    pub(crate) fn build(&mut self, node: &Logical, outer: &Outer) -> Result<Built> {
        self.build_wanted(node, &Wanted::all(), outer)
    }

    /// A plan for as many rows as are wanted, in the order wanted or the beginning of it, if that comes cheaply.
    pub(crate) fn build_wanted(&mut self, node: &Logical, wanted: &Wanted, outer: &Outer) -> Result<Built> {
        match node {
            Logical::Values { columns, rows } => self.build_values(columns, rows, outer),
            Logical::Scan(scan) => self.build_scan(scan, Vec::new(), wanted, outer),
            Logical::Filter { input, predicate } => self.build_filter(input, predicate, wanted, outer),
            Logical::Sample(sample) => self.build_sample(sample, outer),
            Logical::FunctionScan(scan) => self.build_function_scan(scan, outer),
            Logical::CteScan { cte, alias, columns, .. } => self.build_cte_scan(*cte, alias, columns),
            Logical::Project { input, columns } => self.build_project(input, columns, wanted, outer),
            Logical::Join { .. } => self.build_join(node, wanted, outer),
            Logical::Aggregate(aggregate) => self.build_aggregate(aggregate, wanted, outer),
            Logical::Window { input, calls } => self.build_window(input, calls, &[], outer),
            Logical::ProjectSet { input, calls } => self.build_project_set(input, calls, outer),
            Logical::Sort { input, keys } => self.build_sort(input, keys, wanted.rows, None, outer),
            Logical::Limit { input, limit: None, offset: None, .. } => self.build_wanted(input, wanted, outer),
            Logical::Limit { input, limit, offset, with_ties } => {
                self.build_limit(input, limit.as_ref(), offset.as_ref(), *with_ties, outer)
            }
            Logical::Distinct { input, on } => self.build_distinct(input, on.as_deref(), wanted, outer),
            Logical::SetOp { kind, all, columns, left, right } => {
                self.build_set_op((*kind, *all), columns, (left, right), wanted, outer)
            }
            Logical::With { ctes, body } => self.build_with(ctes, body, wanted, outer),
            Logical::Modify(modify) => self.build_modify(modify, outer),
            Logical::LockRows { input, targets, identity } => {
                let built = self.build_wanted(input, wanted, outer)?;
                self.lock_over(built, targets, identity)
            }
        }
    }

    /// Estimates over the columns of the statement.
    pub(crate) fn estimator(&self) -> Estimator<'_> {
        Estimator::new(if self.is_guessing { &self.guesses } else { self.statistics }, &self.origins)
    }

    /// Builds two plans for one thing and keeps the cheaper one; what the other one added to the plan as a whole goes.
    /// The second may find that it cannot be built.
    pub(crate) fn cheaper(
        &mut self,
        first: impl FnOnce(&mut Self) -> Result<Built>,
        second: impl FnOnce(&mut Self) -> Result<Option<Built>>,
        price: impl Fn(&Built) -> f64,
    ) -> Result<Built> {
        let (subplans, ctes, slots) = (self.subplans.len(), self.ctes.len(), self.outer_slots);
        let one = first(self)?;
        let kept = (self.subplans.split_off(subplans), self.ctes.split_off(ctes), self.outer_slots);
        self.outer_slots = slots;
        match second(self)? {
            Some(two) if price(&two) < price(&one) => Ok(two),
            _ => {
                self.subplans.truncate(subplans);
                self.ctes.truncate(ctes);
                self.subplans.extend(kept.0);
                self.ctes.extend(kept.1);
                self.outer_slots = kept.2;
                Ok(one)
            }
        }
    }

    /// Puts a result's columns into the wanted order, dropping others.
    pub(crate) fn arrange(&mut self, built: Built, columns: &[Column]) -> Result<Node> {
        let wanted: Vec<ColumnId> = columns.iter().map(|column| column.id).collect();
        if built.layout == wanted {
            return Ok(built.node);
        }
        let mut exprs = Vec::with_capacity(wanted.len());
        for column in columns {
            let position = built
                .layout
                .iter()
                .position(|id| *id == column.id)
                .ok_or_else(|| Error::internal(format!("column {} is missing from its plan", column.name)))?;
            exprs.push(Expr::Input(position, built.node.columns[position]));
        }
        let names = columns.iter().map(|column| column.name.clone()).collect();
        Ok(project(built.node, exprs, names))
    }

    /// Builds what is a part of the plan by itself.
    fn in_part<T>(&mut self, part: Part, build: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let around = std::mem::replace(&mut self.part, part);
        let built = build(self);
        self.part = around;
        built
    }

    fn new_slot(&mut self) -> usize {
        self.outer_slots += 1;
        self.outer_slots - 1
    }

    /// Locks a table that the plan reads or changes.
    fn lock(&mut self, table: Oid, mode: TableLock) {
        self.opened.insert(table);
        self.lock_beside(table, mode);
    }

    /// Locks a table that only the checks of another one look at.
    fn lock_beside(&mut self, table: Oid, mode: TableLock) {
        let held = self.locks.entry(table).or_insert(mode);
        *held = (*held).max(mode);
    }
}

/// A projection over a node.
pub(crate) fn project(input: Node, exprs: Vec<Expr>, names: Vec<Arc<str>>) -> Node {
    let columns: Vec<Type> = exprs.iter().map(Expr::ty).collect();
    let (rows, cost) = (input.rows, input.cost);
    let computed = exprs.iter().filter(|expr| !matches!(expr, Expr::Input(..))).count();
    let cost = (cost.0, cost.1 + rows * cost::OPERATOR * computed as f64);
    Node { op: Op::Project { input: Box::new(input), exprs }, columns, names, rows, cost }
}

/// A node that passes its input's columns on.
pub(crate) fn over(input: &Node, rows: f64, cost: Cost) -> (Vec<Type>, Vec<Arc<str>>, f64, Cost) {
    (input.columns.clone(), input.names.clone(), rows.max(0.0), cost)
}
