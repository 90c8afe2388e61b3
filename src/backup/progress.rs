//! How far a backup has come, and whether it should go on.

use std::sync::atomic::{AtomicU64, Ordering};

use dictdb_types::Result;

use crate::pace::Pace;

/// Counted by the one who works, looked at by others.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows to do, about.
    pub total_rows: AtomicU64,
    /// Rows done.
    pub rows: AtomicU64,
}

/// What long work has at hand: somebody to tell and somebody to ask.
pub struct Work<'a> {
    /// Told how far it is.
    pub progress: &'a Progress,
    /// Asked often; an error ends the work.
    pub check: &'a dyn Fn() -> Result<()>,
    /// Whom it gives way to.
    pub pace: Pace<'a>,
}

impl Work<'_> {
    pub(crate) fn begin(&self, rows: u64) {
        self.progress.total_rows.store(rows, Ordering::Relaxed);
    }

    pub(crate) fn done(&self, rows: u64) -> Result<()> {
        self.progress.rows.fetch_add(rows, Ordering::Relaxed);
        (self.check)()
    }
}
