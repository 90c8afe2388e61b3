//! Backups: full files and deltas that a person can read and a machine can prove, and databases out of them again.
//!
//! Layer 5. Reads one moment of a database (catalog, rows, sequences) and writes it as JSON or Arrow; reads such files, and those of the
//! original Python package, into a storage of their own. Knows no sessions: who may do it, where a restored database goes and who
//! is told of failures is `dictdb_session`'s.
//!
//! ```text
//!   BACKUP   moment ──► write/json, write/arrow ──► seal (content hash) ──► folder ──► store (fsync and rename, or an upload)
//!   RESTORE  chain (names, links) ──► read/json, read/arrow, foreign ──► Restorer ──► a storage aside ──► the caller's commit
//! ```
//! # How a delta can be small
//! When a full backup is taken the tables begin to note which rows change ([`dictdb_storage::ChangeSet`]); a delta reads those rows,
//! and only those. The catalog is compared with the version of the parent, which shares what did not change. So the chain goes on
//! as long as the process does: the first backup after a start is full.
//!
//! # Invariants
//! - A file has its final name only when it is whole and on disk.
//! - Nothing is restored from a file whose bytes do not match its content hash, nor from a chain with a link that does not match.
//! - A restored row has the row id it had, so that a delta can name rows of tables without a key.

mod ahead;
mod apply;
mod chain;
mod error;
mod failure;
mod folder;
mod foreign;
mod head;
mod host;
#[cfg(test)]
mod hostile;
mod inventory;
mod ipc;
mod jobs;
mod manager;
mod member;
mod moment;
mod name;
mod pace;
mod parallel;
mod progress;
mod read;
mod record;
mod restore;
mod retention;
mod seal;
mod series;
mod store;
mod surroundings;
mod write;

pub use apply::DeltaFile;
pub use chain::{Entry, Until, Verified, list, verify, verify_all};
pub use folder::Folder;
pub use head::{Head, Link};
pub use host::{Host, Settings};
pub use jobs::{Job, JobState, Jobs};
pub use manager::{Done, Manager, Request, Status};
pub use member::Member;
pub use name::{FileName, Format, Kind};
pub use pace::Pace;
pub use progress::{Progress, Work};
pub use restore::{From, Restored, Sources, restore};
pub use series::{Series, Source, Taken, Wish};
pub use surroundings::Surroundings;
pub use write::Written;
