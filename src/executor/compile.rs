//! From physical plan to operators.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{Constraint, Relation, RelationKind};
use dictdb_planner::expr::{Call, Expr, SortKey, WindowCall};
use dictdb_planner::logical::Check;
use dictdb_planner::logical::{JoinKind, MergeAction, MergeClause, SetOpKind};
use dictdb_planner::physical::{self, Cte, Fetch, IndexBounds, Op, Plan, ReadOrder, TableRef};
use dictdb_planner::pruning::{LatePruning, Moment};
use dictdb_planner::xml_table::{XmlColumn, XmlTable};
use dictdb_types::{Error, Oid, Result, Type, oids};

use crate::access::TableHandle;
use crate::access::bitmap::BitmapCode;
use crate::access::columns::OutputColumns;
use crate::access::search::{AccessName, IndexAccess};
use crate::access::walk::RegionWalk;
use crate::aggregate::{compile_calls, compile_set_calls};
use crate::columnar;
use crate::columnar::choose::{self, Adaptive, EngineChoice, Reads};
use crate::cte::CteQuery;
use crate::eval::{Code, CompileContext, compile, compile_all, compile_predicate};
use crate::grouping_set::SetOrder;
use crate::hash_table::HashTable;
use crate::keys::{OrderKey, base_oids};
use crate::modify::conflict::{ConflictCode, ConflictUpdate};
use crate::modify::instead::{Agent, InsteadOf};
use crate::modify::members::Members;
use crate::modify::merge::{MergeActionCode, MergeClauseCode};
use crate::modify::node::{Action, Modify};
use crate::modify::recheck::{self, Recheck};
use crate::modify::target::{Rules, Target, place};
use crate::modify::trigger::Triggers;
use crate::prepared::PrepareContext;
use crate::pruning::PruningCode;
use crate::row::function_scan::{NullColumn, ScannedCall, Spread};
use crate::row::{self, Node};
use crate::runtime::ScanId;
use crate::set_call::SetCall;
use crate::slots::Dependencies;
use crate::window::WindowFunctionCode;
use crate::window::frame::FrameCode;

/// Stack left below which a deep plan is compiled on a fresh segment, and the size of that segment, in bytes.
const RED_ZONE_BYTES: usize = 96 * 1024;
const SEGMENT_BYTES: usize = 1024 * 1024;

/// Compiles the operators of one plan.
pub(crate) struct Compiler<'a> {
    plan: &'a Plan,
    dependencies: &'a Dependencies,
    cx: &'a PrepareContext<'a>,
    eval: CompileContext<'a>,
    scans: HashMap<*const physical::Node, ScanId>,
    choice: EngineChoice,
    /// Whether the row form of a part that exists both ways is being compiled.
    row_form: bool,
    /// What is being compiled may begin again in one execution.
    rescanned: bool,
    /// What stands below such parts, for both of their forms.
    below: HashMap<*const physical::Node, Arc<dyn Node>>,
    /// Numbers of operators that count what they do.
    numbers: HashMap<*const physical::Node, usize>,
}

impl<'a> Compiler<'a> {
    /// A compiler for a plan.
    pub fn new(
        plan: &'a Plan,
        dependencies: &'a Dependencies,
        cx: &'a PrepareContext<'a>,
        numbers: HashMap<*const physical::Node, usize>,
    ) -> Self {
        let eval = CompileContext { types: &**cx.catalog, plan: Some((plan, dependencies)) };
        let (scans, below, choice) = (HashMap::new(), HashMap::new(), cx.engine.choice());
        Compiler { plan, dependencies, cx, eval, scans, choice, row_form: false, rescanned: false, below, numbers }
    }

    /// The query of a CTE.
    pub fn cte(&mut self, index: usize, cte: &Cte) -> Result<CteQuery> {
        let Some((step, all)) = &cte.recursive else {
            return Ok(match self.reads_in_columns(&cte.query) {
                Some(reads) => CteQuery::Either(self.adaptive(&cte.query, &reads)?),
                None => CteQuery::Rows(self.counted(&cte.query)?),
            });
        };
        let start = self.node(&cte.query)?;
        let distinct = (!all).then(|| self.oids(&cte.query.columns));
        let step = self.rescanned(step)?;
        let dependents = self.dependencies.on([crate::slots::work_table(index)].into_iter(), None);
        let union = row::recursive::RecursiveUnion { cte: index, start, step, distinct, dependents };
        Ok(CteQuery::Rows(Arc::new(union)))
    }

