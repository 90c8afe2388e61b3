//! Workloads on a simulated disk that loses its power, fails or decays at any moment, and what recovery makes of it.
//!
//! The state is a list of numbers: a record appends one. What was acknowledged must be there, and what is there must be a
//! beginning of what was appended. `DICTDB_WAL_SEED` runs one seed, `DICTDB_WAL_ROUNDS` more of them.

use std::io::ErrorKind;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::disk::{Random, Survival};
use crate::{
    DataDirectory, Disk, GENESIS, Log, LogError, LogOptions, Lsn, RealDisk, Record, SimulatedDisk, SnapshotReader,
    SnapshotWriter, replay,
};

const SEGMENT_BYTES: u64 = 4096;
const IDENTIFIER: u64 = 77;

fn options() -> LogOptions {
    LogOptions { segment_bytes: SEGMENT_BYTES, threads: false, ..LogOptions::default() }
}

/// A running "server" on a disk.
struct Run {
    disk: SimulatedDisk,
    directory: Arc<DataDirectory>,
    log: Log,
    /// What is in memory.
    numbers: Vec<u64>,
    /// Where the record of each ends.
    ends: Vec<Lsn>,
    /// What each of the log's writers has written and not yet synced.
    flying: [Option<Lsn>; 2],
    /// How many of them were acknowledged.
    acknowledged: usize,
    /// How many were acknowledged when the last record was appended.
    known_durable: usize,
}

fn number_of(record: &[u8]) -> u64 {
    record.get(..8).and_then(|bytes| bytes.try_into().ok()).map_or(u64::MAX, u64::from_le_bytes)
}

fn recover(disk: &SimulatedDisk) -> Result<Run, LogError> {
    let directory = Arc::new(DataDirectory::open(Arc::new(disk.clone()), Path::new("/data"), IDENTIFIER)?);
    let mut numbers = Vec::new();
    let mut from = GENESIS;
    if let Some(mut reader) = SnapshotReader::newest(&directory)? {
        from = reader.lsn();
        while let Some(chunk) = reader.next_chunk()? {
            numbers.extend(chunk.verify()?.chunks(8).map(number_of));
        }
    }
    let end = replay::<LogError>(&directory, from, SEGMENT_BYTES, |_, record| {
        numbers.push(number_of(record));
        Ok(())
    })?;
    let log = Log::open(directory.clone(), end.end, options())?;
    let acknowledged = numbers.len();
    let ends = vec![end.end; numbers.len()];
    Ok(Run { disk: disk.clone(), directory, log, numbers, ends, flying: [None; 2], acknowledged, known_durable: 0 })
}

impl Run {
    fn append(&mut self, random: &mut Random) -> Result<(), LogError> {
        self.log.admit()?;
        let number = self.numbers.len() as u64;
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.resize(8 + random.below(900) as usize, number as u8);
        self.known_durable = self.acknowledged;
        self.ends.push(self.log.append(&Record::new(bytes)));
        self.numbers.push(number);
        Ok(())
    }

    fn acknowledge(&mut self) {
        let durable = self.log.durable();
        self.acknowledged = self.acknowledged.max(self.ends.partition_point(|end| *end <= durable));
    }

    /// One of the writers begins with what waits, or ends what it has begun.
    fn fly(&mut self, writer: usize) -> Result<(), LogError> {
        match self.flying[writer].take() {
            Some(end) => self.log.land(writer, end)?,
            None => self.flying[writer] = self.log.depart(writer)?,
        }
        self.acknowledge();
        Ok(())
    }

    fn flush(&mut self) -> Result<(), LogError> {
        for writer in 0..self.flying.len() {
            if self.flying[writer].is_some() {
                self.fly(writer)?;
            }
        }
        self.log.flush()?;
        self.acknowledge();
        assert_eq!(self.acknowledged, self.numbers.len());
        Ok(())
    }

    fn write_snapshot(&self, lsn: Lsn) -> Result<(), LogError> {
        let mut writer = SnapshotWriter::create(&self.directory, lsn)?;
        for part in self.numbers.chunks(7) {
            writer.chunk(&part.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>())?;
        }
        writer.publish().map(|_| ())
    }

    fn checkpoint(&mut self) -> Result<(), LogError> {
        self.flush()?;
        let lsn = self.log.appended();
        self.write_snapshot(lsn)?;
        self.log.remove_before(lsn, 2).map(|_| ())
    }

    fn resume(&mut self) -> Result<(), LogError> {
        self.flying = [None; 2];
        let start = self.log.begin_resume();
        self.write_snapshot(start)?;
        self.log.finish_resume(start);
        self.acknowledged = self.numbers.len();
        self.log.remove_before(start, 2).map(|_| ())
    }

