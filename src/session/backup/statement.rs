//! BACKUP, RESTORE, VERIFY BACKUP, APPLY DELTA and SHOW BACKUPS as statements. They run outside transaction blocks, for superusers.

use std::sync::Arc;
use std::time::Duration;

use dictdb_backup::{
    DeltaFile, Done, FileName, From, Host, Manager, Pace, Progress, Request, Restored, Settings, Sources, Until,
    Verified, Work, Written,
};
use dictdb_durability::{DatabaseAttributes, Staging};
use dictdb_parser::utility::{Backup, BackupKind, Restore};
use dictdb_storage::{Isolation, LockMode, RelationLock, Storage, Transaction, WaitOptions, WaitPolicy};
use dictdb_types::stack::deep_thread;
use dictdb_types::{Datum, Error, Result, Severity, SqlState, Type, oids, text};

use super::check::all_whole;
use super::publish::{KnownRoles, Target};
use super::{must_be_superuser, settings_from};
use crate::client::{Column, Row, Tag};
use crate::instance::{Database, NewDatabase, new_database};
use crate::portal::{Outcome, RowSource, TagCount};
use crate::system::relation_rows;
use crate::{Instance, Session};

/// A column of an answer.
type ColumnOf = (&'static str, dictdb_types::Oid);

const TAKEN: &[ColumnOf] = &[
    ("file", oids::TEXT),
    ("kind", oids::TEXT),
    ("tables", oids::INT8),
    ("records", oids::INT8),
    ("bytes", oids::INT8),
    ("lsn", oids::PG_LSN),
    ("content_hash", oids::TEXT),
];
const JOB: &[ColumnOf] = &[("job", oids::INT8)];
const RESTORED: &[ColumnOf] = &[
    ("database", oids::TEXT),
    ("files", oids::TEXT_ARRAY),
    ("tables", oids::INT8),
    ("records", oids::INT8),
    ("as_of", oids::TIMESTAMPTZ),
    ("dry_run", oids::BOOL),
];
const APPLIED: &[ColumnOf] = &[("affected", oids::INT8)];
const VERIFIED: &[ColumnOf] =
    &[("file", oids::TEXT), ("kind", oids::TEXT), ("chain", oids::INT4), ("content_hash", oids::TEXT)];

/// The columns of a command's answer; `None` when it has none.
pub(crate) fn columns(command: &Backup) -> Option<Arc<[Column]>> {
    let own = |columns: &[ColumnOf]| Some(columns.iter().map(|(name, ty)| Column::new(name, *ty)).collect());
    match command {
        Backup::Take { background: false, .. } => own(TAKEN),
        Backup::Take { background: true, .. } => own(JOB),
        Backup::Start | Backup::Stop => None,
        Backup::Restore(_) => own(RESTORED),
        Backup::ApplyDelta(_) => own(APPLIED),
        Backup::Verify(_) => own(VERIFIED),
        Backup::ShowAll => Some(table_columns("backups")),
        Backup::ShowStatus => Some(table_columns("backup_status")),
    }
}

fn table_columns(name: &str) -> Arc<[Column]> {
    let relations = dictdb_catalog::system_relations();
    let own = |relation: &&Arc<dictdb_catalog::Relation>| {
        relation.namespace == dictdb_catalog::namespaces::DICTDB && &*relation.name == name
    };
    let relation = relations.iter().find(own);
    let columns = relation.into_iter().flat_map(|relation| relation.live_columns());
    columns.map(|(_, column)| Column::new(&column.name, column.ty)).collect()
}

/// The command's tag.
pub(crate) fn tag(command: &Backup) -> &'static str {
    match command {
        Backup::Take { .. } => "BACKUP",
        Backup::Start => "BACKUP START",
        Backup::Stop => "BACKUP STOP",
        Backup::Restore(_) => "RESTORE",
        Backup::ApplyDelta(_) => "APPLY DELTA",
        Backup::Verify(_) => "VERIFY BACKUP",
        Backup::ShowAll | Backup::ShowStatus => "SHOW",
    }
}

