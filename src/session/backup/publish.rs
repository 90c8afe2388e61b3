//! A restored database takes the place of what is there: one commit, seen and logged as one.
//!
//! ```text
//!   rows go into the log, staged, under ids that nobody knows ┐
//!   indexes are built                                         ┴─► tables into the storage ─► commit: catalog changes
//!   ─► what was there before is dropped
//! ```
//! What takes the place of nothing is staged while it is read; otherwise there is somebody to wait for in between, and staging
//! holds checkpoints back.
//! The caller holds locks on all that was there, so nobody works with it meanwhile. A database that is new is in the same commit: before
//! it, and after a crash before it, there is none.

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_backup::Restored;
use dictdb_catalog::{BOOTSTRAP_ROLE, Catalog, Change, Key, Object, Role};
use dictdb_durability::{Lsn, Staging};
use dictdb_executor::ddl::restore_indexes;
use dictdb_storage::{Accompaniment, Sequence, Transaction};
use dictdb_types::stack::spawn_deep;
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::Instance;
use crate::instance::{Database, forget_initial_comments};

/// What a restore does with roles that the server has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KnownRoles {
    /// They become what the backup says.
    Replace,
    /// They stay as they are.
    Keep,
}

/// Where a restored database goes.
pub(super) struct Target<'a> {
    /// The database it becomes.
    pub(super) database: Arc<Database>,
    /// Nobody can see that database yet, and its roles are from here.
    pub(super) new_beside: Option<&'a Database>,
    /// What becomes of roles.
    pub(super) roles: KnownRoles,
}

impl Target<'_> {
    /// 55006 when the catalog has changed since it was looked at or a transaction is prepared, 42P04 when a new one's name is no longer free.
    fn check_unchanged(&self, instance: &Instance, before: &Catalog) -> Result<()> {
        let database = &self.database;
        instance.check_nothing_prepared(database)?;
        let roles_are_same = |like: &Database| {
            let there = like.catalog.current();
            there.roles().count() == before.roles().count()
                && there.roles().zip(before.roles()).all(|(there, here)| Arc::ptr_eq(there, here))
        };
        if database.catalog.version() != before.version() || !self.new_beside.is_none_or(roles_are_same) {
            let message = format!("database \"{}\" was changed while it was restored", database.name);
            return Err(Error::new(SqlState::OBJECT_IN_USE, message));
        }
        self.new_beside.map_or(Ok(()), |_| instance.check_vacant(&database.name))
    }
}

impl Instance {
    /// Begins to write what is restored into the log, under ids that no database has; `None` where there is no log.
    pub(super) fn begin_staging<'a>(&'a self, any: &'a Database) -> Option<Staging<'a>> {
        let new_id = |least| {
            any.catalog.reserve_oids(least);
            any.catalog.allocate_oid()
        };
        self.durability.as_ref().map(|durability| durability.stage(Box::new(new_id)))
    }

    /// Whether a restored database would take the place of nothing that somebody uses. 55006 when a transaction of it is prepared.
    pub(super) fn is_room_for(&self, name: &str) -> Result<bool> {
        let Ok(database) = self.database(name) else { return Ok(true) };
        self.check_nothing_prepared(&database)?;
        let catalog = database.catalog.current();
        Ok(catalog.relations().all(|relation| relation.oid < Oid::FIRST_NORMAL))
    }

    /// Puts a restored database in the place of another one, or beside the others, with what is staged of it so far. 55006 and 42P04
    /// as of [`Target::check_unchanged`], 53100, 58030; then nothing has changed.
    pub(super) fn publish_restored(
        &self,
        to: &Target<'_>,
        restored: Restored,
        staging: Option<Staging<'_>>,
        transaction: &Transaction,
    ) -> Result<Option<Lsn>> {
        let target = &*to.database;
        let before = target.catalog.current();
        target.catalog.reserve_oids(Oid(restored.catalog.highest_oid().0 + 1));
        let (new_roles, map) = merge_roles(&before, &restored.catalog, to.roles, || target.catalog.allocate_oid());
        let mut catalog = restored.catalog.with_roles(&map);
        catalog.move_settings(restored.database, &before, target.oid);
        catalog.move_parameters(&before, || target.catalog.allocate_oid());
        if restored.database != target.oid {
            forget_initial_comments(&mut catalog);
        }
        catalog.move_comments(restored.database, &before, target.oid, &map);
        let staging = staging.or_else(|| self.begin_staging(target));
        let mut places: Vec<(Oid, Oid)> = Vec::new();
        catalog.move_storage(|old| {
            let new = staging.as_ref().map_or_else(|| target.catalog.allocate_oid(), |staging| staging.place(old));
            places.push((old, new));
            new
        });
        let mut changes: Vec<Change> = new_roles;
        changes.extend(
            before.changes_to(&catalog, false).into_iter().filter(|change| !drops_session_schema(change, &before)),
        );
        let ready = std::thread::scope(|scope| {
            let indexes = spawn_deep(scope, || self.index_restored(&restored));
            let staged = staging.as_ref().map_or(Ok(()), |staging| stage(staging, &restored, transaction, &places));
            let indexed = indexes.join().unwrap_or_else(|_| Err(Error::internal("a thread of the restore panicked")));
            staged.and(indexed)
        });
        let adopted = ready.and_then(|()| self.adopt(&restored, &catalog, &places));
        let committed = adopted.and_then(|()| self.commit_restored(to, &before, &changes, transaction));
        drop(staging);
        match committed {
            Ok(lsn) => {
                self.drop_stored(&before);
                Ok(lsn)
            }
            Err(error) => {
                places.iter().for_each(|(_, new)| {
                    self.storage.drop_table(*new);
                    self.storage.drop_sequence(*new);
                });
                Err(error)
            }
        }
    }

