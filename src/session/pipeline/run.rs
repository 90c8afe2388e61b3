//! Running a plan inside the session's transaction.

use std::sync::Arc;

use dictdb_executor::{ExecContext, Execution, Prepared, execute};
use dictdb_planner::explain::Actual;
use dictdb_planner::logical::LockStrength;
use dictdb_planner::physical::{Node, Op, Plan};
use dictdb_planner::routine::PlannedCall;
use dictdb_storage::{Isolation, Snapshot, Transaction, WaitOptions};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};
use parking_lot::Mutex;

use super::{Beside, CachedPlan};
use crate::client::{Column, Row, Shape, Tag};
use crate::portal::{Outcome, Portal, RowSource, TagCount};
use crate::prepared::Source;
use crate::result_cache::{Keeper, Looked};
use crate::shared::Shared;
use crate::{Session, StatementEnv};
use dictdb_parser::utility::IsolationLevel;

/// Estimated cost above which a statement leaves the connection's thread to others while it computes.
const HEAVY_COST: f64 = 100.0;

/// Rows that the executor computes as they are asked for.
pub(crate) struct RowStream {
    /// Locked never, only borrowed mutably: a lock makes the session shareable, which tasks want to know of it.
    execution: Mutex<Execution>,
    heavy: bool,
    /// It may call functions of users: the session is lent while it runs.
    pub calls_routines: bool,
    /// Whose session it is, and what it sees, for those functions.
    frame: Option<(Arc<Shared>, Arc<Snapshot>)>,
    /// Takes the rows that pass, for the same query again.
    keeper: Option<Box<Keeper>>,
}

impl RowStream {
    /// Hands at most `limit` further rows to `sink`, which says whether it takes more. Returns how many, and whether that
    /// was the end. Each passes through `row`.
    pub(crate) fn pump(&mut self, limit: usize, row: &mut Row, sink: &mut RowSink<'_>) -> Result<(usize, bool)> {
        let Some((shared, snapshot)) = self.frame.clone() else { return self.run(limit, row, sink) };
        let prepared = self.execution.get_mut().prepared().clone();
        let outer = shared.in_session(|session| {
            session.routines.calls.running.push(prepared);
            Ok(session.routines.calls.calling.replace(snapshot))
        })?;
        let result = self.run(limit, row, sink);
        shared.in_session(|session| {
            session.routines.calls.running.pop();
            session.routines.calls.calling = outer;
            Ok(())
        })?;
        result
    }

    fn run(&mut self, limit: usize, row: &mut Row, sink: &mut RowSink<'_>) -> Result<(usize, bool)> {
        let (execution, keeper) = (self.execution.get_mut(), &mut self.keeper);
        let mut work = || {
            let mut count = 0;
            while count < limit {
                if !execution.next_row(row)? {
                    if let Some(keeper) = keeper.take() {
                        keeper.finish();
                    }
                    return Ok((count, true));
                }
                count += 1;
                if keeper.as_mut().is_some_and(|keeper| !keeper.take(row)) {
                    *keeper = None;
                }
                if !sink(row)? {
                    break;
                }
            }
            Ok((count, false))
        };
        if self.heavy { tokio::task::block_in_place(work) } else { work() }
    }

    /// Whether PostgreSQL's operators for this plan can go backward, so that a cursor over it may although nobody said
    /// SCROLL.
    pub(crate) fn can_go_back(&mut self) -> bool {
        goes_back(&self.execution.get_mut().prepared().plan().root)
    }

    /// The strength in which it locks the rows it returns, if it does.
    pub(crate) fn locks_rows(&mut self) -> Option<LockStrength> {
        locks_rows(&self.execution.get_mut().prepared().plan().root)
    }

    /// The tables that its plan reads or changes.
    pub(crate) fn opened(&mut self) -> &[Oid] {
        &self.execution.get_mut().prepared().plan().opened
    }

    /// Begins again, over the same snapshot.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let execution = self.execution.get_mut();
        *execution = execution.restarted()?;
        self.keeper = None;
        Ok(())
    }

    fn drain(&mut self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.pump(usize::MAX, &mut Row::new(), &mut |row| {
            rows.push(row.clone());
            Ok(true)
        })?;
        Ok(rows)
    }
}

