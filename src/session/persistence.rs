//! What sessions and the data directory have to do with each other: opening it, committing through it, waiting for it.
//!
//! ```text
//!   commit ─► visible to others, locks released ─► wait for the LSN ─► answer
//!   read of what others committed but have not been told yet ─► wait for theirs ─► answer
//! ```
//! A pipeline or a query string waits once, when its transaction ends. After a failure of the disk commits fail; what was visible
//! then stays visible.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dictdb_catalog::Change;
use dictdb_durability::{
    Analyzed, BreakerStatus, DatabaseView, Durability, LogError, Lsn, Options, Reason, RecoveryPhase, RecoveryProgress,
    RecoveryStatus, RestoredDatabase, Tuning, catalog_item, database_items,
};
use dictdb_executor::ddl::restore_indexes;
use dictdb_functions::kernel::Registry;
use dictdb_storage::{Accompaniment, Storage};
use dictdb_types::{Error, Oid, Result, SqlState};
use parking_lot::RwLock;

use crate::analysis::Analyses;
use crate::instance::{
    Database, FIRST_DATABASE, TEMPLATE0, TEMPLATE1, initial_shared_changes, shared_changes, template_databases,
};
use crate::prepared_transactions::PreparedTransactions;
use crate::settings::{ServerSettings, Value};
use crate::{Instance, Session};

/// A transaction's end, as far as the answer has to wait for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// The position of its record; `None` when it wrote nothing.
    pub(crate) lsn: Option<Lsn>,
    /// Whether `synchronous_commit` was on for it.
    pub(crate) is_promised: bool,
}

impl Ended {
    /// Waits for another position too; zero is none.
    pub(crate) fn and(self, lsn: Lsn) -> Ended {
        Ended { lsn: self.lsn.max(Some(lsn).filter(|lsn| *lsn > Lsn::default())), ..self }
    }
}

/// What the answers of a session show that others have committed: they wait until it is on disk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    upto: Lsn,
    /// Also whatever was committed until now.
    newest: bool,
}

impl Seen {
    /// A statement saw what was promised up to a position; `None` when it saw more than its snapshot.
    pub(crate) fn add(&mut self, promised: Option<Lsn>) {
        match promised {
            Some(lsn) => self.upto = self.upto.max(lsn),
            None => self.newest = true,
        }
    }
}

/// What was found in a data directory.
pub(crate) struct Opened {
    pub(crate) durability: Option<Arc<Durability>>,
    pub(crate) databases: Arc<RwLock<Vec<Arc<Database>>>>,
    pub(crate) prepared: PreparedTransactions,
    pub(crate) analyses: Arc<Analyses>,
}

/// Opens a data directory into an empty storage, its indexes included; makes the first database of a new one.
pub(crate) fn open(
    settings: &mut ServerSettings,
    directory: &Path,
    first_database: &str,
    storage: &Storage,
    registry: &Registry,
    progress: Arc<RecoveryProgress>,
) -> Result<Opened> {
    let options = options(settings, directory, first_database, progress);
    let (durability, restored) = Durability::open(options, storage)?;
    if !durability.log().fsync() {
        tracing::warn!("fsync is off: a crash of the operating system will destroy the data directory");
    }
    let (mut databases, analyses) = (Vec::new(), Arc::new(Analyses::default()));
    for database in restored {
        restore_indexes(storage, &database.catalog.current(), registry)?;
        let RestoredDatabase { oid, name, attributes, catalog, analyzed } = database;
        analyses.restore(oid, analyzed);
        databases.push(Arc::new(Database { oid, name, attributes, catalog: Arc::new(catalog) }));
    }
    let prepared = PreparedTransactions::reopen(&durability, &databases, storage, registry)?;
    settings.set_computed("wal_segment_size", &durability.log().segment_bytes().to_string())?;
    let databases = Arc::new(RwLock::new(databases));
    let (listed, found) = (databases.clone(), analyses.clone());
    let whole = move |database: &Arc<Database>| DatabaseView { analyzed: found.stored(database.oid), ..view(database) };
    durability.start(move || listed.read().iter().map(&whole).collect())?;
    add_templates(&durability, &databases)?;
    durability.progress().enter(RecoveryPhase::Done);
    Ok(Opened { durability: Some(durability), databases, prepared, analyses })
}

/// Makes the template databases of a new directory, or of one from before there were any.
fn add_templates(durability: &Durability, databases: &RwLock<Vec<Arc<Database>>>) -> Result<()> {
    let mut databases = databases.write();
    let is_template = |database: &Arc<Database>| [TEMPLATE0, TEMPLATE1].contains(&database.oid);
    if !databases.iter().any(is_template)
        && let Some(first) = databases.first().map(|first| first.catalog.clone())
    {
        let initial = initial_shared_changes();
        for database in databases.iter() {
            database.catalog.commit(&initial)?;
            durability.append_items(catalog_item(database.oid, database.catalog.next_oid(), &initial), true);
        }
        for template in template_databases(&first) {
            durability.log_database(&view(&template))?;
            databases.push(template);
        }
    }
    databases.sort_by_key(|database| (is_template(database), database.oid));
    Ok(())
}