    fn work(&mut self, random: &mut Random, steps: u64) -> Result<(), LogError> {
        for _ in 0..steps {
            match random.below(24) {
                0 => self.checkpoint()?,
                1..=4 => self.flush()?,
                5 => drop(self.log.switch_segment()),
                6..=11 => self.fly(random.below(2) as usize)?,
                _ => self.append(random)?,
            }
        }
        Ok(())
    }
}

/// Recovers an image and checks it against what ran before. `least` were acknowledged.
fn check(image: &SimulatedDisk, appended: &[u64], least: usize, seed: u64) -> Run {
    let run = match recover(image) {
        Ok(run) => run,
        Err(error) => panic!("seed {seed}: a crash was taken for damage: {error}"),
    };
    assert!(run.numbers.len() >= least, "seed {seed}: {} of {least} acknowledged records are left", run.numbers.len());
    assert_eq!(run.numbers[..], appended[..run.numbers.len()], "seed {seed}: not a beginning of what was appended");
    run
}

fn seeds(rounds: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("DICTDB_WAL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("DICTDB_WAL_ROUNDS").unwrap_or(rounds),
    }
}

/// What a run had promised when it ended, even if it could not even start.
fn outcome(disk: &SimulatedDisk, random: &mut Random, steps: u64) -> (Vec<u64>, usize) {
    match recover(disk) {
        Ok(mut run) => {
            let _ = run.work(random, steps);
            (run.numbers, run.acknowledged)
        }
        Err(_) => (Vec::new(), 0),
    }
}

#[test]
fn crash_images_recover() {
    let mut images = 0;
    for seed in seeds(12) {
        let calls = {
            let disk = SimulatedDisk::new();
            outcome(&disk, &mut Random::new(seed), 60);
            disk.calls()
        };
        for power_off in 0..=calls {
            let disk = SimulatedDisk::new();
            disk.power_off_after(power_off);
            let (numbers, acknowledged) = outcome(&disk, &mut Random::new(seed), 60);
            for survival in [0, 50, 90, 100] {
                let crash_seed = seed * 1_000_003 + power_off * 101 + survival;
                let image = disk.crash(Survival(survival), crash_seed);
                let mut run = check(&image, &numbers, acknowledged, crash_seed);
                images += 1;
                // The next life must not find remains of this one.
                let mut random = Random::new(crash_seed);
                let second = run.work(&mut random, 8);
                assert!(second.is_ok(), "seed {crash_seed}: {second:?}");
                let later = image.crash(Survival(survival), crash_seed + 1);
                check(&later, &run.numbers, run.acknowledged, crash_seed);
                images += 1;
            }
        }
    }
    println!("{images} crash images");
    assert!(images >= 2000 || std::env::var_os("DICTDB_WAL_SEED").is_some());
}

#[test]
fn failures_stop_the_log_until_it_is_resumed() {
    for seed in seeds(8) {
        let calls = {
            let disk = SimulatedDisk::new();
            outcome(&disk, &mut Random::new(seed), 50);
            disk.calls()
        };
        for call in 0..calls {
            let kind = if call % 2 == 0 { ErrorKind::StorageFull } else { ErrorKind::Other };
            let disk = SimulatedDisk::new();
            disk.fail_at(call, kind);
            let mut random = Random::new(seed);
            // The failure may hit the start itself; then the next start must work.
            let Ok(mut run) = recover(&disk) else {
                assert!(recover(&disk).is_ok(), "seed {seed} call {call}");
                continue;
            };
            let failed = run.work(&mut random, 50);
            let before = run.acknowledged;
            if run.log.failure().is_some() {
                assert!(run.flush().is_err() && run.append(&mut random).is_err(), "seed {seed} call {call}");
                check(&disk.crash(Survival(50), seed), &run.numbers, before, seed);
                run.resume().unwrap_or_else(|error| panic!("seed {seed} call {call}: {failed:?}, then {error}"));
            }
            if disk.calls() < call {
                continue;
            }
            run.work(&mut random, 20).unwrap_or_else(|error| panic!("seed {seed} call {call}: {error}"));
            check(&disk.crash(Survival(50), seed + call), &run.numbers, run.acknowledged, seed);
        }
    }
}