/// The rows of a query that is the action of a rule.
pub(crate) type RowsOfRule = (Arc<[Column]>, Vec<Row>);

/// Takes rows one by one; false: no more for now.
pub(crate) type RowSink<'a> = dyn FnMut(&Row) -> Result<bool> + Send + 'a;

impl Session {
    /// Runs a query, or begins to.
    pub(crate) fn execute_query(&mut self, portal: &Portal) -> Result<Outcome> {
        let Some(source) = &portal.source else { return Err(Error::internal("a query without text")) };
        self.rows_of_rules = Some(Vec::new());
        self.execute_source(source, &portal.params, portal.shape.as_ref())
    }

    /// Runs a planned statement with these parameters, or begins to.
    pub(crate) fn execute_source(
        &mut self,
        source: &Source,
        params: &Arc<[Datum]>,
        described: Option<&Shape>,
    ) -> Result<Outcome> {
        let wait = self.wait_options();
        let (plan, env, transaction) = loop {
            let plan = self.plan_for(source, params)?;
            plan.check_described(described.map(|shape| &shape.columns))?;
            if plan.params.len() > params.len() {
                let message = format!("there is no parameter ${}", params.len() + 1);
                return Err(Error::new(SqlState::UNDEFINED_PARAMETER, message));
            }
            plan.check_runnable()?;
            if self.block.modes.read_only && plan.writes() {
                return Err(read_only(&plan));
            }
            let transaction = self.transaction()?;
            plan.lock_relations(&transaction, &wait)?;
            // While we waited for a lock its holder may have changed the table.
            let env = self.env();
            if self.stamp(&env) == plan.stamp {
                break (plan, env, transaction);
            }
        };
        plan.check_executable(self)?;
        let [before, after] = &plan.beside;
        // Statements of functions that it calls are not the client's.
        let mut shown = self.rows_of_rules.take();
        self.run_beside(before, params, &mut shown)?;
        let cx = self.exec_context(env, params, transaction, wait)?;
        let looked = self.look_for_result(&plan, source, &cx);
        if let (Looked::Found(rows), Some(columns)) = (&looked, &plan.columns) {
            self.see_what_is_promised(&plan);
            let source = RowSource::kept(rows.clone(), goes_back(plan.root()));
            return Ok(Outcome::Rows { columns: columns.clone(), source, command: plan.tag(), count: TagCount::Sent });
        }
        let mut stream = self.open(&plan, cx)?;
        if let Looked::Missed(keeper) = looked {
            stream.keeper = Some(keeper);
        }
        let outcome = self.lend_if(plan.calls_routines, || finish_or_stream(&plan, stream))?;
        self.run_beside(after, params, &mut shown)?;
        self.rows_of_rules = shown;
        Ok(outcome)
    }

    /// Runs what rules have done beside a statement. Queries among it give rows to be shown.
    fn run_beside(
        &mut self,
        products: &[Beside],
        params: &Arc<[Datum]>,
        shown: &mut Option<Vec<RowsOfRule>>,
    ) -> Result<()> {
        for product in products {
            match product {
                Beside::Plan(plan) => {
                    plan.check_runnable()?;
                    let (env, wait) = (self.env(), self.wait_options());
                    let transaction = self.transaction()?;
                    let cx = self.exec_context(env, params, transaction, wait)?;
                    let mut stream = self.open(plan, cx)?;
                    let rows = self.lend_if(plan.calls_routines, || stream.drain())?;
                    if let (Some(columns), Some(shown)) = (&plan.columns, &mut *shown) {
                        shown.push((columns.clone(), rows));
                    }
                }
                Beside::Notify(channel, payload) => {
                    self.shared.pending.lock().send(self.shared.backend.pid, channel, payload)?;
                }
            }
        }
        Ok(())
    }

