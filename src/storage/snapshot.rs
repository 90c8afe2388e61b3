//! Snapshots and the pins that keep what they see from being reclaimed.
//!
//! A pin is one word in a table that garbage collection scans. A session has a cache line of eight, so that taking a
//! snapshot touches nothing that other sessions write.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use dictdb_types::CommitTs;
use parking_lot::Mutex;

use crate::session::SessionState;
use crate::version::{View, Writer};
use crate::writers::Writers;

const LINE: usize = 8;
const CHUNK: usize = 64;
const CHUNKS: usize = 4096;
const UNPINNED: u64 = u64::MAX;

/// What a statement sees: everything committed up to a moment, and its own transaction's earlier commands.
///
/// While it lives, no version it can see is reclaimed. One that sees own writes must not outlive its transaction.
pub struct Snapshot {
    view: View,
    pin: Pin,
}

impl Snapshot {
    pub(crate) fn take(session: &Arc<SessionState>, own: Option<Writer>, command: u32) -> Self {
        let pin = Pin::claim(session);
        let ts = pin.set_to_now();
        Snapshot { view: View { ts, own, command }, pin }
    }

    /// An earlier moment that another snapshot holds meanwhile.
    pub(crate) fn at(session: &Arc<SessionState>, ts: CommitTs) -> Self {
        let pin = Pin::claim(session);
        pin.cell().store(ts.0, Ordering::SeqCst);
        Snapshot { view: View { ts: ts.0, own: None, command: 0 }, pin }
    }

    /// The same moment for a later command.
    pub(crate) fn at_command(&self, own: Option<Writer>, command: u32) -> Self {
        let pin = Pin::claim(&self.pin.session);
        pin.cell().store(self.view.ts, Ordering::SeqCst);
        Snapshot { view: View { ts: self.view.ts, own, command }, pin }
    }

    /// The last commit it sees.
    pub fn ts(&self) -> CommitTs {
        CommitTs(self.view.ts)
    }

    /// The command that its statement's writes belong to.
    pub fn command(&self) -> u32 {
        self.view.command
    }

    #[inline]
    pub(crate) fn writers(&self) -> &Writers {
        &self.pin.session.shared.writers
    }

    #[inline]
    pub(crate) fn view(&self) -> &View {
        &self.view
    }
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        self.at_command(self.view.own, self.view.command)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.view.fmt(f)
    }
}

/// One claimed pin.
struct Pin {
    session: Arc<SessionState>,
    /// Line and position in it.
    line: u32,
    index: u32,
}

impl Pin {
    fn claim(session: &Arc<SessionState>) -> Self {
        let (line, index) = session.claim_pin();
        Pin { session: session.clone(), line, index }
    }

    fn cell(&self) -> &AtomicU64 {
        &self.session.shared.pins.line(self.line).0[self.index as usize]
    }

    /// Pins the newest commit. If one is published in between, what was pinned may be gone: once more.
    fn set_to_now(&self) -> u64 {
        let clock = &self.session.shared.clock;
        let mut ts = clock.load(Ordering::SeqCst);
        loop {
            self.cell().store(ts, Ordering::SeqCst);
            let now = clock.load(Ordering::SeqCst);
            if now == ts {
                return ts;
            }
            ts = now;
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.cell().store(UNPINNED, Ordering::Release);
        self.session.release_pin(self.line, self.index);
    }
}

/// A cache line of pins.
#[repr(align(64))]
pub(crate) struct Line([AtomicU64; LINE]);

/// All pins.
pub(crate) struct Pins {
    chunks: Vec<OnceLock<Box<[Line]>>>,
    lines: AtomicU32,
    free: Mutex<Vec<u32>>,
}

impl Pins {
    pub(crate) fn new() -> Self {
        Pins {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            lines: AtomicU32::new(0),
            free: Mutex::new(Vec::new()),
        }
    }

    fn line(&self, line: u32) -> &Line {
        let line = line as usize % (CHUNK * CHUNKS);
        let chunk = self.chunks[line / CHUNK]
            .get_or_init(|| (0..CHUNK).map(|_| Line(std::array::from_fn(|_| AtomicU64::new(UNPINNED)))).collect());
        &chunk[line % CHUNK]
    }

    pub(crate) fn claim_line(&self) -> u32 {
        if let Some(line) = self.free.lock().pop() {
            return line;
        }
        self.lines.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn release_line(&self, line: u32) {
        self.free.lock().push(line);
    }

    /// Lines to look at for the oldest pin.
    pub(crate) fn lines(&self) -> u32 {
        self.lines.load(Ordering::Relaxed)
    }

    /// The oldest commit that is somebody's present, not after `now`, which the caller read before.
    pub(crate) fn oldest(&self, now: u64) -> u64 {
        let lines = self.lines.load(Ordering::SeqCst);
        let pins = (0..lines).flat_map(|line| &self.line(line).0);
        pins.map(|pin| pin.load(Ordering::SeqCst)).fold(now, u64::min)
    }
}

/// Pins of one session: the free ones of its line as a bit mask.
pub(crate) struct SessionPins {
    line: u32,
    free: AtomicU32,
}

impl SessionPins {
    pub(crate) fn new(pins: &Pins) -> Self {
        SessionPins { line: pins.claim_line(), free: AtomicU32::new((1 << LINE) - 1) }
    }

    /// A pin of the session's own line, or the first of a fresh line.
    pub(crate) fn claim(&self, pins: &Pins) -> (u32, u32) {
        let claimed = self.free.fetch_update(Ordering::Acquire, Ordering::Relaxed, |free| match free {
            0 => None,
            _ => Some(free & (free - 1)),
        });
        match claimed {
            Ok(free) => (self.line, free.trailing_zeros()),
            Err(_) => (pins.claim_line(), 0),
        }
    }

    pub(crate) fn release(&self, pins: &Pins, line: u32, index: u32) {
        if line == self.line {
            self.free.fetch_or(1 << index, Ordering::Release);
        } else {
            pins.release_line(line);
        }
    }

    /// The oldest moment that a snapshot of the session's own line holds.
    pub(crate) fn oldest(&self, pins: &Pins) -> u64 {
        pins.line(self.line).0.iter().map(|pin| pin.load(Ordering::SeqCst)).fold(UNPINNED, u64::min)
    }

    pub(crate) fn close(&self, pins: &Pins) {
        pins.release_line(self.line);
    }
}
