//! Where backup files are: a directory, or a bucket of an object store. One small trait over both.

mod local;
mod object;
mod reading;
mod runtime;

use std::fmt::Debug;
use std::io::{self, Read, Seek, Write};

use dictdb_types::{Error, Result};

pub(crate) use local::Local;
pub(crate) use object::Object;

/// A file that is read.
pub(crate) trait Reading: Read + Seek + Send {}

impl<T: Read + Seek + Send> Reading for T {}

/// A file that was opened, and its size.
pub(crate) struct Opened {
    pub(crate) file: Box<dyn Reading>,
    pub(crate) bytes: u64,
}

/// A file that is being written. Dropped before [`Draft::publish`] it is gone.
pub(crate) trait Draft: Write + Send {
    /// Makes it durable and gives it its name. Names are not taken twice: 58P02.
    fn publish(self: Box<Self>) -> Result<()>;
    /// What a failed write is.
    fn failed(&self, error: &io::Error) -> Error;
}

/// Files under their names. Errors are 58P01, 58P02, 42501, 53100, 58030.
pub(crate) trait Store: Send + Sync + Debug {
    /// Names of all files; none when the place itself is not there.
    fn names(&self) -> Result<Vec<String>>;
    /// Opens a file.
    fn open(&self, name: &str) -> Result<Opened>;
    /// Begins a file, which nobody sees until it is published.
    fn create(&self, name: &str) -> Result<Box<dyn Draft>>;
    /// Removes a file.
    fn remove(&self, name: &str) -> Result<()>;
}