impl Session {
    /// Runs a command about backups. 42501 unless the role is a superuser.
    pub(crate) fn run_backup(&mut self, command: &Backup) -> Result<Outcome> {
        let name = tag(command);
        if !self.shared.is_superuser() {
            let of_views = matches!(command, Backup::ShowAll | Backup::ShowStatus);
            return Err(must_be_superuser(if of_views { "SHOW BACKUPS" } else { name }));
        }
        let rows = match command {
            Backup::Take { kind, background } => self.take_backup(*kind, *background)?,
            Backup::Start | Backup::Stop => {
                self.switch_manager(matches!(command, Backup::Start))?;
                return Ok(Outcome::Done(Tag::new(name)));
            }
            Backup::Restore(restore) => vec![self.restore(restore)?],
            Backup::ApplyDelta(file) => vec![vec![Datum::Int8(self.apply_delta(file)?)]],
            Backup::Verify(file) => self.verify_backups(file.as_deref())?,
            Backup::ShowAll => relation_rows(&self.env(), "backups")?,
            Backup::ShowStatus => relation_rows(&self.env(), "backup_status")?,
        };
        Ok(Outcome::Rows {
            columns: columns(command).unwrap_or_default(),
            source: RowSource::stored(rows),
            command: name,
            count: TagCount::None,
        })
    }

    fn backup_settings(&self) -> Settings {
        let settings = self.shared.settings.lock();
        settings_from(|name| settings.value(name), &self.shared.instance.backup_base())
    }

    fn take_backup(&mut self, kind: BackupKind, background: bool) -> Result<Vec<Row>> {
        let request = match kind {
            BackupKind::Full => Request::Full,
            BackupKind::Delta => Request::Delta,
            BackupKind::Now => Request::Now,
            BackupKind::Notify => Request::Notify,
        };
        if background {
            return self.begin_backup(request, kind);
        }
        let settings = self.backup_settings();
        let (instance, database) = (self.shared.instance.clone(), self.shared.database.clone());
        let interrupts = self.shared.backend.clone();
        let done = tokio::task::block_in_place(|| {
            let (progress, statements) = (Progress::default(), || instance.backends.statements());
            let check = || interrupts.interrupts.check();
            let work = Work { progress: &progress, check: &check, pace: Pace::beside(&statements) };
            instance.backups.take(&*instance, (database.oid, &database.name), request, &settings, &work)
        })?;
        match done {
            Done::File(written) => {
                if request == Request::Delta && written.name.kind == dictdb_backup::Kind::Full {
                    self.notice_text("a full backup was taken: there is none that a delta could follow");
                }
                Ok(vec![taken_row(&written)])
            }
            Done::Nothing => {
                self.notice_text("nothing has changed since the last backup, skipping");
                Ok(Vec::new())
            }
            Done::TooSoon => {
                self.notice_text("the last backup is younger than \"min_backup_interval\", skipping");
                Ok(Vec::new())
            }
        }
    }

    /// `ASYNC`: a thread of its own takes it, and `dictdb.jobs` tells how it goes.
    fn begin_backup(&mut self, request: Request, kind: BackupKind) -> Result<Vec<Row>> {
        let settings = self.backup_settings();
        let (instance, database) = (self.shared.instance.clone(), self.shared.database.clone());
        let command = format!("BACKUP {} ASYNC", format!("{kind:?}").to_uppercase());
        let job = instance.backups.jobs.begin(&command, database.name.clone(), self.shared.current_user());
        let own = job.clone();
        let thread = deep_thread("dictdb-job");
        let spawned = thread.spawn(move || {
            let statements = || instance.backends.statements();
            let work = Work { progress: &own.progress, check: &|| own.check(), pace: Pace::beside(&statements) };
            let done = instance.backups.take(&*instance, (database.oid, &database.name), request, &settings, &work);
            own.finish(done.map(|done| match done {
                Done::File(written) => written.name.to_string(),
                Done::Nothing => "nothing has changed".to_owned(),
                Done::TooSoon => "the last backup is too young".to_owned(),
            }));
        });
        spawned
            .map_err(|error| Error::new(SqlState::INSUFFICIENT_RESOURCES, format!("could not start a job: {error}")))?;
        Ok(vec![vec![Datum::Int8(job.id)]])
    }

    fn switch_manager(&mut self, start: bool) -> Result<()> {
        let instance = self.shared.instance.clone();
        let host: Arc<dyn Host> = instance.clone();
        let manager: &Arc<Manager> = &instance.backups;
        let changed = match start {
            true => manager.start(&host)?,
            false => tokio::task::block_in_place(|| manager.stop()),
        };
        if !changed {
            let state = if start { "runs already" } else { "does not run" };
            self.notice_text(&format!("the backup manager {state}"));
        }
        Ok(())
    }

    fn notice_text(&self, message: &str) {
        self.shared.notice(Error::with_severity(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message));
    }

