//! Stamps and undo records: who made a version, and what was there before.
//!
//! A stamp is one word. Committed versions carry their commit timestamp. Versions of a transaction in progress
//! carry its writer identity and the number of the command that made them, so that a command does not see its own
//! writes:
//!
//! ```text
//!   63        62        61………48        47………32     31………0
//!   1         key       generation     slot        command
//! ```
//!
//! `key` says that the change is of UPDATE strength (a delete, or an update of key columns) and not merely of NO KEY
//! UPDATE strength. `slot` indexes the table of writers, `generation` tells two users of a slot apart.

use smallvec::SmallVec;

use crate::column::Saved;

/// Who made a version and when.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(pub(crate) u64);

const IN_PROGRESS: u64 = 1 << 63;
const KEY: u64 = 1 << 62;
const WRITER_SHIFT: u32 = 32;
const GENERATION_MASK: u32 = (1 << 14) - 1;

/// Slot and generation of a writing transaction, as they appear in its stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Writer(u32);

impl Writer {
    pub(crate) fn new(slot: u16, generation: u32) -> Self {
        Writer((generation & GENERATION_MASK) << 16 | slot as u32)
    }

    pub(crate) fn slot(self) -> u16 {
        self.0 as u16
    }
}

impl Stamp {
    /// A slot without a row. Nobody sees it: it is in progress for a writer that does not exist.
    pub(crate) const FREE: Stamp = Stamp(u64::MAX);

    pub(crate) fn committed(ts: u64) -> Self {
        Stamp(ts)
    }

    pub(crate) fn in_progress(writer: Writer, command: u32, key: bool) -> Self {
        Stamp(IN_PROGRESS | if key { KEY } else { 0 } | (writer.0 as u64) << WRITER_SHIFT | command as u64)
    }

    pub(crate) fn is_free(self) -> bool {
        self == Stamp::FREE
    }

    #[inline]
    pub(crate) fn is_committed(self) -> bool {
        self.0 & IN_PROGRESS == 0
    }

    /// The writer in whose transaction this version was made; meaningless for committed ones.
    #[inline]
    pub(crate) fn writer(self) -> Writer {
        Writer(((self.0 & !(IN_PROGRESS | KEY)) >> WRITER_SHIFT) as u32)
    }

    pub(crate) fn command(self) -> u32 {
        self.0 as u32
    }

    pub(crate) fn changes_key(self) -> bool {
        self.0 & KEY != 0
    }

    /// Whether this version belongs to `writer`'s transaction in progress.
    #[inline]
    pub(crate) fn is_of(self, writer: Option<Writer>) -> bool {
        !self.is_committed() && !self.is_free() && writer == Some(self.writer())
    }
}

impl std::fmt::Debug for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_free() {
            return f.write_str("free");
        }
        if self.is_committed() {
            return write!(f, "@{}", self.0);
        }
        let key = if self.changes_key() { " key" } else { "" };
        write!(f, "writer {} command {}{key}", self.writer().slot(), self.command())
    }
}

/// The version before a change: its stamp, and the old values of the columns that were changed.
#[derive(Debug)]
pub(crate) struct Undo {
    pub(crate) stamp: Stamp,
    pub(crate) deleted: bool,
    /// The change was of UPDATE strength.
    pub(crate) changed_key: bool,
    pub(crate) columns: SmallVec<[(u16, Saved); 1]>,
    pub(crate) older: Option<Box<Undo>>,
}

impl Undo {
    /// The value this record has for a column.
    pub(crate) fn column(&self, index: usize) -> Option<&Saved> {
        self.columns.iter().find(|(column, _)| *column as usize == index).map(|(_, saved)| saved)
    }
}

impl Drop for Undo {
    /// A chain can be as long as a transaction is: take it apart in a loop and not by recursion.
    fn drop(&mut self) {
        let mut next = self.older.take();
        while let Some(mut undo) = next {
            next = undo.older.take();
        }
    }
}

/// What a reader sees, without the guard that keeps it seeable: see [`Snapshot`](crate::Snapshot).
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Commits up to and including this one.
    pub(crate) ts: u64,
    /// The reader's own transaction, once it has written.
    pub(crate) own: Option<Writer>,
    /// Own writes of commands before this one.
    pub(crate) command: u32,
}
