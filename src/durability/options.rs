//! Where and how to keep data.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::RecoveryProgress;
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
    /// `wal_writer_delay`.
    pub writer_delay: Duration,
    /// What can be changed later.
    pub tuning: Tuning,
    /// `archive_mode`: segments stay until `archive_command` has taken care of them.
    pub archives: bool,
    /// Whether threads write the log and checkpoints; otherwise tests do.
    pub threads: bool,
    /// Where recovery says how far it is.
    pub progress: Arc<RecoveryProgress>,
}

impl Options {
    /// PostgreSQL's defaults for a directory of the real disk.
    pub fn new(directory: impl Into<PathBuf>, first_database: (Oid, Arc<str>)) -> Self {
        Options {
            disk: Arc::new(RealDisk),
            directory: directory.into(),
            first_database,
            segment_bytes: SEGMENT_BYTES,
            writer_delay: Duration::from_millis(200),
            tuning: Tuning::default(),
            archives: false,
            threads: true,
            progress: Arc::default(),
        }
    }
}

/// What can be changed while the data directory is open.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// `fsync`.
    pub fsync: bool,
    /// `checkpoint_timeout`.
    pub checkpoint_timeout: Duration,
    /// `max_wal_size`.
    pub max_wal_bytes: u64,
    /// `wal_keep_size`: so much of the log is kept though no recovery needs it.
    pub keep_bytes: u64,
    /// `wal_archive_directory`.
    pub archive: Option<PathBuf>,
    /// `archive_command`; empty is none.
    pub archive_command: String,
    /// `archive_timeout`: a segment is ended after so long, so that it is archived; zero is never.
    pub archive_timeout: Duration,
    /// `restore_command`: gets segments that are no longer here for RESTORE … UNTIL; empty is none.
    pub restore_command: String,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            fsync: true,
            checkpoint_timeout: Duration::from_secs(300),
            max_wal_bytes: 1 << 30,
            keep_bytes: 0,
            archive: None,
            archive_command: String::new(),
            archive_timeout: Duration::ZERO,
            restore_command: String::new(),
        }
    }
}
