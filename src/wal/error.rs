//! What goes wrong with a log: the disk, the files, or somebody else.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dictdb_types::{Error, SqlState};

/// Why the log or the data directory cannot be used.
#[derive(Clone, Debug)]
pub enum LogError {
    /// The operating system refused: 53100 when the disk is full, 58030 otherwise.
    Io {
        /// What was tried, such as `write to file`.
        action: &'static str,
        /// On which file.
        file: PathBuf,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// XX001: bytes that were durable are not what was written.
    Damaged {
        /// The file.
        file: PathBuf,
        /// Offset of the first bad byte, about.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// XX001: a file of another directory, place or version.
    Foreign {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// F0001: another server uses the directory.
    Locked {
        /// The lock file.
        file: PathBuf,
    },
    /// The log stopped after an earlier failure: that one's code.
    Stopped(Arc<LogError>),
    /// 57P01: the log was closed.
    Closed,
}

impl LogError {
    /// Wraps what the operating system said.
    pub fn io(action: &'static str, file: &Path, source: io::Error) -> Self {
        LogError::Io { action, file: file.to_path_buf(), source: Arc::new(source) }
    }

    /// The code that clients see.
    pub fn sqlstate(&self) -> SqlState {
        match self {
            LogError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => SqlState::DISK_FULL,
            LogError::Io { .. } => SqlState::IO_ERROR,
            LogError::Damaged { .. } | LogError::Foreign { .. } => SqlState::DATA_CORRUPTED,
            LogError::Locked { .. } => SqlState::LOCK_FILE_EXISTS,
            LogError::Stopped(reason) => reason.sqlstate(),
            LogError::Closed => SqlState::ADMIN_SHUTDOWN,
        }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Io { action, file, source } => {
                let reason = source.to_string();
                let reason = reason.split(" (os error").next().unwrap_or_default();
                write!(f, "could not {action} \"{}\": {reason}", file.display())
            }
            LogError::Damaged { file, offset, what } => {
                write!(f, "file \"{}\" is damaged at offset {offset}: {what}", file.display())
            }
            LogError::Foreign { file, what } => write!(f, "file \"{}\" does not belong here: {what}", file.display()),
            LogError::Locked { file } => {
                write!(f, "lock file \"{}\" is held by another server", file.display())
            }
            LogError::Stopped(reason) => write!(f, "the write-ahead log has stopped: {reason}"),
            LogError::Closed => f.write_str("the write-ahead log is closed"),
        }
    }
}

impl std::error::Error for LogError {}

impl From<LogError> for Error {
    fn from(error: LogError) -> Self {
        let client = Error::new(error.sqlstate(), error.to_string());
        match error {
            LogError::Stopped(_) => client
                .hint("Reads go on. When the disk is writable again, SELECT dictdb.resume_writes() or a CHECKPOINT saves what is in memory and goes on."),
            _ => client,
        }
    }
}