    /// Runs a plan to its end, for EXPLAIN ANALYZE; tells what its operators did.
    /// `None` when its tables have changed while their locks were waited for: then it is to be made again.
    pub(super) fn run_counting(&mut self, plan: &CachedPlan, params: &Arc<[Datum]>) -> Result<Option<Vec<Actual>>> {
        if self.block.modes.read_only && plan.writes() {
            return Err(read_only(plan));
        }
        let wait = self.wait_options();
        let transaction = self.transaction()?;
        plan.lock_relations(&transaction, &wait)?;
        let env = self.env();
        if self.stamp(&env) != plan.stamp {
            return Ok(None);
        }
        let cx = self.exec_context(env, params, transaction, wait)?;
        let mut stream = self.open(plan, cx)?;
        let lends = stream.calls_routines;
        self.lend_if(lends, || stream.pump(usize::MAX, &mut Row::new(), &mut |_| Ok(true)))?;
        Ok(Some(stream.execution.get_mut().actual()))
    }

    fn open(&mut self, plan: &CachedPlan, cx: ExecContext) -> Result<RowStream> {
        self.see_what_is_promised(plan);
        let frame = plan.calls_routines.then(|| (self.shared.clone(), cx.snapshot.clone()));
        let execution = Mutex::new(execute(&plan.prepared, cx)?);
        Ok(RowStream { execution, heavy: plan.heavy, calls_routines: plan.calls_routines, frame, keeper: None })
    }

    /// The answer waits for what a statement may show of others' commits.
    fn see_what_is_promised(&mut self, plan: &CachedPlan) {
        let promised = plan.prepared.promised().filter(|_| !plan.calls_routines);
        self.seen.add(promised.map(|lsn| lsn.max(self.shared.instance.storage.catalog_promised())));
    }

    /// What an execution that begins now is given.
    pub(super) fn exec_context(
        &mut self,
        env: Arc<StatementEnv>,
        params: &Arc<[Datum]>,
        transaction: Arc<Transaction>,
        wait: WaitOptions,
    ) -> Result<ExecContext> {
        let given = self.large_objects.reads_at.as_ref().or(self.routines.calls.borrowed.as_ref());
        let snapshot = match given {
            Some(given) => given.clone(),
            None => Arc::new(transaction.snapshot()?),
        };
        self.block.snapshot_taken = true;
        Ok(ExecContext {
            storage: self.shared.instance.storage.clone(),
            transaction,
            snapshot,
            wait,
            params: params.clone(),
            catalog: env.catalog.clone(),
            session: env.clone(),
            constraints: self.constraints.clone(),
            statement: self.part_of.take(),
            env,
        })
    }

    /// The tables that statements read or change which are not at their end: those that call what runs now, and those of
    /// open cursors, and the tables of definitions that call what runs now.
    pub(super) fn open_tables(&mut self) -> Vec<Oid> {
        let calling = self.routines.calls.running.iter().flat_map(|prepared| &prepared.plan().opened);
        let mut open: Vec<Oid> = calling.copied().collect();
        open.extend(self.portals.iter_mut().flat_map(|portal| portal.opened()));
        open.extend_from_slice(&self.definitions.in_use);
        open
    }

    /// What checks of constraints are given.
    pub(crate) fn constraint_context(&mut self) -> Result<ExecContext> {
        let (env, wait) = (self.env(), self.wait_options());
        let transaction = self.transaction()?;
        self.exec_context(env, &Arc::from([]), transaction, wait)
    }

    /// Values of the arguments of a CALL.
    pub(crate) fn call_arguments(
        &mut self,
        call: &PlannedCall,
        params: &Arc<[Datum]>,
        env: Arc<StatementEnv>,
    ) -> Result<Vec<Datum>> {
        let prepared = Arc::new(self.prepare_plan(call.plan.clone(), &env)?);
        let wait = self.wait_options();
        let transaction = self.transaction()?;
        let cx = self.exec_context(env, params, transaction, wait)?;
        let mut row = Row::new();
        let seen = cx.snapshot.clone();
        self.calling(&seen, |session| {
            session.lend_if(call.calls_routines, || execute(&prepared, cx)?.next_row(&mut row))
        })?;
        Ok(row)
    }

    /// The only row of a plan without parameters.
    pub(super) fn single_row(&mut self, prepared: &Arc<Prepared>, env: Arc<StatementEnv>) -> Result<Vec<Datum>> {
        let wait = self.wait_options();
        let transaction = self.transaction()?;
        let cx = self.exec_context(env, &Arc::from([]), transaction, wait)?;
        let mut row = Row::new();
        let lends = cx.catalog.has_routines();
        let seen = cx.snapshot.clone();
        self.calling(&seen, |session| session.lend_if(lends, || execute(prepared, cx)?.next_row(&mut row)))?;
        Ok(row)
    }

