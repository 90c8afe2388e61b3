//! Counters of checkpoints, for `pg_stat_bgwriter`.

use std::sync::atomic::AtomicU64;

/// What checkpoints have cost since the server started.
#[derive(Debug, Default)]
pub struct CheckpointStatistics {
    /// Checkpoints by `checkpoint_timeout`.
    pub timed: AtomicU64,
    /// Checkpoints by size, command, shutdown.
    pub requested: AtomicU64,
    /// Milliseconds spent writing.
    pub write_millis: AtomicU64,
    /// Milliseconds spent making files durable.
    pub sync_millis: AtomicU64,
    /// Bytes written.
    pub bytes: AtomicU64,
}
