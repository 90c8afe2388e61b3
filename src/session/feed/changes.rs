//! Committed changes of tables, for listeners that are no sessions.
//!
//! A table is watched as long as somebody listens. When a commit replaces its rows by others (TRUNCATE, ALTER TABLE that rewrites), the
//! listeners hear TRUNCATE and then the new rows; when it is dropped, or replaced by a RESTORE, the feed ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use dictdb_catalog::{Relation, RelationKind};
use dictdb_storage::{CommitMoment, Storage, Table, TableChanges, Watcher};
use dictdb_types::{Error, Oid, Result, SqlState};
use parking_lot::{Mutex, RwLock};

use super::message::{Batch, key_columns};
use super::{End, Sink, Stream, queue};
use crate::{Database, Instance};

/// What is listened to: a database and a relation.
type Place = (Oid, Oid);

/// A table that is listened to.
struct Channel {
    relation: Arc<Relation>,
    table: Arc<Table>,
    /// Its rows are gone since the last commit it was told of.
    is_truncated: bool,
    sinks: Vec<(u64, Sink<Arc<Batch>>)>,
}

/// All tables that are listened to.
pub(crate) struct Feeds {
    databases: Arc<RwLock<Vec<Arc<Database>>>>,
    channels: Mutex<HashMap<Place, Channel>>,
    numbers: AtomicU64,
}

impl Feeds {
    /// Feeds of the tables of these databases.
    pub(crate) fn new(databases: Arc<RwLock<Vec<Arc<Database>>>>) -> Feeds {
        Feeds { databases, channels: Mutex::default(), numbers: AtomicU64::new(0) }
    }

    fn database(&self, oid: Oid) -> Option<Arc<Database>> {
        self.databases.read().iter().find(|database| database.oid == oid).cloned()
    }

    /// Listens to a table; while no transaction can commit.
    fn join(&self, storage: &Storage, database: &Database, oid: Oid) -> Result<(u64, Stream<Arc<Batch>>)> {
        let catalog = database.catalog.current();
        let relation = catalog.relation(oid).cloned();
        let relation =
            relation.ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("relation {oid} does not exist")))?;
        let table = storage.table(relation.storage).filter(|_| is_followed(&relation));
        let table = table.ok_or_else(|| {
            let message = format!("\"{}\" is not a table with rows of its own", relation.name);
            Error::new(SqlState::WRONG_OBJECT_TYPE, message)
        })?;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (sink, stream) = queue();
        let mut channels = self.channels.lock();
        let channel = channels.entry((database.oid, oid)).or_insert_with(|| {
            watch(&table, storage, &relation);
            Channel { relation, table, is_truncated: false, sinks: Vec::new() }
        });
        channel.sinks.push((number, sink));
        Ok((number, stream))
    }

    /// Ends one listener's part.
    fn leave(&self, storage: &Storage, place: Place, number: u64) {
        let mut channels = self.channels.lock();
        let Some(channel) = channels.get_mut(&place) else { return };
        channel.sinks.retain(|(own, _)| *own != number);
        if channel.sinks.is_empty() {
            channel.table.unwatch(storage);
            channels.remove(&place);
        }
    }

    /// A database is gone, or has become another one; while no transaction can commit.
    pub(crate) fn database_gone(&self, storage: &Storage, database: Oid, reason: &'static str) {
        let mut channels = self.channels.lock();
        let gone: Vec<Place> = channels.keys().filter(|(of, _)| *of == database).copied().collect();
        for place in gone {
            if let Some(channel) = channels.remove(&place) {
                channel.end(storage, reason);
            }
        }
    }
}

/// Whether a relation's rows are in one table of their own.
fn is_followed(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Table) && relation.is_stored()
}

fn watch(table: &Table, storage: &Storage, relation: &Relation) {
    let key: Vec<usize> = key_columns(relation).iter().map(|column| column.slot).collect();
    table.watch(storage, &key);
}

impl Channel {
    fn end(self, storage: &Storage, reason: &'static str) {
        self.table.unwatch(storage);
        self.sinks.into_iter().for_each(|(_, sink)| sink.end(reason));
    }

