//! The log as it is written: append, wait, flush, stop, go on.
//!
//! Locks, in order: `writers`, `turn`, `files`, `tail`, `waiters`. `append` takes `tail` only, copies, and makes no system call. Who holds
//! a writer writes: a committer, or the writer thread, which does what nobody waits for and what takes long.

mod flights;
mod tail;
mod waiters;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::directory::DataDirectory;
use crate::frame::Record;
use crate::replay::ZEROS;
use crate::segment::Fill;
use crate::{LogError, Lsn, SEGMENT_BYTES, archive, removal, segment};
use flights::Flights;
use tail::Tail;
use waiters::Waiters;
use writer::Writer;

pub use waiters::Durable;

/// How the log is written.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// Bytes of a segment; a whole number of megabytes, except in tests.
    pub segment_bytes: u64,
    /// `wal_writer_delay`: what nobody waits for is written after so long.
    pub delay: Duration,
    /// `fsync`: off leaves it to the operating system when bytes reach the disk.
    pub fsync: bool,
    /// Bytes that may wait for the disk before committers have to.
    pub buffer_bytes: usize,
    /// Whether threads do the writing; otherwise only [`Log::flush`] does.
    pub threads: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            segment_bytes: SEGMENT_BYTES,
            delay: Duration::from_millis(200),
            fsync: true,
            buffer_bytes: 64 * 1024 * 1024,
            threads: true,
        }
    }
}

/// What the log has done since the server started.
#[derive(Debug, Default)]
pub struct LogStatistics {
    /// Records appended.
    pub records: AtomicU64,
    /// Bytes written.
    pub bytes: AtomicU64,
    /// Calls of write.
    pub writes: AtomicU64,
    /// Calls of fdatasync.
    pub syncs: AtomicU64,
    /// Time in them.
    pub sync_micros: AtomicU64,
    /// Batches: commits in one of them share its fdatasync.
    pub batches: AtomicU64,
    /// Times a committer waited for room.
    pub buffer_full: AtomicU64,
    /// Times the log has stopped because of the disk.
    pub failures: AtomicU64,
}

/// The last time the disk failed.
#[derive(Clone, Debug)]
pub struct LastFailure {
    /// When.
    pub at: SystemTime,
    /// How.
    pub error: LogError,
}

/// A leader writes so much on its own thread; what is more is the writer thread's.
const QUICK_BYTES: u64 = 256 * 1024;
/// And while the disk syncs as fast as this: beyond it a switch of threads is no cost, but a thread that waits is.
const QUICK_SYNC_MICROS: u64 = 1000;
/// One in so many: the weight of the last fdatasync in what is known of their time.
const SYNC_WEIGHT: u64 = 8;

/// The part of the buffer from which on it is written though nobody waits.
const EARLY_PART: usize = 8;

/// So many fdatasyncs at a time: a disk takes a second one while it is at the first; a third gains nothing.
const WRITERS: usize = 2;

/// `Shared::sleep` of a writer that works.
const AWAKE: u8 = 0;
/// Sleeps, and looks after `delay` whether something was appended.
const DOZING: u8 = 1;
/// Sleeps until it is woken.
const ASLEEP: u8 = 2;

struct Shared {
    directory: Arc<DataDirectory>,
    segment_bytes: u64,
    options: LogOptions,
    fsync: AtomicBool,
    tail: Mutex<Tail>,
    /// Records in it.
    waiting: AtomicU64,
    /// Who syncs. All of them together: nothing is on its way.
    writers: [Mutex<Writer>; WRITERS],
    /// Who takes from the tail and writes that to its place.
    turn: Mutex<()>,
    flights: Flights,
    waiters: Waiters,
    appended: AtomicU64,
    durable: AtomicU64,
    /// The writer thread is to write up to here.
    requested: AtomicU64,
    /// Who wrote last.
    leader: AtomicU64,
    /// How long an fdatasync has taken of late.
    sync_micros: AtomicU64,
    sleep: AtomicU8,
    bed: Mutex<()>,
    alarm: Condvar,
    stopped: AtomicBool,
    reason: Mutex<Option<LogError>>,
    last_failure: Mutex<Option<LastFailure>>,
    closing: AtomicBool,
    /// Files of segments are made and removed by one thread at a time.
    files: Mutex<()>,
    to_prepare: Mutex<Option<Lsn>>,
    /// The last segment that was.
    prepared: AtomicU64,
    prepare: Condvar,
    statistics: LogStatistics,
}

