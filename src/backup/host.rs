//! What the manager needs of the server around it.

use std::sync::Arc;
use std::time::Duration;

use dictdb_durability::{DatabaseView, Durability};
use dictdb_storage::Storage;
use dictdb_types::Oid;

use crate::folder::Folder;
use crate::name::Format;

/// What an operator can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `backup_dir`, with `backup_allowed_dirs`.
    pub folder: Folder,
    /// `backup_format`.
    pub format: Format,
    /// `backup_interval`.
    pub interval: Duration,
    /// `min_backup_interval`.
    pub min_interval: Duration,
    /// `backup_incremental`.
    pub incremental: bool,
    /// `max_deltas_before_full`.
    pub max_deltas: u32,
    /// `backup_keep_full`: chains that are kept; zero is all.
    pub keep_full: usize,
    /// `backup_keep_age`: chains younger than this are kept; `None` is all.
    pub keep_age: Option<Duration>,
    /// `backup_failure_command`; empty is none.
    pub failure_command: String,
}

/// The server, as the manager needs it.
pub trait Host: Send + Sync {
    /// The rows.
    fn storage(&self) -> &Storage;
    /// The log.
    fn durability(&self) -> Option<&Durability>;
    /// The databases there are.
    fn databases(&self) -> Vec<(Oid, Arc<str>)>;
    /// A database as it is now; called while nothing can commit.
    fn present(&self, database: Oid) -> Option<DatabaseView>;
    /// Values of the settings.
    fn settings(&self) -> Settings;
    /// Statements that sessions have finished since it started.
    fn statements(&self) -> u64;
    /// Sends a notification to those who listen, in whatever database.
    fn notify(&self, channel: &str, payload: &str);
}