    /// The open transaction in storage; begun at first use.
    pub(crate) fn transaction(&mut self) -> Result<Arc<Transaction>> {
        if let Some(transaction) = &self.transaction {
            return Ok(transaction.clone());
        }
        let isolation = match self.block.modes.isolation {
            IsolationLevel::ReadUncommitted | IsolationLevel::ReadCommitted => Isolation::ReadCommitted,
            IsolationLevel::RepeatableRead => Isolation::RepeatableRead,
            IsolationLevel::Serializable => Isolation::Serializable,
        };
        let transaction = Arc::new(self.storage.begin(isolation));
        transaction.set_read_only(self.block.modes.read_only);
        transaction.set_deferrable(self.block.modes.deferrable);
        // Savepoints that were set before anything was done are the transaction's beginning.
        for savepoint in &mut self.block.savepoints {
            savepoint.storage = Some(transaction.savepoint());
        }
        self.shared.opened(&transaction);
        self.transaction = Some(transaction.clone());
        Ok(transaction)
    }

    pub(crate) fn wait_options(&mut self) -> WaitOptions {
        self.derived().wait_options()
    }
}

/// Whether a plan may compute for long. Table sizes are known; what functions and recursion give is not.
pub(super) fn is_heavy(plan: &Plan) -> bool {
    fn unbounded(node: &Node) -> bool {
        let own = matches!(node.op, Op::FunctionScan { .. } | Op::ProjectSet { .. } | Op::WorkTable { .. });
        own || node.children().into_iter().any(unbounded)
    }
    let roots = [&plan.root].into_iter().chain(&plan.subplans).chain(plan.ctes.iter().map(|cte| &cte.query));
    plan.root.cost.1 > HEAVY_COST
        || plan.ctes.iter().any(|cte| cte.recursive.is_some())
        || roots.into_iter().any(unbounded)
}

/// The strength in which a plan locks the rows it returns, if it does.
fn locks_rows(mut node: &Node) -> Option<LockStrength> {
    loop {
        match &node.op {
            Op::LockRows { targets, .. } => return targets.first().map(|target| target.strength),
            Op::Project { input, .. } | Op::Limit { input, .. } => node = input,
            _ => return None,
        }
    }
}

/// Scans, sorts and what passes their rows on: `ExecSupportsBackwardScan`.
fn goes_back(node: &Node) -> bool {
    match &node.op {
        Op::SeqScan { .. }
        | Op::IndexScan { .. }
        | Op::BitmapScan { .. }
        | Op::VirtualScan { .. }
        | Op::Values { .. }
        | Op::FunctionScan { .. }
        | Op::CteScan { .. }
        | Op::Sort { .. } => true,
        Op::Project { .. } | Op::Filter { .. } | Op::Gate { .. } | Op::Limit { .. } | Op::Append { .. } => {
            node.children().into_iter().all(goes_back)
        }
        _ => false,
    }
}

/// Statements that change data run to their end before the first row is sent.
fn finish_or_stream(plan: &CachedPlan, mut stream: RowStream) -> Result<Outcome> {
    let columns = match &plan.columns {
        Some(columns) => columns.clone(),
        None => {
            stream.drain()?;
            return Ok(Outcome::Done(Tag::rows(plan.tag(), stream.execution.get_mut().affected())));
        }
    };
    if !plan.modifies() {
        let source = RowSource::Stream(Box::new(stream));
        return Ok(Outcome::Rows { columns, source, command: plan.tag(), count: TagCount::Sent });
    }
    let source = RowSource::stored(stream.drain()?);
    Ok(Outcome::Rows { columns, source, command: plan.tag(), count: TagCount::Sent })
}

fn read_only(plan: &CachedPlan) -> Error {
    let command = match locks_rows(plan.root()) {
        Some(strength) => format!("SELECT {}", strength.as_sql()),
        None => plan.tag().to_owned(),
    };
    let message = format!("cannot execute {command} in a read-only transaction");
    Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, message)
}
