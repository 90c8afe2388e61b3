//! Further questions about values, relations and the session.

use std::sync::Arc;

use dictdb_catalog::trigger::{Event, Timing};
use dictdb_catalog::{PG_DEFAULT, Relation, RelationKind};
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Result};
use jiff::Timestamp;

use super::arguments::{flag, integer, oid, records, session, values};
use crate::StatementEnv;
use crate::instance::Database;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_typeof", |cx, _| Ok(Datum::Oid(cx.arg_type(0).oid.0))),
    ("pg_relation_is_updatable", pg_relation_is_updatable),
    ("pg_column_is_updatable", pg_column_is_updatable),
    ("pg_is_other_temp_schema", pg_is_other_temp_schema),
    ("pg_my_temp_schema", |cx, _| Ok(Datum::Oid(session(cx)?.shared.temporary_schema().map_or(0, |oid| oid.0)))),
    ("pg_conf_load_time", |cx, _| Ok(Datum::Timestamp(session(cx)?.shared.instance.started))),
    ("pg_jit_available", |_, _| Ok(Datum::Bool(false))),
];

pub(super) const SETS: &[(&str, SetFn)] =
    &[("pg_tablespace_databases", pg_tablespace_databases), ("pg_timezone_names", pg_timezone_names)];

/// Whether a schema holds the temporary objects of another session.
fn pg_is_other_temp_schema(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let found = env.catalog.schema(oid(args, 0)).filter(|schema| Some(schema.oid) != env.shared.temporary_schema());
    Ok(Datum::Bool(found.is_some_and(|schema| schema.is_temporary())))
}

/// Bits of commands.
const UPDATE: i32 = 4;
const INSERT: i32 = 8;
const DELETE: i32 = 16;

/// Which commands a relation takes: a bit for each of UPDATE (4), INSERT (8), DELETE (16).
fn pg_relation_is_updatable(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    const ALL: i32 = UPDATE | INSERT | DELETE;
    let env = session(cx)?;
    let commands = match env.catalog.relation(oid(args, 0)) {
        Some(relation) if matches!(relation.kind, RelationKind::Table) => ALL,
        Some(relation) => {
            let own = updatable(env, relation, flag(args, 1)).map_or(0, |view| {
                let bits = [(view.update, UPDATE), (view.insert, INSERT), (view.delete, DELETE)];
                bits.iter().filter(|(can, _)| *can).map(|(_, bit)| bit).sum()
            });
            own | replaced(env, relation, flag(args, 1))
        }
        None => 0,
    };
    Ok(Datum::Int4(commands))
}

/// The commands that rules carry out, or those and INSTEAD OF triggers.
fn replaced(env: &StatementEnv, relation: &Relation, triggers: bool) -> i32 {
    by_rules(relation) | if triggers { by_triggers(env, relation) } else { 0 }
}

/// The commands that INSTEAD OF triggers carry out.
fn by_triggers(env: &StatementEnv, relation: &Relation) -> i32 {
    let triggers = env.catalog.triggers_of(relation.oid).filter(|trigger| trigger.timing == Timing::InsteadOf);
    triggers.fold(0, |commands, trigger| {
        let bit = |event: Event, bit: i32| if trigger.is_for(event) { bit } else { 0 };
        commands | bit(Event::Update, 4) | bit(Event::Insert, 8) | bit(Event::Delete, 16)
    })
}

/// The commands that unconditional INSTEAD rules carry out.
fn by_rules(relation: &Relation) -> i32 {
    relation.rules.iter().filter(|rule| rule.replaces()).fold(0, |commands, rule| {
        let bit = match rule.event {
            Event::Update => 4,
            Event::Insert => 8,
            Event::Delete | Event::Truncate => 16,
        };
        commands | bit
    })
}

/// What can be done through a view; `None` when nothing can.
fn updatable(env: &StatementEnv, relation: &Arc<Relation>, triggers: bool) -> Option<dictdb_planner::Updatable> {
    let path = env.search_path();
    matches!(relation.kind, RelationKind::View(_))
        .then(|| dictdb_planner::updatable(relation, triggers, env.bind_context(&path)).ok())
        .flatten()
}

fn pg_column_is_updatable(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let attnum = integer(args, 1).unwrap_or(0);
    let assignable = match env.catalog.relation(oid(args, 0)) {
        Some(relation) if matches!(relation.kind, RelationKind::Table) => attnum > 0,
        Some(relation) => {
            let is_own = |position: &usize| i32::try_from(position + 1).is_ok_and(|own| own == attnum);
            let is_replaced =
                attnum > 0 && replaced(env, relation, flag(args, 2)) & (UPDATE | DELETE) == UPDATE | DELETE;
            let view = updatable(env, relation, flag(args, 2)).filter(|view| view.update && view.delete);
            is_replaced || view.is_some_and(|view| view.columns.iter().any(is_own))
        }
        None => false,
    };
    Ok(Datum::Bool(assignable))
}

/// The databases with objects in a tablespace: all are in `pg_default`.
fn pg_tablespace_databases(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let databases = session(cx)?.shared.instance.databases();
    let tablespace = oid(args, 0);
    let is_inside = |database: &Database| {
        tablespace == PG_DEFAULT
            || database.catalog.current().relations().any(|relation| relation.tablespace == tablespace)
    };
    let inside = databases.iter().filter(|database| tablespace.is_valid() && is_inside(database));
    Ok(values(inside.map(|database| Datum::Oid(database.oid.0)).collect()))
}

/// Time zones with their offset now.
fn pg_timezone_names(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let now = Timestamp::from_microsecond(cx.env.statement_timestamp()).unwrap_or(Timestamp::UNIX_EPOCH);
    let database = jiff::tz::db();
    let row = |name: &str| {
        let zone = database.get(name).ok()?;
        let info = zone.to_offset_info(now);
        let micros = i64::from(info.offset().seconds()) * 1_000_000;
        let offset = dictdb_types::Interval { months: 0, days: 0, micros };
        Some(vec![
            Datum::text(name),
            Datum::text(info.abbreviation()),
            Datum::Interval(offset),
            Datum::Bool(info.dst().is_dst()),
        ])
    };
    let rows = database.available().filter_map(|name| row(name.as_str())).collect();
    Ok(records("pg_timezone_names", rows))
}
