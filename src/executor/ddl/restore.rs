//! Indexes after a restart: they are not logged, so they are built again from the rows.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Relation};
use dictdb_functions::Registry;
use dictdb_storage::{IndexBuilt, Storage, Table, Transaction};
use dictdb_types::stack::spawn_deep;
use dictdb_types::{Error, Result, SqlState};
use parking_lot::Mutex;

use super::index::index_def;

/// Builds every index of a catalog's tables, on all cores. Nobody else uses the storage.
///
/// XX001 when rows violate a unique index; 0A000 and binder errors for expressions that no longer compile.
pub fn restore_indexes(storage: &Storage, catalog: &Arc<Catalog>, registry: &Registry) -> Result<()> {
    let tables = catalog.relations().filter(|relation| !relation.indexes.is_empty());
    let work = tables.flat_map(|table| catalog.valid_indexes(table).map(move |index| (table, index)));
    let work = Mutex::new(work.collect::<Vec<_>>());
    let build = || -> Result<()> {
        loop {
            let next = work.lock().pop();
            let Some((table, index)) = next else { return Ok(()) };
            restore_index(storage, table, index, catalog, registry)?;
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| spawn_deep(scope, build)).collect();
        let results = threads.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => Err(Error::internal("a thread that builds indexes panicked")),
        });
        results.fold(Ok(()), Result::and)
    })?;
    for relation in catalog.relations().filter(|relation| !relation.indexes.is_empty()) {
        if let Some(table) = storage.table(relation.storage) {
            let order = catalog.valid_indexes(relation).map(|index| index.storage);
            table.order_indexes(&order.collect::<Vec<_>>());
        }
    }
    Ok(())
}

/// Builds the indexes that a transaction which was open before a restart has made, with its rows in them. Errors as for
/// [`restore_indexes`].
pub fn restore_open_indexes(
    storage: &Storage,
    transaction: &Transaction,
    catalog: &Arc<Catalog>,
    registry: &Registry,
) -> Result<()> {
    for relation in catalog.relations().filter(|relation| !relation.indexes.is_empty()) {
        let Some(table) = storage.table(relation.storage) else { continue };
        let indexes: Vec<_> = catalog.valid_indexes(relation).collect();
        if indexes.iter().all(|index| table.index(index.storage).is_some()) {
            continue;
        }
        for index in indexes.iter().filter(|index| table.index(index.storage).is_none()) {
            build(&table, transaction, relation, index, catalog, registry)?;
        }
        table.order_indexes(&indexes.iter().map(|index| index.storage).collect::<Vec<_>>());
    }
    Ok(())
}

fn restore_index(
    storage: &Storage,
    relation: &Arc<Relation>,
    index: &Arc<Relation>,
    catalog: &Arc<Catalog>,
    registry: &Registry,
) -> Result<()> {
    let Some(table) = storage.table(relation.storage) else { return Ok(()) };
    build(&table, &storage.begin(), relation, index, catalog, registry)
}

fn build(
    table: &Arc<Table>,
    transaction: &Transaction,
    relation: &Arc<Relation>,
    index: &Arc<Relation>,
    catalog: &Arc<Catalog>,
    registry: &Registry,
) -> Result<()> {
    let Some(info) = index.index() else { return Ok(()) };
    let mut def = index_def(relation, index.storage, info, catalog, registry)?;
    // A deferrable key is not checked row by row.
    def.unique &= !info.deferrable;
    match table.create_index(transaction, def, &|| Ok(()))? {
        IndexBuilt::Done(_) => Ok(()),
        IndexBuilt::Busy(_) | IndexBuilt::Conflict(_) => {
            let message = format!("rows of table \"{}\" violate unique index \"{}\"", relation.name, index.name);
            Err(Error::new(SqlState::DATA_CORRUPTED, message))
        }
    }
}
