//! Part of the log once more, while the server runs: from a backup's position to a moment that was asked for.

use std::cell::Cell;
use std::path::Path;

use dictdb_types::{Error, Oid, Result, SqlState};
use dictdb_wal::{LogError, Lsn};

use crate::checkpoint::DatabaseView;
use crate::item::Item;
use crate::restore::Restorer;
use crate::{Durability, command};

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub struct ReplayFrom {
    /// The data directory whose log it is.
    pub system: u64,
    /// The database; what the log says of others is left out.
    pub database: Oid,
    /// The position.
    pub lsn: Lsn,
}

impl Durability {
    /// Applies the commits of a database from a position to a moment, in microseconds since 1970, to a restorer that has what came
    /// before. Returns the moment of the last of them, or `None` when the log is not kept that far back.
    ///
    /// The log of another data directory, which may be lost, is what `restore_command` has of it.
    pub fn replay_until(&self, restorer: &mut Restorer<'_>, from: ReplayFrom, moment: i64) -> Result<Option<i64>> {
        let elsewhere = match from.system == self.directory.identifier() {
            true => None,
            false => Some(self.directory.elsewhere(from.system)?),
        };
        if elsewhere.is_none() {
            self.log.flush_soon();
            self.durable_at(self.log.appended()).block()?;
        }
        restorer.only(from.database);
        // A checkpoint would remove segments while they are looked for, from the directory or into the archive.
        let _no_checkpoint = self.checkpointing.lock();
        let (mut last, mut failed) = (0, None);
        let command = self.tuning.lock().restore_command.clone();
        let fetched = Cell::new(false);
        let fetch = |name: &str, path: &Path| {
            // Segments of one's own that are not complete yet are nowhere else.
            let may_be = elsewhere.is_some() || name < &*self.log.file_name(self.log.durable());
            let is_there = may_be && self.fetch_segment(&command, name, path);
            fetched.set(fetched.get() || is_there);
            is_there
        };
        let fetch: Option<&dictdb_wal::Fetch<'_>> = if command.is_empty() { None } else { Some(&fetch) };
        let segment_bytes = self.log.segment_bytes();
        let directory = elsewhere.as_ref().unwrap_or(&self.directory);
        let replayed = dictdb_wal::replay_fetching(directory, from.lsn, segment_bytes, fetch, |_, record| {
            let micros = match Item::take(&mut &record[..]) {
                Ok(Item::Commit { micros, .. }) => micros,
                _ => last,
            };
            if micros > moment {
                return Err(LogError::Closed);
            }
            last = micros;
            let own = elsewhere.is_none().then_some(self);
            let applied = bring_snapshot(own, restorer, from.database, record).and_then(|()| restorer.apply(record));
            applied.map_err(|error| {
                failed = Some(error);
                LogError::Closed
            })
        });
        match (replayed, failed) {
            (_, Some(error)) => Err(error),
            (Ok(_), None) if elsewhere.is_some() && !fetched.get() => Ok(None),
            (Ok(_) | Err(LogError::Closed), None) => Ok(Some(last)),
            (Err(error), None) if error.sqlstate() == SqlState::DATA_CORRUPTED => Ok(None),
            (Err(error), None) => Err(error.into()),
        }
    }
    /// `restore_command` for a segment of the past; whether it has put it there.
    fn fetch_segment(&self, command: &str, name: &str, path: &Path) -> bool {
        let command = self.about_segment(command, name, path);
        match command::run(&command, self.directory.root(), || self.is_closing()) {
            Ok(0) => {
                tracing::info!("restored log file \"{name}\" from archive");
                true
            }
            Ok(code) => {
                tracing::warn!("could not restore file \"{name}\" from archive: exit code {code} of: {command}");
                false
            }
            Err(error) => {
                tracing::warn!("restore command could not be run: {error}: {command}");
                false
            }
        }
    }

    /// A database of this server, which nobody changes, into a restorer, under the same ids.
    fn copy_into(&self, restorer: &mut Restorer<'_>, database: &DatabaseView) -> Result<()> {
        let transaction = self.storage.begin();
        let snapshot = transaction.snapshot()?;
        restorer.put_database(database.oid, &database.name);
        restorer.apply_changes(database.oid, database.next_oid, &database.catalog.dump())?;
        let mut run = Vec::new();
        for relation in database.catalog.relations() {
            if let Some(sequence) = self.storage.sequence(relation.storage) {
                restorer.put_sequence(relation.storage, sequence.state());
            }
            let Some(table) = self.storage.table(relation.storage).filter(|_| relation.is_stored()) else { continue };
            for number in 0..table.block_count() {
                table.encode_block(table.id(), number, &snapshot, &mut run, |run| {
                    let restored = restorer.storage().restore_run(&mut &run[..]);
                    run.clear();
                    restored.map(drop)
                })?;
            }
        }
        Ok(())
    }
}

/// Before a record that resets the database to a snapshot which was made before the backup: the snapshot as it is in the server whose log
/// it is, because nothing changes one. 55000 when it was dropped since, or with that server.
fn bring_snapshot(
    server: Option<&Durability>,
    restorer: &mut Restorer<'_>,
    database: Oid,
    mut record: &[u8],
) -> Result<()> {
    let mut item = Item::take(&mut record)?;
    if matches!(item, Item::Commit { .. }) && !record.is_empty() {
        item = Item::take(&mut record)?;
    }
    let Item::Cloned { source, database: reset, resets: true, .. } = item else { return Ok(()) };
    if reset != database || restorer.catalog(source).is_some() {
        return Ok(());
    }
    let databases = server.and_then(|server| server.databases.get()).map(|list| list()).unwrap_or_default();
    match (server, databases.into_iter().find(|listed| listed.oid == source)) {
        (Some(server), Some(snapshot)) => server.copy_into(restorer, &snapshot),
        _ => {
            let message =
                "cannot go on from the backup: the database was then reset to a snapshot that has been dropped";
            Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
                .hint("Restore until a moment before RESET DATABASE, or from a later backup."))
        }
    }
}
