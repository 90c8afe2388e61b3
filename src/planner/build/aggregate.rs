//! Aggregation: by hash, over sorted input where that serves the order wanted, and by index for the ends of a column.

use dictdb_functions::resolve::opclass;
use dictdb_types::{Datum, Result, Type, oids};

use super::cost;
use super::order::{Wanted, satisfied};
use super::{Builder, Built, Layout, Outer};
use crate::expr::{AggregateCall, Expr, SortKey, Sublink, SublinkKind};
use crate::logical::{Aggregate, Column, Node as Logical, Scan};
use crate::physical::{HashTable, Node, Op};

/// So many rows are sorted to group them where PostgreSQL does so; of more, the groups are.
const SORTED_ROWS: f64 = 4096.0;

impl Builder<'_> {
    pub(crate) fn build_aggregate(&mut self, aggregate: &Aggregate, wanted: &Wanted, outer: &Outer) -> Result<Built> {
        if let Some(ends) = self.ends_by_index(aggregate) {
            return self.build_wanted(&ends, wanted, outer);
        }
        if self.methods.partitionwise_aggregate {
            let whole = Logical::Aggregate(Box::new(aggregate.clone()));
            if let Some(built) = self.build_by_partitions(&whole, wanted, outer)? {
                return Ok(built);
            }
        }
        let Some(order) = group_order(aggregate, wanted) else {
            let input = self.build(&aggregate.input, outer)?;
            return self.aggregated(aggregate, input, None, outer);
        };
        let below = Wanted { order: order.clone(), ..Wanted::default() }.below_projection(&aggregate.groups);
        let input = self.build_wanted(&aggregate.input, &below, outer)?;
        let sorted =
            (below.order.len() == order.len() && satisfied(&input.order, &below.order) == order.len()).then_some(order);
        self.aggregated(aggregate, input, sorted, outer)
    }

    fn aggregated(
        &mut self,
        aggregate: &Aggregate,
        input: Built,
        sorted: Option<Vec<SortKey>>,
        outer: &Outer,
    ) -> Result<Built> {
        let grouped = !aggregate.groups.is_empty() && aggregate.sets.is_none();
        let by_value = sorted.is_none() && grouped && (comes_by_value(aggregate) || !self.methods.hashagg);
        let (input, sorted) = match by_value && self.sorts_to_group(aggregate, &input) {
            true => {
                let keys = aggregate.groups.iter().map(|(_, expr)| ascending_by(expr.clone())).collect::<Vec<_>>();
                (self.sorted(input, &keys, None, None, outer)?, Some(ascending(aggregate)))
            }
            false => (input, sorted),
        };
        let by_value = by_value && sorted.is_none();
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
        let rows = match groups.is_empty() {
            true => 1.0,
            false => {
                let exprs: Vec<&Expr> = aggregate.groups.iter().map(|(_, expr)| expr).collect();
                self.groups_of(&exprs, &aggregate.input, input_rows)
            }
        };
        let sets = aggregate.sets.as_ref().map_or(1, |sets| sets.len().max(1)) as f64;
        let grouping = if groups.is_empty() { 0.0 } else { cost::GROUP_ROW * sets };
        let work = input_rows * (grouping + cost::OPERATOR * calls.len() as f64);
        let (start, total) = input.node.cost;
        let cost = match &sorted {
            Some(_) => (start, total + work + input_rows * cost::ROW),
            None => (total + work, total + work + rows * cost::OPERATOR),
        };
        let op = Op::Aggregate {
            input: Box::new(input.node),
            groups,
            sets: aggregate.sets.clone(),
            calls,
            groupings: aggregate.groupings.iter().map(|(_, positions)| positions.clone()).collect(),
            sorted: sorted.is_some(),
            hashed: if sorted.is_some() || comes_by_value(aggregate) {
                Vec::new()
            } else {
                self.hash_tables(aggregate)
            },
        };
        let node = Node { op, columns, names, rows, cost };
        let built = Built { node, layout, order: sorted.unwrap_or_default() };
        match by_value {
            true => self.sorted(built, &ascending(aggregate), None, None, outer),
            false => Ok(built),
        }
    }

    /// Whether groups that come by their values are found by sorting the input, rather than sorted when they are found: where
    /// hash tables of groups are discouraged, and where the input is small.
    fn sorts_to_group(&self, aggregate: &Aggregate, input: &Built) -> bool {
        let scope = self.cx.scope();
        let is_sorted = |expr: &Expr| opclass::less_than_operator(&scope, expr.ty().oid).is_some();
        aggregate.groupings.is_empty()
            && (!self.methods.hashagg || input.node.rows <= SORTED_ROWS)
            && aggregate.groups.iter().all(|(_, expr)| is_sorted(expr))
    }

    /// The hash tables that PostgreSQL would make of the groups, one for each grouping set; none where it would sort.
    fn hash_tables(&self, aggregate: &Aggregate) -> Vec<HashTable> {
        if aggregate.groups.is_empty() || !self.methods.hashagg {
            return Vec::new();
        }
        let all: Vec<Vec<usize>> =
            aggregate.sets.clone().unwrap_or_else(|| vec![(0..aggregate.groups.len()).collect()]);
        let of_set = |set: &Vec<usize>| {
            let exprs = set.iter().filter_map(|at| Some((*at, &aggregate.groups.get(*at)?.1)));
            self.hash_table(exprs, &aggregate.input)
        };
        let tables: Vec<HashTable> = all.iter().filter_map(of_set).collect();
        if tables.len() < all.len() || tables.len() > 1 && self.sorts_sets(aggregate, &tables) {
            return Vec::new();
        }
        tables
    }

    /// Whether sorting once is cheaper than several hash tables, in PostgreSQL's costs.
    fn sorts_sets(&self, aggregate: &Aggregate, tables: &[HashTable]) -> bool {
        let rows = self.nominal_rows_of(&aggregate.input);
        let constants = &self.constants;
        let compared = |table: &HashTable| rows * table.columns.len() as f64 * constants.cpu_operator;
        let hash = tables.iter().map(|table| table.expected * constants.cpu_tuple + compared(table));
        constants.sort(rows, None) < hash.sum()
    }

    /// `min` and `max` of indexed columns without GROUP BY: each is the first row of an index walk, NULLs left out.
    fn ends_by_index(&self, aggregate: &Aggregate) -> Option<Logical> {
        let plain = aggregate.groups.is_empty() && aggregate.sets.is_none() && aggregate.groupings.is_empty();
        if !plain || aggregate.calls.is_empty() || !crate::columns::free_columns(&aggregate.input).is_empty() {
            return None;
        }
        let (scan, conjuncts) = super::join::table_of(&aggregate.input)?;
        let mut exprs = Vec::with_capacity(aggregate.calls.len());
        for (column, call) in &aggregate.calls {
            let (arg, descending) = end_of(call)?;
            let key = SortKey { expr: arg.clone(), descending, nulls_first: descending, using: None };
            let not_null = Expr::IsNull(Box::new(arg.clone()), true);
            let mut walk = 0.0;
            let mut read = 0.0;
            for own in super::members::scans_of(scan) {
                walk += self.walk_to_first(&own, &conjuncts, &key)?;
                read += self.choose_access(&own, &conjuncts, &Wanted::all()).cost.1;
            }
            if walk > read {
                return None;
            }
            let output = Column { id: column.id, name: column.name.clone(), ty: arg.ty(), source: None };
            let mut all = vec![not_null];
            all.extend(conjuncts.iter().cloned());
            let filtered = Logical::Filter {
                input: Box::new(Logical::Scan(Box::new(scan.clone()))),
                predicate: Expr::conjunction(all)?,
            };
            let sorted = Logical::Sort { input: Box::new(filtered), keys: vec![key] };
            let projected = Logical::Project { input: Box::new(sorted), columns: vec![(output, arg.clone())] };
            let one = Expr::Const(Datum::Int8(1), Type::new(oids::INT8));
            let query = Logical::Limit { input: Box::new(projected), limit: Some(one), offset: None, with_ties: false };
            let value =
                Expr::Sublink(Box::new(Sublink { kind: SublinkKind::Scalar, query, ty: arg.ty(), wording: None }));
            exprs.push(match arg.ty() == column.ty {
                true => (column.clone(), value),
                false => (column.clone(), Expr::Relabel(Box::new(value), column.ty)),
            });
        }
        let row = Logical::Values { columns: Vec::new(), rows: vec![Vec::new()] };
        Some(Logical::Project { input: Box::new(row), columns: exprs })
    }
}

