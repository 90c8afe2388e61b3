//! From items to catalogs and tables: what recovery and a restore do with chunks and records.

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_catalog::{Catalog, CatalogStore, Change, Key, Object, Persistence, Relation, RelationKind, SequenceInfo};
use dictdb_storage::{Sequence, SequenceOptions, SequenceState, Storage};
use dictdb_types::stored::corrupted;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, TxnId};
use hashbrown::{HashMap, HashSet};

use crate::cloning::{analyzed_of_clone, clone_storage, cloned_catalog, replayed_places};
use crate::item::{Analyzed, DatabaseAttributes, DatabaseFacts, Item, SharedBlocks};
use crate::prepared::Prepared;

/// A database as it was.
pub struct RestoredDatabase {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: Arc<str>,
    /// What ALTER DATABASE changes.
    pub attributes: DatabaseAttributes,
    /// Its objects.
    pub catalog: CatalogStore,
    /// What ANALYZE had found in it.
    pub analyzed: Vec<Analyzed>,
}

struct Database {
    name: Arc<str>,
    attributes: DatabaseAttributes,
    catalog: Catalog,
    next_oid: Oid,
    /// By relation, and whether those that inherit from it are included.
    analyzed: BTreeMap<(Oid, bool), Analyzed>,
}

/// Applies items, in order, to an empty storage that nobody else uses.
pub struct Restorer<'a> {
    storage: &'a Storage,
    databases: BTreeMap<Oid, Database>,
    sequences: HashMap<Oid, SequenceState>,
    /// Tables that nothing refers to when the record is done.
    left: Vec<Oid>,
    /// Tables that came before the commit that puts them into a catalog.
    staged: Vec<Oid>,
    /// Rows of a snapshot that are in it once, and are those of several tables.
    shared: Vec<SharedBlocks>,
    next_transaction: TxnId,
    /// What waits for its second phase.
    prepared: Prepared,
    /// The one database that is restored; snapshots of it are here for the sake of RESET DATABASE.
    only: Option<Oid>,
    /// The last database that was left out: the next item may say that it is a snapshot of the one.
    left_out: Option<(Oid, Arc<str>)>,
    /// Whether unlogged tables have lost their rows.
    is_unclean: bool,
}

impl<'a> Restorer<'a> {
    /// Begins with nothing.
    pub fn new(storage: &'a Storage) -> Self {
        Restorer {
            storage,
            databases: BTreeMap::new(),
            sequences: HashMap::new(),
            left: Vec::new(),
            staged: Vec::new(),
            shared: Vec::new(),
            next_transaction: TxnId::default(),
            prepared: Prepared::new(),
            only: None,
            left_out: None,
            is_unclean: false,
        }
    }

