//! Clones of databases: the tables of one as of now become the first of another, in one small record.
//!
//! ```text
//!   CREATE DATABASE … TEMPLATE, CREATE SNAPSHOT:   commit, database, snapshot?, cloned, catalog?, sequences
//!   RESET DATABASE … TO SNAPSHOT:                  commit, cloned, sequences
//! ```
//! The record says which table is cloned from which, in the order of commits: whoever replays it has the source as it was, and
//! clones it again. The commit is of no transaction: it says when, for a restore up to a moment. What is shared in memory is
//! shared after a replay too. A checkpoint writes the rows that several tables still share once, and says which others have them.
//!
//! A clone has the objects of its source under the same oids; only their places in storage are new, because those are of the whole
//! server. What belongs to sessions is left out, and what is of all databases is taken from the source, or from the database that is reset.

use dictdb_catalog::{Catalog, Change, Relation, RelationKind};
use dictdb_storage::{ClonedTable, Storage};
use dictdb_types::{Error, Oid, Result, SqlState, TxnId};
use dictdb_wal::LogError;
use hashbrown::HashMap;

use crate::checkpoint::DatabaseView;
use crate::hook::now_micros;
use crate::item::{Analyzed, catalog_item, put_clone, put_commit, put_database, put_sequence};
use crate::{Durability, Lsn};

/// A database that becomes a clone of another one.
pub struct DatabaseClone<'a> {
    /// The one that is cloned.
    pub source: Oid,
    /// The one that is made or reset.
    pub database: Oid,
    /// Whether it was there before.
    pub resets: bool,
    /// The object id that is handed out next.
    pub next_oid: Oid,
    /// Places of tables and sequences in storage: the source's and the clone's.
    pub places: &'a [(Oid, Oid)],
    /// What is different in the clone's catalog.
    pub changes: &'a [Change],
}

/// The catalog of a clone of a database: `place` gives every table and sequence a place in storage. `shared` is where what is of all
/// databases comes from.
pub fn cloned_catalog(source: &Catalog, shared: &Catalog, place: impl FnMut(Oid) -> Oid) -> Catalog {
    let mut catalog = source.clone();
    catalog.remove_temporary();
    catalog.move_storage(place);
    catalog.share_with(shared);
    catalog
}

/// Clones the tables and sequences of a database for a catalog that [`cloned_catalog`] made. The caller keeps everybody from committing.
pub fn clone_storage(storage: &Storage, catalog: &Catalog, places: &[(Oid, Oid)]) {
    let sources: HashMap<Oid, Oid> = places.iter().map(|(old, new)| (*new, *old)).collect();
    for relation in catalog.relations() {
        let Some(source) = sources.get(&relation.storage) else { continue };
        match relation.kind {
            RelationKind::Sequence(_) => {
                if let Some(sequence) = storage.sequence(*source) {
                    storage.clone_sequence(&sequence, relation.storage);
                }
            }
            _ => clone_table(storage, catalog, relation, *source),
        }
    }
}

fn clone_table(storage: &Storage, catalog: &Catalog, relation: &Relation, source: Oid) {
    let layouts = catalog.layouts(&relation.columns);
    match storage.table(source) {
        Some(table) => {
            let is_wanted =
                |id| relation.indexes.iter().any(|oid| catalog.relation(*oid).is_some_and(|index| index.storage == id));
            let (id, columns) = (relation.storage, layouts.len());
            storage.clone_table(&ClonedTable { source: &table, id, columns, indexes: &is_wanted });
        }
        None => drop(storage.create_table(relation.storage, &layouts)),
    }
}

impl Durability {
    /// Logs a clone, with the database that it makes or, as that was before, resets. The caller keeps order with commits.
    pub fn log_clone(&self, clone: &DatabaseClone<'_>, database: &DatabaseView) -> Result<Lsn, LogError> {
        self.log.admit()?;
        let mut items = Vec::new();
        put_commit(TxnId::default(), now_micros(), &mut items);
        if !clone.resets {
            put_database(&database.facts(), &mut items);
        }
        put_clone(clone, &mut items);
        if !clone.changes.is_empty() {
            items.extend(catalog_item(clone.database, clone.next_oid, clone.changes));
        }
        for (_, new) in clone.places {
            if let Some(sequence) = self.storage.sequence(*new).filter(|sequence| sequence.is_logged()) {
                put_sequence(*new, sequence.state(), &mut items);
            }
        }
        let lsn = self.append_items(items, true);
        let tables = clone.places.iter().filter_map(|(_, new)| self.storage.table(*new));
        tables.for_each(|table| table.set_promised(lsn));
        Ok(lsn)
    }
}

/// What ANALYZE found of a database, as that of a clone of it.
pub fn analyzed_of_clone<'a>(
    source: impl Iterator<Item = &'a Analyzed>,
    places: &[(Oid, Oid)],
) -> impl Iterator<Item = Analyzed> {
    let places: HashMap<Oid, Oid> = places.iter().copied().collect();
    source.map(move |analyzed| Analyzed {
        storage: places.get(&analyzed.storage).copied().unwrap_or(analyzed.storage),
        ..analyzed.clone()
    })
}

/// The new places of a clone that is replayed. XX001 when one is missing.
pub(crate) fn replayed_places(source: &Catalog, places: &[(Oid, Oid)]) -> Result<HashMap<Oid, Oid>> {
    let map: HashMap<Oid, Oid> = places.iter().copied().collect();
    let needs_place = |relation: &Relation| relation.is_stored() || matches!(relation.kind, RelationKind::Sequence(_));
    let missing = source.relations().find(|relation| needs_place(relation) && !map.contains_key(&relation.storage));
    match missing {
        Some(relation) => {
            let message = format!("a clone does not have relation \"{}\"", relation.name);
            Err(Error::new(SqlState::DATA_CORRUPTED, message))
        }
        None => Ok(map),
    }
}
