//! Backup files in a directory: they appear under their names when they are complete and on disk, and are found nowhere else.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use dictdb_types::{Error, Result, SqlState};

use super::{Opened, Store};
use crate::error::io_error;

/// Unfinished files older than this are nobody's any more.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);
const UNFINISHED: &str = ".tmp";
/// The disk is given work while there is more to write: every so many bytes.
const SYNC_BYTES: usize = 8 << 20;

/// A directory.
#[derive(Debug)]
pub(crate) struct Local(pub(crate) PathBuf);

impl Store for Local {
    fn names(&self) -> Result<Vec<String>> {
        match fs::read_dir(&self.0) {
            Ok(entries) => Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(io_error("open directory", &self.0, &error)),
        }
    }

    /// What is no regular file, a symbolic link for one, is refused.
    fn open(&self, name: &str) -> Result<Opened> {
        let path = self.0.join(name);
        let failed = |error: io::Error| io_error("open file", &path, &error);
        let named = fs::symlink_metadata(&path).map_err(failed)?;
        if !named.is_file() {
            let what = if named.is_symlink() { "a symbolic link" } else { "no regular file" };
            let message = format!("could not open file \"{}\": it is {what}", path.display());
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        let file = File::open(&path).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        match (opened.dev(), opened.ino()) == (named.dev(), named.ino()) {
            true => Ok(Opened { file: Box::new(file), bytes: opened.len() }),
            false => Err(Error::new(SqlState::IO_ERROR, format!("file \"{}\" was replaced", path.display()))),
        }
    }

    fn create(&self, name: &str) -> Result<Box<dyn super::Draft>> {
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&self.0);
        made.map_err(|error| io_error("create directory", &self.0, &error))?;
        self.remove_abandoned();
        let draft = self.0.join(format!(".{name}.{}{UNFINISHED}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let file = file.map_err(|error| io_error("create file", &draft, &error))?;
        let path = self.0.join(name);
        Ok(Box::new(Draft { file, draft, path, is_published: false, unsynced: 0, syncing: None }))
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.0.join(name);
        fs::remove_file(&path).map_err(|error| io_error("remove file", &path, &error))
    }
}

impl Local {
    fn remove_abandoned(&self) {
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_draft = name.to_str().is_some_and(|name| name.starts_with(".dictdb_") && name.ends_with(UNFINISHED));
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let is_old = modified.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > ABANDONED));
            if is_draft
                && is_old
                && let Err(error) = fs::remove_file(entry.path())
            {
                tracing::warn!("could not remove unfinished backup {}: {error}", entry.path().display());
            }
        }
    }
}

/// Has the disk write what is there while more comes.
struct Syncing {
    bell: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Syncing {
    fn of(file: &File) -> io::Result<Syncing> {
        let file = file.try_clone()?;
        let (bell, rung): (SyncSender<()>, Receiver<()>) = sync_channel(1);
        let thread = std::thread::Builder::new().name("dictdb-sync".to_owned());
        // A failure is told once per open file: the sync that publishes it would hear nothing of one that was passed over here.
        let thread = thread.spawn(move || rung.iter().try_for_each(|()| file.sync_data()))?;
        Ok(Syncing { bell, thread })
    }
}

struct Draft {
    file: File,
    draft: PathBuf,
    path: PathBuf,
    is_published: bool,
    unsynced: usize,
    syncing: Option<Syncing>,
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced += written;
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            let syncing = match self.syncing.take() {
                Some(syncing) => syncing,
                None => Syncing::of(&self.file)?,
            };
            // It may be at work already.
            let _ = syncing.bell.try_send(());
            self.syncing = Some(syncing);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Draft {
    /// Waits for the end of what runs beside. Returns what went wrong with it.
    fn end_syncing(&mut self) -> io::Result<()> {
        let Some(Syncing { bell, thread }) = self.syncing.take() else { return Ok(()) };
        drop(bell);
        thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the backup panicked")))
    }
}

impl super::Draft for Draft {
    fn publish(mut self: Box<Self>) -> Result<()> {
        let synced = self.end_syncing().and_then(|()| self.file.sync_all());
        synced.map_err(|error| io_error("fsync file", &self.draft, &error))?;
        if fs::symlink_metadata(&self.path).is_ok() {
            return Err(io_error("create file", &self.path, &io::ErrorKind::AlreadyExists.into()));
        }
        fs::rename(&self.draft, &self.path).map_err(|error| io_error("rename file", &self.draft, &error))?;
        self.is_published = true;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| io_error("fsync directory", folder, &error))
    }

    fn failed(&self, error: &io::Error) -> Error {
        io_error("write file", &self.path, error)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = self.end_syncing();
        if !self.is_published {
            // It is hidden and old ones are removed: a failure here is no failure of the backup's failure.
            let _ = fs::remove_file(&self.draft);
        }
    }
}