impl Builder<'_> {
    /// What it costs to walk through an index to the first row that qualifies; `None` without such an index.
    fn walk_to_first(&self, scan: &Scan, conjuncts: &[Expr], key: &SortKey) -> Option<f64> {
        let found = self.matching_indexes(scan, conjuncts, std::slice::from_ref(key), &Layout::new());
        let walk = found.iter().filter(|found| !found.order.is_empty()).map(|found| {
            let all = found.rows.max(1.0);
            let others = conjuncts.iter().enumerate().filter(|(at, _)| !found.answered.contains(at));
            let kept = self.estimator().all(&others.map(|(_, other)| other.clone()).collect::<Vec<_>>()).max(1e-6);
            cost::INDEX_SEARCH + cost::INDEX_ROW * (1.0 / kept).min(all)
        });
        walk.min_by(f64::total_cmp)
    }
}

/// The argument of a plain `min` or `max`, and whether it is `max`.
fn end_of(call: &AggregateCall) -> Option<(&Expr, bool)> {
    let [arg] = call.args.as_slice() else { return None };
    let descending = match &*call.function.name {
        "min" => false,
        "max" => true,
        _ => return None,
    };
    let plain = call.filter.is_none() && call.order.is_empty() && !call.within_group;
    (plain && matches!(arg, Expr::Column(..))).then_some((arg, descending))
}

/// The groups in an order that begins with the one wanted; `None` when that asks for other things than groups.
fn group_order(aggregate: &Aggregate, wanted: &Wanted) -> Option<Vec<SortKey>> {
    if wanted.order.is_empty() || aggregate.groups.is_empty() || aggregate.sets.is_some() {
        return None;
    }
    let is_group = |key: &SortKey| {
        aggregate.groups.iter().any(|(column, _)| matches!(&key.expr, Expr::Column(id, _) if *id == column.id))
    };
    let mut order: Vec<SortKey> = wanted.order.iter().take_while(|key| is_group(key)).cloned().collect();
    if order.is_empty() {
        return None;
    }
    for key in ascending(aggregate) {
        if !order.iter().any(|known| known.expr.same(&key.expr)) {
            order.push(key);
        }
    }
    Some(order)
}

/// Whether programs find the groups in the order of their values: PostgreSQL has to sort where an aggregate wants its own
/// input in an order.
fn comes_by_value(aggregate: &Aggregate) -> bool {
    let ordered = |call: &AggregateCall| call.distinct || !call.order.is_empty();
    aggregate.sets.is_none() && !aggregate.groups.is_empty() && aggregate.calls.iter().any(|(_, call)| ordered(call))
}

/// The groups by their values.
fn ascending(aggregate: &Aggregate) -> Vec<SortKey> {
    aggregate.groups.iter().map(|(column, _)| ascending_by(Expr::column(column))).collect()
}

fn ascending_by(expr: Expr) -> SortKey {
    SortKey { expr, descending: false, nulls_first: false, using: None }
}
