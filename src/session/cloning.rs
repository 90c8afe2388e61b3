//! Databases that begin as another one: CREATE DATABASE … TEMPLATE, snapshots, and databases that go back to one.
//!
//! A snapshot is a database that nobody connects to or changes: a clone of its database, in the same list, hidden from
//! [`Instance::databases`]. Resetting a database makes its catalog and tables a clone of a snapshot's. What that costs depends on the
//! number of tables alone, because their rows are shared until somebody changes them (`dictdb_storage`, `table/cloning.rs`).
//!
//! # Sessions of a database that is reset
//! They stay. A transaction that is open then has begun in a database that is no more: it is told so (40001) by a flag that is raised
//! while nothing commits, and cannot commit, because its tables are retired and its changes of the catalog look at the flag. A session
//! that is idle in a transaction is woken to give its locks back at once. Plans are made anew, because the catalog has another version.

use std::sync::Arc;

use dictdb_catalog::CatalogStore;
use dictdb_catalog::{Catalog, Change, CollationInfo, RelationKind};
use dictdb_durability::{DatabaseAttributes, DatabaseClone, SnapshotOf, clone_storage, cloned_catalog};
use dictdb_parser::Statement;
use dictdb_parser::utility::Transaction;
use dictdb_storage::database_reset;
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::clock;
use crate::instance::{Database, NewDatabase};
use crate::persistence::view;
use crate::statement::transaction_of;
use crate::{Instance, Session, Status};

/// What a clone has got: its catalog, and places in storage of the source's tables and of its own.
struct Cloned {
    catalog: Catalog,
    places: Vec<(Oid, Oid)>,
}

impl Instance {
    /// Makes a database that begins as another one is now, but for its locale. 42P04.
    pub(crate) fn create_database(&self, new: NewDatabase, template: &Database, locale: &CollationInfo) -> Result<()> {
        let logged = self.storage.in_commit_order(|| {
            self.check_vacant(&new.name)?;
            let changes: Vec<Change> = template.catalog.current().locale_change(locale).into_iter().collect();
            self.log_clone_of(template, new, &changes)
        })?;
        self.wait_logged(logged)
    }

