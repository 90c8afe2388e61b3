//! The data directory: its lock, its identity, its format, and where things are in it.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::disk::{Disk, DiskFile, Open, read_all};
use crate::{LogError, Lsn, segment};

/// Version of everything under the directory.
pub(crate) const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "DICTDB";
const ELSEWHERE: &str = "elsewhere";
const LOCK_FILE: &str = "dictdb.lock";
const TITLE: &str = "DictDB data directory";
/// The format file is tiny.
const FORMAT_FILE_BYTES_MAX: u64 = 4096;

/// A locked data directory.
pub struct DataDirectory {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    identifier: u64,
    is_new: bool,
    archive: RwLock<Option<PathBuf>>,
    needs_marks: AtomicBool,
    _lock: Box<dyn Any + Send + Sync>,
}

impl DataDirectory {
    /// Locks a directory and reads who it is; makes it, with this identifier, if there is none.
    ///
    /// F0001 when another server uses it, XX001 when it is something else or of a later format, 58030, 53100.
    pub fn open(disk: Arc<dyn Disk>, root: &Path, new_identifier: u64) -> Result<Self, LogError> {
        let io = |action| move |error| LogError::io(action, root, error);
        disk.create_dir(root).map_err(io("create directory"))?;
        let lock_path = root.join(LOCK_FILE);
        let lock = disk.lock(&lock_path).map_err(|error| LogError::io("lock file", &lock_path, error))?;
        let Some(lock) = lock else { return Err(LogError::Locked { file: lock_path }) };
        let names = disk.list(root).map_err(io("read directory"))?;
        let known = match names.iter().any(|name| name == FORMAT_FILE) {
            true => Some(read_format(&*disk, &root.join(FORMAT_FILE))?),
            false => None,
        };
        if known.is_none()
            && let Some(name) = names.iter().find(|name| *name != LOCK_FILE && !name.ends_with(".tmp"))
        {
            let what = format!("the directory has no file \"{FORMAT_FILE}\" and is not empty");
            return Err(LogError::Foreign { file: root.join(name), what });
        }
        let directory = DataDirectory {
            identifier: known.unwrap_or(new_identifier),
            is_new: known.is_none(),
            archive: RwLock::default(),
            needs_marks: AtomicBool::new(false),
            disk,
            root: root.to_path_buf(),
            _lock: lock,
        };
        if directory.is_new {
            let text = format!("{TITLE}\nformat {FORMAT}\nidentifier {new_identifier}\n");
            directory.replace(FORMAT_FILE, text.as_bytes())?;
        }
        for folder in [directory.log_dir(), directory.checkpoint_dir()] {
            directory.disk.create_dir(&folder).map_err(|error| LogError::io("create directory", &folder, error))?;
        }
        directory.sync_dir(root)?;
        Ok(directory)
    }

    /// Another directory as far as its segments can be fetched: it has none of its own, and what is fetched lies below this one while it is
    /// read.
    pub fn elsewhere(&self, identifier: u64) -> Result<Self, LogError> {
        let elsewhere = DataDirectory {
            disk: self.disk.clone(),
            root: self.root.join(ELSEWHERE),
            identifier,
            is_new: true,
            archive: RwLock::default(),
            needs_marks: AtomicBool::new(false),
            _lock: Box::new(()),
        };
        [elsewhere.root.clone(), elsewhere.log_dir()].iter().try_for_each(|folder| elsewhere.create_dir(folder))?;
        Ok(elsewhere)
    }

    /// Number of this directory, in all of its files.
    pub fn identifier(&self) -> u64 {
        self.identifier
    }

    /// Whether it was made just now.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Sets the folder that old segments of the log are kept in.
    pub fn set_archive(&self, folder: Option<PathBuf>) {
        *self.archive.write() = folder;
    }

    /// The folder that old segments of the log are kept in.
    pub fn archive(&self) -> Option<PathBuf> {
        self.archive.read().clone()
    }

