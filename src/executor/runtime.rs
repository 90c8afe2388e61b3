//! One execution while it runs: its surroundings, outer slots, subqueries, CTEs, and the memory it holds.
//!
//! Operators and expressions share it by reference; whatever changes is behind a lock of its own, which nobody else
//! holds at that time, because an execution runs on one thread at a time.

use std::sync::atomic::{AtomicU64, Ordering};

use std::sync::{Arc, Weak};

use datafusion_execution::memory_pool::MemoryReservation;
use dictdb_planner::explain::Actual;
use dictdb_types::{Datum, Env, Error, Jsonb, Result, RowId};
use parking_lot::Mutex;

use crate::context::ExecContext;
use crate::cte::{CteQuery, CteState, enter};
use crate::engine::out_of_memory;
use crate::modify::events::Events;
use crate::modify::writer::Writer;
use crate::prepared::Prepared;
use crate::row::{Cursor, Row};
use crate::subplan::SubplanState;

/// Rows between two looks at the interrupt flag.
const ROWS_PER_CHECK: usize = 64;
/// Bytes taken from the budget at a time, so that small charges are cheap.
const CHARGE_STEP_BYTES: usize = 64 * 1024;

/// Names a scan within a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScanId(pub usize);

/// Scans that give the newest version of one row only, or none.
pub(crate) type FixedScans = Vec<(ScanId, Option<RowId>)>;

/// A running execution.
pub(crate) struct Runtime {
    /// Itself, for what outlives a call: operators of DataFusion own what they use.
    me: Weak<Runtime>,
    cx: ExecContext,
    prepared: Arc<Prepared>,
    outer: Box<[Mutex<Datum>]>,
    subplans: Box<[Mutex<SubplanState>]>,
    own: Statement,
    /// In a re-check: the execution that it is part of, whose CTEs are not computed again.
    origin: Option<Arc<Runtime>>,
    /// In a re-check: scans that give one row only, in its newest version, or none.
    fixed: FixedScans,
}

/// What an execution has in common with its re-checks.
struct Statement {
    ctes: Box<[Mutex<CteState>]>,
    work_tables: Box<[Mutex<Arc<Vec<Row>>>]>,
    memory: Mutex<Memory>,
    affected: AtomicU64,
    events: Events,
    /// What operators did, where they count.
    actual: Box<[Mutex<Actual>]>,
}

#[derive(Default)]
struct Memory {
    reservation: Option<MemoryReservation>,
    /// Reserved and not used so far.
    left: usize,
}

