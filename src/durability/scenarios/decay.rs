//! Files that are not what was written: bits flip on the disk, and records are changed behind their checksums.
//!
//! `DICTDB_FUZZ_SECONDS` lets the changed records run for so long; `corpus/` keeps records to begin with, `DICTDB_REWRITE=1` adds to it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dictdb_storage::Storage;
use dictdb_wal::disk::{Random, Survival};
use dictdb_wal::{DataDirectory, Disk, GENESIS, LogError, RealDisk, SimulatedDisk, SnapshotReader, replay};

use super::{rounds, start};
use crate::Restorer;

/// Records that are tried in an ordinary run.
const MUTATIONS: u64 = 20_000;

#[test]
fn flipped_bits_are_refused_by_name_or_harmless() {
    let (mut refused, mut harmless) = (0, 0);
    for seed in 0..rounds(4) * 60 {
        let disk = SimulatedDisk::new();
        let mut random = Random::new(seed);
        let mut run = start(&disk).unwrap();
        run.work(&mut random, 40).unwrap();
        run.durability.log().flush().unwrap();
        let states = std::mem::take(&mut run.states);
        drop(run);
        let image = disk.crash(Survival(100), seed);
        let paths = image.paths();
        let path = &paths[random.below(paths.len() as u64) as usize];
        let len = image.open(path, dictdb_wal::disk::Open::Read).and_then(|file| file.len()).unwrap();
        let offset = random.below(len.clamp(1, 4096)) as usize;
        if !image.flip_bit(path, offset, random.below(8) as u32) {
            continue;
        }
        match start(&image) {
            Ok(again) => {
                harmless += 1;
                assert!(
                    states.contains(&again.states[0]),
                    "seed {seed}: {} at {offset}: never a state",
                    path.display()
                );
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error.code().to_string(), "XX001", "seed {seed}: {}", error.message());
                assert!(error.message().contains("/data/"), "seed {seed}: {}", error.message());
            }
        }
    }
    println!("{refused} refused, {harmless} harmless");
    assert!(refused > 0 && harmless > 0);
}

#[test]
fn damage_is_refused_by_name() {
    let disk = SimulatedDisk::new();
    start(&disk).and_then(|mut run| run.work(&mut Random::new(5), 80)).unwrap();
    let image = disk.crash(Survival(100), 1);
    let snapshot = image.paths().into_iter().find(|path| path.extension().is_some_and(|e| e == "checkpoint")).unwrap();
    assert!(image.flip_bit(&snapshot, 85, 3));
    let error = start(&image).err().expect("it is refused");
    assert_eq!(error.code().to_string(), "XX001");
    assert!(error.message().contains(".checkpoint\" is damaged at offset 64"), "{}", error.message());
    assert!(image.open(&snapshot, dictdb_wal::disk::Open::Read).is_ok());
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/corpus")
}

/// Every record and chunk of a few lives, and of the golden directory: whatever kind there is.
fn genuine() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for seed in 0..3 {
        let disk = SimulatedDisk::new();
        let mut run = start(&disk).unwrap();
        run.work(&mut Random::new(seed), 60).unwrap();
        run.durability.log().flush().unwrap();
        drop(run);
        collect(Box::new(disk.crash(Survival(100), 0)), Path::new("/data"), 1 << 14, &mut found);
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/format-1");
    let copy = std::env::temp_dir().join(format!("dictdb-corpus-{}", std::process::id()));
    copy_folder(&golden, &copy);
    collect(Box::new(RealDisk), &copy, 1 << 24, &mut found);
    let _ = std::fs::remove_dir_all(copy);
    found
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

fn collect(disk: Box<dyn Disk>, path: &Path, segment_bytes: u64, found: &mut Vec<Vec<u8>>) {
    let directory = DataDirectory::open(disk.into(), path, 1).unwrap();
    let mut from = GENESIS;
    if let Some(mut snapshot) = SnapshotReader::newest(&directory).unwrap() {
        from = snapshot.lsn();
        while let Some(chunk) = snapshot.next_chunk().unwrap() {
            found.push(chunk.verify().unwrap());
        }
    }
    replay::<LogError>(&directory, from, segment_bytes, |_, record| {
        found.push(record.to_vec());
        Ok(())
    })
    .unwrap();
}

/// Changes some bytes, takes some away, doubles some, or joins two records.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..random.below(4) + 1 {
        let len = bytes.len() as u64;
        if len == 0 {
            return bytes.extend_from_slice(other);
        }
        let at = random.below(len) as usize;
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5) as usize],
            2 => bytes.truncate(at),
            3 => drop(bytes.splice(at..at, std::iter::repeat_n(0xff, random.below(10) as usize))),
            4 => drop(bytes.drain(at..(at + random.below(9) as usize).min(len as usize))),
            _ => {
                let from = random.below(other.len().max(1) as u64) as usize;
                bytes.truncate(at);
                bytes.extend_from_slice(other.get(from..).unwrap_or_default());
            }
        }
    }
}

/// No record may make recovery panic, hang or take the machine's memory, whatever its bytes are.
#[test]
fn changed_records_are_errors() {
    let mut records = genuine();
    if std::env::var_os("DICTDB_REWRITE").is_some() {
        write_corpus(&records);
    }
    let kept = std::fs::read_dir(corpus()).into_iter().flatten().flatten();
    records.extend(kept.filter_map(|entry| std::fs::read(entry.path()).ok()));
    let seconds = std::env::var("DICTDB_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (mut seed, mut accepted) = (0, 0);
    while end.map_or(seed < MUTATIONS, |end| Instant::now() < end) {
        let mut random = Random::new(seed);
        let storage = Storage::new();
        let mut restorer = Restorer::new(&storage);
        // What a record changes must be there, so some genuine ones come first.
        let first = random.below(records.len() as u64) as usize;
        let begin = first.saturating_sub(random.below(6) as usize);
        let before = records[begin..first].iter().all(|record| restorer.apply(record).is_ok());
        let mut bytes = records[first].clone();
        mutate(&mut bytes, &records[random.below(records.len() as u64) as usize], &mut random);
        let begun = Instant::now();
        if restorer.apply(&bytes).is_ok() && before && restorer.finish().is_ok() {
            accepted += 1;
        }
        assert!(begun.elapsed() < Duration::from_secs(600), "seed {seed} takes {:?}", begun.elapsed());
        seed += 1;
    }
    println!("{seed} changed records, {accepted} of them accepted");
}

/// Keeps one small record of each sequence of items.
fn write_corpus(records: &[Vec<u8>]) {
    let mut known = std::collections::BTreeSet::new();
    std::fs::create_dir_all(corpus()).unwrap();
    for record in records.iter().filter(|record| record.len() < 2048) {
        let kind: Vec<u8> = record.iter().take(3).copied().collect();
        if known.insert((kind, record.len() / 256)) {
            let name = format!("{:08x}.record", known.len());
            std::fs::write(corpus().join(name), record).unwrap();
        }
    }
}
