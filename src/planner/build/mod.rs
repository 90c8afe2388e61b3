//! The physical plan from the logical one: positions for columns, algorithms for operators.
//!
//! Every `build` function returns a physical node together with its [`Layout`]: which logical column stands where. An
//! expression is translated against the layout of its input; what the layout lacks comes from outside through a slot.

mod aggregate;
mod expr;
mod index;
mod join;
mod modify;
mod query;
mod scan;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_types::{Error, Oid, Result, Type};

use crate::estimate::Statistics;
use crate::expr::ColumnId;
use crate::logical::{Column, CteId, Node as Logical};
use crate::physical::{Cte, Node, Op, Plan, TableLock};

/// Which logical column stands at which position.
pub(crate) type Layout = Vec<ColumnId>;

/// A physical node and its layout.
pub(crate) struct Built {
    pub node: Node,
    pub layout: Layout,
}

/// Slots that provide columns from outer queries.
pub(crate) type Outer = BTreeMap<ColumnId, usize>;

/// Makes one physical plan.
pub(crate) struct Builder<'a> {
    catalog: &'a Arc<Catalog>,
    statistics: &'a dyn Statistics,
    subplans: Vec<Option<Node>>,
    ctes: Vec<Option<Cte>>,
    cte_numbers: HashMap<CteId, CteEntry>,
    outer_slots: usize,
    locks: BTreeMap<Oid, TableLock>,
    modifies: bool,
}

/// What is known of a CTE while plans that read it are built.
#[derive(Clone)]
struct CteEntry {
    number: usize,
    rows: f64,
    /// Positions of the logical columns in the CTE's result.
    recursing: bool,
}

/// The physical plan of a statement; the result's columns are `columns`, in order.
pub(crate) fn plan(
    logical: &Logical,
    columns: &[Column],
    catalog: &Arc<Catalog>,
    statistics: &dyn Statistics,
) -> Result<Plan> {
    let mut builder = Builder {
        catalog,
        statistics,
        subplans: Vec::new(),
        ctes: Vec::new(),
        cte_numbers: HashMap::new(),
        outer_slots: 0,
        locks: BTreeMap::new(),
        modifies: false,
    };
    let built = builder.build(logical, &Outer::new())?;
    let root = builder.arrange(built, columns)?;
    Ok(Plan {
        root,
        subplans: whole(builder.subplans)?,
        ctes: whole(builder.ctes)?,
        outer_slots: builder.outer_slots,
        locks: builder.locks.into_iter().collect(),
        modifies: builder.modifies,
    })
}

fn whole<T>(parts: Vec<Option<T>>) -> Result<Vec<T>> {
    parts.into_iter().map(|part| part.ok_or_else(|| Error::internal("a part of a plan was never built"))).collect()
}

impl Builder<'_> {
    pub(crate) fn build(&mut self, node: &Logical, outer: &Outer) -> Result<Built> {
        match node {
            Logical::Values { columns, rows } => self.build_values(columns, rows, outer),
            Logical::Scan(scan) => self.build_scan(scan, Vec::new(), outer),
            Logical::Filter { input, predicate } => self.build_filter(input, predicate, outer),
            Logical::FunctionScan(scan) => self.build_function_scan(scan, outer),
            Logical::CteScan { cte, columns, .. } => self.build_cte_scan(*cte, columns),
            Logical::Project { input, columns } => self.build_project(input, columns, outer),
            Logical::Join { .. } => self.build_join(node, outer),
            Logical::Aggregate(aggregate) => self.build_aggregate(aggregate, outer),
            Logical::Window { input, calls } => self.build_window(input, calls, outer),
            Logical::ProjectSet { input, calls } => self.build_project_set(input, calls, outer),
            Logical::Sort { input, keys } => self.build_sort(input, keys, None, outer),
            Logical::Limit { input, limit, offset, with_ties } => {
                self.build_limit(input, limit.as_ref(), offset.as_ref(), *with_ties, outer)
            }
            Logical::Distinct { input, on } => self.build_distinct(input, on.as_deref(), outer),
            Logical::SetOp { kind, all, columns, left, right } => {
                self.build_set_op(*kind, *all, columns, left, right, outer)
            }
            Logical::With { ctes, body } => self.build_with(ctes, body, outer),
            Logical::Modify(modify) => self.build_modify(modify, outer),
            Logical::LockRows { input, targets } => self.build_lock_rows(input, targets, outer),
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
            exprs.push(crate::expr::Expr::Input(position, built.node.columns[position]));
        }
        let names = columns.iter().map(|column| column.name.clone()).collect();
        Ok(project(built.node, exprs, names))
    }

    fn new_slot(&mut self) -> usize {
        self.outer_slots += 1;
        self.outer_slots - 1
    }

    fn lock(&mut self, table: Oid, mode: TableLock) {
        let held = self.locks.entry(table).or_insert(mode);
        *held = (*held).max(mode);
    }
}

/// A projection over a node.
pub(crate) fn project(input: Node, exprs: Vec<crate::expr::Expr>, names: Vec<Arc<str>>) -> Node {
    let columns: Vec<Type> = exprs.iter().map(crate::expr::Expr::ty).collect();
    let (rows, cost) = (input.rows, input.cost);
    let cost = (cost.0, cost.1 + rows * CPU_OPERATOR * exprs.len() as f64);
    Node { op: Op::Project { input: Box::new(input), exprs }, columns, names, rows, cost }
}

/// A node that passes its input's columns on.
pub(crate) fn over(input: &Node, rows: f64, cost: (f64, f64)) -> (Vec<Type>, Vec<Arc<str>>, f64, (f64, f64)) {
    (input.columns.clone(), input.names.clone(), rows.max(0.0), cost)
}

/// PostgreSQL's `cpu_tuple_cost`.
pub(crate) const CPU_TUPLE: f64 = 0.01;
/// PostgreSQL's `cpu_operator_cost`.
pub(crate) const CPU_OPERATOR: f64 = 0.0025;
/// PostgreSQL's `cpu_index_tuple_cost`.
pub(crate) const CPU_INDEX_TUPLE: f64 = 0.005;