    /// An operator that may begin again before its execution ends: below a join that looks for rows anew, in a subquery.
    pub fn rescanned(&mut self, node: &physical::Node) -> Result<Arc<dyn Node>> {
        let outer = std::mem::replace(&mut self.rescanned, true);
        let compiled = self.node(node);
        self.rescanned = outer;
        compiled
    }

    /// An operator with its inputs.
    pub fn node(&mut self, node: &physical::Node) -> Result<Arc<dyn Node>> {
        stacker::maybe_grow(RED_ZONE_BYTES, SEGMENT_BYTES, || match self.row_form {
            true if columnar::is_columnar(node) => self.counted(node),
            true => self.below(node),
            false => match self.reads_in_columns(node) {
                Some(reads) => self.adaptive(node, &reads).map(|both| -> Arc<dyn Node> { Arc::new(both) }),
                None => self.counted(node),
            },
        })
    }

    /// What an operator would read in columns, if it may run so.
    fn reads_in_columns<'n>(&self, node: &'n physical::Node) -> Option<Reads<'n>>
    where
        'a: 'n,
    {
        match self.choice {
            EngineChoice::Rows => None,
            EngineChoice::Automatic | EngineChoice::Columns => choose::reads(node, &self.plan.ctes),
        }
    }

    /// An operator of the row engine below a part that exists both ways; what is further below is chosen anew.
    pub fn below(&mut self, node: &physical::Node) -> Result<Arc<dyn Node>> {
        if let Some(known) = self.below.get(&std::ptr::from_ref(node)) {
            return Ok(known.clone());
        }
        let form = std::mem::replace(&mut self.row_form, false);
        let compiled = self.counted(node);
        self.row_form = form;
        let compiled = compiled?;
        self.below.insert(node, compiled.clone());
        Ok(compiled)
    }

    /// An operator of the row engine that counts what it does, if it should.
    fn counted(&mut self, node: &physical::Node) -> Result<Arc<dyn Node>> {
        let input = self.operator(node)?;
        Ok(match self.number(node) {
            Some(number) => Arc::new(row::counting::Counting { input, number }),
            None => input,
        })
    }

    /// The number of an operator that should count.
    pub fn number(&self, node: &physical::Node) -> Option<usize> {
        self.numbers.get(&std::ptr::from_ref(node)).copied()
    }

    /// An operator that exists both ways.
    fn adaptive(&mut self, node: &physical::Node, reads: &Reads<'_>) -> Result<Adaptive> {
        let tables = reads.tables.iter().map(|table| Ok(self.table(table)?.table)).collect::<Result<_>>()?;
        let columns = columnar::compile(node, self)?;
        self.row_form = true;
        let rows = self.counted(node);
        self.row_form = false;
        let rows = rows?;
        let always = reads.large_index_scan || self.choice == EngineChoice::Columns;
        Ok(Adaptive { rows, columns, tables, always })
    }

    /// Compiles something row by row throughout.
    fn rows_only<T>(&mut self, compile: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let choice = std::mem::replace(&mut self.choice, EngineChoice::Rows);
        let result = compile(self);
        self.choice = choice;
        result
    }

    /// What expressions are compiled with.
    pub fn eval(&self) -> &CompileContext<'a> {
        &self.eval
    }

    /// A call of XMLTABLE: the defaults are evaluated for each NULL, the other arguments once.
    fn xml_table(&self, call: &Call, table: &XmlTable<'_>) -> Result<(SetCall, Option<Spread>)> {
        let null = |column: &XmlColumn<'_>| {
            Ok(NullColumn {
                default: column.default.map(|default| self.code(default)).transpose()?,
                forbidden_in: column.not_null.then(|| column.field.name.clone()),
            })
        };
        let nulls = table.columns.iter().map(null).collect::<Result<_>>()?;
        let of_kernel = Call { args: call.args[..table.kernel_args].to_vec(), ..call.clone() };
        let compiled = SetCall::compile(&Expr::Call(Box::new(of_kernel)), &self.eval)?;
        Ok((compiled, Some(Spread { columns: table.columns.len(), expected: None, nulls })))
    }

    /// The calls of a function scan, each with the columns its rows are spread over.
    fn function_calls(&self, calls: &[(Expr, Option<usize>)], mut columns: &[Type]) -> Result<Box<[ScannedCall]>> {
        let mut compiled = Vec::with_capacity(calls.len());
        for (call, spread) in calls {
            let depends = call.any(&mut |part| matches!(part, Expr::Outer(..) | Expr::Subplan(_)));
            let keeps = self.rescanned && !depends;
            let (own, rest) = columns.split_at(spread.unwrap_or(1).min(columns.len()));
            columns = rest;
            let is_open = call.ty().oid == oids::RECORD
                && match call {
                    Expr::Call(call) => !call.columns.is_empty() || call.function.oid >= Oid::FIRST_NORMAL,
                    _ => true,
                };
            if let Expr::Call(call) = call
                && let Some(table) = XmlTable::of(call)
            {
                let (call, spread) = self.xml_table(call, &table)?;
                compiled.push(ScannedCall { call, spread, keeps });
                continue;
            }
            let expected = is_open.then(|| own.into());
            let spread = spread.map(|columns| Spread { columns, expected, nulls: Box::default() });
            compiled.push(ScannedCall { call: SetCall::compile(call, &self.eval)?, spread, keeps });
        }
        Ok(compiled.into())
    }

    fn operator(&mut self, node: &physical::Node) -> Result<Arc<dyn Node>> {
        match &node.op {
            Op::Values { rows } => {
                let rows = rows.iter().map(|row| compile_all(row, &self.eval)).collect::<Result<_>>()?;
                Ok(Arc::new(row::values::Values { rows }))
            }
            Op::SeqScan { .. }
            | Op::IndexScan { .. }
            | Op::BitmapScan { .. }
            | Op::RegionScan { .. }
            | Op::VirtualScan { .. } => self.scan(node),
            Op::FunctionScan { calls, ordinality, .. } => {
                let calls = self.function_calls(calls, &node.columns)?;
                Ok(Arc::new(row::function_scan::FunctionScan { calls, ordinality: *ordinality }))
            }
            Op::Sample { input, row_id, method, percent, seed } => Ok(Arc::new(row::sample::Sample {
                input: self.node(input)?,
                row_id: *row_id,
                method: *method,
                percent: self.code(percent)?,
                seed: self.predicate(seed.as_ref())?,
            })),
            Op::CteScan { cte, .. } => {
                let columns = node.columns.iter().map(|ty| self.eval.types.physical(ty.oid)).collect();
                Ok(Arc::new(row::cte::CteScan { cte: *cte, columns }))
            }
            Op::WorkTable { cte, .. } => Ok(Arc::new(row::recursive::WorkTable { cte: *cte })),
            Op::Project { input, exprs } => {
                if let Some(scan) = self.projected_scan(input, exprs)? {
                    return Ok(scan);
                }
                let (input, codes) = (self.node(input)?, compile_all(exprs, &self.eval)?);
                Ok(Arc::new(row::project::Project::new(input, codes)))
            }
            Op::Filter { input, predicate } => {
                let (input, predicate) = (self.node(input)?, self.code(predicate)?);
                Ok(Arc::new(row::filter::Filter { input, predicate }))
            }
            Op::Gate { input, condition } => {
                let (input, condition) = (self.node(input)?, self.code(condition)?);
                Ok(Arc::new(row::gate::Gate { input, condition }))
            }
            Op::HashJoin { .. }
            | Op::MergeJoin { .. }
            | Op::NestedLoop { .. }
            | Op::IndexJoin { .. }
            | Op::Apply { .. } => self.join(node),
            Op::Aggregate { input, groups, calls, sorted: true, .. } => Ok(Arc::new(row::group::Group {
                input: self.node(input)?,
                types: self.oids(groups.iter().map(Expr::ty).collect::<Vec<_>>().iter()),
                groups: compile_all(groups, &self.eval)?,
                calls: compile_calls(calls, &self.eval)?,
            })),
            Op::Aggregate { input, groups, sets, calls, groupings, hashed, .. } => {
                let sets = sets.clone().unwrap_or_else(|| vec![(0..groups.len()).collect()]);
                let types = self.oids(groups.iter().map(Expr::ty).collect::<Vec<_>>().iter());
                let set_tables: Vec<HashTable> =
                    hashed.iter().map(|table| HashTable::new(table, &node.columns, self.eval.types)).collect();
                let single = (sets.len() == 1).then(|| hashed.first()).flatten();
                let aggregate = Arc::new(row::aggregate::Aggregate {
                    input: self.node(input)?,
                    set_order: (sets.len() > 1).then(|| SetOrder::new(&sets, types.clone())),
                    set_tables,
                    types,
                    groups: compile_all(groups, &self.eval)?,
                    calls: compile_set_calls(calls, groups, &sets, &self.eval)?,
                    groupings: groupings.clone(),
                    sets,
                });
                Ok(self.in_hash_order(aggregate, single, &node.columns))
            }
            Op::Window { input, calls, run } => self.window(input, calls, run.as_ref()),
            Op::ProjectSet { input, calls } => {
                let input = self.node(input)?;
                let calls = calls.iter().map(|call| SetCall::compile(call, &self.eval)).collect::<Result<_>>()?;
                Ok(Arc::new(row::project_set::ProjectSet { input, calls }))
            }
            Op::Sort { input, keys, fetch, presorted } => {
                let (input, keys) = (self.node(input)?, self.order(keys)?.into());
                Ok(match presorted {
                    0 => Arc::new(row::sort::Sort { input, keys, fetch: self.predicate(fetch.as_ref())? }),
                    _ => Arc::new(row::incremental_sort::IncrementalSort::new(input, keys, *presorted)),
                })
            }
            Op::Limit { input, limit, offset, ties } => Ok(Arc::new(row::limit::Limit {
                input: match choose::takes_few(node) {
                    true => self.rows_only(|compiler| compiler.node(input))?,
                    false => self.node(input)?,
                },
                limit: self.predicate(limit.as_ref())?,
                offset: self.predicate(offset.as_ref())?,
                ties: ties.as_ref().map(|keys| self.order(keys)).transpose()?,
            })),
            Op::Distinct { input, hashed } => {
                let distinct = row::distinct::Distinct { types: self.oids(&input.columns), input: self.node(input)? };
                Ok(self.in_hash_order(Arc::new(distinct), hashed.as_ref(), &node.columns))
            }
            Op::DistinctOn { input, keys } => Ok(Arc::new(row::distinct::DistinctOn {
                input: self.node(input)?,
                types: self.oids(keys.iter().map(Expr::ty).collect::<Vec<_>>().iter()),
                keys: compile_all(keys, &self.eval)?,
            })),
            Op::Append { inputs, pruning, merged, .. } => {
                let inputs = inputs.iter().map(|input| self.node(input)).collect::<Result<_>>()?;
                if !merged.is_empty() {
                    let (keys, pruning) = (self.order(merged)?, self.pruning(pruning.as_ref())?);
                    return Ok(Arc::new(row::merge_append::MergeAppend { inputs, keys, pruning }));
                }
                Ok(Arc::new(row::append::Append { inputs, pruning: self.pruning(pruning.as_ref())? }))
            }
            Op::SetOp { kind, all, left, right, hashed } => {
                let set_op = self.set_op(*kind, *all, left, right)?;
                Ok(self.in_hash_order(set_op, hashed.as_ref(), &node.columns))
            }
            Op::SortedSetOp { kind, all, input } => {
                let except = *kind == SetOpKind::Except;
                let (types, input) = (self.oids(&node.columns), self.node(input)?);
                Ok(Arc::new(row::set_op::SortedSetOp { except, all: *all, input, types }))
            }
            Op::LockRows { input, targets, identity } => self.lock_rows(input, targets, identity),
            Op::Modify(modify) => self.modify(modify, std::ptr::eq(node, &self.plan.root)),
        }
    }

    fn lock_rows(
        &mut self,
        input: &physical::Node,
        targets: &[physical::LockTarget],
        identity: &[usize],
    ) -> Result<Arc<dyn Node>> {
        let node = self.node(input)?;
        let targets = targets.iter().map(|target| {
            Ok(row::lock_rows::LockTarget {
                handles: self.member_tables(&target.table, &target.members)?,
                row_id: target.row_id,
                strength: row::lock_rows::strength(target.strength),
                wait: target.wait,
                scans: self.scans_of(input, target.row_id),
            })
        });
        let targets = targets.collect::<Result<_>>()?;
        let recheck = self.rows_only(|compiler| compiler.node(input))?;
        Ok(Arc::new(row::lock_rows::LockRows { input: node, targets, recheck, identity: identity.into() }))
    }

    fn modify(&mut self, modify: &physical::Modify, counts: bool) -> Result<Arc<dyn Node>> {
        let relation = &modify.table.relation;
        if !relation.is_stored() {
            return self.instead_of(modify, counts);
        }
        let rules = Rules::of_plan(relation, &modify.checks, &modify.generated, &self.eval)?;
        let mut target = Target::new(relation, rules, self.cx.catalog, self.cx.storage, self.cx.database)?;
        target.given = given_columns(&modify.action);
        let input = self.node(&modify.input)?;
        let action = match &modify.action {
            physical::Action::Insert { targets, on_conflict, .. } => {
                let places: Box<[usize]> = targets.iter().map(|attnum| place(*attnum)).collect::<Result<_>>()?;
                Action::Insert {
                    in_order: places.iter().copied().eq(0..target.width()),
                    places,
                    on_conflict: on_conflict
                        .as_ref()
                        .map(|conflict| self.on_conflict(relation, conflict))
                        .transpose()?,
                }
            }
            physical::Action::Update { row_id, assignments } => Action::Update {
                row_id: *row_id,
                assignments: assignments
                    .iter()
                    .map(|(attnum, column)| Ok((place(*attnum)?, *column)))
                    .collect::<Result<_>>()?,
                recheck: self.recheck(modify, *row_id)?,
            },
            physical::Action::Delete { row_id } => {
                Action::Delete { row_id: *row_id, recheck: self.recheck(modify, *row_id)? }
            }
            physical::Action::Instead { .. } => return Err(Error::internal("INSTEAD OF triggers of a table")),
            physical::Action::Merge { row_id, clauses } => Action::Merge {
                row_id: *row_id,
                clauses: clauses.iter().map(|clause| self.merge_clause(clause)).collect::<Result<_>>()?,
                recheck: self.recheck(modify, *row_id)?,
            },
        };
        let returning = modify.returning.as_ref().map(|exprs| compile_all(exprs, &self.eval)).transpose()?;
        let members = Members::new(relation, &modify.members, self.cx.database);
        let system = modify.system.clone().into();
        Ok(Arc::new(Modify { input, target, members, action, returning, system, counts }))
    }

    /// A change of a view, which its triggers carry out, or of a system catalog.
    fn instead_of(&mut self, modify: &physical::Modify, counts: bool) -> Result<Arc<dyn Node>> {
        let view = modify.table.relation.clone();
        let agent = match view.kind {
            RelationKind::Virtual => Agent::Session,
            _ => {
                let triggers = Triggers::of_relation(&view, self.cx.catalog)?;
                Agent::Triggers(triggers.ok_or_else(|| Error::internal("a view without triggers is changed"))?)
            }
        };
        let places = |columns: &[(i16, usize)]| {
            columns.iter().map(|(attnum, column)| Ok((place(*attnum)?, *column))).collect::<Result<Box<[_]>>>()
        };
        let (event, old, new) = match &modify.action {
            physical::Action::Insert { targets, .. } => {
                let targets: Vec<(i16, usize)> = targets.iter().copied().zip(0..).collect();
                (Event::Insert, Box::default(), places(&targets)?)
            }
            physical::Action::Instead { event, old, assignments } => (*event, places(old)?, places(assignments)?),
            _ => return Err(Error::internal("a view that is changed like a table")),
        };
        let returning = modify.returning.as_ref().map(|exprs| compile_all(exprs, &self.eval)).transpose()?;
        let input = self.node(&modify.input)?;
        let system = modify.system.clone().into();
        let checks = modify.checks.iter().filter_map(|(check, expr)| match check {
            Check::View(name) => Some(compile(expr, &self.eval).map(|code| (name.clone(), code))),
            Check::Constraint(_) | Check::Policy { .. } => None,
        });
        let checks = checks.collect::<Result<_>>()?;
        Ok(Arc::new(InsteadOf { input, view, agent, event, old, new, checks, returning, system, counts }))
    }

    /// A second look takes single rows: it is always row by row.
    fn recheck(&mut self, modify: &physical::Modify, row_id: usize) -> Result<Recheck> {
        let input = self.rows_only(|compiler| compiler.node(&modify.input))?;
        let scans = self.scans_of(&modify.input, row_id);
        Ok(Recheck { input, scans, identity: modify.identity.clone().into() })
    }

    /// The scans that a column of row ids comes from.
    fn scans_of(&mut self, input: &physical::Node, column: usize) -> Box<[(usize, ScanId)]> {
        recheck::trace(input, column).into_iter().map(|(member, scan)| (member, self.scan_id(scan))).collect()
    }

    /// The storage of a table, or of those that its rows are in.
    fn member_tables(&self, table: &TableRef, members: &[Arc<Relation>]) -> Result<Box<[TableHandle]>> {
        if members.is_empty() {
            return Ok([self.table(table)?].into());
        }
        members.iter().map(|member| TableHandle::new(member, self.cx.storage)).collect()
    }

    fn merge_clause(&self, clause: &MergeClause) -> Result<MergeClauseCode> {
        let values = |values: &[(i16, Expr)]| {
            values.iter().map(|(attnum, value)| Ok((place(*attnum)?, self.code(value)?))).collect::<Result<Box<[_]>>>()
        };
        Ok(MergeClauseCode {
            matched: clause.matched,
            condition: self.predicate(clause.condition.as_ref())?,
            action: match &clause.action {
                MergeAction::Insert { values: given } => MergeActionCode::Insert(values(given)?),
                MergeAction::Update { values: given } => MergeActionCode::Update(values(given)?),
                MergeAction::Delete => MergeActionCode::Delete,
                MergeAction::Nothing => MergeActionCode::Nothing,
            },
        })
    }

    fn on_conflict(&self, relation: &Relation, conflict: &physical::OnConflict) -> Result<ConflictCode> {
        let arbiter = |oid: &Oid| {
            let index = self.cx.catalog.relation(*oid).map(|index| index.storage);
            index.ok_or_else(|| Error::internal(format!("arbiter index {oid} is gone")))
        };
        let update = conflict.update.as_ref().map(|update| -> Result<ConflictUpdate> {
            let assignments = update.assignments.iter().map(|(attnum, value)| Ok((place(*attnum)?, self.code(value)?)));
            Ok(ConflictUpdate {
                assignments: assignments.collect::<Result<_>>()?,
                filter: self.predicate(update.filter.as_ref())?,
            })
        });
        let arbiters = conflict.indexes.iter().map(arbiter).collect::<Result<_>>()?;
        let deferrable = deferrable_arbiter(relation, &conflict.indexes);
        Ok(ConflictCode { arbiters, deferrable, update: update.transpose()? })
    }

    /// A node's rows in the order of a hash table, if there is one.
    fn in_hash_order(
        &self,
        input: Arc<dyn Node>,
        table: Option<&physical::HashTable>,
        columns: &[Type],
    ) -> Arc<dyn Node> {
        let Some(table) = table else { return input };
        let table = HashTable::new(table, columns, self.eval.types);
        Arc::new(row::hash_order::HashOrder { input, table })
    }

    fn scan(&mut self, node: &physical::Node) -> Result<Arc<dyn Node>> {
        match &node.op {
            Op::SeqScan { table, fetch, tids, filter } => Ok(Arc::new(row::seq_scan::SeqScan {
                handle: self.table(table)?,
                columns: OutputColumns::new(&table.relation, fetch)?,
                tids: tids.as_ref().map(|tids| row::seq_scan::TidsCode::compile(tids, &self.eval)).transpose()?,
                filter: self.predicate(filter.as_ref())?,
                scan: self.scan_id(node),
            })),
            Op::IndexScan { table, index, bounds, order, fetch, filter } => {
                let access = self.index_access(node, table, index, bounds, *order, fetch)?;
                Ok(Arc::new(row::index_scan::IndexScan { access, filter: self.predicate(filter.as_ref())? }))
            }
            Op::BitmapScan { table, bitmap, recheck, fetch, filter } => {
                let handle = self.table(table)?;
                Ok(Arc::new(row::bitmap_scan::BitmapScan {
                    bitmap: BitmapCode::compile(bitmap, &handle, self.cx.catalog, &self.eval)?,
                    handle,
                    columns: OutputColumns::new(&table.relation, fetch)?,
                    recheck: self.code(recheck)?,
                    filter: self.predicate(filter.as_ref())?,
                    scan: self.scan_id(node),
                }))
            }
            Op::RegionScan { table, index, conditions, nearest, recheck, fetch, filter } => {
                let (handle, number) = (self.table(table)?, self.number(node));
                let asked = (conditions.as_slice(), nearest.as_ref());
                let resolve = (&**self.cx.catalog, &self.eval);
                Ok(Arc::new(row::region_scan::RegionScan {
                    walk: RegionWalk::compile(index, asked, fetch, handle, number, resolve)?,
                    is_ordered: nearest.is_some(),
                    recheck: self.predicate(recheck.as_ref())?,
                    filter: self.predicate(filter.as_ref())?,
                    scan: self.scan_id(node),
                }))
            }
            Op::VirtualScan { table, fetch, equals, filter } => {
                let equals = equals.iter().map(|(attnum, value)| Ok((*attnum, self.code(value)?)));
                Ok(Arc::new(row::virtual_scan::VirtualScan {
                    relation: table.relation.oid,
                    columns: fetch.columns.clone().into(),
                    equals: equals.collect::<Result<_>>()?,
                    filter: self.predicate(filter.as_ref())?,
                }))
            }
            _ => Err(Error::internal("not a scan")),
        }
    }

    /// A projection to columns of an index scan as a scan of just these columns: short statements feel every operator.
    fn projected_scan(&mut self, input: &physical::Node, exprs: &[Expr]) -> Result<Option<Arc<dyn Node>>> {
        let Op::IndexScan { table, index, bounds, order, fetch, filter: None } = &input.op else { return Ok(None) };
        // What EXPLAIN ANALYZE counts stays an operator of its own.
        if self.number(input).is_some() {
            return Ok(None);
        }
        let attnum = |expr: &Expr| match expr {
            Expr::Input(place, _) => fetch.columns.get(*place).copied(),
            _ => None,
        };
        let Some(columns) = exprs.iter().map(attnum).collect() else { return Ok(None) };
        let fetch = Fetch { columns, row_id: false, member: 0, from_keys: fetch.from_keys };
        let access = self.index_access(input, table, index, bounds, *order, &fetch)?;
        Ok(Some(Arc::new(row::index_scan::IndexScan { access, filter: None })))
    }

    fn join(&mut self, node: &physical::Node) -> Result<Arc<dyn Node>> {
        match &node.op {
            Op::HashJoin { kind, left, right, keys, residual, last_first, .. } => {
                Ok(Arc::new(row::hash_join::HashJoin {
                    spec: self.join_spec(*kind, left, right.columns.len(), residual.as_ref())?,
                    left_columns: left.columns.len(),
                    right: self.node(right)?,
                    keys: row::hash_join::Key::compile_all(keys, &self.eval)?,
                    last_first: *last_first,
                }))
            }
            Op::MergeJoin { kind, left, right, keys, residual } => Ok(Arc::new(row::merge_join::MergeJoin {
                spec: self.join_spec(*kind, left, right.columns.len(), residual.as_ref())?,
                right: self.node(right)?,
                keys: row::hash_join::Key::compile_all(keys, &self.eval)?,
            })),
            Op::NestedLoop { kind, left, right, on, .. } => Ok(Arc::new(row::nested_loop::NestedLoop {
                spec: self.join_spec(*kind, left, right.columns.len(), on.as_ref())?,
                left_columns: left.columns.len(),
                right: self.node(right)?,
            })),
            Op::IndexJoin { kind, outer, table, index, bounds, fetch, filter } => {
                let columns = fetch.columns.len() + usize::from(fetch.row_id);
                let spec = self.join_spec(*kind, outer, columns, filter.as_ref())?;
                let access = self.index_access(node, table, index, bounds, ReadOrder::Keys, fetch)?;
                Ok(Arc::new(row::index_join::IndexJoin { spec, access }))
            }
            Op::Apply { kind, left, right, slots, on } => {
                let spec = self.join_spec(*kind, left, right.columns.len(), on.as_ref())?;
                let values = slots.iter().map(|(slot, value)| Ok((*slot, self.code(value)?))).collect::<Result<_>>()?;
                let slots = self.dependencies.on(slots.iter().map(|(slot, _)| *slot), None);
                Ok(Arc::new(row::apply::Apply { spec, right: self.rescanned(right)?, values, slots }))
            }
            _ => Err(Error::internal("not a join")),
        }
    }

    fn join_spec(
        &mut self,
        kind: JoinKind,
        left: &physical::Node,
        right_columns: usize,
        residual: Option<&Expr>,
    ) -> Result<row::join::JoinSpec> {
        Ok(row::join::JoinSpec { kind, left: self.node(left)?, right_columns, residual: self.predicate(residual)? })
    }

    fn index_access(
        &mut self,
        node: &physical::Node,
        table: &TableRef,
        index: &dictdb_catalog::Relation,
        bounds: &[IndexBounds],
        order: ReadOrder,
        fetch: &physical::Fetch,
    ) -> Result<Arc<IndexAccess>> {
        let name = AccessName { scan: self.scan_id(node), number: self.number(node) };
        let handle = self.table(table)?;
        IndexAccess::compile(table, index, bounds, order, fetch, name, handle, &self.eval).map(Arc::new)
    }

    fn window(&mut self, input: &physical::Node, calls: &[WindowCall], run: Option<&Expr>) -> Result<Arc<dyn Node>> {
        let Some(first) = calls.first() else { return self.node(input) };
        let codes = calls.iter().map(|call| self.window_call(call)).collect::<Result<_>>()?;
        Ok(Arc::new(row::window::Window {
            input: self.node(input)?,
            partition: self.order(&ascending(&first.window.partition))?,
            order: self.order(&first.window.order)?,
            calls: codes,
            run: self.predicate(run)?,
        }))
    }

    fn window_call(&self, call: &WindowCall) -> Result<row::window::WindowCallCode> {
        Ok(row::window::WindowCallCode {
            function: WindowFunctionCode::compile(call, &self.eval)?,
            args: if call.aggregate { Box::default() } else { compile_all(&call.args, &self.eval)? },
            frame: FrameCode::compile(&call.window.frame, &call.window.order, &self.eval)?,
        })
    }

    fn set_op(
        &mut self,
        kind: SetOpKind,
        all: bool,
        left: &physical::Node,
        right: &physical::Node,
    ) -> Result<Arc<dyn Node>> {
        let types = self.oids(&left.columns);
        let (left, right) = (self.node(left)?, self.node(right)?);
        Ok(match kind {
            SetOpKind::Union => {
                let input: Arc<dyn Node> = Arc::new(row::append::Append { inputs: vec![left, right], pruning: None });
                if all { input } else { Arc::new(row::distinct::Distinct { input, types }) }
            }
            SetOpKind::Intersect | SetOpKind::Except => {
                let except = kind == SetOpKind::Except;
                Arc::new(row::set_op::SetOp { except, all, left, right, types })
            }
        })
    }

    /// What rules out members of a table.
    pub fn pruning(&self, pruning: Option<&Arc<LatePruning>>) -> Result<Option<PruningCode>> {
        pruning.map(|pruning| PruningCode::compile(pruning, Moment::Row, &self.eval)).transpose()
    }

    /// The storage of a table.
    pub fn table(&self, table: &TableRef) -> Result<TableHandle> {
        TableHandle::new(&table.relation, self.cx.storage)
    }

    /// The name of a scan: operators that look at its rows again ask for it too.
    fn scan_id(&mut self, node: &physical::Node) -> ScanId {
        let next = ScanId(self.scans.len());
        *self.scans.entry(std::ptr::from_ref(node)).or_insert(next)
    }

    fn code(&self, expr: &Expr) -> Result<Code> {
        compile(expr, &self.eval)
    }

    fn predicate(&self, expr: Option<&Expr>) -> Result<Option<Code>> {
        compile_predicate(expr, &self.eval)
    }

    fn order(&self, keys: &[SortKey]) -> Result<Box<[OrderKey]>> {
        OrderKey::compile_all(keys, &self.eval)
    }

    fn oids<'t>(&self, types: impl IntoIterator<Item = &'t Type>) -> Box<[Oid]> {
        base_oids(types, self.eval.types)
    }
}