    fn restore(&mut self, restore: &Restore) -> Result<Row> {
        let until = self.until(restore.until.as_deref())?;
        let from = restore.file.clone().map_or(From::Latest, From::File);
        let name = restore.database.as_ref().map_or_else(|| self.shared.database.name.to_string(), |n| n.value.clone());
        let (instance, own) = (self.shared.instance.clone(), self.shared.database.clone());
        let is_early = !restore.dry_run && instance.is_room_for(&name)? && !matches!(until, Until::Moment(_));
        let staging = tokio::task::block_in_place(|| if is_early { instance.begin_staging(&own) } else { None });
        let storage = Storage::new();
        let _counted = instance.engine.count_beside(&storage);
        let restored = self.build(&from, &until, &storage, staging.as_ref())?;
        if !restored.is_exact {
            let message = "the log from the last backup on is not kept: the database is restored as of that backup";
            self.shared.notice(Error::with_severity(Severity::Warning, SqlState::WARNING, message));
        }
        let files = restored.files.iter().map(|file| Datum::text(file.as_str())).collect();
        let row = vec![
            Datum::text(name.as_str()),
            Datum::Array(Arc::new(dictdb_types::Array::vector(oids::TEXT, files))),
            Datum::Int8(restored.tables as i64),
            Datum::Int8(restored.rows as i64),
            Datum::Timestamp(restored.taken_at),
            Datum::Bool(restore.dry_run),
        ];
        match restore.dry_run {
            true => tokio::task::block_in_place(|| instance.index_restored(&restored))?,
            false => self.put_in_place(&name, restored, staging)?,
        }
        Ok(row)
    }

    /// A file or a moment, as it was written.
    fn until(&mut self, until: Option<&str>) -> Result<Until> {
        let Some(written) = until else { return Ok(Until::End) };
        let file = written.rsplit('/').next().unwrap_or(written);
        if FileName::parse(file).is_some() {
            return Ok(Until::File(written.to_owned()));
        }
        let env = self.env();
        match text::input(written, Type::new(oids::TIMESTAMPTZ), &*env)? {
            Datum::Timestamp(moment) => Ok(Until::Moment(moment)),
            _ => Err(Error::internal("a timestamp is no timestamp")),
        }
    }

    /// Builds a database in an empty storage. Beyond `max_memory` 53200.
    fn build(
        &mut self,
        from: &From,
        until: &Until,
        storage: &Storage,
        staging: Option<&Staging<'_>>,
    ) -> Result<Restored> {
        let settings = self.backup_settings();
        let shared = self.shared.clone();
        tokio::task::block_in_place(|| {
            let sources = Sources {
                folder: &settings.folder,
                database: &shared.database.name,
                durability: shared.instance.durability.as_deref(),
                staging,
                storage,
            };
            let check = || shared.backend.interrupts.check().and_then(|()| shared.instance.engine.check_room());
            let work = Work { progress: &Progress::default(), check: &check, pace: Pace::full() };
            let restored = dictdb_backup::restore(&sources, from, until, &work)?;
            shared.instance.engine.check_tables()?;
            Ok(restored)
        })
    }

    /// Lets a restored database take the place of the one of this name, which is made if there is none.
    fn put_in_place(&mut self, name: &str, restored: Restored, staging: Option<Staging<'_>>) -> Result<()> {
        let instance = self.shared.instance.clone();
        let own = self.shared.database.clone();
        let roles = if *own.name == *name { KnownRoles::Replace } else { KnownRoles::Keep };
        let target = match instance.database(name) {
            Ok(database) => Target { database, new_beside: None, roles },
            Err(_) => {
                instance.check_vacant(name)?;
                let attributes = DatabaseAttributes::of_owner(self.role());
                let new = NewDatabase { name: name.into(), attributes };
                Target { database: Arc::new(new_database(new, &own)?), new_beside: Some(&own), roles }
            }
        };
        let position = restored.content_hash.clone();
        let put = self.replace(&instance, &target, restored, staging);
        instance.backups.forget(target.database.oid);
        if put.is_ok() {
            instance.backups.set_position(target.database.oid, position);
        }
        put
    }

    fn replace(
        &mut self,
        instance: &Arc<Instance>,
        target: &Target<'_>,
        restored: Restored,
        staging: Option<Staging<'_>>,
    ) -> Result<()> {
        let transaction = self.storage.begin(Isolation::ReadCommitted);
        self.lock_everything(instance, &target.database, &transaction)?;
        let publish = || instance.publish_restored(target, restored, staging, &transaction);
        let lsn = tokio::task::block_in_place(publish)?;
        self.catalog_epoch = instance.new_epoch();
        instance.statistics.forget();
        instance.wait_logged(lsn)?;
        let database = target.database.oid;
        instance.wait_logged(instance.log_analyzed(database, &instance.analyses.forget(database))?)
    }

