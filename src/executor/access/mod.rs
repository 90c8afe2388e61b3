//! The way from plans to storage: tables, columns and indexes resolved once, rows read as plans want them.

pub(crate) mod bitmap;
pub(crate) mod columns;
pub(crate) mod entries;
pub(crate) mod extractor;
pub(crate) mod index;
pub(crate) mod index_env;
pub(crate) mod language;
pub(crate) mod regions;
pub(crate) mod search;
pub(crate) mod walk;

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_storage::{Index, Storage, Table};
use dictdb_types::{Error, Result};

/// The storage of an index.
fn storage_of(index: &Relation, handle: &TableHandle) -> Result<Arc<Index>> {
    let missing = || Error::internal(format!("index \"{}\" has no storage", index.name));
    handle.table.index(index.storage).ok_or_else(missing)
}

/// A table of a plan with its storage.
#[derive(Clone, Debug)]
pub(crate) struct TableHandle {
    /// The relation.
    pub relation: Arc<Relation>,
    /// Its rows.
    pub table: Arc<Table>,
}

impl TableHandle {
    /// Finds the storage of a relation. XX000 when there is none.
    pub fn new(relation: &Arc<Relation>, storage: &Storage) -> Result<Self> {
        let table = storage
            .table(relation.storage)
            .ok_or_else(|| Error::internal(format!("relation \"{}\" has no storage", relation.name)))?;
        Ok(TableHandle { relation: relation.clone(), table })
    }
}
