//! `pg_stat_get_…`: what storage and sessions count. What cannot happen here (blocks read from disk, temporary files,
//! conflicts with a standby, a background writer, autovacuum) has happened zero times; a counter nobody keeps is NULL.

use std::sync::Arc;
use std::time::Duration;

use dictdb_functions::{CallContext, ScalarFn};
use dictdb_storage::TableStats;
use dictdb_types::{Datum, Oid, Result};

use super::arguments::{oid, session, unknown_record};
use crate::function_statistics::FunctionCounts;
use crate::instance::{Database, Instance};
use crate::meters::{Totals, Verb};
use crate::statistics_resets::{ResetTarget, TupleCounts};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_stat_get_tuples_inserted", |cx, args| changes_of_table(cx, args, |counts| counts.inserted)),
    ("pg_stat_get_tuples_updated", |cx, args| changes_of_table(cx, args, |counts| counts.updated)),
    ("pg_stat_get_tuples_deleted", |cx, args| changes_of_table(cx, args, |counts| counts.deleted)),
    ("pg_stat_get_live_tuples", |cx, args| of_table(cx, args, |stats| stats.live_rows as i64)),
    ("pg_stat_get_db_tuples_inserted", |cx, args| of_database(cx, args, |counts| counts.inserted)),
    ("pg_stat_get_db_tuples_updated", |cx, args| of_database(cx, args, |counts| counts.updated)),
    ("pg_stat_get_db_tuples_deleted", |cx, args| of_database(cx, args, |counts| counts.deleted)),
    ("pg_stat_get_replication_slot", |_, _| Ok(unknown_record("pg_stat_get_replication_slot"))),
    ("pg_stat_get_subscription_stats", |_, _| Ok(unknown_record("pg_stat_get_subscription_stats"))),
    ("pg_stat_get_wal_receiver", |_, _| Ok(Datum::Null)),
    ("pg_stat_clear_snapshot", |_, _| Ok(Datum::text(""))),
    ("pg_stat_force_next_flush", |_, _| Ok(Datum::text(""))),
    ("pg_stat_get_snapshot_timestamp", uncounted),
    ("pg_stat_get_analyze_count", uncounted),
    ("pg_stat_get_autoanalyze_count", never),
    ("pg_stat_get_autovacuum_count", never),
    ("pg_stat_get_bgwriter_buf_written_checkpoints", never),
    ("pg_stat_get_bgwriter_buf_written_clean", never),
    ("pg_stat_get_bgwriter_maxwritten_clean", never),
    ("pg_stat_get_bgwriter_stat_reset_time", bgwriter_reset),
    ("pg_stat_get_blocks_fetched", never),
    ("pg_stat_get_blocks_hit", never),
    ("pg_stat_get_buf_alloc", never),
    ("pg_stat_get_buf_fsync_backend", never),
    ("pg_stat_get_buf_written_backend", never),
    ("pg_stat_get_db_active_time", |cx, args| of_totals(cx, args, |totals| millis(micros_active(totals)))),
    ("pg_stat_get_db_blk_read_time", no_time),
    ("pg_stat_get_db_blk_write_time", no_time),
    ("pg_stat_get_db_blocks_fetched", never),
    ("pg_stat_get_db_blocks_hit", never),
    ("pg_stat_get_db_checksum_failures", uncounted),
    ("pg_stat_get_db_checksum_last_failure", uncounted),
    ("pg_stat_get_db_conflict_all", never),
    ("pg_stat_get_db_conflict_bufferpin", never),
    ("pg_stat_get_db_conflict_lock", never),
    ("pg_stat_get_db_conflict_snapshot", never),
    ("pg_stat_get_db_conflict_startup_deadlock", never),
    ("pg_stat_get_db_conflict_tablespace", never),
    ("pg_stat_get_db_deadlocks", |cx, args| of_sessions(cx, args, |totals| totals.deadlocks)),
    ("pg_stat_get_db_idle_in_transaction_time", uncounted),
    ("pg_stat_get_db_session_time", |cx, args| sessions_of(cx, args, |(_, micros)| millis(micros))),
    ("pg_stat_get_db_sessions", |cx, args| sessions_of(cx, args, |(begun, _)| Datum::Int8(begun as i64))),
    ("pg_stat_get_db_sessions_abandoned", uncounted),
    ("pg_stat_get_db_sessions_fatal", uncounted),
    ("pg_stat_get_db_sessions_killed", uncounted),
    ("pg_stat_get_db_stat_reset_time", database_reset),
    ("pg_stat_get_db_temp_bytes", never),
    ("pg_stat_get_db_temp_files", never),
    ("pg_stat_get_db_tuples_fetched", |cx, args| of_sessions(cx, args, rows_selected)),
    ("pg_stat_get_db_tuples_returned", |cx, args| of_sessions(cx, args, rows_selected)),
    ("pg_stat_get_db_xact_commit", |cx, args| of_sessions(cx, args, |totals| totals.commits)),
    ("pg_stat_get_db_xact_rollback", |cx, args| of_sessions(cx, args, |totals| totals.rollbacks)),
    ("pg_stat_get_dead_tuples", uncounted),
    ("pg_stat_get_function_calls", |cx, args| of_function(cx, args, |own| Datum::Int8(own.calls as i64))),
    ("pg_stat_get_function_self_time", |cx, args| of_function(cx, args, |own| millis_of(own.own))),
    ("pg_stat_get_function_total_time", |cx, args| of_function(cx, args, |own| millis_of(own.total))),
    ("pg_stat_get_ins_since_vacuum", uncounted),
    ("pg_stat_get_last_analyze_time", uncounted),
    ("pg_stat_get_last_autoanalyze_time", uncounted),
    ("pg_stat_get_last_autovacuum_time", uncounted),
    ("pg_stat_get_last_vacuum_time", uncounted),
    ("pg_stat_get_mod_since_analyze", uncounted),
    ("pg_stat_get_numscans", uncounted),
    ("pg_stat_get_tuples_fetched", uncounted),
    ("pg_stat_get_tuples_hot_updated", uncounted),
    ("pg_stat_get_tuples_returned", uncounted),
    ("pg_stat_get_vacuum_count", uncounted),
    ("pg_stat_get_xact_function_calls", |cx, args| of_own_calls(cx, args, |own| Datum::Int8(own.calls as i64))),
    ("pg_stat_get_xact_function_self_time", |cx, args| of_own_calls(cx, args, |own| millis_of(own.own))),
    ("pg_stat_get_xact_function_total_time", |cx, args| of_own_calls(cx, args, |own| millis_of(own.total))),
    ("pg_stat_get_xact_numscans", uncounted),
    ("pg_stat_get_xact_tuples_deleted", uncounted),
    ("pg_stat_get_xact_tuples_fetched", uncounted),
    ("pg_stat_get_xact_tuples_hot_updated", uncounted),
    ("pg_stat_get_xact_tuples_inserted", uncounted),
    ("pg_stat_get_xact_tuples_returned", uncounted),
    ("pg_stat_get_xact_tuples_updated", uncounted),
];

