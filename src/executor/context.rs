//! What an execution is given: the transaction it runs in, its parameters, its surroundings.

use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{Catalog, Relation, Trigger};
use dictdb_storage::{Snapshot, Storage, Transaction, WaitOptions};
use dictdb_types::{Datum, Env, Error, Oid, Result};
use parking_lot::Mutex;

use crate::row::Row;

/// Makes the rows of system catalogs; the session implements it.
pub trait VirtualTables: Send + Sync {
    /// The rows of a relation, with the values of these attnums in order. `equals` are conditions that may be used to
    /// make fewer rows; the executor checks them again.
    fn rows(&self, relation: Oid, equals: &[(i16, Datum)], columns: &[i16]) -> Result<Vec<Row>>;

    /// Changes what a row of a system catalog shows: the columns in these places from the values of one row to those of the other.
    /// There is no row before an INSERT and none after a DELETE. 0A000 for what cannot be changed so.
    fn change_row(
        &self,
        relation: &Relation,
        _assigned: &[usize],
        _before: Option<&[Datum]>,
        _after: Option<&[Datum]>,
    ) -> Result<()> {
        Err(Error::unsupported(format_args!("changing system catalog \"{}\"", relation.name)))
    }

    /// The role whose rights count.
    fn role(&self) -> Oid {
        dictdb_catalog::BOOTSTRAP_ROLE
    }

    /// The schemas whose objects messages name without their schema.
    fn search_path(&self) -> Vec<Oid> {
        vec![dictdb_catalog::namespaces::PG_CATALOG]
    }
}

/// A call of a trigger's function.
pub struct TriggerCall<'a> {
    /// The trigger.
    pub trigger: &'a Arc<Trigger>,
    /// The relation it is on.
    pub relation: &'a Arc<Relation>,
    /// What happened.
    pub event: Event,
    /// Places of the columns that an UPDATE sets.
    pub assigned: &'a [usize],
    /// The whole row before; only for row triggers.
    pub old: Option<&'a Row>,
    /// The whole row afterwards; only for row triggers.
    pub new: Option<&'a Row>,
    /// Rows of the transition tables, if it has any.
    pub transition: Option<&'a Arc<Transition>>,
}

/// The rows that a statement has changed in a table, as transition tables show them.
#[derive(Debug, Default)]
pub struct Transition {
    /// `OLD TABLE`.
    pub old: Mutex<Vec<Row>>,
    /// `NEW TABLE`.
    pub new: Mutex<Vec<Row>>,
}

/// Calls trigger functions; the session implements it.
pub trait TriggerFunctions: Send + Sync {
    /// Whether the triggers of replicas fire instead of ordinary ones: `session_replication_role`.
    fn is_replica(&self) -> bool;

    /// Whether data is trusted: `dictdb.skip_validation`. CHECK constraints and foreign keys are then not evaluated.
    fn skips_validation(&self) -> bool;

    /// Whether nothing may be done that outlasts the operation: no trigger may wait for the end of the transaction.
    fn is_restricted(&self) -> bool;

    /// Calls the function of a trigger; the whole row it returns, `None` for NULL.
    fn call_trigger(&self, call: &TriggerCall<'_>) -> Result<Option<Row>>;
}

/// What an execution may ask of its session besides [`Env`].
pub trait SessionServices: VirtualTables + TriggerFunctions {}

impl<T: VirtualTables + TriggerFunctions> SessionServices for T {}

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
    /// System catalogs and trigger functions.
    pub session: Arc<dyn SessionServices>,
    /// Constraints of the transaction that are checked later.
    pub constraints: Arc<crate::modify::ConstraintQueue>,
    /// The events of the statement that the execution is a part of; `None` when it is the whole statement.
    pub statement: Option<crate::modify::StatementEvents>,
}
