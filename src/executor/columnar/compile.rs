//! From physical plan to columnar operators. What has none here runs row by row, and its rows become columns.

use std::sync::Arc;

use arrow::compute::SortOptions;
use dictdb_planner::expr::{AggregateCall, Expr, SortKey, WindowCall};
use dictdb_planner::logical::JoinKind;
use dictdb_planner::physical::{self, Op};
use dictdb_types::{Physical, Result, Type};

use super::Node;
use super::aggregate::{Aggregate, CallCode, GroupKey, GroupingSet};
use super::append::Append;
use super::counting::Counting;
use super::cte::CteScan;
use super::filter::Filter;
use super::gate::Gate;
use super::join::{Join, JoinKey, JoinResidual};
use super::key::KeyForm;
use super::limit::Limit;
use super::of_rows::OfRows;
use super::project::Project;
use super::scan::Scan;
use super::sort::{self, Sort};
use super::vector::{self, VectorContext};
use super::window::{self, Window};
use crate::access::columns::{OutputColumns, is_of_origin};
use crate::compile::{Compiler, ascending};
use crate::eval;
use crate::grouping_set::{SetOrder, rank};
use crate::hash_table::HashTable;

/// Compiles an operator with its inputs, whatever it is.
pub(crate) fn compile(node: &physical::Node, cx: &mut Compiler<'_>) -> Result<Arc<dyn Node>> {
    stacker::maybe_grow(RED_ZONE_BYTES, SEGMENT_BYTES, || match own(node, cx)? {
        Some(own) => Ok(match cx.number(node) {
            Some(number) => Arc::new(Counting { input: own, number }),
            None => own,
        }),
        None => {
            let columns = layouts(&node.columns, cx);
            let rows: Arc<dyn Node> = Arc::new(OfRows { input: cx.below(node)?, columns });
            Ok(rows)
        }
    })
}

/// Stack left below which a deep plan is compiled on a fresh segment, and the size of that segment, in bytes.
const RED_ZONE_BYTES: usize = 96 * 1024;
const SEGMENT_BYTES: usize = 1024 * 1024;

/// Whether an operator exists here.
pub(crate) fn is_columnar(node: &physical::Node) -> bool {
    match &node.op {
        Op::SeqScan { fetch, tids, .. } => tids.is_none() && !fetch.columns.iter().any(|attnum| is_of_origin(*attnum)),
        Op::Project { .. }
        | Op::Filter { .. }
        | Op::Gate { .. }
        | Op::HashJoin { keep_order: false, .. }
        | Op::NestedLoop { keep_order: false, .. }
        | Op::Sort { presorted: 0, .. }
        | Op::Distinct { .. }
        | Op::CteScan { .. } => true,
        Op::Append { merged, .. } => merged.is_empty(),
        Op::Window { calls, .. } => !calls.is_empty(),
        // What a set does not group by is NULL in direct arguments, which differ from set to set therefore.
        Op::Aggregate { sets, calls, sorted, .. } => {
            !sorted && (sets.is_none() || calls.iter().all(|call| !call.within_group))
        }
        Op::Limit { ties, .. } => ties.is_none(),
        _ => false,
    }
}

