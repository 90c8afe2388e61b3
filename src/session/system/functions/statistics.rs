//! `pg_stat_get_…`: what storage counts. A counter nobody keeps is NULL, not zero.

use dictdb_functions::{CallContext, ScalarFn};
use dictdb_storage::TableStats;
use dictdb_types::{Datum, Result};

use super::arguments::{oid, session, unknown_record};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_stat_get_tuples_inserted", |cx, args| of_table(cx, args, |stats| stats.inserted as i64)),
    ("pg_stat_get_tuples_updated", |cx, args| of_table(cx, args, |stats| stats.updated as i64)),
    ("pg_stat_get_tuples_deleted", |cx, args| of_table(cx, args, |stats| stats.deleted as i64)),
    ("pg_stat_get_live_tuples", |cx, args| of_table(cx, args, |stats| stats.live_rows as i64)),
    ("pg_stat_get_db_tuples_inserted", |cx, args| of_database(cx, args, |stats| stats.inserted as i64)),
    ("pg_stat_get_db_tuples_updated", |cx, args| of_database(cx, args, |stats| stats.updated as i64)),
    ("pg_stat_get_db_tuples_deleted", |cx, args| of_database(cx, args, |stats| stats.deleted as i64)),
    ("pg_stat_get_replication_slot", |_, _| Ok(unknown_record("pg_stat_get_replication_slot"))),
    ("pg_stat_get_subscription_stats", |_, _| Ok(unknown_record("pg_stat_get_subscription_stats"))),
    ("pg_stat_get_wal_receiver", |_, _| Ok(unknown_record("pg_stat_get_wal_receiver"))),
    ("pg_stat_get_analyze_count", uncounted),
    ("pg_stat_get_autoanalyze_count", uncounted),
    ("pg_stat_get_autovacuum_count", uncounted),
    ("pg_stat_get_bgwriter_buf_written_checkpoints", uncounted),
    ("pg_stat_get_bgwriter_buf_written_clean", uncounted),
    ("pg_stat_get_bgwriter_maxwritten_clean", uncounted),
    ("pg_stat_get_bgwriter_stat_reset_time", uncounted),
    ("pg_stat_get_blocks_fetched", uncounted),
    ("pg_stat_get_blocks_hit", uncounted),
    ("pg_stat_get_buf_alloc", uncounted),
    ("pg_stat_get_buf_fsync_backend", uncounted),
    ("pg_stat_get_buf_written_backend", uncounted),
    ("pg_stat_get_db_active_time", uncounted),
    ("pg_stat_get_db_blk_read_time", uncounted),
    ("pg_stat_get_db_blk_write_time", uncounted),
    ("pg_stat_get_db_blocks_fetched", uncounted),
    ("pg_stat_get_db_blocks_hit", uncounted),
    ("pg_stat_get_db_checksum_failures", uncounted),
    ("pg_stat_get_db_checksum_last_failure", uncounted),
    ("pg_stat_get_db_conflict_all", uncounted),
    ("pg_stat_get_db_conflict_bufferpin", uncounted),
    ("pg_stat_get_db_conflict_lock", uncounted),
    ("pg_stat_get_db_conflict_snapshot", uncounted),
    ("pg_stat_get_db_conflict_startup_deadlock", uncounted),
    ("pg_stat_get_db_conflict_tablespace", uncounted),
    ("pg_stat_get_db_deadlocks", uncounted),
    ("pg_stat_get_db_idle_in_transaction_time", uncounted),
    ("pg_stat_get_db_session_time", uncounted),
    ("pg_stat_get_db_sessions", uncounted),
    ("pg_stat_get_db_sessions_abandoned", uncounted),
    ("pg_stat_get_db_sessions_fatal", uncounted),
    ("pg_stat_get_db_sessions_killed", uncounted),
    ("pg_stat_get_db_stat_reset_time", uncounted),
    ("pg_stat_get_db_temp_bytes", uncounted),
    ("pg_stat_get_db_temp_files", uncounted),
    ("pg_stat_get_db_tuples_fetched", uncounted),
    ("pg_stat_get_db_tuples_returned", uncounted),
    ("pg_stat_get_db_xact_commit", uncounted),
    ("pg_stat_get_db_xact_rollback", uncounted),
    ("pg_stat_get_dead_tuples", uncounted),
    ("pg_stat_get_function_calls", uncounted),
    ("pg_stat_get_function_self_time", uncounted),
    ("pg_stat_get_function_total_time", uncounted),
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
    ("pg_stat_get_xact_function_calls", uncounted),
    ("pg_stat_get_xact_function_self_time", uncounted),
    ("pg_stat_get_xact_function_total_time", uncounted),
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

fn of_table(cx: &CallContext<'_>, args: &[Datum], value: impl Fn(&TableStats) -> i64) -> Result<Datum> {
    let env = session(cx)?;
    let relation = env.catalog.relation(oid(args, 0));
    let table = relation.and_then(|relation| env.shared.instance.storage.table(relation.storage));
    Ok(table.map_or(Datum::Null, |table| Datum::Int8(value(&table.stats()))))
}

fn of_database(cx: &CallContext<'_>, args: &[Datum], value: impl Fn(&TableStats) -> i64) -> Result<Datum> {
    let instance = &session(cx)?.shared.instance;
    let wanted = oid(args, 0);
    let Some(database) = instance.databases().into_iter().find(|database| database.oid == wanted) else {
        return Ok(Datum::Null);
    };
    let catalog = database.catalog.current();
    let tables = catalog.relations().filter_map(|relation| instance.storage.table(relation.storage));
    Ok(Datum::Int8(tables.map(|table| value(&table.stats())).sum()))
}