/// Keys that order by some expressions, NULLs last.
pub(crate) fn ascending(exprs: &[Expr]) -> Vec<SortKey> {
    exprs
        .iter()
        .map(|expr| SortKey { expr: expr.clone(), descending: false, nulls_first: false, using: None })
        .collect()
}

/// The first deferrable constraint among the arbiters; without any named, among all.
fn deferrable_arbiter(relation: &Relation, indexes: &[Oid]) -> Option<Arc<str>> {
    let decides = |constraint: &&Arc<Constraint>| {
        let index = constraint.kind.index();
        constraint.deferrable && index.is_some_and(|index| indexes.is_empty() || indexes.contains(&index))
    };
    relation.constraints.iter().find(decides).map(|constraint| constraint.name.clone())
}

/// The columns that a statement gives values to, by attnum.
fn given_columns(action: &physical::Action) -> Box<[i16]> {
    let mut given: Vec<i16> = match action {
        physical::Action::Insert { targets, given, .. } => targets[..*given].to_vec(),
        physical::Action::Update { assignments, .. } => assignments.iter().map(|(attnum, _)| *attnum).collect(),
        physical::Action::Merge { clauses, .. } => clauses.iter().flat_map(|clause| clause.assigned()).collect(),
        _ => Vec::new(),
    };
    if let physical::Action::Insert { on_conflict: Some(conflict), .. } = action {
        let updated = conflict.update.iter().flat_map(|update| &update.assignments);
        given.extend(updated.map(|(attnum, _)| *attnum));
    }
    given.into()
}