    /// The storage that is filled.
    pub(crate) fn storage(&self) -> &'a Storage {
        self.storage
    }

    /// Makes a database, or names it anew.
    pub fn put_database(&mut self, oid: Oid, name: &str) {
        let attributes = DatabaseAttributes::of_owner(dictdb_catalog::BOOTSTRAP_ROLE);
        self.put_facts(&DatabaseFacts { oid, attributes, name });
    }

    /// Applies changes of a database's catalog; storage follows. XX001.
    pub fn apply_changes(&mut self, database: Oid, next_oid: Oid, changes: &[Change]) -> Result<()> {
        self.change_catalog(database, next_oid, changes)?;
        self.drop_left();
        Ok(())
    }

    /// Sets the state of a sequence, by its id in storage.
    pub fn put_sequence(&mut self, id: Oid, state: SequenceState) {
        self.sequences.insert(id, state);
    }

    /// The catalog of a database as it is so far.
    pub fn catalog(&self, database: Oid) -> Option<&Catalog> {
        self.databases.get(&database).map(|database| &database.catalog)
    }

    /// Leaves out what records say of other databases.
    pub(crate) fn only(&mut self, database: Oid) {
        self.only = Some(database);
    }

    fn is_wanted(&self, database: Oid) -> bool {
        self.only.is_none_or(|only| only == database || self.databases.contains_key(&database))
    }

    fn drop_left(&mut self) {
        for table in self.left.drain(..) {
            self.storage.drop_table(table);
        }
    }

    /// Applies a record or chunk. XX001.
    pub fn apply(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match Item::take(&mut bytes)? {
                Item::Rows => {
                    self.storage.restore_run(&mut bytes)?;
                }
                Item::Unlogged(mut run) => {
                    self.storage.restore_run(&mut run)?;
                }
                Item::Catalog { database, next_oid, changes } if self.is_wanted(database) => {
                    self.change_catalog(database, next_oid, &changes)?;
                }
                Item::Catalog { .. } => {}
                Item::Sequence(id, state) => {
                    self.sequences.insert(id, state);
                }
                Item::Database(facts) if self.is_wanted(facts.oid) => self.put_facts(&facts),
                Item::Database(facts) => self.left_out = Some((facts.oid, facts.name.into())),
                Item::DatabaseFlags { oid, allows_connections, is_template } => {
                    if let Some(database) = self.databases.get_mut(&oid) {
                        let attributes = &mut database.attributes;
                        (attributes.allows_connections, attributes.is_template) = (allows_connections, is_template);
                    }
                }
                Item::Snapshot { oid, of } => {
                    if self.only == Some(of.database)
                        && let Some((_, name)) = self.left_out.take_if(|(left_out, _)| *left_out == oid)
                    {
                        self.put_database(oid, &name);
                    }
                    if let Some(database) = self.databases.get_mut(&oid) {
                        database.attributes.snapshot = Some(of);
                    }
                }
                Item::Cloned { source, database, resets, next_oid, places } if self.is_wanted(database) => {
                    self.clone_database(source, database, resets, &places)?;
                    if let Some(database) = self.databases.get_mut(&database) {
                        database.next_oid = database.next_oid.max(next_oid);
                    }
                }
                Item::Cloned { .. } => {}
                Item::Shared(blocks) => self.shared.push(blocks),
                Item::Analyzed { database, analyzed } => {
                    if let Some(database) = self.databases.get_mut(&database) {
                        let about = (analyzed.relation, analyzed.is_inherited);
                        match analyzed.found.is_empty() {
                            true => drop(database.analyzed.remove(&about)),
                            false => drop(database.analyzed.insert(about, analyzed)),
                        }
                    }
                }
                Item::DroppedDatabase(oid) => self.drop_database(oid),
                Item::Staged(table, layouts) => {
                    self.storage.create_table(table, &layouts);
                    self.staged.push(table);
                }
                // A restore of one database brings back what was committed.
                Item::Prepared(_) if self.only.is_some() => {}
                Item::Prepared(prepared) => {
                    self.seen_transaction(prepared.id);
                    self.prepared.insert(prepared.gid.clone(), Arc::new(*prepared));
                }
                Item::Finished(gid) => drop(self.prepared.remove(&gid)),
                Item::Start => {
                    self.is_unclean = true;
                    self.drop_unclaimed();
                }
                Item::Commit { id, .. } => self.seen_transaction(id),
            }
        }
        self.drop_left();
        Ok(())
    }

    /// Gives tables the rows that they share with others, which are all there now. XX001.
    pub(crate) fn share_rows(&mut self) -> Result<()> {
        let mut shared = self.shared.drain(..);
        shared.try_for_each(|SharedBlocks { table, of, first, count }| {
            let end = first.checked_add(count).ok_or_else(|| corrupted("a run of blocks has no end"))?;
            self.storage.restore_shared(table, of, first..end)
        })
    }

    fn seen_transaction(&mut self, id: TxnId) {
        self.next_transaction = self.next_transaction.max(TxnId(id.0.saturating_add(1)));
    }

    fn put_facts(&mut self, facts: &DatabaseFacts<'_>) {
        let (name, attributes) = (facts.name.into(), facts.attributes);
        let database = match self.databases.remove(&facts.oid) {
            Some(known) => Database { name, attributes, ..known },
            None => {
                let (catalog, analyzed) = (Catalog::bootstrap(), BTreeMap::new());
                Database { name, attributes, catalog, next_oid: Oid(0), analyzed }
            }
        };
        self.databases.insert(facts.oid, database);
    }

    fn drop_database(&mut self, oid: Oid) {
        if let Some(dropped) = self.databases.remove(&oid) {
            let stored = dropped.catalog.relations().filter(|relation| has_rows(relation));
            stored.for_each(|relation| self.storage.drop_table(relation.storage));
        }
    }

    /// A database becomes what another one is at this point of the log.
    fn clone_database(&mut self, source: Oid, target: Oid, resets: bool, places: &[(Oid, Oid)]) -> Result<()> {
        let (Some(from), Some(to)) = (self.databases.get(&source), self.databases.get(&target)) else {
            return Err(Error::new(SqlState::DATA_CORRUPTED, format!("database {source} or {target} was never made")));
        };
        let mut original = from.catalog.clone();
        original.remove_temporary();
        let map = replayed_places(&original, places)?;
        let shared = if resets { &to.catalog } else { &from.catalog };
        let mut catalog = cloned_catalog(&original, shared, |old| map.get(&old).copied().unwrap_or(old));
        if resets {
            catalog.keep_temporary_schemas(&to.catalog);
        }
        clone_storage(self.storage, &catalog, places);
        for (old, new) in places {
            if let Some(state) = self.sequences.get(old).copied() {
                self.sequences.insert(*new, state);
            }
        }
        let analyzed = analyzed_of_clone(from.analyzed.values(), places);
        let analyzed = analyzed.map(|analyzed| ((analyzed.relation, analyzed.is_inherited), analyzed)).collect();
        let Some(to) = self.databases.get_mut(&target) else { return Ok(()) };
        to.analyzed = analyzed;
        let before = std::mem::replace(&mut to.catalog, catalog);
        self.left.extend(before.relations().filter(|relation| has_rows(relation)).map(|relation| relation.storage));
        Ok(())
    }

    fn change_catalog(&mut self, database: Oid, next_oid: Oid, changes: &[Change]) -> Result<()> {
        let Some(database) = self.databases.get_mut(&database) else {
            return Err(Error::new(SqlState::DATA_CORRUPTED, format!("database {database} was never made")));
        };
        database.next_oid = database.next_oid.max(next_oid);
        for change in changes {
            let before = match change {
                Change::Put(Object::Relation(relation)) => database.catalog.relation(relation.oid).cloned(),
                Change::Remove(Key::Relation(oid)) => database.catalog.relation(*oid).cloned(),
                _ => None,
            };
            database.catalog.replay(change);
            let now = match change {
                Change::Put(Object::Relation(relation)) => Some(relation),
                _ => None,
            };
            if let Some(now) = now.filter(|relation| has_rows(relation)) {
                follow(self.storage, &database.catalog, now)?;
            }
            let kept = now.map(|relation| relation.storage);
            if let Some(before) = before.filter(|before| has_rows(before) && Some(before.storage) != kept) {
                self.left.push(before.storage);
            }
        }
        Ok(())
    }

    /// Removes the staged tables and the states of sequences that no commit claimed. None will any more: whoever made them is
    /// gone, and those who come later may be given the same ids.
    fn drop_unclaimed(&mut self) {
        let relations = self.databases.values().flat_map(|database| database.catalog.relations());
        let prepared = self.prepared.values().flat_map(|prepared| prepared.claims());
        let claimed: HashSet<Oid> = relations.map(|relation| relation.storage).chain(prepared).collect();
        let unclaimed = self.staged.drain(..).filter(|table| !claimed.contains(table));
        unclaimed.for_each(|table| self.storage.drop_table(table));
        self.sequences.retain(|id, _| claimed.contains(id));
    }

    /// What was prepared and has not ended: to be asked before the end. After a crash unlogged tables have lost its rows too.
    pub(crate) fn prepared(&mut self) -> Prepared {
        if self.is_unclean {
            self.prepared.values_mut().for_each(|prepared| Arc::make_mut(prepared).rows.unlogged.clear());
        }
        self.prepared.clone()
    }

    /// Ends: removes what did not survive, makes sequences, opens tables for new rows. Indexes are the caller's to build.
    pub fn finish(mut self) -> Result<Vec<RestoredDatabase>> {
        if let Some(only) = self.only {
            let beside: Vec<Oid> = self.databases.keys().copied().filter(|oid| *oid != only).collect();
            beside.into_iter().for_each(|snapshot| self.drop_database(snapshot));
        }
        self.drop_unclaimed();
        for prepared in self.prepared.values() {
            if let Some(database) = self.databases.get_mut(&prepared.database) {
                database.next_oid = database.next_oid.max(prepared.next_oid);
                prepared.make_room(self.storage, &database.catalog, &self.sequences)?;
            }
        }
        let mut restored: Vec<RestoredDatabase> = Vec::new();
        for (oid, database) in self.databases {
            let Database { name, attributes, mut catalog, next_oid, analyzed } = database;
            catalog.remove_temporary().into_iter().for_each(|table| self.storage.drop_table(table));
            for relation in catalog.relations() {
                match &relation.kind {
                    RelationKind::Table | RelationKind::MaterializedView(_) => {
                        finish_table(self.storage, &catalog, relation, self.is_unclean);
                    }
                    RelationKind::Sequence(info) => {
                        let keeps = relation.persistence == Persistence::Permanent || !self.is_unclean;
                        let state = self.sequences.get(&relation.storage).filter(|_| keeps).copied();
                        make_sequence(self.storage, relation, info, state);
                    }
                    _ => {}
                }
            }
            let next = next_oid.max(Oid(catalog.highest_oid().0.saturating_add(1)));
            let store = match restored.first() {
                None => CatalogStore::new(catalog),
                Some(RestoredDatabase { catalog: first, .. }) => CatalogStore::beside(first, catalog),
            };
            store.reserve_oids(next);
            let analyzed = analyzed.into_values().filter(|found| store.current().relation(found.relation).is_some());
            let analyzed = analyzed.collect();
            restored.push(RestoredDatabase { oid, name, attributes, catalog: store, analyzed });
        }
        self.storage.restore_next_transaction_id(self.next_transaction);
        Ok(restored)
    }
}