#[test]
fn a_batch_counts_when_those_before_it_do() {
    let start = || {
        let mut run = recover(&SimulatedDisk::new()).expect("it starts");
        run.append(&mut Random::new(1)).expect("it is accepted");
        run.fly(0).expect("it is written");
        run.append(&mut Random::new(2)).expect("it is accepted");
        run.fly(1).expect("it is written");
        run
    };
    let mut run = start();
    run.fly(1).expect("it is synced");
    assert_eq!(run.acknowledged, 0, "the one before is not on disk yet");
    run.fly(0).expect("it is synced");
    assert_eq!(run.acknowledged, 2);

    let mut run = start();
    let disk = run.disk.clone();
    disk.fail_at(disk.calls() + 1, ErrorKind::Other);
    assert!(run.fly(0).is_err() && run.fly(1).is_err(), "both descriptors hear of it");
    assert_eq!(run.acknowledged, 0);

    // Whatever the later one's descriptor says.
    let mut run = start();
    let disk = run.disk.clone();
    run.fly(1).expect("it is synced");
    disk.fail_at(disk.calls() + 1, ErrorKind::Other);
    assert!(run.fly(0).is_err());
    assert_eq!(run.acknowledged, 0);
    run.resume().expect("it goes on");
    assert_eq!(run.acknowledged, 2);
}

#[test]
fn decay_is_refused_or_harmless() {
    for seed in seeds(400) {
        let disk = SimulatedDisk::new();
        let mut random = Random::new(seed);
        let mut run = recover(&disk).unwrap();
        run.work(&mut random, 60).unwrap();
        run.flush().unwrap();
        let (numbers, known) = (run.numbers.clone(), run.known_durable);
        drop(run);
        let image = disk.crash(Survival(100), seed);
        let paths = image.paths();
        let path = &paths[random.below(paths.len() as u64) as usize];
        let offset = random.below(SEGMENT_BYTES) as usize;
        if !image.flip_bit(path, offset, random.below(8) as u32) {
            continue;
        }
        match recover(&image) {
            Ok(run) => {
                let found = run.numbers.len();
                assert!(found >= known, "seed {seed}: {} at {offset} lost {found} < {known}", path.display());
                assert_eq!(run.numbers[..], numbers[..found], "seed {seed}");
            }
            Err(LogError::Damaged { file, .. } | LogError::Foreign { file, .. }) => {
                assert!(file.starts_with("/data"), "seed {seed}");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
}

#[test]
fn misplaced_files_are_refused_by_name() {
    let make = |identifier| {
        let disk = SimulatedDisk::new();
        let directory = DataDirectory::open(Arc::new(disk.clone()), Path::new("/data"), identifier).unwrap();
        let log = Log::open(Arc::new(directory), GENESIS, options()).unwrap();
        for number in 0..40_u64 {
            log.append(&Record::new([&number.to_le_bytes()[..], &[0; 500]].concat()));
            log.flush().unwrap();
        }
        disk
    };
    let refused = |disk: &SimulatedDisk| recover(&disk.crash(Survival(100), 0)).err().map(|error| error.to_string());
    let log = Path::new("/data/log");
    let (first, second) = (log.join("0000000001000000.log"), log.join("0000000001001000.log"));

    let disk = make(IDENTIFIER);
    disk.rename(&second, &first).unwrap();
    let message = refused(&disk).unwrap();
    assert!(
        message.contains("0000000001000000.log") && message.contains("it is the segment at 0/1001000"),
        "{message}"
    );

    let disk = make(IDENTIFIER);
    disk.remove(&second).unwrap();
    let message = refused(&disk).unwrap();
    assert!(message.contains("0000000001001000.log") && message.contains("is missing"), "{message}");

    let (disk, other) = (make(IDENTIFIER), make(5));
    let bytes = crate::disk::read_all(&*other.open(&second, crate::disk::Open::Read).unwrap()).unwrap();
    disk.open(&second, crate::disk::Open::Write).unwrap().write_at(0, &bytes).unwrap();
    let message = refused(&disk).unwrap();
    assert!(message.contains("it is of data directory 5, not 77"), "{message}");
}

#[test]
fn a_directory_has_one_server() {
    let disk = SimulatedDisk::new();
    let open = || DataDirectory::open(Arc::new(disk.clone()), Path::new("/data"), 1);
    let first = open().unwrap();
    assert!(matches!(open(), Err(LogError::Locked { .. })));
    drop(first);
    assert!(open().is_ok());
}

/// A directory of the real disk that goes with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Folder(std::env::temp_dir().join(format!("dictdb-wal-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn threads_share_syncs_and_long_records_cross_segments() {
    let folder = Folder::new("threads");
    let open = || Arc::new(DataDirectory::open(Arc::new(RealDisk), &folder.0, IDENTIFIER).unwrap());
    let options = LogOptions { segment_bytes: 1024 * 1024, ..LogOptions::default() };
    let directory = open();
    assert!(matches!(DataDirectory::open(Arc::new(RealDisk), &folder.0, 1), Err(LogError::Locked { .. })));
    let log = Log::open(directory, GENESIS, options).unwrap();
    let long = vec![3; 3_000_000];
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let log = &log;
            scope.spawn(move || {
                for _ in 0..50 {
                    log.admit().unwrap();
                    let lsn = log.append(&Record::new(vec![thread; 100]));
                    log.durable_at(lsn).block().unwrap();
                    assert!(log.is_durable(lsn));
                }
            });
        }
    });
    log.append(&Record::new(long.clone()));
    let statistics = log.statistics();
    let (records, batches) = (statistics.records.load(Ordering::Relaxed), statistics.batches.load(Ordering::Relaxed));
    assert!(records == 401 && batches <= 400, "{records} records in {batches} batches");
    log.close().unwrap();
    assert!(matches!(log.admit(), Err(LogError::Closed)));
    drop(log);
    let (mut short, mut longest) = (0, 0);
    let end = replay::<LogError>(&open(), GENESIS, 1024 * 1024, |_, record| {
        match record.len() {
            100 => short += 1,
            _ => assert!(record == long),
        }
        longest = longest.max(record.len());
        Ok(())
    })
    .unwrap();
    assert_eq!((short, longest, end.records), (400, long.len(), 401));
}