fn own(node: &physical::Node, cx: &mut Compiler<'_>) -> Result<Option<Arc<dyn Node>>> {
    if !is_columnar(node) {
        return Ok(None);
    }
    Ok(Some(match &node.op {
        Op::SeqScan { table, fetch, filter, .. } => {
            let columns = layouts(&node.columns, cx);
            let filter = vector::compile_predicate(filter.as_ref(), &context(&columns, cx))?;
            let output = OutputColumns::new(&table.relation, fetch)?;
            Arc::new(Scan::new(cx.table(table)?, output, filter, columns))
        }
        Op::Project { input, exprs } => {
            let input = compile(input, cx)?;
            let vectors = vector::compile_all(exprs, &context(input.columns(), cx))?;
            Arc::new(Project { input, vectors, columns: layouts(&node.columns, cx) })
        }
        Op::Filter { input, predicate } => {
            let input = compile(input, cx)?;
            let predicate = vector::compile(predicate, &context(input.columns(), cx))?;
            Arc::new(Filter { input, predicate })
        }
        Op::Gate { input, condition } => {
            Arc::new(Gate { input: compile(input, cx)?, condition: eval::compile(condition, cx.eval())? })
        }
        Op::HashJoin { kind, left, right, keys, residual, .. } => {
            return join(node, *kind, (left, right), keys, residual.as_ref(), cx);
        }
        Op::NestedLoop { kind, left, right, on, .. } => return join(node, *kind, (left, right), &[], on.as_ref(), cx),
        Op::Aggregate { input, groups, sets, calls, groupings, hashed, .. } => {
            let all = || vec![(0..groups.len()).collect()];
            let sets = grouping_sets(sets.clone().unwrap_or_else(all), hashed, node, cx);
            Arc::new(Aggregate { groupings: groupings.clone(), ..aggregate(node, input, groups, sets, calls, cx)? })
        }
        Op::Distinct { input, hashed } => {
            let groups: Vec<Expr> = input.columns.iter().enumerate().map(|(i, ty)| Expr::Input(i, *ty)).collect();
            let sets = grouping_sets(vec![(0..groups.len()).collect()], hashed.as_slice(), node, cx);
            Arc::new(aggregate(node, input, &groups, sets, &[], cx)?)
        }
        Op::Sort { input, keys, fetch, .. } => {
            let input = compile(input, cx)?;
            let keys = sort_keys(keys, input.columns(), cx)?;
            Arc::new(Sort { input, keys, fetch: eval::compile_predicate(fetch.as_ref(), cx.eval())? })
        }
        Op::Limit { input, limit, offset, .. } => Arc::new(Limit {
            input: compile(input, cx)?,
            limit: eval::compile_predicate(limit.as_ref(), cx.eval())?,
            offset: eval::compile_predicate(offset.as_ref(), cx.eval())?,
        }),
        Op::Append { inputs, pruning, .. } => {
            let inputs = inputs.iter().map(|input| compile(input, cx)).collect::<Result<_>>()?;
            Arc::new(Append { inputs, pruning: cx.pruning(pruning.as_ref())?, columns: layouts(&node.columns, cx) })
        }
        Op::Window { input, calls, run } => return window(node, input, calls, run.as_ref(), cx),
        Op::CteScan { cte, .. } => Arc::new(CteScan { cte: *cte, columns: layouts(&node.columns, cx) }),
        _ => return Ok(None),
    }))
}

/// Sets of grouping expressions in the order in which their groups come.
fn grouping_sets(
    sets: Vec<Vec<usize>>,
    hashed: &[physical::HashTable],
    node: &physical::Node,
    cx: &Compiler<'_>,
) -> Box<[GroupingSet]> {
    let table = |at: usize| hashed.get(at).map(|table| HashTable::new(table, &node.columns, cx.eval().types));
    let sets = sets.into_iter().enumerate().map(|(at, columns)| GroupingSet { columns, table: table(at) });
    let mut sets: Vec<GroupingSet> = sets.collect();
    sets.sort_by_key(|set| rank(&set.columns));
    sets.into()
}

fn aggregate(
    node: &physical::Node,
    input: &physical::Node,
    groups: &[Expr],
    sets: Box<[GroupingSet]>,
    calls: &[AggregateCall],
    cx: &mut Compiler<'_>,
) -> Result<Aggregate> {
    let input = compile(input, cx)?;
    let vectors = context(input.columns(), cx);
    let types = cx.eval().types;
    let base_types = groups.iter().map(|group| types.base_type(group.ty()).oid).collect();
    let groups = groups.iter().map(|group| {
        Ok(GroupKey {
            vector: vector::compile(group, &vectors)?,
            physical: types.physical(group.ty().oid),
            form: KeyForm::of(group.ty(), types),
            order_form: KeyForm::of_order(group.ty(), types),
        })
    });
    let groups: Box<[GroupKey]> = groups.collect::<Result<_>>()?;
    let grouped = !groups.is_empty();
    let by_value = sets.len() > 1 && sets.iter().all(|set| set.table.is_none());
    let set_order = by_value.then(|| {
        let sets: Vec<Vec<usize>> = sets.iter().map(|set| set.columns.clone()).collect();
        SetOrder::new(&sets, base_types)
    });
    let calls = calls.iter().map(|call| CallCode::compile(call, grouped, &vectors)).collect::<Result<_>>()?;
    Ok(Aggregate { groups, sets, set_order, calls, groupings: Vec::new(), columns: layouts(&node.columns, cx), input })
}

