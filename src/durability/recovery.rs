//! From a data directory to a running state: the newest snapshot, then the log.
//!
//! Chunks of tables are independent of each other and applied on all cores. The log is read and checked by one
//! thread and applied by another.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use dictdb_storage::Storage;
use dictdb_types::stack::spawn_deep;
use dictdb_types::{Error, Result};
use dictdb_wal::{Chunk, DataDirectory, GENESIS, LogEnd, LogError, Lsn, SnapshotReader, replay};
use parking_lot::Mutex;

use crate::item::{ROWS, UNLOGGED};
use crate::restore::Restorer;
use crate::{Options, RecoveryPhase, RecoveryProgress};

/// Records are handed from thread to thread in heaps of about so many bytes.
const HEAP_BYTES: usize = 1 << 20;
/// Heaps and chunks between two threads.
const QUEUE: usize = 4;
/// How often progress is logged (`log_startup_progress_interval`).
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// What was found.
pub(crate) struct Found {
    pub(crate) end: LogEnd,
    /// The snapshot that was read, and its size.
    pub(crate) snapshot: Option<(Lsn, u64)>,
}

/// Reads everything there is into a restorer.
pub(crate) fn read(directory: &DataDirectory, options: &Options, restorer: &mut Restorer<'_>) -> Result<Found> {
    let progress = &*options.progress;
    progress.enter(RecoveryPhase::Checkpoint);
    let begun = Instant::now();
    let snapshot = SnapshotReader::newest(directory)?;
    let found = snapshot.as_ref().map(|snapshot| (snapshot.lsn(), snapshot.bytes()));
    let from = found.map_or(GENESIS, |(lsn, _)| lsn);
    let log_bytes_total = directory.log_bytes_after(from)?;
    progress.update(|status| {
        status.checkpoint_lsn = found.map(|(lsn, _)| lsn);
        status.checkpoint_bytes = found.map_or(0, |(_, bytes)| bytes);
        status.log_bytes_total = log_bytes_total;
        status.end_lsn = from;
    });
    if let Some(snapshot) = snapshot {
        read_snapshot(snapshot, restorer, progress)?;
    }
    progress.enter(RecoveryPhase::Log);
    if !directory.is_new() {
        tracing::info!("redo starts at {from}");
    }
    let end = read_log(directory, from, options, restorer)?;
    progress.update(|status| {
        status.end_lsn = end.end;
        status.log_bytes = end.end.0 - from.0;
        status.records = end.records;
        status.was_clean = end.records == 0;
    });
    progress.enter(RecoveryPhase::Indexes);
    if !directory.is_new() {
        let (records, elapsed) = (end.records, begun.elapsed());
        tracing::info!(records, "redo done at {} after {:.2} s", end.end, elapsed.as_secs_f64());
    }
    Ok(Found { end, snapshot: found })
}

fn read_snapshot(mut snapshot: SnapshotReader, restorer: &mut Restorer<'_>, progress: &RecoveryProgress) -> Result<()> {
    let storage = restorer.storage();
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get()).clamp(1, 16);
    let (sender, receiver) = sync_channel::<Chunk>(QUEUE * workers);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| spawn_deep(scope, || apply_chunks(storage, &receiver))).collect();
        let read = hand_out(&mut snapshot, restorer, sender, progress);
        let applied = threads.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => Err(Error::internal("a thread of recovery panicked")),
        });
        applied.fold(Ok(()), Result::and).and(read)
    })?;
    restorer.share_rows()
}

/// Hands chunks of rows to the workers and applies the others here. A worker that failed has closed the channel.
fn hand_out(
    snapshot: &mut SnapshotReader,
    restorer: &mut Restorer<'_>,
    to: SyncSender<Chunk>,
    progress: &RecoveryProgress,
) -> Result<()> {
    let mut said = Instant::now();
    let total = snapshot.bytes().max(1);
    while let Some(chunk) = snapshot.next_chunk()? {
        match chunk.first() {
            Some(ROWS | UNLOGGED) => {
                if to.send(chunk).is_err() {
                    break;
                }
            }
            _ => restorer.apply(&chunk.verify()?)?,
        }
        progress.update(|status| status.checkpoint_bytes_done = snapshot.offset());
        if said.elapsed() > PROGRESS_INTERVAL {
            said = Instant::now();
            tracing::info!("reading checkpoint: {} %", snapshot.offset() * 100 / total);
        }
    }
    Ok(())
}

fn apply_chunks(storage: &Storage, chunks: &Mutex<Receiver<Chunk>>) -> Result<()> {
    loop {
        let next = chunks.lock().recv();
        let Ok(chunk) = next else { return Ok(()) };
        // Rows need nothing of a restorer but the storage.
        Restorer::new(storage).apply(&chunk.verify()?)?;
    }
}

/// Some records: their bytes end to end, and where each ends.
#[derive(Default)]
struct Heap {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    lsn: Lsn,
}

fn read_log(directory: &DataDirectory, from: Lsn, options: &Options, restorer: &mut Restorer<'_>) -> Result<LogEnd> {
    let (segment_bytes, progress) = (options.segment_bytes, &*options.progress);
    let (sender, receiver) = sync_channel::<Heap>(QUEUE);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || -> Result<LogEnd, LogError> {
            let mut heap = Heap::default();
            let end = replay(directory, from, segment_bytes, |lsn, record| {
                heap.bytes.extend_from_slice(record);
                heap.ends.push(heap.bytes.len());
                heap.lsn = lsn;
                if heap.bytes.len() >= HEAP_BYTES {
                    sender.send(std::mem::take(&mut heap)).map_err(|_| LogError::Closed)?;
                }
                Ok::<(), LogError>(())
            })?;
            sender.send(heap).map_err(|_| LogError::Closed)?;
            Ok(end)
        });
        let applied = apply_heaps(restorer, receiver, from, progress);
        let end = reader.join().map_err(|_| Error::internal("the reader of the log panicked"))?;
        applied?;
        Ok(end?)
    })
}

fn apply_heaps(
    restorer: &mut Restorer<'_>,
    heaps: Receiver<Heap>,
    from: Lsn,
    progress: &RecoveryProgress,
) -> Result<()> {
    let (begun, mut said) = (Instant::now(), Instant::now());
    for heap in heaps {
        let mut start = 0;
        let records = heap.ends.len() as u64;
        for end in heap.ends {
            restorer.apply(&heap.bytes[start..end]).map_err(|error| at(error, heap.lsn))?;
            start = end;
        }
        progress.update(|status| {
            status.records += records;
            status.end_lsn = status.end_lsn.max(heap.lsn);
            status.log_bytes = heap.lsn.0.saturating_sub(from.0);
        });
        if said.elapsed() > PROGRESS_INTERVAL {
            said = Instant::now();
            tracing::info!(
                "redo in progress, elapsed {:.0} s, current LSN {}",
                begun.elapsed().as_secs_f64(),
                heap.lsn
            );
        }
    }
    Ok(())
}

/// Says about where in the log an error was found.
fn at(error: Error, lsn: Lsn) -> Error {
    let context = format!("WAL redo before {lsn}");
    error.context(context)
}

/// The directory of these options, locked.
pub(crate) fn open_directory(options: &crate::Options) -> Result<Arc<DataDirectory>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // As PostgreSQL's: when and by which process.
    let identifier =
        (now.as_secs() << 32) | (u64::from(now.subsec_micros()) << 12) | u64::from(std::process::id() & 0xfff);
    let directory = DataDirectory::open(options.disk.clone(), &options.directory, identifier)?;
    Ok(Arc::new(directory))
}
