//! `backup_dir` and what else may be read: which names are allowed, and the backup files that are there.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dictdb_types::{Error, Result, SqlState};

use crate::name::FileName;
use crate::store::{Draft, Local, Object, Opened, Store};

/// `backup_dir`, with the other directories that may be read from (`backup_allowed_dirs`).
#[derive(Clone, Debug)]
pub struct Folder {
    store: Arc<dyn Store>,
    /// As it is shown.
    address: String,
    /// Its path, if it is a directory.
    path: Option<PathBuf>,
    allowed: Vec<PathBuf>,
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl Folder {
    /// A directory, whose path begins at `base` if it is relative, or the URL of one (`file://`) or of a prefix in an object store;
    /// and the further directories whose files may be named.
    pub fn new(address: &str, base: &Path, allowed: Vec<PathBuf>) -> Folder {
        if let Some(object) = Object::parse(address) {
            return Folder { store: Arc::new(object), address: address.to_owned(), path: None, allowed };
        }
        // Without the points that mean nothing, as errors show it.
        let path: PathBuf = base.join(address.strip_prefix("file://").unwrap_or(address)).components().collect();
        let address = path.display().to_string();
        Folder { store: Arc::new(Local(path.clone())), address, path: Some(path), allowed }
    }

    /// Whether it is a directory that is not there yet.
    pub fn is_missing(&self) -> bool {
        self.path.as_ref().is_some_and(|path| !path.is_dir())
    }

    /// Whether a file of a few bytes can be written to it now. An object store is not asked: that could take long.
    pub(crate) fn is_writable(&self) -> bool {
        let Some(path) = &self.path else { return false };
        let probe = path.join(format!(".dictdb_probe_{}", std::process::id()));
        let written = fs::create_dir_all(path).and_then(|()| fs::write(&probe, b"probe"));
        // Of a file that was only begun nothing stays either.
        fs::remove_file(&probe).and(written).is_ok()
    }

    /// Opens a file that a statement names: in the folder, or in a directory that is allowed. Returns its short name, too. 42501 for any
    /// other, 58P01, 58030.
    pub(crate) fn open(&self, name: &str) -> Result<(String, Opened)> {
        let own = name.strip_prefix(&self.address).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
        let given = Path::new(own);
        let file = given.file_name().and_then(|file| file.to_str());
        let Some(file) = file.filter(|_| !name.contains('\0') && !name.ends_with(['/', '.'])) else {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("\"{name}\" is not the name of a file")));
        };
        let parent = given.parent().unwrap_or(Path::new(""));
        let opened = match parent.as_os_str().is_empty() {
            true => self.store.open(file)?,
            false => self.other(parent, name)?.open(file)?,
        };
        Ok((file.to_owned(), opened))
    }

    fn other(&self, parent: &Path, name: &str) -> Result<Local> {
        let asked = fs::canonicalize(parent).ok();
        let mut known = self.path.iter().chain(&self.allowed);
        let is_known =
            |folder: &&PathBuf| *folder == parent || asked.is_some() && fs::canonicalize(folder).ok() == asked;
        known.find(is_known).map(|folder| Local(folder.clone())).ok_or_else(|| {
            let message = format!("file \"{name}\" is outside the backup directory");
            Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .hint("A superuser can name more directories in \"backup_allowed_dirs\".")
        })
    }

    /// Names of the backup files that are there, oldest first.
    pub fn files(&self) -> Result<Vec<FileName>> {
        let mut names: Vec<FileName> = self.store.names()?.iter().filter_map(|name| FileName::parse(name)).collect();
        names.sort_by_key(|name| name.micros);
        Ok(names)
    }

    /// Begins a file.
    pub(crate) fn create(&self, name: &FileName) -> Result<Box<dyn Draft>> {
        self.store.create(&name.to_string())
    }

    /// Removes a backup file. 58P01, 42501, 58030.
    pub(crate) fn remove(&self, name: &FileName) -> Result<()> {
        self.store.remove(&name.to_string())
    }
}
