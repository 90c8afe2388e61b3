//! Triggers in the session: a call of a trigger's function, and the tables its statements see besides those of the catalog.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dictdb_catalog::trigger::{Event, Timing};
use dictdb_catalog::{Language, Relation, RelationKind, Routine, Trigger};
use dictdb_executor::{Transition, TriggerCall, TriggerFunctions};
use dictdb_functions::facts::Volatility;
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_plpgsql::{Function, TriggerData};
use dictdb_types::{Datum, Error, Field, Oid, Result, SqlState, oids};
use parking_lot::Mutex;

use super::Invocation;
use super::text_search_trigger::update_document;
use crate::client::Row;
use crate::{Session, StatementEnv};

/// Functions about triggers.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_trigger_depth", pg_trigger_depth),
    ("suppress_redundant_updates_trigger", not_a_trigger),
    ("tsvector_update_trigger_byid", not_fired),
    ("tsvector_update_trigger_bycolumn", not_fired),
];

/// `pg_class.oid` that plans know the transition tables by: a function sees one of each at most.
const OLD_TABLE: Oid = Oid(u32::MAX - 1);
const NEW_TABLE: Oid = Oid(u32::MAX);

/// What a session's running triggers share with the plans of their functions.
#[derive(Default)]
pub(crate) struct RunningTriggers {
    /// `pg_trigger_depth()`.
    depth: AtomicU32,
    /// The rows that the innermost function's transition tables show.
    rows: Mutex<Option<Arc<Transition>>>,
}

/// What a session keeps of a trigger's function.
pub(crate) struct TriggerRoutine {
    trigger: Arc<Trigger>,
    routine: Arc<Routine>,
    relation: Arc<Relation>,
    pub catalog: (u64, u64),
    pub function: Arc<Function>,
    /// The columns that are not dropped.
    fields: Arc<[Field]>,
    /// Their places in the whole row, where there are dropped ones.
    places: Option<Box<[usize]>>,
    schema: Arc<str>,
    transition_tables: Arc<[Arc<Relation>]>,
}

impl TriggerFunctions for StatementEnv {
    fn is_replica(&self) -> bool {
        self.derived.is_replica
    }

    fn skips_validation(&self) -> bool {
        self.derived.skips_validation
    }

    fn is_restricted(&self) -> bool {
        self.shared.is_restricted()
    }

    fn call_trigger(&self, call: &TriggerCall<'_>) -> Result<Option<Row>> {
        if let Some(builtin) = builtin(call.trigger.function) {
            return builtin(self, call);
        }
        self.shared.in_session(|session| session.fire_trigger(call))
    }
}

