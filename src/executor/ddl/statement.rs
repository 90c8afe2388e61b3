//! Queries that fill a new table or a materialized view, run over the statement's own view of the catalog.

use std::sync::Arc;
use std::time::Instant;

use dictdb_catalog::Relation;
use dictdb_parser::{Locations, ast};
use dictdb_planner::estimate::Statistics;
use dictdb_planner::explain::Actual;
use dictdb_planner::{BindContext, OutputColumn, RawStatement, plan};
use dictdb_storage::{Inserted, Storage};
use dictdb_types::{Error, Oid, Result};

use super::DdlContext;
use super::context::Counted;
use crate::context::ExecContext;
use crate::execution::execute;
use crate::prepared::{PrepareContext, Prepared, prepare, prepare_counting};
use crate::row::Row;

/// Table sizes.
struct LiveRows<'a>(&'a Storage);

impl Statistics for LiveRows<'_> {
    fn rows(&self, table: Oid) -> f64 {
        self.0.table(table).map_or(1000.0, |table| table.stats().live_rows as f64)
    }

    fn distinct_keys(&self, _: Oid, _: Oid) -> Option<f64> {
        None
    }
}

/// A query ready to run.
pub(super) struct Query {
    prepared: Arc<Prepared>,
    cx: ExecContext,
    /// Its output.
    pub columns: Vec<OutputColumn>,
}

impl DdlContext<'_> {
    /// What an execution that begins now is given.
    pub(super) fn exec_context(&mut self) -> Result<ExecContext> {
        let catalog = self.view();
        Ok(ExecContext {
            storage: self.storage.clone(),
            transaction: self.transaction.clone(),
            snapshot: Arc::new(self.transaction.snapshot()?),
            wait: self.wait,
            params: self.params.clone(),
            env: self.surroundings.env(catalog.clone()),
            session: self.surroundings.services(catalog.clone()),
            constraints: self.constraints.clone(),
            statement: None,
            catalog,
        })
    }

    /// Plans and prepares a query, reading names along a search path.
    pub(super) fn prepare_query(
        &mut self,
        tree: &ast::Statement,
        locations: &Locations,
        search_path: &[Oid],
    ) -> Result<Query> {
        let started = Instant::now();
        let cx = self.exec_context()?;
        let bind = BindContext {
            catalog: &cx.catalog,
            registry: self.registry,
            env: &*cx.env,
            search_path,
            role: self.role,
            transient: &[],
        };
        let statistics = LiveRows(self.storage);
        let statement = RawStatement::new(tree, locations, self.param_types);
        let planned = plan(RawStatement { variables: self.variables, ..statement }, bind, &statistics)?;
        if let Some(failure) = planned.failure {
            return Err(failure);
        }
        let prepare_context = PrepareContext {
            catalog: &cx.catalog,
            storage: self.storage,
            engine: self.engine,
            database: self.database,
        };
        let tables: Vec<Oid> = planned.plan.locks.iter().map(|(oid, _)| *oid).collect();
        let prepare = if self.counted.is_some() { prepare_counting } else { prepare };
        let prepared = match prepare(planned.plan, &prepare_context) {
            // A table may have been dropped or emptied since its name was looked up.
            Err(_) if self.is_outdated() => return Err(self.begin_again()),
            prepared => Arc::new(prepared?),
        };
        prepared.lock_relations(self.transaction, &self.wait)?;
        self.own.lock().in_use.extend_from_slice(&prepared.plan().opened);
        self.check_unchanged(tables)?;
        if let Some(counted) = &mut self.counted {
            let actual = vec![Actual::default(); prepared.counted()];
            let planning_ms = started.elapsed().as_secs_f64() * 1000.0;
            *counted = Counted { query: Some(prepared.clone()), actual, planning_ms };
        }
        Ok(Query { prepared, cx: self.exec_context()?, columns: planned.columns })
    }

    /// Inserts a query's rows into a table without constraints or indexes; returns how many.
    pub(super) fn fill_table(&mut self, relation: &Relation, query: Query) -> Result<u64> {
        let Query { prepared, cx, .. } = query;
        let table = self
            .storage
            .table(relation.storage)
            .ok_or_else(|| Error::internal(format!("table {} has no storage", relation.name)))?;
        self.own.lock().in_use.push(relation.oid);
        let snapshot = cx.snapshot.clone();
        let mut execution = execute(&prepared, cx)?;
        let mut row = Row::new();
        let mut count = 0;
        while execution.next_row(&mut row)? {
            match table.insert(self.transaction, &snapshot, &row)? {
                Inserted::Done(_) => count += 1,
                _ => return Err(Error::internal("a row of a new table meets another")),
            }
        }
        if let Some(counted) = &mut self.counted {
            counted.actual = execution.actual();
        }
        Ok(count)
    }
}