    /// Goes over to what the relation is now. The error is why it cannot.
    fn follow(
        &mut self,
        storage: &Storage,
        now: &Arc<Relation>,
        written: &[Arc<Table>],
    ) -> std::result::Result<(), &'static str> {
        if now.storage != self.relation.storage {
            let table = storage.table(now.storage).ok_or("the table was replaced")?;
            // Rows that no transaction has written came from a file.
            if table.block_count() > 0 && !written.iter().any(|own| Arc::ptr_eq(own, &table)) {
                return Err("the table was restored");
            }
            self.table.unwatch(storage);
            self.table = table;
            self.is_truncated = true;
        }
        self.relation = now.clone();
        watch(&self.table, storage, now);
        Ok(())
    }

    fn tell(&mut self, batch: Arc<Batch>, bytes: usize) {
        self.sinks.retain(|(_, sink)| sink.offer(batch.clone(), bytes));
    }
}

impl Watcher for Feeds {
    fn catalog_changed(&self, storage: &Storage, written: &[Arc<Table>]) {
        let mut channels = self.channels.lock();
        let places: Vec<Place> = channels.keys().copied().collect();
        for place in places {
            let now = self.database(place.0).and_then(|database| database.catalog.current().relation(place.1).cloned());
            let Some(channel) = channels.get_mut(&place) else { continue };
            let followed = match now {
                None => Err("the table was dropped"),
                Some(now) if Arc::ptr_eq(&now, &channel.relation) => Ok(()),
                Some(now) => channel.follow(storage, &now, written),
            };
            if let Err(reason) = followed
                && let Some(channel) = channels.remove(&place)
            {
                channel.end(storage, reason);
            }
        }
    }

    fn committed(&self, moment: CommitMoment, changes: Vec<TableChanges>) {
        let mut changes: HashMap<Oid, TableChanges> =
            changes.into_iter().map(|changes| (changes.table, changes)).collect();
        for ((database, _), channel) in self.channels.lock().iter_mut() {
            let changed = changes.remove(&channel.table.id());
            let is_truncated = std::mem::take(&mut channel.is_truncated);
            if changed.as_ref().is_some_and(|changed| changed.is_overflown) {
                channel.sinks.drain(..).for_each(|(_, sink)| sink.cut());
                continue;
            }
            let (rows, bytes) = changed.map_or((Vec::new(), 0), |changed| (changed.rows, changed.bytes));
            let Some(database) = self.database(*database).filter(|_| is_truncated || !rows.is_empty()) else {
                continue;
            };
            let (catalog, relation) = (database.catalog.current(), channel.relation.clone());
            let batch = Batch { catalog, relation, moment, is_truncated, rows, messages: OnceLock::new() };
            channel.tell(Arc::new(batch), bytes);
        }
    }
}

/// Messages of a table's changes as they are committed. The table is left when it is dropped.
pub struct Changes {
    instance: Arc<Instance>,
    place: Place,
    number: u64,
    stream: Stream<Arc<Batch>>,
    /// Taken from the stream, and not told yet.
    waiting: Option<Arc<Batch>>,
}

impl Instance {
    /// Listens to a table: every change that is committed from now on. 42P01, 42809 for what has no rows of its own.
    pub fn follow_table(self: &Arc<Self>, database: &Database, relation: Oid) -> Result<Changes> {
        let (number, stream) = self.storage.in_commit_order(|| self.feeds.join(&self.storage, database, relation))?;
        Ok(Changes { instance: self.clone(), place: (database.oid, relation), number, stream, waiting: None })
    }
}

impl Changes {
    /// Whether something waits to be told.
    pub fn has_more(&self) -> bool {
        self.waiting.is_some() || !self.stream.is_empty()
    }

    /// The messages of the next transaction, once it is on disk. May be given up at any time without losing one.
    pub async fn next(&mut self) -> std::result::Result<Arc<[Arc<str>]>, End> {
        if self.waiting.is_none() {
            self.waiting = Some(self.stream.next().await?);
        }
        let Some(batch) = &self.waiting else { return Err(End::Gone("nothing was waiting")) };
        if let Some((durability, lsn)) = self.instance.durability.as_ref().zip(batch.moment.lsn) {
            // When the log has stopped, what is visible is told all the same, as to sessions.
            let _ = durability.durable_at(lsn).await;
        }
        let messages = batch.messages().map_err(|error| End::Failed(error.message().to_owned()))?;
        self.waiting = None;
        Ok(messages)
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        let storage = &self.instance.storage;
        storage.in_commit_order(|| self.instance.feeds.leave(storage, self.place, self.number));
    }
}