fn uncounted(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Null)
}

fn never(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Int8(0))
}

fn no_time(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Float8(0.0))
}

/// Counted since the server started, or was told to begin anew.
fn bgwriter_reset(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let instance = &session(cx)?.shared.instance;
    let mark = instance.statistics_resets.shared(ResetTarget::Bgwriter);
    Ok(Datum::Timestamp(mark.map_or(instance.started, |mark| mark.at)))
}

/// NULL for a database that has never been reset.
fn database_reset(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let mark = session(cx)?.shared.instance.statistics_resets.database(oid(args, 0));
    Ok(mark.map_or(Datum::Null, |mark| Datum::Timestamp(mark.at)))
}

fn millis(micros: u64) -> Datum {
    Datum::Float8(micros as f64 / 1000.0)
}

/// Rows that queries gave; how many were looked at for them is not counted.
fn rows_selected(totals: &Totals) -> u64 {
    totals.verbs[Verb::Select as usize].rows
}

fn micros_active(totals: &Totals) -> u64 {
    totals.verbs.iter().flat_map(|verb| verb.buckets).map(|(_, micros)| micros).sum()
}

/// The database of this oid.
pub(super) fn database_named(instance: &Instance, oid: Oid) -> Option<Arc<Database>> {
    instance.databases().into_iter().find(|database| database.oid == oid)
}

/// Something of the sessions of a database, less what it stood at when it was reset; NULL when there is no such database.
fn of_totals(cx: &CallContext<'_>, args: &[Datum], value: impl Fn(&Totals) -> Datum) -> Result<Datum> {
    let instance = &session(cx)?.shared.instance;
    let Some(database) = database_named(instance, oid(args, 0)) else { return Ok(Datum::Null) };
    let now = value(&instance.backends.totals_of(&database.name));
    Ok(match instance.statistics_resets.database(database.oid) {
        Some(mark) => less(now, value(&mark.totals)),
        None => now,
    })
}

