//! How far recovery is, to be read while it runs and afterwards.

use dictdb_wal::Lsn;
use parking_lot::Mutex;

use crate::hook::now_micros;

/// Where a start is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecoveryPhase {
    /// The directory is not open yet.
    #[default]
    Waiting,
    /// The newest snapshot is read.
    Checkpoint,
    /// The log after it is read.
    Log,
    /// Indexes are built.
    Indexes,
    /// It is over.
    Done,
}

impl RecoveryPhase {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            RecoveryPhase::Waiting => "waiting",
            RecoveryPhase::Checkpoint => "checkpoint",
            RecoveryPhase::Log => "log",
            RecoveryPhase::Indexes => "indexes",
            RecoveryPhase::Done => "done",
        }
    }
}

/// What a start has done so far.
#[derive(Clone, Debug, Default)]
pub struct RecoveryStatus {
    /// Where it is.
    pub phase: RecoveryPhase,
    /// When it began, in microseconds since 1970.
    pub started_micros: Option<i64>,
    /// When it was over.
    pub finished_micros: Option<i64>,
    /// The position of the snapshot; `None` when there was none.
    pub checkpoint_lsn: Option<Lsn>,
    /// Size of the snapshot.
    pub checkpoint_bytes: u64,
    /// How much of it has been read.
    pub checkpoint_bytes_done: u64,
    /// How far the log has been read; at the end, where it ends.
    pub end_lsn: Lsn,
    /// Bytes of the log that have been read.
    pub log_bytes: u64,
    /// About how many there are.
    pub log_bytes_total: u64,
    /// Records that have been applied.
    pub records: u64,
    /// Whether the last server had stopped cleanly: nothing was in the log after its snapshot.
    pub was_clean: bool,
}

impl RecoveryStatus {
    /// From 0 to 1: bytes read of those there are.
    pub fn progress(&self) -> f64 {
        if self.phase == RecoveryPhase::Done {
            return 1.0;
        }
        let total = (self.checkpoint_bytes + self.log_bytes_total).max(1);
        ((self.checkpoint_bytes_done + self.log_bytes) as f64 / total as f64).min(1.0)
    }
}

/// A status that somebody may watch.
#[derive(Debug, Default)]
pub struct RecoveryProgress(Mutex<RecoveryStatus>);

impl RecoveryProgress {
    /// How it stands.
    pub fn status(&self) -> RecoveryStatus {
        self.0.lock().clone()
    }

    /// A phase begins.
    pub fn enter(&self, phase: RecoveryPhase) {
        let mut status = self.0.lock();
        status.phase = phase;
        match phase {
            RecoveryPhase::Checkpoint => status.started_micros = Some(now_micros()),
            RecoveryPhase::Done => status.finished_micros = Some(now_micros()),
            _ => {}
        }
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut RecoveryStatus)) {
        change(&mut self.0.lock());
    }
}
