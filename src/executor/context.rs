//! What an execution is given: the transaction it runs in, its parameters, its surroundings.

use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_storage::{Snapshot, Storage, Transaction, WaitOptions};
use dictdb_types::{Datum, Env, Oid, Result};

use crate::row::Row;

/// Makes the rows of system catalogs; the session implements it.
pub trait VirtualTables: Send + Sync {
    /// The rows of a relation, with the values of these attnums in order. `equals` are conditions that may be used to
    /// make fewer rows; the executor checks them again.
    fn rows(&self, relation: Oid, equals: &[(i16, Datum)], columns: &[i16]) -> Result<Vec<Row>>;
}

/// The surroundings of one execution. Cloning copies references.
#[derive(Clone)]
pub struct ExecContext {
    /// The data.
    pub storage: Storage,
    /// The transaction; its isolation decides what write conflicts do.
    pub transaction: Arc<Transaction>,
    /// What the statement sees, and the command its writes belong to.
    pub snapshot: Arc<Snapshot>,
    /// `lock_timeout`.
    pub wait: WaitOptions,
    /// Parameter values, `$1` first.
    pub params: Arc<[Datum]>,
    /// Settings, types, clock, interrupts.
    pub env: Arc<dyn Env>,
    /// The catalog version the plan was made with.
    pub catalog: Arc<Catalog>,
    /// System catalogs.
    pub virtual_tables: Arc<dyn VirtualTables>,
    /// Constraints of the transaction that are checked later.
    pub constraints: Arc<crate::modify::ConstraintQueue>,
}