/// Reads a data directory that no server uses, to see that it is whole: a sentence about what is there.
pub fn verify_directory(directory: &Path, settings: &ServerSettings) -> Result<String> {
    let options = options(settings, directory, "", Arc::default());
    Ok(match dictdb_durability::verify(directory, options.segment_bytes)? {
        None => "nothing there yet".to_owned(),
        Some(found) => {
            let checkpoint = match found.checkpoint {
                Some((lsn, bytes)) => format!("checkpoint at {lsn} ({bytes} bytes)"),
                None => "no checkpoint".to_owned(),
            };
            format!("{checkpoint}, {} records behind it, end at {}", found.records, found.end)
        }
    })
}

/// A database without what ANALYZE has found in it.
pub(crate) fn view(database: &Arc<Database>) -> DatabaseView {
    DatabaseView {
        oid: database.oid,
        name: database.name.clone(),
        attributes: database.attributes,
        catalog: database.catalog.current(),
        next_oid: database.catalog.next_oid(),
        analyzed: Vec::new(),
    }
}

/// What can be changed while the data directory is open.
pub(crate) fn tuning(settings: &ServerSettings) -> Tuning {
    Tuning {
        fsync: settings.value("fsync") != Value::Bool(false),
        checkpoint_timeout: Duration::from_secs(number(settings, "checkpoint_timeout").max(1)),
        max_wal_bytes: number(settings, "max_wal_size").max(2) << 20,
        keep_bytes: number(settings, "wal_keep_size") << 20,
        archive: Some(settings.value("wal_archive_directory").plain())
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        archive_command: settings.value("archive_command").plain(),
        archive_timeout: Duration::from_secs(number(settings, "archive_timeout")),
        restore_command: settings.value("restore_command").plain(),
    }
}

fn number(settings: &ServerSettings, name: &str) -> u64 {
    match settings.value(name) {
        Value::Int(value) => u64::try_from(value).unwrap_or(0),
        _ => 0,
    }
}

fn options(
    settings: &ServerSettings,
    directory: &Path,
    first_database: &str,
    progress: Arc<RecoveryProgress>,
) -> Options {
    Options {
        writer_delay: Duration::from_millis(number(settings, "wal_writer_delay").max(1)),
        tuning: tuning(settings),
        archives: settings.value("archive_mode").plain() != "off",
        progress,
        ..Options::new(directory, (FIRST_DATABASE, first_database.into()))
    }
}

impl Instance {
    /// Whether the databases were made just now.
    pub fn is_new(&self) -> bool {
        self.durability.as_ref().is_none_or(|durability| durability.directory().is_new())
    }

    /// Changes a database's catalog outside any session, durably; roles in all databases.
    pub(crate) fn change_catalog(&self, database: &Database, changes: &[Change]) -> Result<()> {
        let attachment = self.attachment(database, changes);
        let mut publish = || {
            database.catalog.commit(changes)?;
            self.share_roles(changes, database.oid)
        };
        let with = Accompaniment { attachment: &attachment, publish: &mut publish };
        let committed = self.storage.begin().commit_with(Some(with), true)?;
        match self.durability.as_ref().zip(committed.lsn) {
            Some((durability, lsn)) => Ok(durability.durable_at(lsn).block()?),
            None => Ok(()),
        }
    }

    /// Catalog changes for the record of a commit, with what they change in other databases; empty when nothing is kept.
    pub(crate) fn attachment(&self, database: &Database, changes: &[Change]) -> Vec<u8> {
        if self.durability.is_none() {
            return Vec::new();
        }
        let next_oid = database.catalog.next_oid();
        let mut items = catalog_item(database.oid, next_oid, changes);
        let shared = shared_changes(changes);
        if !shared.is_empty() {
            let others = self.databases().into_iter().filter(|other| other.oid != database.oid);
            others.for_each(|other| items.extend(catalog_item(other.oid, next_oid, &shared)));
        }
        items
    }

    /// Likewise, with the database itself, which is new.
    pub(crate) fn attachment_of_new(&self, database: &Arc<Database>, changes: &[Change]) -> Vec<u8> {
        if self.durability.is_none() {
            return Vec::new();
        }
        let mut items = database_items(&view(database));
        items.extend(self.attachment(database, changes));
        items
    }

    /// Logs a database's name and attributes; under the commit lock. What to wait for.
    pub(crate) fn log_database_change(&self, database: &Arc<Database>) -> Result<Option<Lsn>> {
        Ok(self.durability.as_ref().map(|durability| durability.log_database_change(&view(database))).transpose()?)
    }