fn sort_keys(keys: &[SortKey], columns: &[Physical], cx: &Compiler<'_>) -> Result<Box<[sort::SortKey]>> {
    let (vectors, types) = (context(columns, cx), cx.eval().types);
    keys.iter()
        .map(|key| {
            Ok(sort::SortKey {
                vector: vector::compile(&key.expr, &vectors)?,
                physical: types.physical(key.expr.ty().oid),
                form: KeyForm::of_order(key.expr.ty(), types),
                options: SortOptions { descending: key.descending, nulls_first: key.nulls_first },
            })
        })
        .collect()
}

/// A window; `None` when a call has arguments that only single rows may ask for.
fn window(
    node: &physical::Node,
    input: &physical::Node,
    calls: &[WindowCall],
    run: Option<&Expr>,
    cx: &mut Compiler<'_>,
) -> Result<Option<Arc<dyn Node>>> {
    let Some(first) = calls.first() else { return Ok(None) };
    let columns = layouts(&input.columns, cx);
    let vectors = context(&columns, cx);
    let codes = calls.iter().map(|call| window::CallCode::compile(call, run.is_some(), &vectors));
    let Some(codes) = codes.collect::<Result<Option<_>>>()? else { return Ok(None) };
    let results: Vec<Physical> = calls.iter().map(|call| cx.eval().types.physical(call.ty.oid)).collect();
    let mut keys = ascending(&first.window.partition);
    keys.extend_from_slice(&first.window.order);
    Ok(Some(Arc::new(Window {
        keys: sort_keys(&keys, &columns, cx)?,
        partition: first.window.partition.len(),
        calls: codes,
        run: vector::compile_predicate(run, &context(&results, cx))?,
        columns: layouts(&node.columns, cx),
        input: compile(input, cx)?,
    })))
}

/// A join; `None` when a key has no form that both sides share.
fn join(
    node: &physical::Node,
    kind: JoinKind,
    (left, right): (&physical::Node, &physical::Node),
    keys: &[physical::JoinKey],
    residual: Option<&Expr>,
    cx: &mut Compiler<'_>,
) -> Result<Option<Arc<dyn Node>>> {
    let types = cx.eval().types;
    let forms = keys.iter().map(|key| KeyForm::of_join(key.left.ty(), key.right.ty(), key.null_equals_null, types));
    let Some(forms) = forms.collect::<Result<Option<Vec<_>>>>()? else { return Ok(None) };
    let build_right = right.rows <= left.rows;
    let (left, right) = (compile(left, cx)?, compile(right, cx)?);
    let side = |expr: &Expr, input: &Arc<dyn Node>| -> Result<(vector::Vector, Physical)> {
        Ok((vector::compile(expr, &context(input.columns(), cx))?, types.physical(expr.ty().oid)))
    };
    let keys = keys
        .iter()
        .zip(forms)
        .map(|(key, form)| Ok(JoinKey { left: side(&key.left, &left)?, right: side(&key.right, &right)?, form }));
    let keys = keys.collect::<Result<_>>()?;
    let both: Vec<Physical> = left.columns().iter().chain(right.columns()).copied().collect();
    let residual = residual.map(|expr| join_residual(expr, &both, cx)).transpose()?;
    let columns = layouts(&node.columns, cx);
    Ok(Some(Arc::new(Join { kind, left, right, keys, residual, build_right, columns })))
}

/// A condition over the columns it reads, renumbered.
fn join_residual(expr: &Expr, both: &[Physical], cx: &Compiler<'_>) -> Result<JoinResidual> {
    let mut expr = expr.clone();
    let mut inputs: Vec<usize> = Vec::new();
    expr.rewrite(&mut |part| {
        if let Expr::Input(index, _) = part {
            let place = inputs.iter().position(|input| input == index);
            *index = place.unwrap_or_else(|| {
                inputs.push(*index);
                inputs.len() - 1
            });
        }
    });
    let columns: Vec<Physical> = inputs.iter().filter_map(|input| both.get(*input).copied()).collect();
    Ok(JoinResidual { vector: Arc::new(vector::compile(&expr, &context(&columns, cx))?), inputs })
}

fn context<'c>(columns: &'c [Physical], cx: &'c Compiler<'_>) -> VectorContext<'c> {
    VectorContext { eval: cx.eval(), columns }
}

fn layouts(types: &[Type], cx: &Compiler<'_>) -> Box<[Physical]> {
    types.iter().map(|ty| cx.eval().types.physical(ty.oid)).collect()
}
