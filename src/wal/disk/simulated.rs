//! A disk in memory that tells written bytes from durable ones, and can fail at any call.
//!
//! ```text
//!   write_at ─► now (what the program reads)      sync ─► durable (what a crash leaves)
//!               unsynced writes, in order ─────────┘
//! ```
//! A crash image takes what is durable and, of everything unsynced, an arbitrary part: sectors of 512 bytes in any order,
//! and of each directory's renames and removals a beginning.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{Disk, DiskFile, Open, Random};

/// What is written at once or not at all.
const SECTOR_BYTES: usize = 512;

/// How much of what was not synced survives a crash, in percent.
#[derive(Clone, Copy, Debug)]
pub struct Survival(pub u64);

#[derive(Clone, Default)]
struct Contents {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// Offset and bytes of writes since the last sync.
    unsynced: Vec<(usize, Vec<u8>)>,
    /// Syncs that have lost something.
    failures: u64,
}

#[derive(Clone)]
enum Entry {
    Link(PathBuf, usize),
    Rename { from: PathBuf, to: PathBuf },
    Unlink(PathBuf),
}

#[derive(Default)]
struct State {
    files: Vec<Contents>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// Changes of names since their directory was synced.
    unsynced_names: BTreeMap<PathBuf, Vec<Entry>>,
    calls: u64,
    /// From this call on nothing works: the power is gone.
    power_off_at: Option<u64>,
    /// The call that fails, and how.
    fault: Option<(u64, io::ErrorKind)>,
    locked: bool,
}

/// The disk. Clones share it.
#[derive(Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

struct SimulatedFile {
    disk: SimulatedDisk,
    file: usize,
    /// Failures of the file that this descriptor was told of: each one hears of them once, as from Linux since 4.13.
    told: AtomicU64,
}

impl State {
    /// Counts a call that changes something, and fails it if its time has come.
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.power_off_at.is_some_and(|at| self.calls > at) {
            return Err(io::Error::other("the power is off"));
        }
        match self.fault {
            Some((at, kind)) if at == self.calls => Err(kind.into()),
            _ => Ok(()),
        }
    }

    fn rename_entry(&mut self, entry: Entry) {
        let path = match &entry {
            Entry::Link(path, _) | Entry::Unlink(path) | Entry::Rename { to: path, .. } => path,
        };
        let directory = path.parent().unwrap_or(Path::new("")).to_path_buf();
        self.unsynced_names.entry(directory).or_default().push(entry.clone());
        apply(&mut self.names, entry);
    }
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, entry: Entry) {
    match entry {
        Entry::Link(path, file) => {
            names.insert(path, file);
        }
        Entry::Rename { from, to } => {
            if let Some(file) = names.remove(&from) {
                names.insert(to, file);
            }
        }
        Entry::Unlink(path) => {
            names.remove(&path);
        }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    if bytes.len() < offset + data.len() {
        bytes.resize(offset + data.len(), 0);
    }
    bytes[offset..offset + data.len()].copy_from_slice(data);
}

/// Writes an arbitrary part of what was not synced.
fn write_some(contents: &mut Contents, survival: Survival, random: &mut Random) {
    for (offset, data) in std::mem::take(&mut contents.unsynced) {
        let mut start = 0;
        while start < data.len() {
            let sector_end = (offset + start) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES;
            let end = data.len().min(sector_end - offset);
            if random.percent(survival.0) {
                put(&mut contents.durable, offset + start, &data[start..end]);
            }
            start = end;
        }
    }
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls so far that change something.
    pub fn calls(&self) -> u64 {
        self.0.lock().calls
    }

    /// Lets everything after the given number of calls fail.
    pub fn power_off_after(&self, calls: u64) {
        self.0.lock().power_off_at = Some(calls);
    }

    /// Lets one call fail. A failed write has written nothing; a failed sync has lost what it should have written.
    pub fn fail_at(&self, call: u64, kind: io::ErrorKind) {
        self.0.lock().fault = Some((call, kind));
    }

    /// The disk as the next start finds it after a crash now.
    pub fn crash(&self, survival: Survival, seed: u64) -> SimulatedDisk {
        let state = self.0.lock();
        let mut random = Random::new(seed);
        let mut names = state.durable_names.clone();
        for entries in state.unsynced_names.values() {
            // File systems keep the order of changes to a directory.
            let kept = if survival.0 >= 100 { entries.len() as u64 } else { random.below(entries.len() as u64 + 1) };
            entries.iter().take(kept as usize).for_each(|entry| apply(&mut names, entry.clone()));
        }
        let mut files = state.files.clone();
        for contents in &mut files {
            write_some(contents, survival, &mut random);
            contents.now = contents.durable.clone();
        }
        SimulatedDisk(Arc::new(Mutex::new(State { files, durable_names: names.clone(), names, ..State::default() })))
    }

    /// Flips one bit of a file, durably. False if it is not so long.
    pub fn flip_bit(&self, path: &Path, offset: usize, bit: u32) -> bool {
        let mut state = self.0.lock();
        let Some(file) = state.names.get(path).copied() else { return false };
        let contents = &mut state.files[file];
        for bytes in [&mut contents.now, &mut contents.durable] {
            match bytes.get_mut(offset) {
                Some(byte) => *byte ^= 1 << (bit % 8),
                None => return false,
            }
        }
        true
    }

    /// Every file, in order.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.0.lock().names.keys().cloned().collect()
    }
}

