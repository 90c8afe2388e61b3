//! One moment of one database: everything a backup reads, held while transactions go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use dictdb_catalog::{Catalog, Persistence, Relation, RelationKind, namespaces};
use dictdb_durability::{DatabaseView, Lsn};
use dictdb_storage::{ChangeSet, ColumnsHeld, SequenceState, Snapshot, Storage, Table, Transaction};
use dictdb_types::{Oid, Result};
use hashbrown::HashMap;

use crate::record::key_slots;

/// A relation with rows.
pub(crate) struct StoredRelation {
    pub(crate) relation: Arc<Relation>,
    pub(crate) table: Arc<Table>,
    /// What has changed since the moment before; `None` when it was not tracked.
    pub(crate) changes: Option<ChangeSet>,
    _columns: ColumnsHeld,
}

/// A database at rest.
pub struct Moment {
    /// The position in the log.
    pub(crate) lsn: Lsn,
    /// Microseconds since 1970.
    pub(crate) micros: i64,
    pub(crate) database: DatabaseView,
    /// Its objects, without those of sessions.
    pub(crate) catalog: Arc<Catalog>,
    /// In the order of their names.
    pub(crate) tables: Vec<StoredRelation>,
    /// States by storage id.
    pub(crate) sequences: BTreeMap<Oid, SequenceState>,
    pub(crate) snapshot: Snapshot,
    _transaction: Transaction,
}

impl Moment {
    /// Holds the present of a database, which `present` tells while nothing can commit. From then on changes of its rows are
    /// noted if `track` says so.
    pub(crate) fn take(
        storage: &Storage,
        track: bool,
        present: impl FnOnce() -> (Lsn, DatabaseView),
    ) -> Result<Moment> {
        let (transaction, snapshot, found) = storage.at_rest(|| {
            let (lsn, database) = present();
            let tables = stored(storage, &database.catalog, track);
            (lsn, now_micros(), sequences(storage, &database.catalog), tables, database)
        })?;
        let (lsn, micros, sequences, mut tables, database) = found;
        let catalog = Arc::new(database.catalog.without_temporary());
        tables.sort_by_cached_key(|table| table_name(&catalog, &table.relation));
        Ok(Moment { lsn, micros, database, catalog, tables, sequences, snapshot, _transaction: transaction })
    }

    /// Rows of all tables, about.
    pub(crate) fn row_count(&self) -> u64 {
        self.tables.iter().map(|table| table.table.live_rows() as u64).sum()
    }
}

fn stored(storage: &Storage, catalog: &Catalog, track: bool) -> Vec<StoredRelation> {
    let kept = catalog.relations().filter(|r| r.is_stored() && r.persistence != Persistence::Temporary);
    let tables = kept.filter_map(|relation| Some((relation, storage.table(relation.storage)?)));
    // The server's own tables that nobody has filled are no news to anybody: their definitions bring them back.
    let tables = tables.filter(|(relation, table)| relation.namespace != namespaces::DICTDB || table.block_count() > 0);
    tables
        .map(|(relation, table)| {
            let changes = if track { table.begin_tracking(storage, &key_slots(relation)) } else { None };
            StoredRelation { relation: relation.clone(), _columns: table.hold_columns(), table, changes }
        })
        .collect()
}

fn sequences(storage: &Storage, catalog: &Catalog) -> BTreeMap<Oid, SequenceState> {
    let kept = catalog.relations().filter(|r| r.persistence != Persistence::Temporary);
    let kept = kept.filter(|relation| matches!(relation.kind, RelationKind::Sequence(_)));
    kept.filter_map(|relation| Some((relation.storage, storage.sequence(relation.storage)?.state()))).collect()
}

/// The name of a table in a file: alone in `public`, else with its schema.
pub(crate) fn table_name(catalog: &Catalog, relation: &Relation) -> String {
    match catalog.schema(relation.namespace).map(|schema| &*schema.name) {
        Some("public") | None => relation.name.to_string(),
        Some(schema) => format!("{schema}.{}", relation.name),
    }
}

/// Names of tables that are different for different tables.
pub(crate) fn table_names(catalog: &Catalog, tables: &[StoredRelation]) -> Vec<String> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let unique = |table: &StoredRelation| {
        let name = table_name(catalog, &table.relation);
        let count = seen.entry(name.clone()).and_modify(|count| *count += 1).or_insert(0);
        // A dot in a name can make two the same; the oid tells them apart.
        if *count == 0 { name } else { format!("{name}#{}", table.relation.oid) }
    };
    tables.iter().map(unique).collect()
}

pub(crate) fn now_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}