    /// Waits until nobody uses any table of a database, and keeps it so. 55006 when a prepared transaction does, which may be for ever;
    /// 55P03 after `lock_timeout`.
    fn lock_everything(&mut self, instance: &Instance, target: &Database, transaction: &Transaction) -> Result<()> {
        let options = self.wait_options();
        loop {
            let catalog = target.catalog.current();
            let relations = catalog.relations().filter(|relation| relation.oid >= dictdb_types::Oid::FIRST_NORMAL);
            for relation in relations.filter(|relation| relation.index().is_none()) {
                let lock = instance.storage.relation_lock(target.oid, relation.oid);
                let prepared = || instance.check_nothing_prepared(target);
                lock_unless(&prepared, transaction, &lock, options)?;
            }
            // What was made while this waited is locked too.
            if target.catalog.version() == catalog.version() {
                return Ok(());
            }
        }
    }

    /// APPLY DELTA: one transaction over the tables it names, which nobody else writes meanwhile.
    fn apply_delta(&mut self, file: &str) -> Result<i64> {
        let settings = self.backup_settings();
        let (instance, database) = (self.shared.instance.clone(), self.shared.database.clone());
        let backend = self.shared.backend.clone();
        let check = || backend.interrupts.check();
        let mut delta = tokio::task::block_in_place(|| DeltaFile::read(&settings.folder, file, &check))?;
        let position = instance.backups.position(database.oid);
        if delta.parent.is_some() && position.is_some() && delta.parent != position {
            let message = format!(
                "backup file \"{}\" breaks its chain: the database is not of the file it follows",
                delta.name()
            );
            return Err(Error::new(SqlState::DATA_CORRUPTED, message));
        }
        let transaction = self.storage.begin(Isolation::ReadCommitted);
        let options = self.wait_options();
        let catalog = database.catalog.current();
        for relation in delta.relations(&catalog)? {
            let lock = instance.storage.relation_lock(database.oid, relation.oid);
            transaction.lock_relation(&lock, LockMode::ShareRowExclusive, WaitPolicy::Block, &options)?;
        }
        if database.catalog.version() != catalog.version() {
            let message = format!("database \"{}\" was changed while the delta waited", database.name);
            return Err(Error::new(SqlState::OBJECT_IN_USE, message));
        }
        let check = || check().and_then(|()| instance.engine.check_room());
        let apply = || delta.apply(&catalog, &instance.storage, &transaction, &check);
        let affected = tokio::task::block_in_place(apply)?;
        let committed = transaction.commit_with(None, true)?;
        instance.wait_logged(committed.lsn)?;
        delta.set_sequences(&catalog, &instance.storage)?;
        if position.is_some() {
            instance.backups.set_position(database.oid, delta.content_hash().map(str::to_owned));
        }
        Ok(affected)
    }

    fn verify_backups(&mut self, file: Option<&str>) -> Result<Vec<Row>> {
        let settings = self.backup_settings();
        let shared = self.shared.clone();
        tokio::task::block_in_place(|| {
            let check = || shared.backend.interrupts.check();
            let files = match file {
                Some(file) => vec![dictdb_backup::verify(&settings.folder, file, &check)?],
                None => all_whole(dictdb_backup::verify_all(&settings.folder, &check)?)?,
            };
            Ok(files.into_iter().map(verified_row).collect())
        })
    }
}

/// How often a wait for a lock looks whether it is in vain.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Locks a relation against everybody; fails when `in_vain` does before, or after `lock_timeout`.
fn lock_unless(
    in_vain: &dyn Fn() -> Result<()>,
    transaction: &Transaction,
    lock: &Arc<RelationLock>,
    options: WaitOptions,
) -> Result<()> {
    let mut left = options.timeout;
    loop {
        in_vain()?;
        let slice = left.map_or(LOOK_INTERVAL, |left| left.min(LOOK_INTERVAL));
        let wait = WaitOptions { timeout: Some(slice), ..WaitOptions::default() };
        match transaction.lock_relation(lock, LockMode::AccessExclusive, WaitPolicy::Block, &wait) {
            Err(error) if error.code() == SqlState::LOCK_NOT_AVAILABLE && left != Some(slice) => {
                left = left.map(|left| left - slice);
            }
            locked => return locked.map(drop),
        }
    }
}

fn verified_row(file: Verified) -> Row {
    let hash = file.content_hash.map_or(Datum::Null, Datum::text);
    vec![Datum::text(file.name), Datum::text(file.kind.name()), Datum::Int4(file.chain as i32), hash]
}

fn taken_row(written: &Written) -> Row {
    vec![
        Datum::text(written.name.to_string()),
        Datum::text(written.name.kind.name()),
        Datum::Int8(written.tables as i64),
        Datum::Int8(written.records as i64),
        Datum::Int8(written.bytes as i64),
        Datum::Int8(written.lsn.0 as i64),
        Datum::text(written.content_hash.as_str()),
    ]
}