    /// Says whether somebody takes care of complete segments who marks those that may go: see [`crate::Log::mark_archived`].
    pub fn set_needs_marks(&self, needs: bool) {
        self.needs_marks.store(needs, Ordering::Relaxed);
    }

    pub(crate) fn needs_marks(&self) -> bool {
        self.needs_marks.load(Ordering::Relaxed)
    }

    /// The disk it is on.
    pub fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Replaces a file in the directory as a whole: after a crash it is the old one or the new one.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), LogError> {
        let temporary = self.root.join(format!("{name}.tmp"));
        let file = self.open_file(&temporary, Open::Create)?;
        file.write_at(0, bytes).map_err(|error| LogError::io("write to file", &temporary, error))?;
        file.sync().map_err(|error| LogError::io("fsync file", &temporary, error))?;
        self.rename(&temporary, &self.root.join(name))?;
        self.sync_dir(&self.root)
    }

    pub(crate) fn create_dir(&self, path: &Path) -> Result<(), LogError> {
        self.disk.create_dir(path).map_err(|error| LogError::io("create directory", path, error))
    }

    /// Bytes of the files of the log that a position is in or before.
    pub fn log_bytes_after(&self, lsn: Lsn) -> Result<u64, LogError> {
        let mut total = 0;
        for (start, path) in segment::files(self)? {
            let len =
                self.open_file(&path, Open::Read)?.len().map_err(|error| LogError::io("read file", &path, error))?;
            if start.0 + len > lsn.0 {
                total += start.0 + len - lsn.0.max(start.0);
            }
        }
        Ok(total)
    }

    /// The folder of the log's files.
    pub fn log_dir(&self) -> PathBuf {
        self.root.join("log")
    }

    pub(crate) fn checkpoint_dir(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    pub(crate) fn open_file(&self, path: &Path, how: Open) -> Result<Arc<dyn DiskFile>, LogError> {
        self.disk.open(path, how).map_err(|error| LogError::io("open file", path, error))
    }

    pub(crate) fn read_file(&self, path: &Path) -> Result<Vec<u8>, LogError> {
        read_all(&*self.open_file(path, Open::Read)?).map_err(|error| LogError::io("read file", path, error))
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), LogError> {
        self.disk.rename(from, to).map_err(|error| LogError::io("rename file", from, error))
    }

    pub(crate) fn remove(&self, path: &Path) -> Result<(), LogError> {
        self.disk.remove(path).map_err(|error| LogError::io("remove file", path, error))
    }

    pub(crate) fn list(&self, path: &Path) -> Result<Vec<String>, LogError> {
        self.disk.list(path).map_err(|error| LogError::io("read directory", path, error))
    }

    pub(crate) fn sync_dir(&self, path: &Path) -> Result<(), LogError> {
        self.disk.sync_dir(path).map_err(|error| LogError::io("fsync directory", path, error))
    }
}

/// The identifier in a format file.
fn read_format(disk: &dyn Disk, path: &Path) -> Result<u64, LogError> {
    let read = || {
        let file = disk.open(path, Open::Read)?;
        if file.len()? > FORMAT_FILE_BYTES_MAX {
            return Ok(Vec::new());
        }
        read_all(&*file)
    };
    let bytes = read().map_err(|error| LogError::io("read file", path, error))?;
    let text = String::from_utf8_lossy(&bytes);
    let foreign = |what: String| LogError::Foreign { file: path.to_path_buf(), what };
    let mut lines = text.lines();
    if lines.next() != Some(TITLE) {
        return Err(foreign(format!("it does not begin with \"{TITLE}\"")));
    }
    let mut number = |name: &str| lines.next().and_then(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    match number("format ") {
        Some(format) if format == FORMAT as u64 => {}
        Some(format) => return Err(foreign(format!("it is of format {format}, this server reads format {FORMAT}"))),
        None => return Err(foreign("it names no format".to_owned())),
    }
    number("identifier ").ok_or_else(|| foreign("it names no identifier".to_owned()))
}