fn less(now: Datum, then: Datum) -> Datum {
    match (now, then) {
        (Datum::Int8(now), Datum::Int8(then)) => Datum::Int8((now - then).max(0)),
        (Datum::Float8(now), Datum::Float8(then)) => Datum::Float8((now - then).max(0.0)),
        (now, _) => now,
    }
}

fn of_sessions(cx: &CallContext<'_>, args: &[Datum], count: impl Fn(&Totals) -> u64) -> Result<Datum> {
    of_totals(cx, args, |totals| Datum::Int8(count(totals) as i64))
}

/// Likewise from how many sessions have begun, and the microseconds they have lasted.
fn sessions_of(cx: &CallContext<'_>, args: &[Datum], value: impl Fn((u64, u64)) -> Datum) -> Result<Datum> {
    let instance = &session(cx)?.shared.instance;
    let Some(database) = database_named(instance, oid(args, 0)) else { return Ok(Datum::Null) };
    let now = value(instance.backends.sessions_of(&database.name));
    Ok(match instance.statistics_resets.database(database.oid) {
        Some(mark) => less(now, value(mark.sessions)),
        None => now,
    })
}

fn millis_of(time: Duration) -> Datum {
    Datum::Float8(time.as_secs_f64() * 1000.0)
}

/// What was counted of a function, but for what this transaction has counted; NULL when nobody has called it. A function that is
/// dropped only by this transaction is there yet.
fn of_function(cx: &CallContext<'_>, args: &[Datum], value: impl Fn(FunctionCounts) -> Datum) -> Result<Datum> {
    let (shared, function) = (&session(cx)?.shared, oid(args, 0));
    let (database, statistics) = (&shared.database, &shared.instance.function_statistics);
    let counts = statistics.of(function, database.oid, &database.catalog.current());
    let begun = || shared.functions.lock().of(function).map(|_| FunctionCounts::default());
    Ok(counts.or_else(begun).map_or(Datum::Null, value))
}

/// What this transaction has counted of a function so far.
fn of_own_calls(cx: &CallContext<'_>, args: &[Datum], value: impl Fn(FunctionCounts) -> Datum) -> Result<Datum> {
    let counts = session(cx)?.shared.functions.lock().of(oid(args, 0));
    Ok(counts.map_or(Datum::Null, value))
}

/// Likewise of the rows of a table that have changed.
fn changes_of_table(cx: &CallContext<'_>, args: &[Datum], count: impl Fn(TupleCounts) -> u64) -> Result<Datum> {
    let env = session(cx)?;
    let instance = &env.shared.instance;
    let relation = env.catalog.relation(oid(args, 0));
    let table = relation.and_then(|relation| Some((relation.storage, instance.storage.table(relation.storage)?)));
    Ok(Datum::Int8(table.map_or(0, |(storage, table)| {
        let counts = TupleCounts::of(&table.stats()).since(instance.statistics_resets.table(storage));
        count(counts) as i64
    })))
}

/// Something of a table; zero for what is no table, as in PostgreSQL.
fn of_table(cx: &CallContext<'_>, args: &[Datum], value: impl Fn(&TableStats) -> i64) -> Result<Datum> {
    let env = session(cx)?;
    let relation = env.catalog.relation(oid(args, 0));
    let table = relation.and_then(|relation| env.shared.instance.storage.table(relation.storage));
    Ok(Datum::Int8(table.map_or(0, |table| value(&table.stats()))))
}

/// What has changed in all tables of a database since the server started.
fn counts_of_database(instance: &Instance, database: &Database) -> TupleCounts {
    let catalog = database.catalog.current();
    let tables = catalog.relations().filter_map(|relation| instance.storage.table(relation.storage));
    tables.map(|table| TupleCounts::of(&table.stats())).fold(TupleCounts::default(), TupleCounts::plus)
}

fn of_database(cx: &CallContext<'_>, args: &[Datum], count: impl Fn(TupleCounts) -> u64) -> Result<Datum> {
    let instance = &session(cx)?.shared.instance;
    let Some(database) = database_named(instance, oid(args, 0)) else { return Ok(Datum::Null) };
    let mark = instance.statistics_resets.database(database.oid).unwrap_or_default();
    Ok(Datum::Int8(count(counts_of_database(instance, &database).since(mark.tables)) as i64))
}