    /// Logs that a database is gone, and what that changes in the others; under the commit lock. What to wait for.
    pub(crate) fn log_dropped_database(&self, dropped: &Database, changes: &[Change]) -> Result<Option<Lsn>> {
        let attachment = self.attachment(dropped, changes);
        let logged =
            self.durability.as_ref().map(|durability| durability.log_dropped_database(dropped.oid, attachment));
        Ok(logged.transpose()?)
    }

    /// Logs what is known now of relations of a database. What to wait for. 53100, 58030.
    pub(crate) fn log_analyzed(&self, database: Oid, analyzed: &[Analyzed]) -> Result<Option<Lsn>> {
        let Some(durability) = &self.durability else { return Ok(None) };
        let mut last = None;
        for analyzed in analyzed {
            last = Some(durability.log_analyzed(database, analyzed)?);
        }
        durability.flush_soon();
        Ok(last)
    }

    /// Blocks until what was logged outside a transaction is on disk.
    pub(crate) fn wait_logged(&self, logged: Option<Lsn>) -> Result<()> {
        match self.durability.as_ref().zip(logged) {
            Some((durability, lsn)) => Ok(tokio::task::block_in_place(|| durability.durable_at(lsn).block())?),
            None => Ok(()),
        }
    }

    /// CHECKPOINT; nothing to do when everything is in memory only.
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        let Some(durability) = self.durability.clone() else { return Ok(()) };
        let written = tokio::task::spawn_blocking(move || durability.checkpoint(Reason::Request)).await;
        match written {
            Ok(written) => Ok(written?),
            Err(_) => Err(Error::internal("the checkpoint was interrupted")),
        }
    }

    /// What outside of the server may fail, and whether it is being asked.
    pub fn circuit_breakers(&self) -> Vec<BreakerStatus> {
        let log = self.durability.as_ref().map_or_else(BreakerStatus::without_log, |durability| durability.breaker());
        vec![log, self.backups.breaker.status(), self.cache_breaker.status()]
    }

    /// Lets calls through again that a breaker has kept back. 22023 when there is none of that name, 53100, 58030.
    pub fn reset_circuit_breaker(&self, name: &str) -> Result<()> {
        match name {
            "database" => self.resume_writes()?,
            "backup" => self.backups.breaker.reset(),
            "cache" => self.cache_breaker.reset(),
            _ => {
                let message = format!("there is no circuit breaker \"{name}\"");
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
                    .hint("Circuit breakers are database, backup and cache."));
            }
        }
        Ok(())
    }

    /// What the start found in the data directory; `None` when everything is in memory only.
    pub fn recovery(&self) -> Option<RecoveryStatus> {
        self.durability.as_ref().map(|durability| durability.recovery())
    }

    /// After the disk failed: saves what is in memory and accepts commits again. 53100, 58030.
    pub fn resume_writes(&self) -> Result<()> {
        match &self.durability {
            Some(durability) => Ok(durability.resume()?),
            None => Ok(()),
        }
    }

    /// The server ends: everything is written, and the log is closed.
    pub fn shut_down(&self) -> Result<()> {
        match &self.durability {
            Some(durability) => Ok(durability.shut_down()?),
            None => Ok(()),
        }
    }
}

impl Session {
    /// Waits until the transaction that has ended is as durable as it was promised. 53100 or 58030 when that cannot be: it has
    /// committed, and may be lost.
    pub(crate) async fn wait_durable(&mut self, ended: Ended) -> Result<()> {
        let Some(durability) = &self.shared.instance.durability else { return Ok(()) };
        let Some(lsn) = ended.lsn else {
            self.settle().await;
            return Ok(());
        };
        if !ended.is_promised {
            durability.flush_soon();
            return Ok(());
        }
        durability.durable_at(lsn).of(self.committer()).await.map_err(|error| not_durable(&error))
    }

    /// Waits until what the session's answers show is on disk, as far as others were promised that it is. Reads go on when the
    /// log has stopped.
    pub async fn settle(&mut self) {
        let Some(durability) = &self.shared.instance.durability else { return };
        let Seen { upto, newest } = std::mem::take(&mut self.seen);
        let lsn = if newest { durability.promised() } else { upto };
        if !durability.log().is_durable(lsn) {
            let _ = durability.durable_at(lsn).of(self.committer()).await;
        }
    }

    /// What the log knows the session by.
    fn committer(&self) -> u64 {
        self.shared.backend.pid.unsigned_abs().into()
    }

    /// Likewise before it hears of what others have committed, whatever that is.
    pub async fn settle_news(&mut self) {
        self.seen.add(None);
        self.settle().await;
    }
}

fn not_durable(error: &LogError) -> Error {
    Error::new(error.sqlstate(), error.to_string())
        .detail("The transaction is visible to others, but it is not on disk and may be lost.")
        .hint("When the disk is writable again, SELECT dictdb.resume_writes() or a CHECKPOINT saves what is in memory.")
}

/// 42501 unless the role may write checkpoints.
pub(crate) fn check_may_checkpoint(session: &Session) -> Result<()> {
    if session.shared.is_superuser() {
        return Ok(());
    }
    let message = "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT";
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
}