impl Disk for SimulatedDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        self.0.lock().call()
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock();
        let inside = state.names.keys().filter(|path| path.parent() == Some(directory));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        let file = match (state.names.get(path).copied(), how) {
            (Some(file), Open::Read | Open::Write) => file,
            (None, Open::Read | Open::Write) => return Err(io::ErrorKind::NotFound.into()),
            (_, Open::Create) => {
                state.call()?;
                state.files.push(Contents::default());
                let file = state.files.len() - 1;
                state.rename_entry(Entry::Link(path.to_path_buf(), file));
                file
            }
        };
        let told = AtomicU64::new(state.files[file].failures);
        Ok(Arc::new(SimulatedFile { disk: self.clone(), file, told }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.call()?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.rename_entry(Entry::Rename { from: from.to_path_buf(), to: to.to_path_buf() });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.call()?;
        state.rename_entry(Entry::Unlink(path.to_path_buf()));
        Ok(())
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.call()?;
        for entry in state.unsynced_names.remove(directory).unwrap_or_default() {
            apply(&mut state.durable_names, entry);
        }
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn Any + Send + Sync>>> {
        let mut state = self.0.lock();
        state.call()?;
        if std::mem::replace(&mut state.locked, true) {
            return Ok(None);
        }
        Ok(Some(Box::new(Unlock(self.clone()))))
    }
}

struct Unlock(SimulatedDisk);

impl Drop for Unlock {
    fn drop(&mut self) {
        self.0.0.lock().locked = false;
    }
}

impl DiskFile for SimulatedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.call()?;
        let contents = &mut state.files[self.file];
        put(&mut contents.now, offset as usize, bytes);
        contents.unsynced.push((offset as usize, bytes.to_vec()));
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.0.lock();
        let bytes = state.files[self.file].now.get(offset as usize..).unwrap_or_default();
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.0.lock().files[self.file].now.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let called = state.call();
        let contents = &mut state.files[self.file];
        // The kernel drops what it could not write: a later sync will not write it either.
        let survival = if called.is_ok() { Survival(100) } else { Survival(50) };
        let seed = contents.unsynced.len() as u64;
        write_some(contents, survival, &mut Random::new(seed));
        contents.failures += u64::from(called.is_err());
        match self.told.swap(contents.failures, Ordering::Relaxed) == contents.failures {
            true => called,
            false => Err(called.err().unwrap_or_else(|| io::Error::other("another descriptor's sync failed"))),
        }
    }
}
