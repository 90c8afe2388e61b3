//! Backups as SQL: DictDB's own commands, which PostgreSQL has no words for.

use sqlparser::ast::Ident;

/// A command about backups.
#[derive(Clone, Debug)]
pub enum Backup {
    /// `BACKUP FULL`, `DELTA`, `NOW` or `NOTIFY`.
    Take {
        /// Which.
        kind: BackupKind,
        /// `ASYNC`: the statement does not wait for it.
        background: bool,
    },
    /// `BACKUP START`: the periodic manager begins.
    Start,
    /// `BACKUP STOP`.
    Stop,
    /// `RESTORE`.
    Restore(Restore),
    /// `APPLY DELTA 'file'`.
    ApplyDelta(String),
    /// `VERIFY BACKUP 'file'`; `None` is `ALL`.
    Verify(Option<String>),
    /// `SHOW BACKUPS`.
    ShowAll,
    /// `SHOW BACKUP STATUS`.
    ShowStatus,
}

/// What kind of backup to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupKind {
    /// Everything.
    Full,
    /// What has changed since the last one.
    Delta,
    /// By the settings.
    Now,
    /// By the settings, unless the last one is too young.
    Notify,
}

/// `RESTORE FROM LATEST | 'file' [UNTIL 'file' | timestamp] [INTO DATABASE name] [DRY RUN]`.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The file; `None` is `LATEST`.
    pub file: Option<String>,
    /// A file or a moment.
    pub until: Option<String>,
    /// The database that becomes what the backup says; the current one if none is named.
    pub database: Option<Ident>,
    /// Everything but the last step.
    pub dry_run: bool,
}
