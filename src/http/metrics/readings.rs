//! What is read at a scrape: from the instance, its log, and the process.

use std::sync::Arc;

use dictdb_session::meters::VERBS;
use dictdb_session::observation::{BreakerState, LogReading, Observation, STATES};

use super::names::Readings;
use super::process;
use crate::{Lifecycle, Phase};

/// Microseconds of a second.
const MICROS: f64 = 1e6;
/// Milliseconds of a second.
const MILLIS: f64 = 1e3;

/// The text of all readings; what the instance tells is absent while there is none.
pub(super) fn render(lifecycle: &Arc<Lifecycle>, observation: Option<&Observation>) -> String {
    let readings = Readings::new();
    readings.put("dictdb_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    readings.put("dictdb_ready", &[], f64::from(u8::from(lifecycle.phase() == Phase::Ready)));
    readings.put("dictdb_uptime_seconds", &[], lifecycle.uptime().as_secs_f64());
    readings.put("dictdb_start_duration_seconds", &[], lifecycle.start_duration().as_secs_f64());
    process::read(&readings);
    sockets(&readings, lifecycle);
    if let Some(observation) = observation {
        sessions(&readings, observation);
        memory(&readings, observation);
        backups(&readings, observation);
        if let Some(log) = &observation.log {
            write_ahead(&readings, log);
        }
        breakers(&readings, observation);
    }
    readings.render()
}

/// The number that alert rules compare with.
fn breaker_level(state: BreakerState) -> f64 {
    match state {
        BreakerState::Closed => 0.0,
        BreakerState::Open => 1.0,
        BreakerState::HalfOpen => 2.0,
    }
}

fn breakers(readings: &Readings, observation: &Observation) {
    for (name, state) in &observation.breakers {
        readings.put("circuit_breaker_state", &[("name", name)], breaker_level(*state));
    }
}

fn sockets(readings: &Readings, lifecycle: &Lifecycle) {
    let counts = lifecycle.census().counts();
    readings.put("websocket_connections_active", &[], counts.active as f64);
    readings.put("websocket_messages_sent_total", &[], counts.sent as f64);
    readings.put("websocket_messages_received_total", &[], counts.received as f64);
    readings.put("websocket_errors_total", &[], counts.errors as f64);
}

fn sessions(readings: &Readings, observation: &Observation) {
    let (sessions, totals) = (&observation.sessions, &observation.totals);
    for (state, count) in STATES.iter().zip(sessions.by_state) {
        readings.put("dictdb_connections", &[("state", state.name())], count as f64);
    }
    let available = sessions.limit.saturating_sub(sessions.count());
    let counts = [
        ("db_connection_pool_size", sessions.limit),
        ("db_connection_pool_available", available),
        ("dictdb_connections_opened_total", sessions.entered),
        ("dictdb_connections_refused_total", sessions.refused),
        ("dictdb_errors_total", totals.failures),
        ("dictdb_databases", observation.databases),
        ("dictdb_unsupported_total", observation.unsupported),
        ("dictdb_cached_statements", observation.cached_plans),
        ("dictdb_oldest_snapshot_age_commits", observation.oldest.snapshot_commits),
    ];
    counts.into_iter().for_each(|(name, count)| readings.put(name, &[], count as f64));
    for ((_, verb), total) in VERBS.iter().zip(&totals.verbs) {
        readings.put("dictdb_statements_total", &[("query_type", verb)], total.statements as f64);
        readings.put("dictdb_rows_total", &[("query_type", verb)], total.rows as f64);
    }
    readings.put("dictdb_transactions_total", &[("outcome", "commit")], totals.commits as f64);
    readings.put("dictdb_transactions_total", &[("outcome", "rollback")], totals.rollbacks as f64);
    readings.put("cache_hits_total", &[("cache_type", "plan")], totals.plan_hits as f64);
    readings.put("cache_misses_total", &[("cache_type", "plan")], totals.plan_misses as f64);
    results(readings, observation);
    let age = observation.oldest.transaction_micros as f64 / MICROS;
    readings.put("dictdb_oldest_transaction_age_seconds", &[], age);
}

/// The cache of results, by policy.
fn results(readings: &Readings, observation: &Observation) {
    let results = &observation.results;
    for (name, hits, misses) in &results.lookups {
        readings.put("cache_hits_total", &[("cache_type", name)], *hits as f64);
        readings.put("cache_misses_total", &[("cache_type", name)], *misses as f64);
    }
    readings.put("cache_size_bytes", &[], results.bytes as f64);
    readings.put("cache_evictions_total", &[], results.evictions as f64);
    readings.put("cache_expirations_total", &[], results.expirations as f64);
}

fn memory(readings: &Readings, observation: &Observation) {
    let memory = &observation.memory;
    let sizes = [
        ("dictdb_memory_limit_bytes", memory.limit_bytes),
        ("dictdb_memory_used_bytes", memory.reserved_bytes),
        ("dictdb_table_bytes", memory.table_bytes),
        ("dictdb_tables", memory.tables),
    ];
    sizes.into_iter().for_each(|(name, size)| readings.put(name, &[], size as f64));
}

fn backups(readings: &Readings, observation: &Observation) {
    let backups = &observation.backups;
    let numbers = [
        ("dictdb_backup_consecutive_failures", backups.consecutive_failures),
        ("dictdb_backup_deltas_since_full", backups.deltas_since_full),
        ("dictdb_backup_periodic", u64::from(backups.is_periodic)),
        ("dictdb_backup_running", u64::from(backups.is_running)),
    ];
    numbers.into_iter().for_each(|(name, number)| readings.put(name, &[], number as f64));
    if let Some(micros) = backups.last_success_micros {
        readings.put("dictdb_backup_last_success_timestamp_seconds", &[], micros as f64 / MICROS);
    }
}

fn write_ahead(readings: &Readings, log: &LogReading) {
    let checkpoints = &log.checkpoints;
    let numbers = [
        ("dictdb_wal_appended_bytes", log.appended as f64),
        ("dictdb_wal_durable_bytes", log.durable as f64),
        ("dictdb_wal_records_total", log.records as f64),
        ("dictdb_wal_bytes_total", log.bytes as f64),
        ("dictdb_wal_writes_total", log.writes as f64),
        ("dictdb_wal_syncs_total", log.syncs as f64),
        ("dictdb_wal_batches_total", log.batches as f64),
        ("dictdb_wal_buffer_full_total", log.buffer_full as f64),
        ("dictdb_wal_sync_seconds_total", log.sync_micros as f64 / MICROS),
        ("dictdb_checkpoint_bytes_total", checkpoints.bytes as f64),
        ("dictdb_checkpoint_write_seconds_total", checkpoints.write_millis as f64 / MILLIS),
        ("dictdb_checkpoint_sync_seconds_total", checkpoints.sync_millis as f64 / MILLIS),
        ("dictdb_last_checkpoint_bytes", checkpoints.last_bytes as f64),
        ("dictdb_last_checkpoint_timestamp_seconds", checkpoints.last_micros as f64 / MICROS),
    ];
    numbers.into_iter().for_each(|(name, number)| readings.put(name, &[], number));
    for (reason, count) in [("timed", checkpoints.timed), ("requested", checkpoints.requested)] {
        readings.put("dictdb_checkpoints_total", &[("reason", reason)], count as f64);
    }
}