    /// Makes a snapshot of a database. 42710.
    pub(crate) fn create_snapshot(&self, name: &str, of: &Database) -> Result<()> {
        let logged = self.storage.in_commit_order(|| {
            if self.snapshot(name).is_some() {
                let message = format!("snapshot \"{name}\" already exists");
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
            let snapshot = Some(SnapshotOf { database: of.oid, created: clock::now_micros() });
            let attributes = DatabaseAttributes { snapshot, ..DatabaseAttributes::of_owner(of.attributes.owner) };
            self.log_clone_of(of, NewDatabase { name: name.into(), attributes }, &[])
        })?;
        self.wait_logged(logged)
    }

    /// Under the commit lock. 3D000 when the source was dropped meanwhile.
    fn log_clone_of(
        &self,
        source: &Database,
        new: NewDatabase,
        changes: &[Change],
    ) -> Result<Option<dictdb_durability::Lsn>> {
        if !self.listed().iter().any(|listed| listed.oid == source.oid) {
            let message = format!("database \"{}\" does not exist", source.name);
            return Err(Error::new(SqlState::UNDEFINED_DATABASE, message));
        }
        let before = source.catalog.current();
        let mut cloned = self.clone_contents(source, &before, &before);
        changes.iter().for_each(|change| cloned.catalog.apply(change));
        let NewDatabase { name, attributes } = new;
        let oid = source.catalog.allocate_oid();
        let catalog = Arc::new(CatalogStore::beside(&source.catalog, cloned.catalog.clone()));
        let database = Arc::new(Database { oid, name, attributes, catalog });
        let logged = self.log_cloned(source, &database, &cloned, changes, false);
        match logged {
            Ok(_) => {
                self.analyses.clone_database(source.oid, oid, &cloned.places);
                self.list(database);
            }
            Err(_) => self.drop_stored(&cloned.catalog),
        }
        logged
    }

    fn clone_contents(&self, source: &Database, catalog: &Catalog, shared: &Catalog) -> Cloned {
        let mut places = Vec::new();
        let catalog = cloned_catalog(catalog, shared, |old| {
            let new = source.catalog.allocate_oid();
            places.push((old, new));
            new
        });
        clone_storage(&self.storage, &catalog, &places);
        Cloned { catalog, places }
    }

    fn log_cloned(
        &self,
        source: &Database,
        database: &Arc<Database>,
        cloned: &Cloned,
        changes: &[Change],
        resets: bool,
    ) -> Result<Option<dictdb_durability::Lsn>> {
        let Some(durability) = &self.durability else { return Ok(None) };
        let clone = DatabaseClone {
            source: source.oid,
            database: database.oid,
            resets,
            next_oid: source.catalog.next_oid(),
            places: &cloned.places,
            changes,
        };
        Ok(Some(durability.log_clone(&clone, &view(database))?))
    }

    /// 55006 when a transaction is prepared: it has been promised that it can commit, and its tables would be gone.
    pub(crate) fn check_nothing_prepared(&self, database: &Database) -> Result<()> {
        let detail = match self.prepared.count_of(database.oid) {
            0 => return Ok(()),
            1 => "There is 1 prepared transaction using the database.".to_owned(),
            count => format!("There are {count} prepared transactions using the database."),
        };
        let message = format!("database \"{}\" cannot be replaced while it has prepared transactions", database.name);
        let hint = "Commit or roll back the prepared transactions first.";
        Err(Error::new(SqlState::OBJECT_IN_USE, message).detail(detail).hint(hint))
    }

    /// Makes a database what a snapshot is, for its sessions too. `by` is the process id of the session that asks. 55006.
    pub(crate) fn reset_database(&self, database: Oid, snapshot: Oid, by: i32) -> Result<()> {
        let (before, logged) = self.storage.in_commit_order(|| {
            let gone = || Error::new(SqlState::UNDEFINED_OBJECT, "the database or the snapshot was dropped");
            let listed = |oid: Oid| self.listed().into_iter().find(|listed| listed.oid == oid).ok_or_else(gone);
            let (database, snapshot) = (listed(database)?, listed(snapshot)?);
            self.check_nothing_prepared(&database)?;
            let now = database.catalog.current();
            let mut cloned = self.clone_contents(&snapshot, &snapshot.catalog.current(), &now);
            cloned.catalog.keep_temporary_schemas(&now);
            let logged = self.log_cloned(&snapshot, &database, &cloned, &[], true);
            let logged = logged.inspect_err(|_| self.drop_stored(&cloned.catalog))?;
            self.analyses.clone_database(snapshot.oid, database.oid, &cloned.places);
            let before = database.catalog.replace(cloned.catalog);
            self.feeds.database_gone(&self.storage, database.oid, "the database went back to a snapshot");
            self.retire_tables(&before);
            let backends = self.backends.all().into_iter().filter(|backend| backend.pid != by);
            backends
                .filter(|backend| backend.identity.database == database.name)
                .for_each(|backend| backend.interrupts.reset_database());
            Ok::<_, Error>((before, logged))
        })?;
        self.drop_stored(&before);
        self.wait_logged(logged)
    }

    /// Forgets a snapshot.
    pub(crate) fn drop_snapshot(&self, snapshot: &Database) -> Result<()> {
        self.drop_database(snapshot.oid)
    }

    /// The snapshot of that name.
    pub(crate) fn snapshot(&self, name: &str) -> Option<Arc<Database>> {
        self.snapshots_of(None).into_iter().find(|snapshot| *snapshot.name == *name)
    }

    /// The snapshots of a database, or all.
    pub(crate) fn snapshots_of(&self, database: Option<Oid>) -> Vec<Arc<Database>> {
        let is_wanted = |listed: &Arc<Database>| {
            listed.attributes.snapshot.is_some_and(|of| database.is_none_or(|database| of.database == database))
        };
        self.listed().into_iter().filter(is_wanted).collect()
    }

    /// Drops the rows of a catalog that is no more.
    pub(crate) fn drop_stored(&self, catalog: &Catalog) {
        for relation in catalog.relations() {
            match relation.kind {
                RelationKind::Sequence(_) => self.storage.drop_sequence(relation.storage),
                _ if relation.is_stored() => self.storage.drop_table(relation.storage),
                _ => {}
            }
        }
    }
}

impl Session {
    /// Gives up what the open transaction holds when the database became another one; the next statement is told.
    pub fn heed_reset(&mut self) {
        if self.shared.backend.interrupts.is_reset() && self.block.is_open() {
            self.fail();
            self.owes_reset = self.block.status() == Status::Failed;
        }
    }

    /// 40001 once when the transaction of a statement was given up so, unless the statement takes it back.
    #[inline]
    pub(crate) fn check_reset(&mut self, statement: &Statement) -> Result<()> {
        let must_go = self.block.is_open() && self.shared.backend.interrupts.is_reset();
        if must_go || self.owes_reset { self.tell_reset(must_go, statement) } else { Ok(()) }
    }

    #[cold]
    fn tell_reset(&mut self, must_go: bool, statement: &Statement) -> Result<()> {
        if must_go {
            self.heed_reset();
            self.owes_reset |= !self.block.is_open();
        }
        let is_told = matches!(transaction_of(statement), Some(Transaction::Rollback { .. }));
        match std::mem::take(&mut self.owes_reset) && !is_told {
            true => Err(database_reset()),
            false => Ok(()),
        }
    }
}