/// An open log. Dropped, it writes what was appended.
pub struct Log {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Log {
    /// Opens the log to append at `end`, where [`replay`](crate::replay) ended. What was torn there is erased.
    pub fn open(directory: Arc<DataDirectory>, end: Lsn, options: LogOptions) -> Result<Log, LogError> {
        erase_after(&directory, end, options.segment_bytes)?;
        let shared = Arc::new(Shared {
            segment_bytes: options.segment_bytes,
            fsync: AtomicBool::new(options.fsync),
            tail: Mutex::new(Tail::new(end, options.segment_bytes, directory.identifier())),
            waiting: AtomicU64::default(),
            writers: Default::default(),
            turn: Mutex::default(),
            flights: Flights::default(),
            waiters: Waiters::default(),
            appended: AtomicU64::new(end.0),
            durable: AtomicU64::new(end.0),
            requested: AtomicU64::new(end.0),
            leader: AtomicU64::default(),
            sync_micros: AtomicU64::default(),
            sleep: AtomicU8::new(AWAKE),
            bed: Mutex::default(),
            alarm: Condvar::new(),
            stopped: AtomicBool::new(false),
            reason: Mutex::default(),
            last_failure: Mutex::default(),
            closing: AtomicBool::new(false),
            files: Mutex::default(),
            to_prepare: Mutex::default(),
            prepared: AtomicU64::default(),
            prepare: Condvar::new(),
            statistics: LogStatistics::default(),
            directory,
            options,
        });
        let mut threads = Vec::new();
        if options.threads {
            let spawn = |name: &str, run: fn(&Shared)| {
                let shared = shared.clone();
                std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared))
            };
            for (name, run) in [("dictdb-wal", writer::run as fn(&Shared)), ("dictdb-wal-ahead", writer::run_ahead)] {
                let thread = spawn(name, run);
                threads.push(thread.map_err(|e| LogError::io("start the writer of", shared.directory.root(), e))?);
            }
        }
        Ok(Log { shared, threads: Mutex::new(threads) })
    }

    /// Fails if the log has stopped; waits while too much is not yet written. Before every [`Log::append`], outside its lock.
    pub fn admit(&self) -> Result<(), LogError> {
        self.shared.check()?;
        let (waiting, room) = (self.shared.tail.lock().len(), self.shared.options.buffer_bytes);
        if waiting > room {
            self.shared.statistics.buffer_full.fetch_add(1, Ordering::Relaxed);
            let end = self.appended();
            return self.durable_at(end).block();
        }
        if waiting > room / EARLY_PART {
            // Written while more is appended: who fills the buffer seldom has to wait for it.
            self.shared.request(self.appended());
        }
        Ok(())
    }

    /// Copies a record to the end of the log. Returns the position after it, which is durable when the record is. The caller
    /// keeps the order, and calls [`Log::wait`] or [`Log::flush_soon`] afterwards.
    pub fn append(&self, record: &Record) -> Lsn {
        let shared = &*self.shared;
        let durable = Lsn(shared.durable.load(Ordering::Acquire));
        let mut tail = shared.tail.lock();
        let end = tail.append(record, durable);
        // Under the lock, so that it never goes back.
        shared.appended.store(end.0, Ordering::Release);
        shared.waiting.store(tail.records(), Ordering::Relaxed);
        drop(tail);
        shared.statistics.records.fetch_add(1, Ordering::Relaxed);
        end
    }

    /// Ends the segment early, so that it can be archived; does nothing when nothing is in it. Returns the position after it.
    pub fn switch_segment(&self) -> Lsn {
        let shared = &*self.shared;
        let durable = Lsn(shared.durable.load(Ordering::Acquire));
        let mut tail = shared.tail.lock();
        let end = tail.switch_segment(durable);
        shared.appended.store(end.0, Ordering::Release);
        end
    }

    /// The end of what was appended.
    pub fn appended(&self) -> Lsn {
        Lsn(self.shared.appended.load(Ordering::Acquire))
    }

    /// What is on disk.
    pub fn durable(&self) -> Lsn {
        Lsn(self.shared.durable.load(Ordering::Acquire))
    }

    /// Whether everything up to a position is on disk.
    #[inline]
    pub fn is_durable(&self, lsn: Lsn) -> bool {
        self.durable() >= lsn
    }

    /// Waits, as a future or by [`Durable::block`], until a position is on disk. Fails when the log stops before.
    pub fn durable_at(&self, lsn: Lsn) -> Durable {
        Durable::new(self.shared.clone(), lsn)
    }

    /// Has what was appended written after `wal_writer_delay`, though nobody waits.
    pub fn flush_soon(&self) {
        if self.shared.sleep.load(Ordering::SeqCst) == ASLEEP {
            self.shared.wake_writer();
        }
    }

    /// Writes and syncs what was appended, on this thread.
    pub fn flush(&self) -> Result<(), LogError> {
        self.shared.flush()
    }

    /// `fsync`.
    pub fn fsync(&self) -> bool {
        self.shared.fsync.load(Ordering::Relaxed)
    }

    /// Changes `fsync`.
    pub fn set_fsync(&self, on: bool) {
        self.shared.fsync.store(on, Ordering::Relaxed);
    }

    /// Why the log has stopped, if it has.
    pub fn failure(&self) -> Option<LogError> {
        self.shared.check().err()
    }

    /// The last failure, whether the log has gone on since or not.
    pub fn last_failure(&self) -> Option<LastFailure> {
        self.shared.last_failure.lock().clone()
    }

    /// After a failure: goes on at the beginning of a fresh segment, which is returned. Nothing is accepted until
    /// [`Log::finish_resume`], which the caller calls when a snapshot at that position is on disk. No append may be in progress.
    pub fn begin_resume(&self) -> Lsn {
        let mut writers = self.shared.all_writers();
        writers.iter_mut().for_each(|writer| writer.close());
        self.shared.flights.clear();
        let start = self.shared.tail.lock().skip_to_next_segment();
        self.shared.appended.store(start.0, Ordering::Release);
        start
    }

    /// Accepts records again. What was appended before the failure is in the snapshot.
    pub fn finish_resume(&self, start: Lsn) {
        self.shared.requested.store(start.0, Ordering::SeqCst);
        self.shared.durable.store(start.0, Ordering::Release);
        *self.shared.reason.lock() = None;
        self.shared.stopped.store(false, Ordering::Release);
    }

    /// Copies segments that are complete and durable to the archive, if there is one. Returns how many.
    pub fn archive(&self) -> Result<usize, LogError> {
        let _one_at_a_time = self.shared.files.lock();
        archive::copy_before(&self.shared.directory, self.durable(), self.shared.segment_bytes)
    }

    /// The segments that are complete and durable and not marked yet, in order.
    pub fn unmarked(&self) -> Result<Vec<PathBuf>, LogError> {
        archive::unmarked(&self.shared.directory, self.durable(), self.shared.segment_bytes)
    }

    /// Marks a segment: it was taken care of, and may be removed.
    pub fn mark_archived(&self, segment: &Path) -> Result<(), LogError> {
        archive::mark(&self.shared.directory, segment)
    }

    /// Removes segments that end at or before a position, or keeps them to be used again. Returns how many.
    pub fn remove_before(&self, lsn: Lsn, spares: usize) -> Result<usize, LogError> {
        let _one_at_a_time = self.shared.files.lock();
        removal::remove_before(&self.shared.directory, lsn, self.shared.segment_bytes, spares)
    }

    /// What it has done.
    pub fn statistics(&self) -> &LogStatistics {
        &self.shared.statistics
    }

    /// Bytes of a segment.
    pub fn segment_bytes(&self) -> u64 {
        self.shared.segment_bytes
    }

    /// Name of the file that a position is in.
    pub fn file_name(&self, lsn: Lsn) -> String {
        format!("{:016X}.log", segment::start_of(lsn, self.shared.segment_bytes).0)
    }

    /// Writes what was appended and ends the threads. Nothing is accepted afterwards.
    pub fn close(&self) -> Result<(), LogError> {
        let flushed = if self.shared.is_stopped() { Ok(()) } else { self.flush() };
        self.shared.closing.store(true, Ordering::SeqCst);
        self.shared.wake_writer();
        drop(self.shared.to_prepare.lock());
        self.shared.prepare.notify_all();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the log panicked");
            }
        }
        if !self.shared.is_stopped() {
            self.shared.stop(LogError::Closed);
        }
        flushed
    }
}

