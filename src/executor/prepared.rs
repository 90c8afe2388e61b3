//! A plan prepared for many executions.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_planner::explain::separate_filters;
use dictdb_planner::physical::{Plan, TableLock};
use dictdb_storage::{LockMode, Lsn, RelationLock, Storage, Table, Transaction, WaitOptions, WaitPolicy};
use dictdb_types::{CommitTs, Error, Oid, Result, Type};

use crate::compile::Compiler;
use crate::cte::CteQuery;
use crate::engine::Engine;
use crate::routines;
use crate::row::{Cursor, Node};
use crate::slots::Dependencies;

/// What preparation needs.
#[derive(Clone, Copy)]
pub struct PrepareContext<'a> {
    /// The catalog version the plan was made with.
    pub catalog: &'a Arc<Catalog>,
    /// The data.
    pub storage: &'a Storage,
    /// What executions share.
    pub engine: &'a Arc<Engine>,
    /// `pg_database.oid`, for relation locks.
    pub database: Oid,
}

/// A plan prepared for execution many times: expressions compiled, tables and indexes resolved.
///
/// It is good for the catalog version it was made with, and for tables that keep their storage.
#[derive(Debug)]
pub struct Prepared {
    plan: Arc<Plan>,
    engine: Arc<Engine>,
    root: Arc<dyn Node>,
    subplans: Vec<Arc<dyn Node>>,
    ctes: Vec<CteQuery>,
    locks: Vec<(Arc<RelationLock>, LockMode)>,
    /// The tables that are locked.
    tables: Vec<Arc<Table>>,
    /// Operators that count what they do; none unless asked for.
    counted: usize,
    may_call_routines: bool,
}

/// Prepares a plan. 0A000 for what has no implementation.
pub fn prepare(plan: Arc<Plan>, cx: &PrepareContext<'_>) -> Result<Prepared> {
    prepare_with(plan, cx, HashMap::new())
}

/// Likewise, with operators that count their rows and take their time: [`crate::Execution::actual`].
pub fn prepare_counting(plan: Arc<Plan>, cx: &PrepareContext<'_>) -> Result<Prepared> {
    let plan = Arc::try_unwrap(plan).map_or_else(|shared| shared, |own| Arc::new(separate_filters(own)));
    let numbers = plan.number();
    prepare_with(plan, cx, numbers)
}

fn prepare_with(
    plan: Arc<Plan>,
    cx: &PrepareContext<'_>,
    numbers: HashMap<*const dictdb_planner::physical::Node, usize>,
) -> Result<Prepared> {
    let dependencies = Dependencies::of(&plan);
    let counted = numbers.len();
    let mut compiler = Compiler::new(&plan, &dependencies, cx, numbers);
    let ctes = plan.ctes.iter().enumerate().map(|(index, cte)| compiler.cte(index, cte)).collect::<Result<_>>()?;
    let subplans = plan.subplans.iter().map(|subplan| compiler.rescanned(subplan)).collect::<Result<_>>()?;
    let root = compiler.node(&plan.root)?;
    let locks = plan.locks.iter().map(|(relation, lock)| relation_lock(cx, *relation, *lock)).collect();
    let relations = plan.locks.iter().filter_map(|(relation, _)| cx.catalog.relation(*relation));
    let tables = relations.filter_map(|relation| cx.storage.table(relation.storage)).collect();
    let may_call_routines = routines::may_call_routines(&plan, cx.catalog);
    let engine = cx.engine.clone();
    Ok(Prepared { engine, root, subplans, ctes, locks, tables, plan, counted, may_call_routines })
}

fn relation_lock(cx: &PrepareContext<'_>, relation: Oid, lock: TableLock) -> (Arc<RelationLock>, LockMode) {
    let mode = match lock {
        TableLock::AccessShare => LockMode::AccessShare,
        TableLock::RowShare => LockMode::RowShare,
        TableLock::RowExclusive => LockMode::RowExclusive,
    };
    (cx.storage.relation_lock(cx.database, relation), mode)
}

impl Prepared {
    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Types of the result columns.
    pub fn columns(&self) -> &[Type] {
        &self.plan.root.columns
    }

    /// Takes the relation locks of the statement. Afterwards the caller looks whether the catalog version is still the
    /// plan's: waiting for a lock may mean that somebody changed a table. 55P03, 40P01, 57014.
    pub fn lock_relations(&self, transaction: &Transaction, wait: &WaitOptions) -> Result<()> {
        for (lock, mode) in &self.locks {
            transaction.lock_relation(lock, *mode, WaitPolicy::Block, wait)?;
        }
        Ok(())
    }

    /// What must be on disk before rows of these tables are shown that a snapshot taken earlier sees; `None` when a statement may
    /// also see what is newer than its snapshot.
    pub fn promised(&self) -> Option<Lsn> {
        let is_reader = self.locks.iter().all(|(_, mode)| *mode == LockMode::AccessShare);
        is_reader.then(|| self.tables.iter().map(|table| table.promised()).max().unwrap_or_default())
    }

    /// The last commit that wrote to one of these tables.
    pub fn changed(&self) -> CommitTs {
        self.tables.iter().map(|table| table.changed()).max().unwrap_or(CommitTs(0))
    }

    /// Whether running it may call functions of users: by its expressions, or by what its changes fire.
    pub fn may_call_routines(&self) -> bool {
        self.may_call_routines
    }

    /// Number of operators that count.
    pub(crate) fn counted(&self) -> usize {
        self.counted
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(crate) fn open_root(&self) -> Box<dyn Cursor> {
        self.root.clone().open()
    }

    pub(crate) fn open_subplan(&self, index: usize) -> Result<Box<dyn Cursor>> {
        let subplan = self.subplans.get(index).ok_or_else(|| Error::internal(format!("no subplan {index}")))?;
        Ok(subplan.clone().open())
    }

    pub(crate) fn cte(&self, index: usize) -> Option<&CteQuery> {
        self.ctes.get(index)
    }
}
