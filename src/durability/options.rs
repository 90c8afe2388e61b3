//! Where and how to keep data.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dictdb_types::Oid;
use dictdb_wal::{Disk, RealDisk, SEGMENT_BYTES};

/// How to open a data directory.
#[derive(Clone)]
pub struct Options {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The directory on it.
    pub directory: PathBuf,
    /// The database of a new directory.
    pub first_database: (Oid, Arc<str>),
    /// `wal_segment_size` of a new directory.
    pub segment_bytes: u64,
    /// `fsync`.
    pub fsync: bool,
    /// `wal_writer_delay`.
    pub writer_delay: Duration,
    /// `checkpoint_timeout`.
    pub checkpoint_timeout: Duration,
    /// `max_wal_size`.
    pub max_wal_bytes: u64,
    /// Whether threads write the log and checkpoints; otherwise tests do.
    pub threads: bool,
}

impl Options {
    /// PostgreSQL's defaults for a directory of the real disk.
    pub fn new(directory: impl Into<PathBuf>, first_database: (Oid, Arc<str>)) -> Self {
        Options {
            disk: Arc::new(RealDisk),
            directory: directory.into(),
            first_database,
            segment_bytes: SEGMENT_BYTES,
            fsync: true,
            writer_delay: Duration::from_millis(200),
            checkpoint_timeout: Duration::from_secs(300),
            max_wal_bytes: 1 << 30,
            threads: true,
        }
    }
}
