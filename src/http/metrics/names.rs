//! Every metric that is read at a scrape: its name, its kind and what it says.

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is.
    Gauge,
}

use Kind::{Counter, Gauge};

/// The table.
pub(super) const METRICS: &[(&str, Kind, &str)] = &[
    ("cache_evictions_total", Counter, "Results that made room for others in the cache."),
    ("cache_expirations_total", Counter, "Results in the cache that were too old when they were looked for."),
    ("cache_hits_total", Counter, "Look-ups that found something in a cache."),
    ("cache_misses_total", Counter, "Look-ups that found nothing in a cache."),
    ("cache_size_bytes", Gauge, "Memory of the results in the cache."),
    ("circuit_breaker_state", Gauge, "State of a circuit breaker: 0 closed, 1 open, 2 half-open."),
    ("db_connection_pool_available", Gauge, "Sessions that may still begin."),
    ("db_connection_pool_size", Gauge, "Sessions there may be: max_connections."),
    ("dictdb_backup_consecutive_failures", Gauge, "Backups that failed since the last success."),
    ("dictdb_backup_deltas_since_full", Gauge, "Delta backups since the last full one."),
    (
        "dictdb_backup_last_success_timestamp_seconds",
        Gauge,
        "When the last backup was complete; absent before the first.",
    ),
    ("dictdb_backup_periodic", Gauge, "Whether backups are taken periodically."),
    ("dictdb_backup_running", Gauge, "Whether a backup is being taken."),
    ("dictdb_build_info", Gauge, "Version of the server, as a label."),
    ("dictdb_cached_statements", Gauge, "Statements in the plan cache."),
    ("dictdb_checkpoint_bytes_total", Counter, "Bytes that checkpoints have written."),
    ("dictdb_checkpoint_sync_seconds_total", Counter, "Time in which checkpoints made files durable."),
    ("dictdb_checkpoint_write_seconds_total", Counter, "Time in which checkpoints wrote."),
    ("dictdb_checkpoints_total", Counter, "Checkpoints, by what asked for them."),
    ("dictdb_connections", Gauge, "Sessions, by state."),
    ("dictdb_connections_opened_total", Counter, "Sessions that have begun."),
    ("dictdb_connections_refused_total", Counter, "Sessions refused for want of a place or because the server stops."),
    ("dictdb_databases", Gauge, "Databases."),
    ("dictdb_errors_total", Counter, "Messages answered with an error."),
    ("dictdb_last_checkpoint_bytes", Gauge, "Size of the last checkpoint."),
    ("dictdb_last_checkpoint_timestamp_seconds", Gauge, "When the last checkpoint was written."),
    ("dictdb_memory_limit_bytes", Gauge, "Memory that statements may hold between them."),
    ("dictdb_memory_used_bytes", Gauge, "Memory that statements hold."),
    ("dictdb_oldest_snapshot_age_commits", Gauge, "Commits since the oldest snapshot in use."),
    ("dictdb_oldest_transaction_age_seconds", Gauge, "Time since the oldest open transaction began."),
    ("dictdb_ready", Gauge, "Whether sessions may begin."),
    ("dictdb_rows_total", Counter, "Rows returned or changed, by kind of statement."),
    ("dictdb_start_duration_seconds", Gauge, "How long the start took, or has taken so far."),
    ("dictdb_statements_total", Counter, "Statements that succeeded, by kind."),
    ("dictdb_table_bytes", Gauge, "Memory of tables and indexes, approximately."),
    ("dictdb_tables", Gauge, "Tables of all databases."),
    ("dictdb_transactions_total", Counter, "Transactions, by outcome."),
    ("dictdb_unsupported_total", Counter, "Errors that said that something is not supported."),
    ("dictdb_uptime_seconds", Gauge, "Time since the process began."),
    ("dictdb_wal_appended_bytes", Gauge, "Position up to which the log has been appended to."),
    ("dictdb_wal_batches_total", Counter, "Groups of commits that shared an fdatasync."),
    ("dictdb_wal_buffer_full_total", Counter, "Commits that waited for room in the log's buffer."),
    ("dictdb_wal_bytes_total", Counter, "Bytes written to the log."),
    ("dictdb_wal_durable_bytes", Gauge, "Position up to which the log is on disk."),
    ("dictdb_wal_records_total", Counter, "Records appended to the log."),
    ("dictdb_wal_sync_seconds_total", Counter, "Time in fdatasync of the log."),
    ("dictdb_wal_syncs_total", Counter, "Calls of fdatasync for the log."),
    ("dictdb_wal_writes_total", Counter, "Calls of write for the log."),
    ("process_cpu_seconds_total", Counter, "Processor time of the process."),
    ("process_max_fds", Gauge, "File descriptors the process may have open."),
    ("process_open_fds", Gauge, "File descriptors the process has open."),
    ("process_resident_memory_bytes", Gauge, "Resident memory of the process."),
    ("process_start_time_seconds", Gauge, "When the process began."),
    ("process_virtual_memory_bytes", Gauge, "Virtual memory of the process."),
    ("websocket_connections_active", Gauge, "WebSockets that are open."),
    ("websocket_errors_total", Counter, "WebSockets that broke off, or that the server closed because of the client."),
    ("websocket_messages_received_total", Counter, "Messages received over WebSockets."),
    ("websocket_messages_sent_total", Counter, "Messages sent over WebSockets."),
];