/// A trigger function of PostgreSQL's own.
type Builtin = fn(&StatementEnv, &TriggerCall<'_>) -> Result<Option<Row>>;

fn builtin(function: Oid) -> Option<Builtin> {
    let proc = dictdb_functions::facts::proc_by_oid(function)?;
    match proc.name {
        "suppress_redundant_updates_trigger" => Some(suppress_redundant_updates),
        "tsvector_update_trigger" => Some(|env, call| update_document(env, call, false)),
        "tsvector_update_trigger_column" => Some(|env, call| update_document(env, call, true)),
        _ => None,
    }
}

/// 39P01 for a trigger function that a query calls.
fn not_a_trigger(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let message = "suppress_redundant_updates_trigger: not called by trigger manager";
    Err(Error::new(SqlState::E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, message))
}

/// Likewise, XX000.
fn not_fired(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Err(Error::internal("tsvector_update_trigger: not fired by trigger manager"))
}

/// Skips updates that change nothing.
fn suppress_redundant_updates(_: &StatementEnv, call: &TriggerCall<'_>) -> Result<Option<Row>> {
    let wrong = |message: &str| Err(Error::new(SqlState::E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, message.to_owned()));
    let (Event::Update, Some(old), Some(new)) = (call.event, call.old, call.new) else {
        return wrong("suppress_redundant_updates_trigger: must be called on update");
    };
    if call.trigger.timing != Timing::Before {
        return wrong("suppress_redundant_updates_trigger: must be called before update");
    }
    let image = |row: &Row| {
        let mut bytes = Vec::new();
        row.iter().for_each(|value| dictdb_types::opaque::encode(value, &mut bytes));
        bytes
    };
    Ok((image(old) != image(new)).then(|| new.clone()))
}

fn pg_trigger_depth(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let depth = StatementEnv::of(cx.env).map_or(0, |env| env.shared.triggers.depth.load(Ordering::Relaxed));
    Ok(Datum::Int4(depth as i32))
}

impl StatementEnv {
    /// The rows of a transition table; `None` for any other relation.
    pub(crate) fn transition_rows(&self, relation: Oid, columns: &[i16]) -> Option<Vec<Row>> {
        let transition = match relation {
            OLD_TABLE | NEW_TABLE => self.shared.triggers.rows.lock().clone()?,
            _ => return None,
        };
        let rows = if relation == OLD_TABLE { transition.old.lock() } else { transition.new.lock() };
        let value = |row: &Row, attnum: i16| {
            let place = usize::try_from(attnum - 1).ok();
            place.and_then(|place| row.get(place)).cloned().unwrap_or(Datum::Null)
        };
        Some(rows.iter().map(|row| columns.iter().map(|attnum| value(row, *attnum)).collect()).collect())
    }
}

impl TriggerRoutine {
    fn is_current(&self, call: &TriggerCall<'_>, routine: &Arc<Routine>, catalog: (u64, u64)) -> bool {
        self.catalog == catalog
            && Arc::ptr_eq(&self.trigger, call.trigger)
            && Arc::ptr_eq(&self.routine, routine)
            && Arc::ptr_eq(&self.relation, call.relation)
    }

    /// The row as the function sees it.
    fn shown(&self, row: &Row) -> Row {
        match &self.places {
            Some(places) => places.iter().map(|place| row.get(*place).cloned().unwrap_or(Datum::Null)).collect(),
            None => row.clone(),
        }
    }

    /// The whole row that a function has returned.
    fn whole(&self, shown: Row) -> Row {
        let Some(places) = &self.places else { return shown };
        let mut row = vec![Datum::Null; self.relation.columns.len()];
        for (place, value) in places.iter().zip(shown) {
            row[*place] = value;
        }
        row
    }
}

impl Session {
    /// Calls the function of a trigger in this session.
    fn fire_trigger(&mut self, call: &TriggerCall<'_>) -> Result<Option<Row>> {
        let routine = self.routine(call.trigger.function)?;
        let shared = self.shared.clone();
        let outer_rows = std::mem::replace(&mut *shared.triggers.rows.lock(), call.transition.cloned());
        let outer_tables = std::mem::take(&mut self.routines.calls.transition_tables);
        shared.triggers.depth.fetch_add(1, Ordering::Relaxed);
        let result = self.deeper(|session| {
            session.seeing(Volatility::Volatile, |session| {
                session.with_surroundings(&routine, |session| session.run_trigger(&routine, call))
            })
        });
        shared.triggers.depth.fetch_sub(1, Ordering::Relaxed);
        self.routines.calls.transition_tables = outer_tables;
        *shared.triggers.rows.lock() = outer_rows;
        result
    }

    fn run_trigger(&mut self, routine: &Arc<Routine>, call: &TriggerCall<'_>) -> Result<Option<Row>> {
        if routine.language != Language::Plpgsql {
            return Err(Error::unsupported(format_args!("a trigger function in {}", routine.language.name())));
        }
        let known = self.trigger_routine(routine, call)?;
        self.routines.calls.transition_tables = known.transition_tables.clone();
        let row = |row: Option<&Row>| row.map(|row| known.shown(row));
        let mut new = row(call.new);
        if let (Timing::Before, Some(new)) = (call.trigger.timing, &mut new) {
            // They are computed when all BEFORE triggers have fired.
            let generated = call.relation.live_columns().zip(new).filter(|((_, column), _)| column.generated);
            generated.for_each(|(_, value)| *value = Datum::Null);
        }
        let data = TriggerData {
            name: call.trigger.name.clone(),
            when: call.trigger.timing.words(),
            level: if call.trigger.row { "ROW" } else { "STATEMENT" },
            operation: call.event.word(),
            relation: call.relation.oid,
            table: call.relation.name.clone(),
            schema: known.schema.clone(),
            args: call.trigger.args.clone(),
            row_type: call.relation.row_type,
            fields: known.fields.clone(),
            new,
            old: row(call.old),
        };
        let returned = self.counting(routine, |session| session.call_pl_trigger(routine, &known.function, data))?;
        Ok(returned.map(|row| known.whole(row)))
    }

    /// What is kept of a trigger's function, made now or kept from before.
    fn trigger_routine(&mut self, routine: &Arc<Routine>, call: &TriggerCall<'_>) -> Result<Arc<TriggerRoutine>> {
        let catalog = self.catalog_stamp();
        if let Some(known) = self.routines.triggers.get(&call.trigger.oid)
            && known.is_current(call, routine, catalog)
        {
            return Ok(known.clone());
        }
        let relation = call.relation;
        let live: Vec<usize> = relation.live_columns().map(|(attnum, _)| attnum as usize - 1).collect();
        let fields = relation.live_columns().map(|(_, column)| Field { name: column.name.clone(), ty: column.ty });
        let result = dictdb_types::Type::new(oids::TRIGGER);
        let invocation =
            Invocation { routine: routine.oid, types: &[], result, columns: &[], args: &[], nonatomic: false };
        let env = self.env();
        let schema = env.catalog.schema(relation.namespace).map_or_else(|| Arc::from(""), |s| s.name.clone());
        // Its statements are planned over the transition tables of this trigger, so it is compiled for this trigger.
        let known = Arc::new(TriggerRoutine {
            trigger: call.trigger.clone(),
            routine: routine.clone(),
            relation: relation.clone(),
            catalog,
            function: self.compile_routine(routine, &invocation)?,
            fields: fields.collect(),
            places: (live.len() < relation.columns.len()).then(|| live.into()),
            schema,
            transition_tables: self.transition_tables(call.trigger, relation),
        });
        self.routines.triggers.insert(call.trigger.oid, known.clone());
        Ok(known)
    }

    /// The transition tables of a trigger as relations.
    fn transition_tables(&mut self, trigger: &Trigger, relation: &Arc<Relation>) -> Arc<[Arc<Relation>]> {
        let owner = self.role();
        let table = |name: &Option<Arc<str>>, oid: Oid| {
            let name = name.clone()?;
            Some(Arc::new(Relation {
                oid,
                name,
                owner,
                kind: RelationKind::Virtual,
                // Whoever runs the function may read them.
                acl: Some(vec![Arc::from("=r/postgres")]),
                constraints: Vec::new(),
                indexes: Vec::new(),
                referenced_by: Vec::new(),
                ..Relation::clone(relation)
            }))
        };
        let tables = [table(&trigger.old_table, OLD_TABLE), table(&trigger.new_table, NEW_TABLE)];
        tables.into_iter().flatten().collect()
    }
}