/// Whether a relation has a table in storage that outlives its session.
pub(crate) fn has_rows(relation: &Relation) -> bool {
    relation.is_stored() && relation.persistence != Persistence::Temporary
}

/// Makes a relation's table, or adds the columns it has got. What images have in the places of other columns is left out from now on:
/// the last values of columns that were dropped, or of columns that were taken back.
pub(crate) fn follow(storage: &Storage, catalog: &Catalog, relation: &Relation) -> Result<()> {
    let layouts = catalog.layouts(&relation.columns);
    let table = storage.table(relation.storage);
    let table = table.unwrap_or_else(|| storage.create_table(relation.storage, &layouts));
    table.set_logged(relation.persistence == Persistence::Permanent);
    for (slot, layout) in layouts.iter().enumerate().skip(table.columns().len()) {
        let column = relation.columns.iter().find(|column| column.slot == slot && column.is_kept());
        table.add_column(*layout, column.map_or(Datum::Null, |column| column.missing.clone()))?;
    }
    table.set_vacant(relation.vacant_slots().into());
    Ok(())
}

pub(crate) fn finish_table(storage: &Storage, catalog: &Catalog, relation: &Relation, is_unclean: bool) {
    if relation.persistence == Persistence::Unlogged && is_unclean {
        let there = storage.table(relation.storage);
        // A prepared transaction may have added columns.
        let layouts = there.map_or_else(|| catalog.layouts(&relation.columns), |table| table.columns());
        storage.create_table(relation.storage, &layouts).set_logged(false);
        return;
    }
    if let Some(table) = storage.table(relation.storage) {
        relation.columns.iter().filter(|column| !column.is_kept()).for_each(|column| table.clear_column(column.slot));
        table.finish_restore();
    }
}

pub(crate) fn make_sequence(storage: &Storage, relation: &Relation, info: &SequenceInfo, state: Option<SequenceState>) {
    let options = SequenceOptions {
        increment: info.increment,
        min: info.min,
        max: info.max,
        start: info.start,
        cycle: info.cycle,
    };
    let state = state.unwrap_or(SequenceState { last_value: info.start, is_called: false });
    let sequence = storage.create_sequence(relation.storage, Sequence::restored(options, state));
    sequence.set_logged(relation.persistence == Persistence::Permanent);
}