/// What the scrape says of the queries in `dictdb.metric_queries`.
pub(super) const METRIC_QUERY_ERRORS: (&str, &str) =
    ("dictdb_metric_query_errors", "Queries of dictdb.metric_queries that failed at this scrape.");

/// Metrics that are no readings: `requests` counts them, or `histogram` writes them.
const OTHERS: &[&str] = &[
    METRIC_QUERY_ERRORS.0,
    "cache_latency_seconds",
    "db_query_duration_seconds",
    "http_request_duration_seconds",
    "http_request_size_bytes",
    "http_requests_total",
    "http_response_size_bytes",
];

/// What the names of a histogram's series end in.
const SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Whether the server exports series under this name.
pub(super) fn is_taken(name: &str) -> bool {
    let is_other = |name: &str| OTHERS.contains(&name);
    METRICS.iter().any(|(known, ..)| *known == name)
        || is_other(name)
        || SUFFIXES.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(is_other))
}

const METADATA: Metadata<'static> = Metadata::new("dictdb", Level::INFO, None);

/// Takes readings of the metrics in the table.
pub(super) struct Readings {
    recorder: PrometheusRecorder,
}

impl Readings {
    pub(super) fn new() -> Readings {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        for (name, kind, help) in METRICS {
            match kind {
                Counter => recorder.describe_counter(KeyName::from_const_str(name), None, (*help).into()),
                Gauge => recorder.describe_gauge(KeyName::from_const_str(name), None, (*help).into()),
            }
        }
        Readings { recorder }
    }

    /// A reading. Counters are exported as they are counted, in whole numbers; seconds as fractions.
    pub(super) fn put(&self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        debug_assert!(METRICS.iter().any(|(known, ..)| *known == name), "{name} is in the table");
        let labels: Vec<Label> = labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
        let key = Key::from_parts(name, labels);
        let counts = METRICS.iter().any(|(known, kind, _)| *known == name && *kind == Counter);
        if counts && !name.ends_with("_seconds_total") {
            self.recorder.register_counter(&key, &METADATA).absolute(value as u64);
        } else {
            self.recorder.register_gauge(&key, &METADATA).set(value);
        }
    }

    /// The text. The exporter's counters are whole numbers, so that counted seconds travel as gauges and get their kind here.
    pub(super) fn render(&self) -> String {
        let mut text = self.recorder.handle().render();
        for (name, kind, _) in METRICS {
            if *kind == Counter && name.ends_with("_seconds_total") {
                text = text.replace(&format!("# TYPE {name} gauge"), &format!("# TYPE {name} counter"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_counters_end_in_total() {
        assert!(METRICS.is_sorted_by_key(|(name, ..)| *name));
        for (name, kind, _) in METRICS {
            assert_eq!(*kind == Counter, name.ends_with("_total"), "{name}");
        }
    }

    #[test]
    fn counted_seconds_are_counters_with_fractions() {
        let readings = Readings::new();
        readings.put("process_cpu_seconds_total", &[], 1.5);
        readings.put("dictdb_errors_total", &[], 3.0);
        let text = readings.render();
        assert!(text.contains("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.5\n"), "{text}");
        assert!(text.contains("# TYPE dictdb_errors_total counter\ndictdb_errors_total 3\n"), "{text}");
    }
}