impl Statement {
    fn of(prepared: &Prepared) -> Self {
        let ctes = prepared.plan().ctes.len();
        Statement {
            ctes: (0..ctes).map(|_| Mutex::default()).collect(),
            work_tables: (0..ctes).map(|_| Mutex::default()).collect(),
            memory: Mutex::default(),
            affected: AtomicU64::new(0),
            events: Events::default(),
            actual: (0..prepared.counted()).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Runtime {
    pub(crate) fn new(prepared: Arc<Prepared>, cx: ExecContext) -> Arc<Self> {
        Runtime::part_of(None, prepared, cx, Vec::new())
    }

    fn part_of(origin: Option<Arc<Runtime>>, prepared: Arc<Prepared>, cx: ExecContext, fixed: FixedScans) -> Arc<Self> {
        let plan = prepared.plan();
        let (slots, subplans) = (plan.outer_slots, plan.subplans.len());
        let own = Statement::of(&prepared);
        Arc::new_cyclic(|me| Runtime {
            me: me.clone(),
            outer: (0..slots).map(|_| Mutex::new(Datum::Null)).collect(),
            subplans: (0..subplans).map(|_| Mutex::default()).collect(),
            cx,
            prepared,
            own,
            origin,
            fixed,
        })
    }

    fn statement(&self) -> &Statement {
        self.origin.as_ref().map_or(&self.own, |origin| &origin.own)
    }

    /// The runtime as something to own.
    pub fn handle(&self) -> Result<Arc<Runtime>> {
        self.me.upgrade().ok_or_else(|| Error::internal("execution has ended"))
    }

    /// A runtime in which some scans give one row only: to look again at rows that changed meanwhile.
    pub fn recheck(&self, fixed: FixedScans) -> Arc<Runtime> {
        let origin = self.origin.clone().or_else(|| self.me.upgrade());
        let again = Runtime::part_of(origin, self.prepared.clone(), self.cx.clone(), fixed);
        for (slot, value) in self.outer.iter().enumerate() {
            again.set_outer(slot, value.lock().clone());
        }
        again
    }

    /// The row a scan is fixed to, in a re-check; `Some(None)`: to none.
    #[allow(clippy::option_option, reason = "free, fixed to a row, and fixed to none are three things")]
    pub fn fixed_row(&self, scan: ScanId) -> Option<Option<RowId>> {
        self.fixed.iter().find(|(id, _)| *id == scan).map(|(_, row)| *row)
    }

    /// The surroundings.
    pub fn cx(&self) -> &ExecContext {
        &self.cx
    }

    /// Settings, types, clock, interrupts.
    pub fn env(&self) -> &dyn Env {
        &*self.cx.env
    }

    /// What runs.
    pub fn prepared(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    /// A parameter's value.
    #[inline]
    pub fn param(&self, index: usize) -> Option<&Datum> {
        self.cx.params.get(index)
    }

    /// The value of a slot.
    pub fn outer(&self, slot: usize) -> Result<Datum> {
        let value = self.outer.get(slot).ok_or_else(|| Error::internal(format!("outer slot {slot} does not exist")))?;
        Ok(value.lock().clone())
    }

    /// Sets a slot. Whoever does tells what depends on it: [`crate::slots::Slots::changed`].
    pub fn set_outer(&self, slot: usize, value: Datum) {
        if let Some(cell) = self.outer.get(slot) {
            *cell.lock() = value;
        }
    }

    /// The state of a subquery.
    pub fn subplan(&self, index: usize) -> Result<&Mutex<SubplanState>> {
        self.subplans.get(index).ok_or_else(|| Error::internal(format!("subplan {index} does not exist")))
    }

    /// Begins a subquery.
    pub fn open_subplan(&self, index: usize) -> Result<Box<dyn Cursor>> {
        self.prepared.open_subplan(index)
    }

    /// Forgets the answer of a subquery.
    pub fn reset_subplan(&self, index: usize) {
        if let Some(state) = self.subplans.get(index) {
            state.lock().reset();
        }
    }

    /// A CTE's query and state.
    pub fn cte(&self, index: usize) -> Result<(&CteQuery, &Mutex<CteState>)> {
        let query = self.prepared.cte(index);
        query
            .zip(self.statement().ctes.get(index))
            .ok_or_else(|| Error::internal(format!("CTE {index} does not exist")))
    }

    /// Forgets the rows of a CTE.
    pub fn reset_cte(&self, index: usize) {
        if let Some(state) = self.statement().ctes.get(index) {
            state.lock().reset();
        }
    }

    /// Ends the statement: data-modifying CTEs run to their end, whether or not somebody read them, and then what the
    /// statement changed is checked against foreign keys and other constraints of the end of a statement.
    pub fn finish(&self) -> Result<()> {
        for (index, cte) in self.prepared.plan().ctes.iter().enumerate() {
            if cte.modifies {
                let (query, state) = self.cte(index)?;
                enter(state)?.complete(query, self)?;
            }
        }
        match &self.cx.statement {
            Some(_) => Ok(()),
            None => self.statement().events.run(&self.cx, self.prepared.engine()),
        }
    }

    /// Changes rows as the statement's command.
    pub fn writer(&self) -> Writer<'_> {
        Writer {
            cx: &self.cx,
            snapshot: &self.cx.snapshot,
            engine: self.prepared.engine(),
            events: self.cx.statement.as_ref().map_or(&self.statement().events, |statement| &statement.0),
            rt: Some(self),
        }
    }

    /// The rows of a working table.
    pub fn work_table(&self, cte: usize) -> Arc<Vec<Row>> {
        self.statement().work_tables.get(cte).map(|rows| rows.lock().clone()).unwrap_or_default()
    }

    /// Replaces the rows of a working table.
    pub fn set_work_table(&self, cte: usize, rows: Vec<Row>) {
        if let Some(table) = self.statement().work_tables.get(cte) {
            *table.lock() = Arc::new(rows);
        }
    }

    /// Counts rows that the statement itself (not a CTE of it) changed.
    pub fn add_affected(&self, rows: u64) {
        self.statement().affected.fetch_add(rows, Ordering::Relaxed);
    }

    /// Changes the counts of an operator.
    pub fn count(&self, number: usize, f: impl FnOnce(&mut Actual)) {
        if let Some(actual) = self.statement().actual.get(number) {
            f(&mut actual.lock());
        }
    }

    /// What all operators that count have done.
    pub fn actual(&self) -> Vec<Actual> {
        self.statement().actual.iter().map(|actual| *actual.lock()).collect()
    }

    /// Rows changed so far.
    pub fn affected(&self) -> u64 {
        self.statement().affected.load(Ordering::Relaxed)
    }

    /// To be called for every row of a loop, with its number: looks at the interrupt flag now and then. 57014, 57P01.
    #[inline]
    pub fn tick(&self, position: usize) -> Result<()> {
        if position.is_multiple_of(ROWS_PER_CHECK) { self.env().check_interrupts() } else { Ok(()) }
    }

    /// Takes memory from the budget until the execution ends. 53200.
    pub fn charge(&self, bytes: usize) -> Result<()> {
        let mut memory = self.statement().memory.lock();
        if memory.left < bytes {
            let step = bytes.max(CHARGE_STEP_BYTES);
            let engine = self.prepared.engine();
            let reservation = memory.reservation.get_or_insert_with(|| engine.reservation("statement"));
            reservation.try_grow(step).map_err(|error| out_of_memory(error.strip_backtrace()))?;
            memory.left += step;
        }
        memory.left -= bytes;
        Ok(())
    }

    /// Takes memory for a row that is kept.
    pub fn charge_row(&self, row: &Row) -> Result<()> {
        self.charge(row_bytes(row))
    }
}

/// Approximate memory of a row.
pub fn row_bytes(row: &[Datum]) -> usize {
    size_of::<Row>() + row.iter().map(|value| size_of::<Datum>() + boxed_bytes(value)).sum::<usize>()
}

/// Memory of a value outside its datum.
fn boxed_bytes(value: &Datum) -> usize {
    const HEADER: usize = 16;
    match value {
        Datum::Text(text) => HEADER + text.len(),
        Datum::Bytea(bytes) => HEADER + bytes.len(),
        Datum::Array(array) => HEADER + size_of_val(&**array) + row_bytes(&array.items),
        Datum::Record(record) => HEADER + size_of_val(&**record) + row_bytes(&record.fields),
        Datum::Range(_) => HEADER + size_of::<dictdb_types::Range>(),
        Datum::Jsonb(json) => HEADER + json_bytes(json),
        _ => 0,
    }
}

fn json_bytes(json: &Jsonb) -> usize {
    size_of::<Jsonb>()
        + match json {
            Jsonb::String(text) => text.len(),
            Jsonb::Array(items) => items.iter().map(json_bytes).sum(),
            Jsonb::Object(pairs) => pairs.iter().map(|(key, value)| key.len() + json_bytes(value)).sum(),
            Jsonb::Null | Jsonb::Bool(_) | Jsonb::Number(_) => 0,
        }
}
