//! What the session lends to DDL statements: its settings and names over the statement's own version of the catalog.

use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_executor::SessionServices;
use dictdb_executor::ddl::Surroundings;
use dictdb_types::{Env, Oid, Result};
use parking_lot::Mutex;

use crate::StatementEnv;

impl StatementEnv {
    /// The same surroundings over another version of the catalog.
    pub(crate) fn over(&self, catalog: Arc<Catalog>) -> Arc<StatementEnv> {
        Arc::new(StatementEnv {
            shared: self.shared.clone(),
            catalog,
            derived: self.derived.clone(),
            transaction_timestamp: self.transaction_timestamp,
            statement_timestamp: self.statement_timestamp,
            modes: self.modes,
            domains: Mutex::default(),
        })
    }
}

impl Surroundings for StatementEnv {
    fn env(&self, catalog: Arc<Catalog>) -> Arc<dyn Env> {
        self.over(catalog)
    }

    fn services(&self, catalog: Arc<Catalog>) -> Arc<dyn SessionServices> {
        self.over(catalog)
    }

    fn before_rewrite(&self, table: Oid, reason: i32) -> Result<()> {
        self.shared.in_session(|session| session.fire_rewrite(table, reason))
    }
}