    /// Builds the indexes of a restored database. XX001 when its rows violate a unique one.
    pub(super) fn index_restored(&self, restored: &Restored) -> Result<()> {
        restore_indexes(&restored.storage, &restored.catalog, &self.registry)
    }

    /// Takes tables and sequences over into this server's storage, where only their new ids name them.
    fn adopt(&self, restored: &Restored, catalog: &Catalog, places: &[(Oid, Oid)]) -> Result<()> {
        let unlogged = |id: Oid| {
            let mut relations = catalog.relations().filter(|relation| relation.storage == id);
            relations.any(|relation| relation.persistence != dictdb_catalog::Persistence::Permanent)
        };
        for (old, new) in places {
            if let Some(sequence) = restored.storage.sequence(*old) {
                let state = sequence.state();
                let copy = self.storage.create_sequence(*new, Sequence::restored(sequence.options(), state));
                copy.set_logged(!unlogged(*new));
            } else if let Some(table) = restored.storage.take_table(*old)? {
                self.storage.adopt_table(*new, table);
            }
        }
        Ok(())
    }

    fn commit_restored(
        &self,
        to: &Target<'_>,
        before: &Arc<Catalog>,
        changes: &[Change],
        transaction: &Transaction,
    ) -> Result<Option<Lsn>> {
        let target = &to.database;
        let attachment = match to.new_beside {
            None => self.attachment(target, changes),
            Some(_) => self.attachment_of_new(target, changes),
        };
        let mut publish = || {
            to.check_unchanged(self, before)?;
            target.catalog.commit(changes)?;
            self.share_roles(changes, target.oid)?;
            if to.new_beside.is_some() {
                self.list(target.clone());
            }
            Ok(())
        };
        let with = Accompaniment { attachment: &attachment, publish: &mut publish };
        Ok(transaction.commit_with(Some(with), true)?.lsn)
    }
}

/// Writes what was restored into the log, as far as it is not there.
fn stage(staging: &Staging<'_>, restored: &Restored, transaction: &Transaction, places: &[(Oid, Oid)]) -> Result<()> {
    let snapshot = transaction.snapshot()?;
    for (old, _) in places {
        if let Some(sequence) = restored.storage.sequence(*old) {
            staging.sequence(*old, sequence.state())?;
        } else if let Some(table) = restored.storage.table(*old).filter(|table| table.is_logged()) {
            staging.table(&table, &snapshot)?;
        }
    }
    Ok(())
}

/// The schema of a session's temporary objects belongs to the session.
fn drops_session_schema(change: &Change, before: &Catalog) -> bool {
    match change {
        Change::Remove(Key::Schema(oid)) => before.schema(*oid).is_some_and(|schema| schema.is_temporary()),
        _ => false,
    }
}

/// Roles go by their names: those the server has keep their ids, others keep theirs if they are free. Returns the roles to put
/// and the ids that those of the backup get.
fn merge_roles(
    here: &Catalog,
    there: &Catalog,
    known: KnownRoles,
    mut new_oid: impl FnMut() -> Oid,
) -> (Vec<Change>, BTreeMap<Oid, Oid>) {
    let mut map = BTreeMap::new();
    for role in there.roles() {
        let oid = match here.role_named(&role.name) {
            Some(same) => same.oid,
            None if here.role(role.oid).is_none() => role.oid,
            None => new_oid(),
        };
        map.insert(role.oid, oid);
    }
    let moved = |role: &Role| Role {
        oid: map.get(&role.oid).copied().unwrap_or(role.oid),
        member_of: role.member_of.iter().map(|(of, admin)| (map.get(of).copied().unwrap_or(*of), *admin)).collect(),
        ..role.clone()
    };
    let is_wanted = |role: &&Arc<Role>| match here.role_named(&role.name) {
        None => true,
        // Nobody is to be locked out of the server, and the predefined ones are the server's.
        Some(same) => known == KnownRoles::Replace && same.oid != BOOTSTRAP_ROLE && same.oid >= Oid::FIRST_NORMAL,
    };
    let roles = there.roles().filter(is_wanted).map(|role| Change::Put(Object::Role(Arc::new(moved(role))))).collect();
    (roles, map)
}
