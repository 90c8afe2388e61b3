//! Aggregate calls: which rows an accumulator sees, in which order, and what becomes of it.
//!
//! FILTER, DISTINCT and ORDER BY are done here, the adding up in [`dictdb_functions::aggregate`]. Grouping is the
//! business of the operators that use this: [`crate::row`]'s Aggregate and Window and the columnar adaptor.

use std::sync::Arc;

use dictdb_functions::CallContext;
use dictdb_functions::aggregate::{Accumulator, AggregateFn, SortDirection, aggregate};
use dictdb_functions::facts;
use dictdb_planner::expr::{AggregateCall, Expr, Function, UserAggregate};
use dictdb_types::{Datum, Env, Error, Oid, Physical, Result, Type};
use hashbrown::HashSet;

use crate::eval::{Code, CompileContext, Scope, compile_all, compile_predicate, eval_into};
use crate::keys::{OrderKey, base_oids, compare_values, equality_key, order_values};
use crate::row::Row;
use crate::runtime::{Runtime, row_bytes};
use crate::user_aggregate::UserAggregateCode;

/// A compiled aggregate call.
#[derive(Debug)]
pub(crate) struct AggregateCode {
    make: Maker,
    /// Aggregated arguments; those of WITHIN GROUP for ordered-set aggregates.
    args: Box<[Code]>,
    types: Box<[Type]>,
    oids: Box<[Oid]>,
    /// Direct arguments of ordered-set aggregates.
    direct: Box<[Code]>,
    distinct: bool,
    order: Box<[OrderKey]>,
    directions: Box<[SortDirection]>,
    within_group: bool,
    filter: Option<Code>,
    result: Type,
    /// A user's ordered-set aggregate sorts by itself, if at all.
    sorts_itself: bool,
    /// Whether the result depends on the order of rows, so that DISTINCT has to sort as PostgreSQL does.
    ordered: bool,
}

/// The constructor of an accumulator.
enum Maker {
    BuiltIn(AggregateFn),
    User(UserAggregateCode),
}

impl Maker {
    fn start(&self) -> Box<dyn Accumulator> {
        match self {
            Maker::BuiltIn(make) => make(),
            Maker::User(code) => code.start(),
        }
    }
}

/// Says nothing of addresses.
impl std::fmt::Debug for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("accumulator")
    }
}

/// Aggregates whose result is the same for any order of rows, unless they add up floats.
const ORDER_FREE: &[&str] =
    &["count", "min", "max", "sum", "avg", "bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor"];

impl AggregateCode {
    /// Compiles a call. 0A000 for an aggregate without implementation.
    pub fn compile(call: &AggregateCall, cx: &CompileContext<'_>) -> Result<Self> {
        Self::compile_for(call, false, cx)
    }

    /// Likewise, for frames of a window whose start moves if `moves` says so.
    fn compile_for(call: &AggregateCall, moves: bool, cx: &CompileContext<'_>) -> Result<Self> {
        let (args, direct) = match call.within_group {
            true => (call.order.iter().map(|key| &key.expr).collect::<Vec<&Expr>>(), &call.args[..]),
            false => (call.args.iter().collect(), &[][..]),
        };
        let types: Box<[Type]> = args.iter().map(|arg| cx.types.base_type(arg.ty())).collect();
        let floats = types.iter().any(|ty| matches!(cx.types.physical(ty.oid), Physical::Float4 | Physical::Float8));
        let make = maker(call, &types, moves, cx)?;
        Ok(AggregateCode {
            sorts_itself: call.within_group && matches!(make, Maker::User(_)),
            make,
            args: compile_all(args.iter().copied(), cx)?,
            oids: base_oids(types.iter(), cx.types),
            types,
            direct: compile_all(direct, cx)?,
            distinct: call.distinct,
            order: OrderKey::compile_all(&call.order, cx)?,
            directions: call.order.iter().map(direction).collect(),
            within_group: call.within_group,
            filter: compile_predicate(call.filter.as_ref(), cx)?,
            result: call.ty,
            ordered: floats || call.function.aggregate.is_some() || !ORDER_FREE.contains(&&*call.function.name),
        })
    }

    /// A call with plain arguments: aggregates over window frames.
    pub fn compile_plain(
        function: &Arc<Function>,
        args: &[Expr],
        filter: Option<&Expr>,
        result: Type,
        moves: bool,
        cx: &CompileContext<'_>,
    ) -> Result<Self> {
        let call = AggregateCall {
            function: function.clone(),
            args: args.to_vec(),
            distinct: false,
            order: Vec::new(),
            within_group: false,
            filter: filter.cloned(),
            ty: result,
        };
        Self::compile_for(&call, moves, cx)
    }