/// What two committers do at the same time, one step after the other.
#[cfg(test)]
impl Log {
    /// A writer takes what was appended and writes it. Returns the position after it.
    pub(crate) fn depart(&self, writer: usize) -> Result<Option<Lsn>, LogError> {
        self.shared.writers[writer].lock().depart(&self.shared)
    }

    /// It syncs that.
    pub(crate) fn land(&self, writer: usize, end: Lsn) -> Result<(), LogError> {
        self.shared.writers[writer].lock().land(&self.shared, end)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if !self.shared.closing.load(Ordering::SeqCst)
            && let Err(error) = self.close()
        {
            tracing::error!("{error}");
        }
    }
}

impl Shared {
    fn check(&self) -> Result<(), LogError> {
        match self.is_stopped() {
            false => Ok(()),
            true => match &*self.reason.lock() {
                Some(LogError::Closed) | None => Err(LogError::Closed),
                Some(reason) => Err(LogError::Stopped(Arc::new(reason.clone()))),
            },
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// What to tell somebody who waits for a position, if it can be told.
    fn outcome(&self, lsn: Lsn) -> Option<Result<(), LogError>> {
        if self.durable.load(Ordering::Acquire) >= lsn.0 {
            return Some(Ok(()));
        }
        self.check().err().map(Err)
    }

    /// Whether writing what was appended keeps a thread so shortly that others do not notice, or nobody else would do it.
    fn is_quick(&self) -> bool {
        let (durable, appended) = (self.durable.load(Ordering::Relaxed), self.appended.load(Ordering::Relaxed));
        let is_quick = appended.saturating_sub(durable) <= QUICK_BYTES
            && durable / self.segment_bytes == appended / self.segment_bytes
            && self.sync_micros.load(Ordering::Relaxed) <= QUICK_SYNC_MICROS;
        is_quick || !self.options.threads
    }

    /// All writers, when nothing is on its way.
    fn all_writers(&self) -> [MutexGuard<'_, Writer>; WRITERS] {
        self.writers.each_ref().map(|writer| writer.lock())
    }

    /// Writes and syncs everything that was appended.
    fn flush(&self) -> Result<(), LogError> {
        let mut writers = self.all_writers();
        let flushed = writers[0].flush(self);
        drop(writers);
        self.relieve();
        flushed
    }

    fn is_writing(&self) -> bool {
        self.writers.iter().any(|writer| writer.is_locked())
    }

    /// Whether what waits is worth an fdatasync of its own now: nothing is on its way, or not more than waits.
    fn may_lead(&self) -> bool {
        !self.is_writing()
            || self.waiting.load(Ordering::Relaxed) >= self.flights.records()
                && self.writers.iter().any(|writer| !writer.is_locked())
    }

    /// What the last fdatasync took goes into what the next one is expected to take.
    fn expect_sync(&self, micros: u64) {
        let known = self.sync_micros.load(Ordering::Relaxed);
        self.sync_micros.store((known * (SYNC_WEIGHT - 1) + micros) / SYNC_WEIGHT, Ordering::Relaxed);
    }

    /// Who has written leaves the writer to whoever comes next, and tells those who waited for what is durable now.
    fn relieve(&self) {
        match self.waiters.wake(Lsn(self.durable.load(Ordering::Acquire))) {
            None => {}
            Some(lsn) if self.flights.have_taken(lsn) => {}
            Some(lsn) if !self.is_quick() => self.request(lsn),
            Some(_) if self.may_lead() => self.waiters.wake_one(),
            // Whoever is writing comes by here as well.
            Some(_) => {}
        }
    }

    /// Nothing is durable any more that was not: everybody who waits hears it.
    fn stop(&self, error: LogError) {
        if !matches!(error, LogError::Closed) {
            tracing::error!(
                "the write-ahead log has stopped, no commit is acknowledged until a CHECKPOINT succeeds: {error}"
            );
            self.statistics.failures.fetch_add(1, Ordering::Relaxed);
            *self.last_failure.lock() = Some(LastFailure { at: SystemTime::now(), error: error.clone() });
        }
        *self.reason.lock() = Some(error);
        self.stopped.store(true, Ordering::SeqCst);
        self.waiters.wake(Lsn(u64::MAX));
    }

    /// Has the writer thread write up to a position.
    fn request(&self, lsn: Lsn) {
        self.requested.fetch_max(lsn.0, Ordering::SeqCst);
        if self.sleep.load(Ordering::SeqCst) != AWAKE {
            self.wake_writer();
        }
    }

    fn wake_writer(&self) {
        drop(self.bed.lock());
        self.alarm.notify_one();
    }

    /// Sleeps until there is something to write; false when the log is closed.
    fn wait_for_work(&self) -> bool {
        let wanted =
            || self.requested.load(Ordering::SeqCst) > self.durable.load(Ordering::SeqCst) && !self.is_stopped();
        let closing = || self.closing.load(Ordering::SeqCst);
        if wanted() && !closing() {
            return true;
        }
        let mut bed = self.bed.lock();
        loop {
            let dozes =
                self.appended.load(Ordering::SeqCst) > self.durable.load(Ordering::SeqCst) && !self.is_stopped();
            self.sleep.store(if dozes { DOZING } else { ASLEEP }, Ordering::SeqCst);
            if closing() || wanted() {
                break;
            }
            if !dozes {
                self.alarm.wait(&mut bed);
            } else if self.alarm.wait_for(&mut bed, self.options.delay).timed_out() {
                break;
            }
        }
        self.sleep.store(AWAKE, Ordering::SeqCst);
        !closing()
    }

    /// Makes the file of the segment that starts here, unless it is there.
    fn prepare_segment(&self, start: Lsn, fill: Fill) -> Result<(), LogError> {
        let _one_at_a_time = self.files.lock();
        segment::prepare(&self.directory, start, self.segment_bytes, fill)
    }

    /// Has the segment that starts here made, so that the writer finds it. Called once a batch, for the first one to do something.
    fn prepare_ahead(&self, start: Lsn) {
        if self.prepared.load(Ordering::Relaxed) < start.0
            && self.prepared.fetch_max(start.0, Ordering::Relaxed) < start.0
        {
            *self.to_prepare.lock() = Some(start);
            self.prepare.notify_one();
        }
    }

    fn next_to_prepare(&self) -> Option<Lsn> {
        let mut next = self.to_prepare.lock();
        loop {
            if self.closing.load(Ordering::SeqCst) {
                return None;
            }
            if let Some(start) = next.take() {
                return Some(start);
            }
            self.prepare.wait(&mut next);
        }
    }
}

/// Makes sure that nothing after the end of the log can be taken for a part of it later.
fn erase_after(directory: &DataDirectory, end: Lsn, segment_bytes: u64) -> Result<(), LogError> {
    // Last ones first: a crash in between must not leave a gap that looks like damage.
    for (start, path) in segment::files(directory)?.into_iter().rev() {
        if start.0 >= end.0 {
            directory.remove(&path)?;
        } else if start.0 + segment_bytes > end.0 {
            directory.sync_dir(&directory.log_dir())?;
            let bytes = directory.read_file(&path)?;
            let rest = bytes.get((end.0 - start.0) as usize..).unwrap_or_default();
            if bytes.len() as u64 != segment_bytes || rest.chunks(ZEROS.len()).any(|part| *part != ZEROS[..part.len()])
            {
                segment::erase(directory, &path, end.0 - start.0, segment_bytes)?;
            }
        }
    }
    directory.sync_dir(&directory.log_dir())
}
