//! Backups and the server: what the manager needs of an instance, and where a restored database goes.
//!
//! Files, chains and their contents are `dictdb_backup`'s; the statements are in [`statement`].

mod check;
mod publish;
mod statement;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dictdb_backup::{Folder, Format, Host, Manager, Settings};
use dictdb_durability::{DatabaseView, Durability};
use dictdb_storage::Storage;
use dictdb_types::{Error, Oid};

use crate::notifications::Notification;
use crate::settings::{ServerSettings, Source, Value};
use crate::statement::is_empty;
use crate::{Database, Instance};

pub use check::verify_backups;
pub(crate) use statement::{columns, tag};

/// The sender of notifications that no session sends.
const SERVER_PID: i32 = 0;

/// The values of the settings about backups, wherever they come from.
pub(crate) fn settings_from(value: impl Fn(&str) -> Value, base: &Path) -> Settings {
    let text = |name: &str| value(name).plain();
    let number = |name: &str| match value(name) {
        Value::Int(number) => u64::try_from(number).unwrap_or(0),
        _ => 0,
    };
    let allowed = text("backup_allowed_dirs");
    let allowed: Vec<PathBuf> =
        allowed.split(':').filter(|path| !path.is_empty()).map(|path| base.join(path)).collect();
    let age = number("backup_keep_age");
    Settings {
        folder: Folder::new(&text("backup_dir"), base, allowed),
        format: Format::of(&text("backup_format")),
        interval: Duration::from_secs(number("backup_interval").max(1)),
        min_interval: match value("min_backup_interval") {
            Value::Real(seconds) => Duration::from_secs_f64(seconds.max(0.0)),
            _ => Duration::ZERO,
        },
        incremental: value("backup_incremental") == Value::Bool(true),
        max_deltas: u32::try_from(number("max_deltas_before_full")).unwrap_or(u32::MAX),
        keep_full: usize::try_from(number("backup_keep_full")).unwrap_or(usize::MAX),
        keep_age: (age > 0).then(|| Duration::from_secs(age)),
        failure_command: text("backup_failure_command"),
    }
}

impl Instance {
    /// Where relative paths of backups begin: the data directory, or the working directory of a server without one.
    pub(crate) fn backup_base(&self) -> PathBuf {
        self.durability.as_ref().map_or_else(PathBuf::new, |durability| durability.directory().root().to_owned())
    }

    /// Backups of this server.
    pub fn backups(&self) -> &Arc<Manager> {
        &self.backups
    }

    /// Starts the periodic manager if `backup_autostart` says so.
    pub fn autostart_backups(self: &Arc<Self>) {
        let wanted = self.settings.read().value("backup_autostart") == Value::Bool(true);
        let host: Arc<dyn Host> = self.clone();
        if wanted && let Err(error) = self.backups.start(&host) {
            tracing::error!("{}", error.message());
        }
    }

    /// Ends the manager, with a last backup if `backup_on_shutdown` says so. What is in memory only is backed up when somebody
    /// said where to or when.
    pub fn close_backups(&self) {
        let settings = self.settings.read().clone();
        let is_wanted = self.durability.is_some() || self.backups.next_due().is_some() || is_configured(&settings);
        let last = is_wanted && settings.value("backup_on_shutdown") == Value::Bool(true);
        self.backups.close(self, last);
    }
}

fn is_configured(settings: &ServerSettings) -> bool {
    settings.source("backup_dir") != Source::Default
}

impl Host for Instance {
    fn storage(&self) -> &Storage {
        &self.storage
    }

    fn durability(&self) -> Option<&Durability> {
        self.durability.as_deref()
    }

    fn databases(&self) -> Vec<(Oid, Arc<str>)> {
        let databases = Instance::databases(self);
        let is_wanted =
            |database: &&Arc<Database>| !database.attributes.is_template || !is_empty(&database.catalog.current());
        databases.iter().filter(is_wanted).map(|database| (database.oid, database.name.clone())).collect()
    }

    fn present(&self, database: Oid) -> Option<DatabaseView> {
        let databases = Instance::databases(self);
        databases.iter().find(|known| known.oid == database).map(crate::persistence::view)
    }

    fn settings(&self) -> Settings {
        let settings = self.settings.read().clone();
        settings_from(|name| settings.value(name), &self.backup_base())
    }

    fn statements(&self) -> u64 {
        self.backends.statements()
    }

    fn notify(&self, channel: &str, payload: &str) {
        let notification = Notification { sender: SERVER_PID, channel: channel.into(), payload: payload.into() };
        match self.hub.check_room(std::slice::from_ref(&notification)) {
            Ok(()) => {
                let databases = Instance::databases(self);
                databases
                    .iter()
                    .for_each(|database| self.hub.deliver(&database.name, std::slice::from_ref(&notification)));
            }
            Err(error) => tracing::warn!("could not notify of a failed backup: {}", error.message()),
        }
    }
}

/// 42501 unless the role is a superuser.
pub(crate) fn must_be_superuser(command: &str) -> Error {
    let message = format!("must be superuser to execute {command}");
    Error::new(dictdb_types::SqlState::INSUFFICIENT_PRIVILEGE, message)
}