    /// The state of an empty group.
    pub fn start(&self) -> AggregateState {
        let pending = match (self.distinct, self.ordered, self.order.is_empty()) {
            _ if self.sorts_itself => Pending::None,
            (true, false, true) => Pending::Seen(HashSet::new()),
            (false, _, true) => Pending::None,
            _ => Pending::Sort(Vec::new()),
        };
        AggregateState { accumulator: self.make.start(), pending, direct: None }
    }

    /// The state of an empty group whose rows come in the order that ORDER BY asks for.
    pub fn start_in_order(&self) -> AggregateState {
        AggregateState { accumulator: self.make.start(), pending: Pending::None, direct: None }
    }

    /// Whether rows are put in order before the accumulator sees them, and no more is done to them.
    pub fn only_sorts(&self) -> bool {
        !self.distinct && !self.sorts_itself && !self.order.is_empty()
    }

    /// The direct arguments where there is no row.
    pub fn direct_of_none(&self, rt: &Runtime) -> Result<Row> {
        self.direct.iter().map(|code| code.eval(Scope::new(rt, &[]))).collect()
    }

    /// The context of the accumulator's calls.
    pub fn context<'a>(&'a self, env: &'a dyn Env) -> CallContext<'a> {
        CallContext::new(env, &self.types, self.result)
    }

    /// Evaluates the arguments of a row; `None` when FILTER leaves it out.
    pub fn arguments(&self, scope: Scope<'_>, args: &mut Row) -> Result<bool> {
        if let Some(filter) = &self.filter
            && !filter.is_true(scope)?
        {
            return Ok(false);
        }
        args.clear();
        eval_into(&self.args, scope, args)?;
        Ok(true)
    }
}

fn direction(key: &dictdb_planner::expr::SortKey) -> SortDirection {
    SortDirection { descending: key.descending, nulls_first: key.nulls_first }
}

fn maker(call: &AggregateCall, args: &[Type], moves: bool, cx: &CompileContext<'_>) -> Result<Maker> {
    let Some(own) = &call.function.aggregate else { return implementation(&call.function).map(Maker::BuiltIn) };
    if let Some(make) = of_internal_state(own) {
        return Ok(Maker::BuiltIn(make));
    }
    let direct: &[Expr] = if call.within_group { &call.args } else { &[] };
    let direct: Vec<Type> = direct.iter().map(|arg| cx.types.base_type(arg.ty())).collect();
    UserAggregateCode::compile(own, &direct, args, call.ty, moves, cx.types).map(Maker::User)
}

/// What a user's aggregate over a state that only PostgreSQL's own functions understand computes: the same as the built-in aggregate of
/// the same functions.
fn of_internal_state(own: &UserAggregate) -> Option<AggregateFn> {
    let finish = own.plain.finish.as_ref().map_or(Oid::INVALID, |finish| finish.oid);
    let same = |known: &&facts::Aggregate| known.transition == own.plain.transition.oid && known.finish == finish;
    if own.plain.state != dictdb_types::oids::INTERNAL {
        return None;
    }
    let proc = facts::proc_by_oid(facts::aggregates().iter().find(same)?.oid)?;
    aggregate(proc.name, &proc.args)
}

fn implementation(function: &Function) -> Result<AggregateFn> {
    if !function.oid.is_valid()
        && let Some(internal) = aggregate(&function.name, &[])
    {
        return Ok(internal);
    }
    facts::proc_by_oid(function.oid)
        .and_then(|proc| aggregate(&function.name, &proc.args))
        .ok_or_else(|| Error::unsupported(format_args!("aggregate {} (oid {})", function.name, function.oid)))
}

/// One aggregate in one group.
pub(crate) struct AggregateState {
    accumulator: Box<dyn Accumulator>,
    pending: Pending,
    /// Direct arguments, evaluated on the first row.
    direct: Option<Row>,
}

/// Rows the accumulator has not seen.
enum Pending {
    /// It sees them at once.
    None,
    /// DISTINCT in any order: the keys it has seen.
    Seen(HashSet<Box<[u8]>>),
    /// It sees them sorted at the end: order values and arguments.
    Sort(Vec<(Row, Row)>),
}

impl AggregateState {
    /// Takes a row into account. `args` is a buffer.
    pub fn update(&mut self, code: &AggregateCode, scope: Scope<'_>, args: &mut Row) -> Result<()> {
        if code.within_group && self.direct.is_none() {
            self.direct = Some(code.direct.iter().map(|code| code.eval(scope)).collect::<Result<_>>()?);
        }
        if !code.arguments(scope, args)? {
            return Ok(());
        }
        let order = match &self.pending {
            Pending::Sort(_) => order_values(&code.order, scope)?,
            Pending::None | Pending::Seen(_) => Row::new(),
        };
        self.push(code, args, &order, scope.rt()?)
    }