/// Wakes a thread that polls.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// The writer thread has nothing to do here: whoever finds nobody writing leads, and who gives up while it is its turn passes it on.
#[test]
fn committers_lead_in_turn() {
    let folder = Folder::new("turns");
    let directory = Arc::new(DataDirectory::open(Arc::new(RealDisk), &folder.0, IDENTIFIER).unwrap());
    let log = Log::open(directory, GENESIS, LogOptions { threads: false, ..LogOptions::default() }).unwrap();
    log.append(&Record::new(vec![0; 100]));
    log.flush().unwrap();
    std::thread::scope(|scope| {
        for committer in 1..=8_u64 {
            let log = &log;
            scope.spawn(move || {
                for round in 0..200 {
                    let lsn = log.append(&Record::new(vec![1; 100]));
                    if (round + committer) % 3 == 0 {
                        let mut given_up = Box::pin(log.durable_at(lsn).of(committer));
                        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
                        let _ = given_up.as_mut().poll(&mut Context::from_waker(&waker));
                        std::thread::yield_now();
                        continue;
                    }
                    wait(log.durable_at(lsn).of(committer)).unwrap();
                    assert!(log.is_durable(lsn));
                }
            });
        }
    });
    let statistics = log.statistics();
    let (records, batches) = (statistics.records.load(Ordering::Relaxed), statistics.batches.load(Ordering::Relaxed));
    assert!(records == 1601 && batches < 1601, "{records} records in {batches} batches");
}

#[test]
fn a_segment_that_was_ended_early_stays_so() {
    let disk = SimulatedDisk::new();
    let mut run = recover(&disk).expect("it starts");
    let mut random = Random::new(1);
    assert_eq!(run.log.switch_segment(), run.log.appended(), "nothing is in it");
    run.append(&mut random).expect("it is accepted");
    let end = run.log.switch_segment();
    assert_eq!(end.0 % SEGMENT_BYTES, 0);
    assert_eq!(run.log.switch_segment(), end, "nothing is in the next one");
    run.flush().expect("it is written");
    let path = crate::segment::path(&run.directory, GENESIS);
    let before = run.directory.read_file(&path).expect("it is there");
    drop(run);
    let mut run = recover(&disk).expect("it starts again");
    assert_eq!(run.log.appended(), end);
    run.append(&mut random).expect("it is accepted");
    run.flush().expect("it is written");
    assert_eq!(run.directory.read_file(&path).expect("it is there"), before);
    assert_eq!(recover(&disk.clone()).map(|run| run.numbers.len()).ok(), None, "the directory is in use");
    drop(run);
    assert_eq!(recover(&disk).expect("it starts again").numbers, [0, 1]);
}

#[test]
fn an_archive_of_another_directory_is_not_taken_for_ones_own() {
    let folder = Folder::new("archives");
    std::fs::create_dir(&folder.0).unwrap();
    let fill = |root: &str, identifier: u64| {
        let directory = DataDirectory::open(Arc::new(RealDisk), &folder.0.join(root), identifier).unwrap();
        directory.set_archive(Some(folder.0.join("archive")));
        let directory = Arc::new(directory);
        let log = Log::open(directory, GENESIS, options()).unwrap();
        for _ in 0..20 {
            log.append(&Record::new(vec![1; 900]));
        }
        log.flush().unwrap();
        log
    };
    let own = fill("data", IDENTIFIER);
    let copied = own.archive().unwrap();
    assert!(copied > 2 && own.archive().unwrap() == 0);
    let other = fill("other", 5);
    let message = other.archive().unwrap_err().to_string();
    assert!(message.contains("archive/0000000001000000.log"), "{message}");
    assert_eq!(other.remove_before(other.durable(), 0).unwrap(), 0, "nothing of it is in the archive");
    assert_eq!(own.remove_before(own.durable(), 0).unwrap(), copied);
}
