//! Snapshots of the database, and the database going back to them, between its transactions.

use std::sync::Arc;

use dictdb_catalog::{BOOTSTRAP_ROLE, Catalog, CatalogStore, Relation};
use dictdb_types::{Oid, Result};
use dictdb_wal::disk::Random;

use super::{DATABASE, Run, tables_of};
use crate::{DatabaseAttributes, DatabaseClone, DatabaseView, SnapshotOf, clone_storage, cloned_catalog};

/// A snapshot that exists.
pub(super) struct Snapshot {
    oid: Oid,
    catalog: Arc<Catalog>,
}

impl Snapshot {
    pub(super) fn of(oid: Oid, catalog: Arc<Catalog>) -> Self {
        Snapshot { oid, catalog }
    }

    pub(super) fn tables(&self) -> Vec<Arc<Relation>> {
        tables_of(&self.catalog)
    }

    pub(super) fn view(&self, beside: &CatalogStore) -> DatabaseView {
        let own = DatabaseAttributes::of_owner(BOOTSTRAP_ROLE);
        DatabaseView {
            oid: self.oid,
            name: "snapshot".into(),
            attributes: DatabaseAttributes { snapshot: Some(SnapshotOf { database: DATABASE, created: 7 }), ..own },
            catalog: self.catalog.clone(),
            next_oid: beside.next_oid(),
            analyzed: Vec::new(),
        }
    }
}

impl Run {
    /// Makes a snapshot in the place of the last one, or goes back to that.
    pub(super) fn clone_something(&mut self, random: &mut Random) -> Result<()> {
        let there = self.snapshot.lock().as_ref().map(|snapshot| Snapshot::of(snapshot.oid, snapshot.catalog.clone()));
        match there {
            None => self.make_snapshot(),
            Some(snapshot) if random.percent(60) => self.go_back_to(&snapshot),
            Some(snapshot) => {
                self.durability.log_dropped_database(snapshot.oid, Vec::new())?;
                *self.snapshot.lock() = None;
                self.drop_tables(&snapshot.catalog);
                self.states.push(self.read());
                self.make_snapshot()
            }
        }
    }

    fn make_snapshot(&mut self) -> Result<()> {
        let oid = self.catalog.allocate_oid();
        let current = self.catalog.current();
        let catalog = self.cloned(DATABASE, &current, &current, oid)?;
        *self.snapshot.lock() = Some(Snapshot::of(oid, Arc::new(catalog)));
        self.states.push(self.read());
        Ok(())
    }

    fn go_back_to(&mut self, snapshot: &Snapshot) -> Result<()> {
        let before = self.catalog.current();
        let catalog = self.cloned(snapshot.oid, &snapshot.catalog, &before, DATABASE)?;
        self.catalog.replace(catalog);
        self.drop_tables(&before);
        let sequence = self.sequence().and_then(|relation| self.storage.sequence(relation.storage));
        let state = sequence.map(|sequence| sequence.state()).filter(|state| state.is_called);
        self.drawn = state.map_or(0, |state| state.last_value);
        // Whether the disk has it decides which values may come again.
        self.acknowledged_draw = self.acknowledged_draw.min(self.drawn);
        self.states.push(self.read());
        Ok(())
    }

    /// The catalog of a clone, logged.
    fn cloned(&self, source: Oid, original: &Catalog, shared: &Catalog, database: Oid) -> Result<Catalog> {
        let mut places = Vec::new();
        let catalog = cloned_catalog(original, shared, |old| {
            places.push((old, self.catalog.allocate_oid()));
            places[places.len() - 1].1
        });
        clone_storage(&self.storage, &catalog, &places);
        let (resets, next_oid) = (database == DATABASE, self.catalog.next_oid());
        let view = Snapshot::of(database, Arc::new(catalog.clone())).view(&self.catalog);
        let clone = DatabaseClone { source, database, resets, next_oid, places: &places, changes: &[] };
        self.durability.log_clone(&clone, &view)?;
        Ok(catalog)
    }

    fn drop_tables(&self, catalog: &Catalog) {
        tables_of(catalog).iter().for_each(|table| self.storage.drop_table(table.storage));
    }
}