    /// Gives the direct arguments, on the first row.
    pub fn set_direct(&mut self, direct: impl FnOnce() -> Row) {
        self.direct.get_or_insert_with(direct);
    }

    /// Takes ready arguments into account, with the values of the ORDER BY keys.
    pub fn push(&mut self, code: &AggregateCode, args: &mut Row, order: &Row, rt: &Runtime) -> Result<()> {
        match &mut self.pending {
            Pending::None => {}
            Pending::Seen(seen) => {
                let mut key = Vec::new();
                equality_key(args, &code.oids, &mut key);
                if seen.contains(&*key) {
                    return Ok(());
                }
                rt.charge(key.len() + size_of::<Box<[u8]>>())?;
                seen.insert(key.into());
            }
            Pending::Sort(rows) => {
                rt.charge(row_bytes(args) + row_bytes(order))?;
                rows.push((order.clone(), std::mem::take(args)));
                return Ok(());
            }
        }
        if code.ordered {
            rt.charge(row_bytes(args))?;
        }
        self.accumulator.update(&code.context(rt.env()), args)
    }

    /// Adds ready arguments, for window frames.
    pub fn add(&mut self, code: &AggregateCode, env: &dyn Env, args: &[Datum]) -> Result<()> {
        self.accumulator.update(&code.context(env), args)
    }

    /// Takes back the oldest row; `false`: the accumulator cannot.
    pub fn retract(&mut self, code: &AggregateCode, env: &dyn Env, args: &[Datum]) -> Result<bool> {
        self.accumulator.retract(&code.context(env), args)
    }

    /// The aggregate over all rows.
    pub fn finish(&mut self, code: &AggregateCode, rt: &Runtime) -> Result<Datum> {
        let cx = code.context(rt.env());
        if let Pending::Sort(rows) = &mut self.pending {
            let rows = std::mem::take(rows);
            self.feed_sorted(code, &cx, rows)?;
        }
        if !code.within_group {
            return self.accumulator.finish(&cx);
        }
        let direct = match self.direct.take() {
            Some(direct) => direct,
            None => code.direct_of_none(rt)?,
        };
        self.accumulator.finish_ordered(&cx, &direct, &code.directions)
    }

    /// Sorts by ORDER BY, then for DISTINCT by the arguments, as PostgreSQL does, and leaves out repetitions.
    fn feed_sorted(&mut self, code: &AggregateCode, cx: &CallContext<'_>, mut rows: Vec<(Row, Row)>) -> Result<()> {
        let by_arguments = |a: &Row, b: &Row| {
            let pairs = code.oids.iter().zip(a.iter().zip(b));
            let orders = pairs.map(|(oid, (a, b))| dictdb_types::order::compare_as(*oid, a, b));
            orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        rows.sort_by(|(a_order, a_args), (b_order, b_args)| {
            let order = compare_values(&code.order, a_order, b_order);
            if code.distinct { order.then_with(|| by_arguments(a_args, b_args)) } else { order }
        });
        if code.distinct {
            rows.dedup_by(|(_, a), (_, b)| by_arguments(a, b).is_eq());
        }
        rows.iter().try_for_each(|(_, args)| self.accumulator.update(cx, args))
    }
}

/// Compiles the calls of an Aggregate operator.
pub(crate) fn compile_calls(calls: &[AggregateCall], cx: &CompileContext<'_>) -> Result<Box<[AggregateCode]>> {
    calls.iter().map(|call| AggregateCode::compile(call, cx)).collect()
}

/// Compiles the calls once for each grouping set: in the direct arguments of ordered-set aggregates, what a set does not
/// group by is NULL.
pub(crate) fn compile_set_calls(
    calls: &[AggregateCall],
    groups: &[Expr],
    sets: &[Vec<usize>],
    cx: &CompileContext<'_>,
) -> Result<Vec<Arc<[AggregateCode]>>> {
    let alike = !calls.iter().any(|call| call.within_group && !call.args.is_empty());
    if alike || sets.len() == 1 {
        let shared: Arc<[AggregateCode]> = compile_calls(calls, cx)?.into();
        return Ok(vec![shared; sets.len()]);
    }
    let of_set = |set: &Vec<usize>| {
        let grouped = |expr: &Expr| set.iter().filter_map(|g| groups.get(*g)).any(|group| group.same(expr));
        let absent = |expr: &Expr| groups.iter().any(|group| group.same(expr)) && !grouped(expr);
        let mut calls = calls.to_vec();
        for arg in calls.iter_mut().filter(|call| call.within_group).flat_map(|call| &mut call.args) {
            arg.rewrite(&mut |expr| {
                if absent(expr) {
                    *expr = Expr::null(expr.ty());
                }
            });
        }
        Ok(compile_calls(&calls, cx)?.into())
    };
    sets.iter().map(of_set).collect()
}
