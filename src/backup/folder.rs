//! The directory of backups: files appear under their names when they are complete and on disk, and are found nowhere else.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dictdb_types::{Error, Result, SqlState};

use crate::error::io_error;
use crate::name::FileName;

/// Unfinished files older than this are nobody's any more.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);
const UNFINISHED: &str = ".tmp";

/// `backup_dir`, with the other directories that may be read from (`backup_allowed_dirs`).
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    allowed: Vec<PathBuf>,
}

impl Folder {
    /// A folder and the further ones whose files may be named.
    pub fn new(root: impl Into<PathBuf>, allowed: Vec<PathBuf>) -> Folder {
        Folder { root: root.into(), allowed }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a file that a statement names: in the folder, or in one that is allowed. 42501 for any other.
    pub fn resolve(&self, name: &str) -> Result<PathBuf> {
        let given = Path::new(name);
        let Some(file) = given.file_name().filter(|_| !name.contains('\0') && !name.ends_with(['/', '.'])) else {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("\"{name}\" is not the name of a file")));
        };
        let parent = given.parent().unwrap_or(Path::new(""));
        if parent.as_os_str().is_empty() {
            return Ok(self.root.join(file));
        }
        let asked = fs::canonicalize(parent).ok();
        let mut known = std::iter::once(&self.root).chain(&self.allowed);
        let is_known =
            |folder: &&PathBuf| *folder == parent || asked.is_some() && fs::canonicalize(folder).ok() == asked;
        match known.find(is_known) {
            Some(folder) => Ok(folder.join(file)),
            None => {
                let message = format!("file \"{name}\" is outside the backup directory");
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                    .hint("A superuser can name more directories in \"backup_allowed_dirs\"."))
            }
        }
    }

    /// Opens a file to read it; what is no regular file, a symbolic link for one, is refused. 58P01, 42501, 58030.
    pub fn open(path: &Path) -> Result<File> {
        let failed = |error: &io::Error| io_error("open file", path, error);
        let named = fs::symlink_metadata(path).map_err(|error| failed(&error))?;
        if !named.is_file() {
            let what = if named.is_symlink() { "a symbolic link" } else { "no regular file" };
            let message = format!("could not open file \"{}\": it is {what}", path.display());
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        let file = File::open(path).map_err(|error| failed(&error))?;
        let opened = file.metadata().map_err(|error| failed(&error))?;
        match (opened.dev(), opened.ino()) == (named.dev(), named.ino()) {
            true => Ok(file),
            false => Err(Error::new(SqlState::IO_ERROR, format!("file \"{}\" was replaced", path.display()))),
        }
    }

    /// Names of the backup files that are there, oldest first.
    pub fn files(&self) -> Result<Vec<FileName>> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("open directory", &self.root, &error)),
        };
        let mut names: Vec<FileName> =
            entries.flatten().filter_map(|entry| FileName::parse(entry.file_name().to_str()?)).collect();
        names.sort_by_key(|name| name.micros);
        Ok(names)
    }

    /// Begins a file: under another name until it is published.
    pub(crate) fn create(&self, name: &FileName) -> Result<Draft> {
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&self.root)
            .map_err(|e| io_error("create directory", &self.root, &e))?;
        self.remove_abandoned();
        let path = self.root.join(name.to_string());
        let draft = self.root.join(format!(".{name}.{}{UNFINISHED}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let file = file.map_err(|error| io_error("create file", &draft, &error))?;
        Ok(Draft { file, draft, path, is_published: false })
    }

    /// Removes a backup file. 58P01, 42501, 58030.
    pub(crate) fn remove(&self, name: &FileName) -> Result<()> {
        let path = self.root.join(name.to_string());
        fs::remove_file(&path).map_err(|error| io_error("remove file", &path, &error))
    }

    fn remove_abandoned(&self) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
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

/// A file that is being written. Dropped before [`Draft::publish`] it is gone.
pub(crate) struct Draft {
    pub(crate) file: File,
    draft: PathBuf,
    path: PathBuf,
    is_published: bool,
}

impl Draft {
    /// Where it will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it durable and gives it its name. Names are not taken twice: 58P02.
    pub(crate) fn publish(mut self) -> Result<()> {
        self.file.sync_all().map_err(|error| io_error("fsync file", &self.draft, &error))?;
        if fs::symlink_metadata(&self.path).is_ok() {
            return Err(io_error("create file", &self.path, &io::ErrorKind::AlreadyExists.into()));
        }
        fs::rename(&self.draft, &self.path).map_err(|error| io_error("rename file", &self.draft, &error))?;
        self.is_published = true;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| io_error("fsync directory", folder, &error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_published {
            // It is hidden and old ones are removed: a failure here is no failure of the backup's failure.
            let _ = fs::remove_file(&self.draft);
        }
    }
}
