//! What the log needs of a disk: a trait, the real one, and a simulated twin for tests.

mod random;
mod real;
mod simulated;

use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use random::Random;
pub use real::RealDisk;
pub use simulated::{SimulatedDisk, Survival};

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// For reading.
    Read,
    /// For reading and writing.
    Write,
    /// For writing; made if need be, emptied otherwise.
    Create,
}

/// A file system.
pub trait Disk: Send + Sync {
    /// Makes a directory that only its owner may enter; one that exists is made so.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Names in a directory, in order.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;

    /// Opens a file.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name in the same directory, replacing what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, directory: &Path) -> io::Result<()>;

    /// Locks a file, which is made if need be, until the guard is dropped; `None` when somebody else has it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Any + Send + Sync>>>;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Writes all bytes at an offset.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads what there is from an offset on, at most as much as fits; returns how much.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Makes the contents durable (`fdatasync`).
    fn sync(&self) -> io::Result<()>;
}

/// Reads a file from beginning to end.
pub fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.len()? as usize];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}
