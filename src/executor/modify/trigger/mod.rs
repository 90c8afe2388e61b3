//! Triggers of a relation as changes see them: which there are for what, and whether one fires.
//!
//! ```text
//!   BEFORE STATEMENT   once, before the first row       statement
//!   BEFORE ROW         may change or skip the row       row
//!   AFTER ROW          queued with the row's images     after ──► Events, or the transaction's queue if deferred
//!   AFTER STATEMENT    queued after the last row        statement
//! ```
//! The functions themselves run in the session: [`crate::TriggerFunctions`].

mod after;
mod capture;
mod row;
mod statement;
mod tables;

use std::sync::{Arc, OnceLock};

use dictdb_catalog::trigger::{Event, Timing};
use dictdb_catalog::{Catalog, Relation, Trigger};
use dictdb_planner::BindContext;
use dictdb_planner::trigger_when::bind_when_text;
use dictdb_types::{Datum, Result};

pub(crate) use after::AfterTrigger;
pub(crate) use capture::Capture;
pub(crate) use row::RowUpdate;
pub(crate) use statement::fire_truncate;
pub(crate) use tables::TableEvents;

use super::target::place;
use super::writer::Writer;
use crate::context::{ExecContext, Transition, TriggerCall};
use crate::eval::{Code, CompileContext, Scope, compile};
use crate::row::Row;

/// A trigger.
#[derive(Debug)]
pub(crate) struct TriggerCode {
    /// As the catalog has it.
    pub trigger: Arc<Trigger>,
    /// The relation it is on.
    relation: Arc<Relation>,
    /// Places of UPDATE OF; none: any.
    columns: Box<[usize]>,
    /// WHEN over the old row and the new row, bound when it is first needed.
    when: OnceLock<Code>,
}

/// All triggers of a relation, in the order they fire.
#[derive(Debug)]
pub(crate) struct Triggers {
    all: Box<[Arc<TriggerCode>]>,
    /// [`kind`]s that are there, as bits.
    kinds: u32,
}

/// What happened to a row, or (without rows) that a statement was run.
#[derive(Clone, Copy)]
pub(crate) struct Happening<'r> {
    pub event: Event,
    /// Places that an UPDATE sets.
    pub assigned: &'r [usize],
    pub old: Option<&'r Row>,
    pub new: Option<&'r Row>,
}

/// A bit for triggers of one timing, level and event.
const fn kind(timing: Timing, row: bool, event: Event) -> u32 {
    1 << (timing as u32 * 8 + if row { 4 } else { 0 } + event as u32)
}

impl Triggers {
    /// The triggers of a relation; `None` where there are none, which is the usual case.
    pub fn of_relation(relation: &Arc<Relation>, catalog: &Catalog) -> Result<Option<Box<Self>>> {
        if !catalog.has_triggers() {
            return Ok(None);
        }
        let all = catalog.triggers_of(relation.oid).map(|trigger| TriggerCode::new(trigger, relation));
        let all = all.collect::<Result<Box<[_]>>>()?;
        if all.is_empty() {
            return Ok(None);
        }
        let mut kinds = 0;
        for code in &all {
            let trigger = &code.trigger;
            let events = Event::ALL.into_iter().filter(|event| trigger.is_for(*event));
            kinds |= events.fold(0, |kinds, event| kinds | kind(trigger.timing, trigger.row, event));
        }
        Ok(Some(Box::new(Triggers { all, kinds })))
    }

    /// Whether there are triggers of this kind.
    pub fn has(&self, timing: Timing, row: bool, event: Event) -> bool {
        self.kinds & kind(timing, row, event) != 0
    }

    fn of(&self, timing: Timing, row: bool, event: Event) -> impl Iterator<Item = &Arc<TriggerCode>> {
        let fits = move |trigger: &Trigger| trigger.timing == timing && trigger.row == row && trigger.is_for(event);
        self.all.iter().filter(move |code| fits(&code.trigger))
    }
}

impl TriggerCode {
    fn new(trigger: &Arc<Trigger>, relation: &Arc<Relation>) -> Result<Arc<Self>> {
        let columns = trigger.columns.iter().map(|attnum| place(*attnum)).collect::<Result<_>>()?;
        Ok(Arc::new(TriggerCode {
            trigger: trigger.clone(),
            relation: relation.clone(),
            columns,
            when: OnceLock::new(),
        }))
    }

    /// Whether the trigger fires: it is enabled, a column of UPDATE OF is set, and WHEN holds.
    fn fires(&self, happening: Happening<'_>, writer: &Writer<'_>) -> Result<bool> {
        let enabled = self.trigger.firing.fires(writer.cx.session.is_replica());
        let concerns = happening.event != Event::Update
            || self.columns.is_empty()
            || happening.assigned.iter().any(|place| self.columns.contains(place));
        if !enabled || !concerns {
            return Ok(false);
        }
        let Some(condition) = self.condition(writer)? else { return Ok(true) };
        let width = self.relation.columns.len();
        let mut both = Row::with_capacity(2 * width);
        for row in [happening.old, happening.new] {
            match row {
                Some(row) => both.extend_from_slice(row),
                None => both.extend(std::iter::repeat_n(Datum::Null, width)),
            }
        }
        condition.is_true(Scope::of_table(&*writer.cx.env, &both))
    }

    fn condition(&self, writer: &Writer<'_>) -> Result<Option<&Code>> {
        let Some(text) = &self.trigger.when else { return Ok(None) };
        if let Some(code) = self.when.get() {
            return Ok(Some(code));
        }
        let (catalog, env) = (&writer.cx.catalog, &*writer.cx.env);
        let search_path = [dictdb_catalog::namespaces::PG_CATALOG];
        let registry = writer.engine.registry();
        let role = dictdb_catalog::BOOTSTRAP_ROLE;
        let bind = BindContext { catalog, registry, env, search_path: &search_path, role, transient: &[] };
        let bound = bind_when_text(text, &self.relation, bind)?;
        let code = compile(&bound.expr, &CompileContext::of_table(&**catalog))?;
        Ok(Some(self.when.get_or_init(|| code)))
    }

    /// Calls its function; the row it returns.
    fn call(
        &self,
        happening: Happening<'_>,
        transition: Option<&Arc<Transition>>,
        cx: &ExecContext,
    ) -> Result<Option<Row>> {
        cx.session.call_trigger(&TriggerCall {
            trigger: &self.trigger,
            relation: &self.relation,
            event: happening.event,
            assigned: happening.assigned,
            old: happening.old,
            new: happening.new,
            transition,
        })
    }
}
