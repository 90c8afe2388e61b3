//! Writing the tail to segments and syncing them: one batch at a time per writer, by whoever has it.
//!
//! Batches are taken and written in turn, and synced at the same time. Each writer has a descriptor of its own: of pages that could not
//! be written the operating system tells every descriptor once, whoever asks first.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Shared;
use super::tail::Batch;
use crate::disk::{DiskFile, Open};
use crate::segment::Fill;
use crate::{LogError, Lsn, segment};

/// A buffer that is larger than this is given back once batches are small: fresh memory for each large one costs as much as writing it.
const KEPT_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// The part of its buffer that a large batch has.
const LARGE_BATCH_PART: usize = 4;
/// The part of a segment that a bulk batch has: zeros in its place first would be half of what is written, and spare it little.
const BULK_BATCH_PART: u64 = 16;

/// The writer's own state.
#[derive(Default)]
pub(super) struct Writer {
    /// The segment being written: where it starts, and its file.
    open: Option<(Lsn, Arc<dyn DiskFile>)>,
    spare: Vec<u8>,
}

impl Writer {
    /// Writes and syncs what was appended; the caller lets go of the writer and calls [`Shared::relieve`]. It is durable afterwards, unless
    /// another writer is still at what comes before.
    pub(super) fn flush(&mut self, shared: &Shared) -> Result<(), LogError> {
        match self.depart(shared)? {
            Some(end) => self.land(shared, end),
            None => Ok(()),
        }
    }

    /// Takes what was appended and writes it. Returns the position after it. After a failure the log has stopped, before
    /// anybody else has the turn: a later batch that reaches the disk would vouch for this one.
    pub(super) fn depart(&mut self, shared: &Shared) -> Result<Option<Lsn>, LogError> {
        let _turn = shared.turn.lock();
        shared.check()?;
        let mut tail = shared.tail.lock();
        let batch = tail.take(std::mem::take(&mut self.spare));
        shared.waiting.store(0, Ordering::Relaxed);
        drop(tail);
        if batch.bytes.is_empty() {
            self.spare = batch.bytes;
            return Ok(None);
        }
        shared.flights.depart(&batch);
        self.write(shared, &batch).inspect_err(|error| shared.stop(error.clone()))?;
        shared.statistics.batches.fetch_add(1, Ordering::Relaxed);
        let end = batch.end();
        if batch.bytes.capacity() <= KEPT_BUFFER_BYTES.max(batch.bytes.len() * LARGE_BATCH_PART) {
            self.spare = batch.bytes;
        }
        Ok(Some(end))
    }

    /// Syncs what this writer has written, up to a position.
    pub(super) fn land(&mut self, shared: &Shared, end: Lsn) -> Result<(), LogError> {
        self.sync(shared).inspect_err(|error| shared.stop(error.clone()))?;
        shared.flights.land(end, |durable| shared.durable.store(durable.0, Ordering::SeqCst));
        Ok(())
    }

    /// Forgets the open file.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    fn write(&mut self, shared: &Shared, batch: &Batch) -> Result<(), LogError> {
        let (mut at, mut rest) = (batch.start, &batch.bytes[..]);
        let is_bulk = rest.len() as u64 >= shared.segment_bytes / BULK_BATCH_PART;
        while !rest.is_empty() {
            let start = segment::start_of(at, shared.segment_bytes);
            let room = (start.0 + shared.segment_bytes - at.0) as usize;
            let (now, later) = rest.split_at(room.min(rest.len()));
            let file = self.segment(shared, start, if is_bulk { Fill::Later } else { Fill::Zeros })?;
            let written = file.write_at(at.0 - start.0, now);
            written.map_err(|e| LogError::io("write to file", &segment::path(&shared.directory, start), e))?;
            shared.statistics.writes.fetch_add(1, Ordering::Relaxed);
            shared.statistics.bytes.fetch_add(now.len() as u64, Ordering::Relaxed);
            at.0 += now.len() as u64;
            rest = later;
        }
        if !is_bulk {
            shared.prepare_ahead(Lsn(segment::start_of(at, shared.segment_bytes).0 + shared.segment_bytes));
        }
        Ok(())
    }

    /// The file of a segment; the one before is synced when its turn is over.
    fn segment(&mut self, shared: &Shared, start: Lsn, fill: Fill) -> Result<Arc<dyn DiskFile>, LogError> {
        if let Some((open, file)) = &self.open
            && *open == start
        {
            return Ok(file.clone());
        }
        self.sync(shared)?;
        shared.prepare_segment(start, fill)?;
        let file = shared.directory.open_file(&segment::path(&shared.directory, start), Open::Write)?;
        self.open = Some((start, file.clone()));
        Ok(file)
    }

    fn sync(&mut self, shared: &Shared) -> Result<(), LogError> {
        let Some((start, file)) = &self.open else { return Ok(()) };
        if !shared.fsync.load(Ordering::Relaxed) {
            return Ok(());
        }
        let begun = Instant::now();
        file.sync().map_err(|e| LogError::io("fdatasync file", &segment::path(&shared.directory, *start), e))?;
        shared.statistics.syncs.fetch_add(1, Ordering::Relaxed);
        let micros = begun.elapsed().as_micros() as u64;
        shared.statistics.sync_micros.fetch_add(micros, Ordering::Relaxed);
        shared.expect_sync(micros);
        Ok(())
    }
}

/// The writer thread: until the log is closed.
pub(super) fn run(shared: &Shared) {
    while shared.wait_for_work() {
        if shared.is_stopped() {
            continue;
        }
        // Whoever waits hears of a failure, and so does the log of the server.
        let _ = shared.flush();
    }
}

/// The thread that makes segments ahead of need. What it cannot do the writer tries again, and answers for.
pub(super) fn run_ahead(shared: &Shared) {
    while let Some(start) = shared.next_to_prepare() {
        if let Err(error) = shared.prepare_segment(start, Fill::Zeros) {
            tracing::warn!("could not prepare the next segment of the log: {error}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
