//! `archive_command`: a command of the operator's takes care of every complete segment of the log, one after the other.
//!
//! A segment stays until the command has ended with 0; what fails is tried again, and nothing behind it is before.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use crate::{Durability, command};

/// How often it is looked for complete segments, and at the settings.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Tries at once of a segment; between them, and after them, there is a pause.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// The last segment that something happened to.
#[derive(Clone, Debug)]
pub struct ArchiveEvent {
    /// Its name.
    pub segment: String,
    /// When.
    pub at: SystemTime,
}

/// What became of segments since the server started, for `pg_stat_archiver`.
#[derive(Clone, Debug)]
pub struct ArchiverStatistics {
    /// Segments that were archived.
    pub archived: u64,
    /// The last of them.
    pub last_archived: Option<ArchiveEvent>,
    /// Failures of the command.
    pub failed: u64,
    /// The last of them.
    pub last_failed: Option<ArchiveEvent>,
    /// Since when is counted.
    pub since: SystemTime,
}

impl Default for ArchiverStatistics {
    fn default() -> Self {
        let since = SystemTime::now();
        ArchiverStatistics { archived: 0, last_archived: None, failed: 0, last_failed: None, since }
    }
}

/// The state of the archiver.
#[derive(Debug, Default)]
pub(crate) struct Archiver {
    pub(crate) statistics: Mutex<ArchiverStatistics>,
}

impl Durability {
    /// What became of segments since the server started.
    pub fn archiver_statistics(&self) -> ArchiverStatistics {
        self.archiver.statistics.lock().clone()
    }

    /// Starts the thread of `archive_mode`.
    pub(crate) fn start_archiver(self: &Arc<Self>) -> std::io::Result<()> {
        let own = Arc::downgrade(self);
        std::thread::Builder::new().name("dictdb-archiver".to_owned()).spawn(move || run(&own)).map(drop)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// `archive_command` or `restore_command` for a segment and a path of it.
    pub(crate) fn about_segment(&self, command: &str, name: &str, path: &Path) -> String {
        let path = path.strip_prefix(self.directory.root()).unwrap_or(path);
        command::expand(command, &path.to_string_lossy(), name, &self.log.file_name(self.last_checkpoint().lsn))
    }

    /// Archives what there is. Returns how long to wait before the next look.
    fn archive_segments(&self) -> Duration {
        let command = self.tuning.lock().archive_command.clone();
        if command.is_empty() {
            return LOOK_INTERVAL;
        }
        let segments = self.log.unmarked().unwrap_or_else(|error| {
            tracing::error!("could not look for segments to archive: {error}");
            Vec::new()
        });
        for segment in segments {
            let mut failures = 0;
            while !self.archive_segment(&command, &segment) {
                failures += 1;
                if self.is_closing() {
                    return LOOK_INTERVAL;
                }
                if failures == TRIES {
                    let name = name_of(&segment);
                    tracing::warn!(
                        "archiving write-ahead log file \"{name}\" failed too many times, will try again later"
                    );
                    return LONG_PAUSE;
                }
                std::thread::sleep(PAUSE);
            }
        }
        LOOK_INTERVAL
    }

    /// Runs the command over a segment; whether it did its work.
    fn archive_segment(&self, command: &str, segment: &Path) -> bool {
        let name = name_of(segment);
        let command = self.about_segment(command, &name, segment);
        let failure = match command::run(&command, self.directory.root(), || self.is_closing()) {
            Ok(0) => self.log.mark_archived(segment).err().map(|error| error.to_string()),
            Ok(code) => Some(format!("archive command failed with exit code {code}")),
            Err(error) => Some(format!("archive command could not be run: {error}")),
        };
        let event = Some(ArchiveEvent { segment: name, at: SystemTime::now() });
        let mut statistics = self.archiver.statistics.lock();
        match &failure {
            None => {
                statistics.archived += 1;
                statistics.last_archived = event;
            }
            Some(failure) => {
                statistics.failed += 1;
                statistics.last_failed = event;
                tracing::warn!("{failure}: the failed archive command was: {command}");
            }
        }
        failure.is_none()
    }
}

fn name_of(segment: &Path) -> String {
    segment.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The archiver's thread: until the server stops.
fn run(durability: &Weak<Durability>) {
    let mut pause = LOOK_INTERVAL;
    loop {
        let mut waited = Duration::ZERO;
        while waited < pause {
            std::thread::sleep(LOOK_INTERVAL);
            waited += LOOK_INTERVAL;
            if durability.upgrade().is_none_or(|durability| durability.is_closing()) {
                return;
            }
        }
        let Some(durability) = durability.upgrade() else { return };
        pause = durability.archive_segments();
    }
}
